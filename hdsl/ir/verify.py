"""The invariants of a model, checked: what every later stage takes for granted.

A model that breaks one is a defect of the check stage or of a pass, never of the user's file.
"""

from hdsl.diagnostics.diagnostic import InternalError
from hdsl.expr import (
    ROW,
    Aggregate,
    Apply,
    Block,
    Constant,
    Contraction,
    Domain,
    Expr,
    Label,
    Member,
    Summary,
    Value,
)
from hdsl.ir.levels import is_coarser
from hdsl.ir.model import (
    Data,
    Definition,
    Deviations,
    LevelKind,
    Model,
    Node,
    Outcome,
    Parameter,
)
from hdsl.ir.uses import expressions, label_axes, quantities, values
from hdsl.ir.wrapped import every

_CONTRACTING = ("average", "total", "@", "groupmean")


def verify_model(model: Model) -> None:
    """Raises InternalError unless the model keeps every invariant; gives nothing.

    Levels: parents known and before their children. Nodes: names unique, domains known, only
    earlier quantities used (so that there is no cycle), nothing finer than the node used
    without being contracted. Outcomes: of data declared so. Coefficients: of known quantities.
    """
    _verify_levels(model)
    known: dict[str, Domain] = {}
    for node in model.nodes:
        _verify_domain(model, node)
        _verify_uses(model, node, known)
        for name in quantities(node):
            _require(name not in known, f"two nodes make `{name}`")
            known[name] = _domain_of(node, name)
        if isinstance(node, Outcome):
            data = model.by_name.get(node.name)
            is_outcome = isinstance(data, Data) and (data.observed or data.impute)
            is_data = is_outcome and node.name in known
            _require(is_data, f"the outcome `{node.name}` is no observed data")
    _verify_coefficients(model, known)


def _verify_levels(model: Model) -> None:
    seen: set[str] = set()
    for name, level in model.levels.items():
        _require(name == level.name, f"level `{level.name}` stands under `{name}`")
        for parent in level.parents:
            _require(parent in seen, f"level `{name}` stands before its parent `{parent}`")
        seen.add(name)
    _require(list(model.levels)[-1:] == [ROW], "the rows are not the last level")


def _verify_domain(model: Model, node: Node) -> None:
    for level in node.domain:
        _require(level in model.levels, f"`{node.name}` varies over unknown level `{level}`")
    _require(len(set(node.domain)) == len(node.domain), f"`{node.name}` repeats a level")
    if isinstance(node, Parameter):
        for labels, _ in node.pinned:
            complete = len(labels) == len(node.domain)
            _require(complete, f"`{node.name}` pins no single member by {labels}")


def _verify_uses(model: Model, node: Node, known: dict[str, Domain]) -> None:
    domain = (*node.domain, *_components(node))
    for role, expr in expressions(node):
        for name in values(expr):
            _require(name in known, f"`{node.name}` uses `{name}` before it is made")
        if isinstance(node, Deviations) or (isinstance(node, Definition) and not node.laid_out):
            continue  # they are computed at the domain of the share or of the use
        axes = label_axes(node.distribution) if isinstance(node, Outcome) else ()
        free = _free(expr, known)
        if isinstance(expr, Block):  # what it takes from other blocks lies along its own axis
            free = tuple(n for n in free if model.levels[n].kind is not LevelKind.BLOCK)
        finer = not is_coarser(model, free, (*domain, *axes))
        _require(not finer, f"{role} of `{node.name}` is finer than it: {free}")


def _components(node: Node) -> Domain:
    """The levels of components over which a mixture sums."""
    if not isinstance(node, Parameter | Outcome):
        return ()
    parts = every(node.distribution)
    return tuple(d.along for d in parts if d.inner and d.along is not None)


def _free(expr: Expr, known: dict[str, Domain]) -> Domain:
    """The levels over which an expression varies, as far as nothing contracts them."""
    match expr:
        case Value(name=name):
            return known[name]
        case Member(of=of, level=level):
            return tuple(name for name in _free(of, known) if name != level)
        case Apply(function=function, arguments=arguments) if function not in _CONTRACTING:
            free = (level for argument in arguments for level in _free(argument, known))
            return tuple(dict.fromkeys(free))
        case Block(items=items):
            return tuple(dict.fromkeys(level for _, e in items for level in _free(e, known)))
        case Contraction(axis=axis, argument=argument):
            return tuple(level for level in _free(argument, known) if level != axis)
        case Aggregate(to=to):
            return to
        case Apply() | Constant() | Label() | Summary():
            return ()


def _domain_of(node: Node, name: str) -> Domain:
    if isinstance(node, Deviations):
        axes = next(share.axes for share in node.shares if share.deviation == name)
        return (node.level, *axes)
    return node.domain


def _verify_coefficients(model: Model, known: dict[str, Domain]) -> None:
    for coefficient in model.coefficients:
        parts = coefficient.parts
        slopes = [slope for part in parts for slope, _ in part.slopes]
        names = [coefficient.name, *slopes, *(p.deviation for p in parts), *(p.sd for p in parts)]
        if coefficient.mean is not None:
            names.append(coefficient.mean)
        for name in names:
            _require(name in known, f"coefficient `{coefficient.name}` lacks `{name}`")


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise InternalError(f"the model is broken: {complaint}")
