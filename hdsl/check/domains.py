"""Arithmetic of domains: which levels a value varies over, and what may stand where."""

from collections.abc import Iterable, Mapping

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
from hdsl.ir.model import Deviations, Level, LevelKind, Model


def ancestors(levels: Mapping[str, Level], level: str) -> frozenset[str]:
    """All levels that a level is nested in, safe on a nesting that is (wrongly) circular."""
    seen: set[str] = set()
    pending = list(levels[level].parents) if level in levels else []
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending.extend(levels[name].parents if name in levels else ())
    return frozenset(seen - {level})


def union(levels: Mapping[str, Level], domains: Iterable[Domain]) -> Domain:
    """The union of domains, less every level that another one in it is nested in.

    The order is that of first appearance, the axes of an outcome's labels last.
    """
    found = tuple(dict.fromkeys(level for domain in domains for level in domain))
    found = tuple(sorted(found, key=lambda level: _is_last(levels, level)))
    above = frozenset[str]().union(*(ancestors(levels, level) for level in found))
    return tuple(level for level in found if level not in above)


def _is_last(levels: Mapping[str, Level], level: str) -> bool:
    return level in levels and levels[level].kind in (LevelKind.CATEGORY, LevelKind.CUT)


def reaching(levels: Mapping[str, Level], domain: Domain, level: str) -> tuple[str, ...]:
    """The levels of a domain from which a level can be looked up: itself, or those inside it."""
    if level in domain:
        return (level,)
    return tuple(member for member in domain if level in ancestors(levels, member))


def outside(levels: Mapping[str, Level], inner: Domain, domain: Domain) -> Domain:
    """The levels of ``inner`` that cannot be looked up from ``domain``; () if all can."""
    return tuple(level for level in inner if not reaching(levels, domain, level))


def is_crossing(levels: Mapping[str, Level], domain: Domain) -> bool:
    """Whether a domain holds several levels of the data (axes of members and columns aside)."""
    return sum(not levels[level].kind.is_axis for level in domain) > 1


def block_axes(levels: Mapping[str, Level], domain: Domain) -> Domain:
    """The axes of blocks among the levels of a domain."""
    return tuple(name for name in domain if levels[name].kind is LevelKind.BLOCK)


def grouped(levels: Mapping[str, Level], domain: Domain) -> Domain:
    """The levels of a domain with the axes of blocks left out."""
    return tuple(name for name in domain if levels[name].kind is not LevelKind.BLOCK)


def domain_of(expr: Expr, model: Model) -> Domain:
    """The levels over which an expression varies."""
    match expr:
        case Value(name=name):
            return _own(name, model)
        case Member(of=of, level=level):
            return tuple(name for name in domain_of(of, model) if name != level)
        case Apply(arguments=arguments):
            return union(model.levels, (domain_of(argument, model) for argument in arguments))
        case Block(axis=axis, items=items):
            found = union(model.levels, (domain_of(item, model) for _, item in items))
            return (*(grouped(model.levels, found) or (ROW,)), axis)
        case Contraction(axis=axis, argument=argument):
            return tuple(level for level in domain_of(argument, model) if level != axis)
        case Aggregate(to=to):
            return to
        case Summary(argument=argument):
            return block_axes(model.levels, domain_of(argument, model))
        case Constant() | Label():
            return ()


def _own(name: str, model: Model) -> Domain:
    match model.by_name[name]:
        case Deviations(level=level, shares=shares):
            return next((level, *share.axes) for share in shares if share.deviation == name)
        case node:
            return node.domain
