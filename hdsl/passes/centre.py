"""Coefficients of well-informed groups sampled as they are, not as deviations from their mean.

Where a group's own data say more of its coefficient than its population does, the coefficient is
nearly independent of the population's scale, and its deviation in units of that scale is not: a
sampler then moves best in the coefficient itself (Papaspiliopoulos, Roberts and Sköld 2007, A
general framework for the parametrization of hierarchical models). Where several deviations of one
group add up to a coefficient, the data inform of their sum alone: the sum is sampled, with the sum
of their covariances, and they are drawn given it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from hdsl.expr import Expr, Value, rewrite
from hdsl.families import FAMILIES
from hdsl.ir.arranged import Arranged, Gaussian, Remark, Totals
from hdsl.ir.facts import Facts
from hdsl.ir.model import (
    Data,
    DataType,
    Definition,
    Deviations,
    Distribution,
    Model,
    Node,
    Outcome,
    Parameter,
)
from hdsl.ir.uses import expressions, values
from hdsl.passes.linear import ONE, as_sum, needed
from hdsl.passes.totals import ZERO, simple, sites_of

NAME = "centre"

MANY_ROWS = 40
"""So many rows of numbers or counts inform of a group more than its population does."""

MANY_ANSWERS = 200
"""The same of rows that say yes or no, or one of a few labels."""

MANY_GROUPS = 20
"""So many coefficients that are sampled themselves inform of the group that they lie in."""

MOST_TOGETHER = 4
"""Coefficients that hang together are sampled one given the other up to so many."""


def centre(arranged: Arranged, facts: Facts | None) -> Arranged:
    """Centres the coefficients of every level whose groups are well informed, the finest first."""
    if facts is None:
        return arranged
    levels = [n.level for n in arranged.model.nodes if isinstance(n, Deviations)]
    depth = {level: len(arranged.model.ancestors(level)) for level in levels}
    for level in sorted(dict.fromkeys(levels), key=lambda name: -depth[name]):
        reason = _informed(level, arranged, facts)
        if reason is not None:
            arranged = _centred(arranged, level, reason)
    return arranged


def _informed(level: str, arranged: Arranged, facts: Facts) -> str | None:
    """Why the groups of a level are well informed; None where they are not."""
    below = [totals.level for totals in arranged.totals]
    inside = [b for b in below if level in arranged.model.ancestors(b)]
    if inside:
        children = max(facts.sizes[b] for b in inside) / max(facts.sizes.get(level, 1), 1)
        if children >= MANY_GROUPS:
            return f"a group of {level} holds {children:.0f} groups that are sampled themselves"
        return None
    rows = facts.typical.get(level)
    coarse = any(_is_coarse(outcome, arranged.model) for outcome in arranged.model.outcomes)
    if rows is None or rows < (MANY_ANSWERS if coarse else MANY_ROWS):
        return None
    return f"a typical group of {level} has {rows:,.0f} rows"


def _is_coarse(outcome: Outcome, model: Model) -> bool:
    """Whether a row of an outcome tells little: yes or no, or one of a few labels."""
    data = model.by_name.get(outcome.name)
    family = FAMILIES.get(outcome.distribution.family)
    labelled = family is not None and family.categories is not None
    return labelled or (isinstance(data, Data) and data.type is DataType.BINARY)


@dataclass(frozen=True)
class _Total:
    """A quantity to be sampled as it is: the name, what it is over its level, what it adds up."""

    name: str
    expr: Expr
    factors: dict[str, Expr]


def _centred(arranged: Arranged, level: str, reason: str) -> Arranged:
    """The model with the deviations of a level replaced by the coefficients that they make."""
    model = arranged.model
    nodes = tuple(
        node
        for node in model.nodes
        if isinstance(node, Deviations)
        and node.level == level
        and not (node.centred or node.apart)
        and not any(share.axes for share in node.shares)
    )
    totals = _frontier(nodes, level, model, read_by(arranged.gaussian))
    for some, together in _components(totals, nodes):
        found = _arranged(some, together, level, model)
        if found is None:
            continue
        model = _replaced(model, found, some, read_by(arranged.gaussian))
        names = " and ".join(total.name for total in some)
        says = f"{names}: sampled as they are, not as deviations: {reason}"
        remark = Remark(NAME, says, span=together[0].span)
        arranged = replace(
            arranged,
            model=model,
            totals=(*(_totals_with_sites(t, some, found) for t in arranged.totals), found),
            remarks=(*arranged.remarks, remark),
        )
        gaussian = arranged.gaussian
        if gaussian is not None and gaussian.rest is not None:
            rest = _with_sites(gaussian.rest, some, found)
            arranged = replace(arranged, gaussian=replace(gaussian, rest=rest))
    return arranged


# ---------------------------------------------------------------- what is sampled instead


def read_by(gaussian: Gaussian | None) -> frozenset[str]:
    """What an outcome reads that has been taken out of the model."""
    if gaussian is None:
        return frozenset()
    exprs = [gaussian.scale, *([] if gaussian.rest is None else [gaussian.rest])]
    exprs += [expr for node, _ in gaussian.population for _, expr in expressions(node)]
    names = {name for name, _ in gaussian.sampled}
    return frozenset(names.union(*(values(expr) for expr in exprs)))


def _frontier(
    nodes: tuple[Deviations, ...], level: str, model: Model, outside: frozenset[str]
) -> tuple[_Total, ...]:
    """What the rest of the model reads of some deviations: definitions over their level, or they.

    Empty where something reads them in another way.
    """
    deviations = {share.deviation for node in nodes for share in node.shares}
    alive = _alive(model, outside)
    inner: dict[str, _Total] = {}
    for node in model.nodes:
        if isinstance(node, Definition) and node.domain == (level,) and node.name in alive:
            parts = as_sum(node.expr, model)
            factors = {n: f for n, f in parts.factors().items() if n in deviations}
            if factors and not parts.rest:
                inner[node.name] = _Total(node.name, _without(node.expr, level, model), factors)
    read = {name for node in model.nodes for name in _read(node, inner, alive)} | outside
    found = [total for name, total in inner.items() if name in read]
    plain = [name for name in deviations if name in read]
    return (*found, *(_Total(name, Value(name), {name: ONE}) for name in sorted(plain)))


def _alive(model: Model, outside: frozenset[str]) -> frozenset[str]:
    """The quantities that something sampled depends on, ``outside`` the model or in it."""
    sampled = (n for n in model.nodes if not isinstance(n, Data | Definition))
    read = {value for node in sampled for _, expr in expressions(node) for value in values(expr)}
    return needed(outside.union(read), model)


def _read(node: Node, inner: dict[str, _Total], alive: frozenset[str]) -> Iterator[str]:
    """What a node reads, unless it is a definition that is taken apart itself, or of no use."""
    if isinstance(node, Definition) and (node.name in inner or node.name not in alive):
        return
    for _, expr in expressions(node):
        yield from values(expr)
    if isinstance(node, Deviations) and node.centred:
        for share in node.shares:
            yield from values(share.centre)


def _without(expr: Expr, level: str, model: Model) -> Expr:
    """An expression over a level with the level's own definitions written out."""

    def change(found: Expr) -> Expr | None:
        node = model.by_name.get(found.name) if isinstance(found, Value) else None
        if isinstance(node, Definition) and node.domain == (level,):
            return _without(node.expr, level, model)
        return None

    return rewrite(expr, change)


