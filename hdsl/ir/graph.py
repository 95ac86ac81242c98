"""The model as NetworkX graphs: who is used by whom, and which level lies in which.

Both are views, made on demand: the model's table of nodes stays the truth. NetworkX is imported
only here and only when asked, for it takes longer to import than a model to compile.

**Dependencies** (``dependency_graph``): one node per quantity, named as in the results.

| node attribute | is |
|---|---|
| ``kind`` | ``data parameter definition deviation correlation`` or ``outcome`` |
| ``domain`` | the tuple of levels over which it varies, ``()`` for one number |
| ``support`` | in words (``real``, ``positive``, ``(0, 1)``); the type of data; else None |
| ``distribution`` | its distribution in HDSL, None where it has none |
| ``transform`` | what has that distribution, if not the quantity itself: ``log(tau)`` |
| ``expression`` | of definitions and derived data, in HDSL; else None |
| ``default`` | the rule behind a default prior, else None |
| ``learned_from`` | data of which only a summary is used (``sd(log_q)`` in a prior): no edge |
| ``recorded`` | whether the results hold it |
| ``span``, ``line`` | the statement it comes from: offsets, and line from 1 |

An edge ``a -> b`` says that ``a`` is used by ``b``; ``roles`` is the tuple of the places where:
names of arguments (``mu``), ``expression``, ``sd``, ``correlation``, ``pinned``.

**Levels** (``level_graph``): one node per level, an edge from each level to those directly in it.

| node attribute | is |
|---|---|
| ``kind`` | ``row``, ``column``, ``cross``, ``fixed`` or ``block`` |
| ``place`` | its place in the model's order, parents before children |
| ``column`` | the column of the data, None for the others |
| ``ordered`` | whether its groups have an order |
| ``crossed`` | whether its groups lie in several levels of which none lies in another |
| ``groups`` | how many there are, None without data |
| ``labels`` | their labels as a tuple, None without data |
"""

from typing import TYPE_CHECKING, Any, assert_never

from hdsl.expr import Domain, Expr, Value
from hdsl.ir.facts import Facts
from hdsl.ir.levels import direct_parents
from hdsl.ir.model import (
    Correlation,
    Data,
    Definition,
    Deviations,
    Distribution,
    LevelKind,
    Model,
    Node,
    Outcome,
    Parameter,
    Transform,
)
from hdsl.ir.text import text_of, text_of_distribution, text_of_support, text_of_target
from hdsl.ir.uses import expressions, learned_from, share_expressions, values

if TYPE_CHECKING:
    import networkx


def dependency_graph(model: Model) -> "networkx.DiGraph":
    """The quantities of a model; an edge leads from each to those that use it.

    The attributes are those of the module's table. Predictors in the data's own expressions
    are edges too; a summary of data in a prior is not (see ``learned_from``).
    """
    import networkx

    graph = networkx.DiGraph(name=model.title or "")
    correlations = {n.correlation for n in model.nodes if isinstance(n, Deviations)}
    for node in model.nodes:
        kind = _kind(node, correlations)
        for name, domain, uses in _quantities(node):
            graph.add_node(name, **_attributes(model, node, kind, domain))
            _connect(graph, name, uses)
    return graph


def level_graph(model: Model, facts: Facts | None = None) -> "networkx.DiGraph":
    """The levels of a model; an edge leads from each to the levels directly in it."""
    import networkx

    graph = networkx.DiGraph(name=model.title or "")
    for place, level in enumerate(model.levels.values()):
        parents = direct_parents(model, level.name)
        graph.add_node(
            level.name,
            kind=level.kind.value,
            place=place,
            column=level.column,
            ordered=level.ordered,
            crossed=len(parents) > 1,
            groups=groups(model, level.name, facts),
            labels=labels(model, level.name, facts),
        )
        graph.add_edges_from((parent, level.name) for parent in parents)
    return graph


