"""Which quantity of one model is which of another that gives it a different name.

Names that both models have stand for themselves. Every other one is told by what it is made of and
how it is used, whose own names are told the same way: colours refined until they tell apart what
can be told (Weisfeiler and Leman 1968, "The reduction of a graph to canonical form").
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from hdsl.expr import names as names_in
from hdsl.ir.compare.canonical import Canon
from hdsl.ir.model import (
    Correlation,
    Data,
    Definition,
    Deviations,
    Distribution,
    Level,
    LevelKind,
    Model,
    Node,
    Outcome,
    Parameter,
)
from hdsl.ir.uses import expressions, quantities

ROUNDS = 5
"""How far a colour reaches along the uses of quantities."""

type Colours = Mapping[str, str]

_HERE = "here"


def renaming(before: Model, after: Model) -> dict[str, str]:
    """The names that users gave, in ``before``, of what is called otherwise in ``after``."""
    found: dict[str, str] = {}
    for exact in (True, False):  # first what is the same, then what is used the same way
        ours, theirs = _given(before) - set(found), _given(after) - set(found.values())
        anchors = {name: name for name in ours & theirs} | dict(found)
        mine = _colours(before, anchors, exact)
        yours = _colours(after, {new: new for new in anchors.values()}, exact)
        old_by_colour = _unique(mine, ours - anchors.keys())
        new_by_colour = _unique(yours, theirs - set(anchors.values()))
        for colour, old in old_by_colour.items():
            if colour in new_by_colour:
                found[old] = new_by_colour[colour]
    return found


def _given(model: Model) -> set[str]:
    """The names that the user chose: levels, data, parameters, coefficients, definitions."""
    levels = {name for name, level in model.levels.items() if level.kind is not LevelKind.ROW}
    nodes = {n.name for n in model.nodes if isinstance(n, Data | Parameter | Definition)}
    return {name for name in levels | nodes if name.isidentifier()}


def _unique(colours: Colours, names: Iterable[str]) -> dict[str, str]:
    """The names whose colour no other has, by colour."""
    pairs = [(colours[name], name) for name in names]
    counts = Counter(colour for colour, _ in pairs)
    return {colour: name for colour, name in pairs if counts[colour] == 1}


def _colours(model: Model, anchors: Mapping[str, str], exact: bool) -> dict[str, str]:
    """A colour for every name; the same for what cannot be told apart.

    Where not ``exact``, a quantity's own prior or expression is left out of it.
    """
    kinds: dict[str, str] = {n: f"level of {level.column}" for n, level in model.levels.items()}
    own: dict[str, Callable[[Colours], str]] = {
        name: lambda colours, level=level: _of_level(level, colours)  # type: ignore[misc]
        for name, level in model.levels.items()
    }
    users: dict[str, list[Node]] = {}
    for node in model.nodes:
        for name in quantities(node):
            column = f" of {node.column}" if isinstance(node, Data) else ""
            kinds[name] = type(node).__name__ + column
            own[name] = lambda colours, node=node: _of_node(node, colours)  # type: ignore[misc]
        for name in _mentioned(node):
            users.setdefault(name, []).append(node)
    colours = {name: anchors.get(name, kind) for name, kind in kinds.items()}
    for _ in range(ROUNDS):
        fresh = {}
        for name, colour in colours.items():
            if name in anchors or name == "row":
                fresh[name] = colour
                continue
            around = sorted(
                _of_node(node, {**colours, name: _HERE}) for node in users.get(name, ())
            )
            itself = own[name]({**colours, name: _HERE}) if exact else kinds[name]
            fresh[name] = str(hash((itself, *around)))
        colours = fresh
    return colours


def _mentioned(node: Node) -> set[str]:
    """Every name that a node is made of, its levels among them."""
    found = {name for _, expr in expressions(node) for name in names_in(expr)} | set(node.domain)
    match node:
        case Outcome(name=name):
            found.add(name)
        case Deviations(shares=shares, level=level):
            found |= {level} | {n for share in shares for n in names_in(share.centre)}
        case Data() | Parameter() | Definition() | Correlation():
            pass
    return found


def _of_level(level: Level, colours: Colours) -> str:
    parents = [colours[parent] for parent in level.parents]
    return f"{level.kind} {level.column} {parents} {level.ordered} {level.members}"


def _of_node(node: Node, colours: Colours) -> str:
    """A node with colours for names."""
    canon = Canon(colours, {})
    where = [colours.get(level, level) for level in node.domain]
    match node:
        case Data(expr=expr):
            origin = node.column if expr is None else canon.text(expr)
            return f"data {where} {node.type} {origin}"
        case Parameter():
            return f"parameter {where} {node.transform} {_of(node.distribution, canon)}"
        case Definition(expr=expr):
            return f"definition {where} {canon.text(expr)}"
        case Deviations():
            shares = sorted(
                f"{colours.get(s.sd)} {colours.get(s.deviation)} {canon.text(s.centre)}"
                for s in node.shares
            )
            return f"deviations {colours.get(node.level)} {shares}"
        case Correlation():
            return f"correlation {canon.text(node.concentration)}"
        case Outcome():
            name = colours.get(node.name)
            return f"outcome {name} {node.transform} {_of(node.distribution, canon)}"


def _of(distribution: Distribution, canon: Canon) -> str:
    return f"{distribution.family} {sorted(canon.distribution(distribution).items())}"