def _components(
    totals: tuple[_Total, ...], nodes: tuple[Deviations, ...]
) -> Iterator[tuple[tuple[_Total, ...], tuple[Deviations, ...]]]:
    """The totals that hang together, each set with the deviations that it is made of."""
    left = list(totals)
    while left:
        some, together = [left.pop(0)], list[Deviations]()
        grown = True
        while grown:
            grown = False
            for node in nodes:
                own = {share.deviation for share in node.shares}
                if node not in together and any(not own.isdisjoint(t.factors) for t in some):
                    together.append(node)
                    grown = True
            reached = {s.deviation for node in together for s in node.shares}
            for total in [t for t in left if not reached.isdisjoint(t.factors)]:
                some.append(total)
                left.remove(total)
                grown = True
        yield tuple(some), tuple(n for n in nodes if n in together)


def _arranged(
    some: tuple[_Total, ...], nodes: tuple[Deviations, ...], level: str, model: Model
) -> Totals | None:
    """The sites of totals that hang together; None where they have no density of their own."""
    shares = [share for node in nodes for share in node.shares]
    loadings = tuple(
        tuple(total.factors.get(share.deviation, ZERO) for share in shares) for total in some
    )
    if len(some) > MOST_TOGETHER or not _is_regular(loadings):
        return None
    gone = {share.deviation for share in shares}

    def change(found: Expr) -> Expr | None:
        return ZERO if isinstance(found, Value) and found.name in gone else None

    means = tuple(simple(rewrite(total.expr, change)) for total in some)
    sites = tuple(f"total {total.name}" for total in some)
    return Totals(level, sites, means, loadings, nodes)