def groups(model: Model, level: str, facts: Facts | None) -> int | None:
    """How many groups a level has; fixed ones are known without data."""
    known = model.levels.get(level)
    if known is not None and known.kind.is_axis and known.members:
        return len(known.members)
    if facts is None:
        return None
    if known is not None and known.kind is LevelKind.ROW:
        return facts.rows
    return facts.sizes.get(level)


def labels(model: Model, level: str, facts: Facts | None) -> tuple[str, ...] | None:
    """The labels of a level's groups; fixed ones are known without data."""
    known = model.levels.get(level)
    if known is not None and known.kind.is_axis and known.members:
        return known.members
    return None if facts is None else facts.labels.get(level)


_Use = tuple[str, Expr]


def _quantities(node: Node) -> list[tuple[str, Domain, tuple[_Use, ...]]]:
    match node:
        case Deviations(level=level, shares=shares):
            return [(s.deviation, (level, *s.axes), share_expressions(node, s)) for s in shares]
        case Correlation(name=name, pairs=pairs):
            matrix: _Use = ("expression", Value(name))
            entries = [(pair, (), (matrix,)) for pair, _, _ in pairs if pair != name]
            return [(name, node.domain, expressions(node)), *entries]
        case Data() | Parameter() | Definition() | Outcome():
            return [(node.name, node.domain, expressions(node))]
        case _:
            assert_never(node)


def _connect(graph: "networkx.DiGraph", name: str, uses: tuple[_Use, ...]) -> None:
    roles: dict[str, list[str]] = {}
    summaries = [data for _, expr in uses for data in learned_from(expr)]
    for role, expr in uses:
        for used in values(expr):
            roles.setdefault(used, []).append(role)
    for used, places in roles.items():
        graph.add_edge(used, name, roles=tuple(dict.fromkeys(places)))
    known = graph.nodes[name].get("learned_from", ())
    graph.nodes[name]["learned_from"] = tuple(dict.fromkeys((*known, *summaries)))


def _kind(node: Node, correlations: set[str | None]) -> str:
    match node:
        case Data():
            return "data"
        case Parameter(name=name):
            return "correlation" if name in correlations else "parameter"
        case Definition():
            return "definition"
        case Deviations():
            return "deviation"
        case Correlation():
            return "correlation"
        case Outcome():
            return "outcome"
        case _:
            assert_never(node)


def _attributes(model: Model, node: Node, kind: str, domain: Domain) -> dict[str, Any]:
    shared = {
        "kind": kind,
        "domain": domain,
        "span": node.span,
        "line": model.source.position(node.span.start)[0],
    }
    match node:
        case Outcome(distribution=distribution, transform=transform):
            # Its data came first and left the type and the expression on the same graph node.
            return shared | _random(node.name, distribution, transform)
        case Data(type=type_, expr=expr):
            return shared | _facts(type_.value, expr)
        case Definition(expr=expr, recorded=recorded):
            return shared | _facts(None, expr, recorded=recorded)
        case Parameter(support=support, distribution=distribution, transform=transform):
            facts = _facts(text_of_support(support), rule=node.rule, recorded=True)
            return shared | facts | _random(node.name, distribution, transform)
        case Correlation(concentration=concentration, rule=rule):
            facts = _facts("(-1, 1)", rule=rule, recorded=True)
            return shared | facts | {"distribution": f"lkj({text_of(concentration)})"}
        case Deviations():
            return shared | _facts("real", recorded=True) | {"distribution": "normal(0, sd)"}
        case _:
            assert_never(node)


def _facts(
    support: str | None, expr: Expr | None = None, rule: str | None = None, recorded: bool = False
) -> dict[str, Any]:
    return {
        "support": support,
        "distribution": None,
        "transform": None,
        "expression": None if expr is None else text_of(expr),
        "default": rule,
        "recorded": recorded,
    }


def _random(name: str, distribution: Distribution, transform: Transform | None) -> dict[str, Any]:
    return {
        "distribution": text_of_distribution(distribution),
        "transform": None if transform is None else text_of_target(name, transform),
    }