def _is_regular(loadings: tuple[tuple[Expr, ...], ...]) -> bool:
    """Whether each total has a deviation of its own: none is a sum of the others."""
    return all(
        any(
            factor == ONE and all(other[k] == ZERO for other in loadings if other is not row)
            for k, factor in enumerate(row)
        )
        for row in loadings
    )


# ---------------------------------------------------------------- the model with them


def _replaced(
    model: Model, found: Totals, some: tuple[_Total, ...], outside: frozenset[str]
) -> Model:
    """The model with the totals' sites in the place of the deviations."""
    gone = {node.name for node in found.nodes}
    renamed = {total.name: site for total, site in zip(some, found.sites, strict=True)}
    nodes: list[Node] = []
    for node in model.nodes:
        if node.name in gone:
            if node.name == found.nodes[-1].name:
                nodes += sites_of(found, model)
        elif isinstance(node, Definition) and node.name in renamed:
            nodes.append(replace(node, expr=Value(renamed[node.name]), recorded=False))
        else:
            nodes.append(_reading(node, renamed))
    whole = replace(model, nodes=tuple(nodes), coefficients=())
    alive = _alive(whole, outside)
    kept = (n for n in nodes if not isinstance(n, Definition) or n.name in alive)
    return replace(whole, nodes=tuple(kept))


def _with_sites(expr: Expr, some: tuple[_Total, ...], found: Totals) -> Expr:
    """An expression that reads the sites in the place of the totals."""
    renamed = {total.name: site for total, site in zip(some, found.sites, strict=True)}
    return rewrite(expr, lambda part: _site(part, renamed))


def _totals_with_sites(totals: Totals, some: tuple[_Total, ...], found: Totals) -> Totals:
    """Totals of a finer level, whose means read the sites in the place of what they were."""
    means = tuple(_with_sites(mean, some, found) for mean in totals.means)
    return replace(totals, means=means)


def _site(found: Expr, renamed: Mapping[str, str]) -> Expr | None:
    """The site in the place of a total's name."""
    site = renamed.get(found.name) if isinstance(found, Value) else None
    return None if site is None else Value(site)


def _reading(node: Node, renamed: Mapping[str, str]) -> Node:
    """A node that reads deviations by themselves, reading the sites in their place."""

    def change(found: Expr) -> Expr | None:
        return _site(found, renamed)

    plain = {name for name in renamed if name.startswith("dev(")}
    match node:
        case Definition(expr=expr) if not plain.isdisjoint(values(expr)):
            return replace(node, expr=rewrite(expr, change))
        case Outcome() | Parameter():
            return replace(node, distribution=_renamed(node.distribution, change))
        case _:
            return node


def _renamed(distribution: Distribution, change: Callable[[Expr], Expr | None]) -> Distribution:
    arguments = tuple((name, rewrite(e, change)) for name, e in distribution.arguments)
    inner = tuple(_renamed(each, change) for each in distribution.inner)
    return replace(distribution, arguments=arguments, inner=inner)
