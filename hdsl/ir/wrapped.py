"""Distributions made of others: what is inside them, and where their values lie."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from hdsl.expr import Expr
from hdsl.families import FAMILIES, interval, parameter, support_of
from hdsl.families.family import REAL, Family, FamilyParameter, Support
from hdsl.families.ranges import hull
from hdsl.families.wrapper import WRAPPERS, Wrapper, argument
from hdsl.ir.model import Distribution

Supports = Callable[[str], Support]


def every(distribution: Distribution) -> Iterator[Distribution]:
    """A distribution and all that it wraps, the outermost first."""
    yield distribution
    for inner in distribution.inner:
        yield from every(inner)


def leaves(distribution: Distribution) -> tuple[Distribution, ...]:
    """The distributions of the families table inside: itself, if it wraps none."""
    return tuple(d for d in every(distribution) if d.family not in WRAPPERS)


def heart(distribution: Distribution) -> Family:
    """The family of the first distribution inside: what the values are, wrapped as they may be."""
    return FAMILIES[leaves(distribution)[0].family]


def row(distribution: Distribution) -> Family | Wrapper:
    """The row of the tables that a distribution's name means."""
    wrapper = WRAPPERS.get(distribution.family)
    return FAMILIES[distribution.family] if wrapper is None else wrapper


def parameter_of(distribution: Distribution, name: str) -> tuple[FamilyParameter, str | None]:
    """The parameter that an argument of its own means, and the link it is written through."""
    found = row(distribution)
    if isinstance(found, Wrapper):
        return argument(found, name)
    known = parameter(found, name)
    assert known is not None, f"{found.name} has no argument {name}"
    return known


def is_discrete(distribution: Distribution) -> bool:
    """Whether values are whole numbers."""
    return heart(distribution).support.discrete


def support(distribution: Distribution, supports: Supports = lambda _: REAL) -> Support:
    """Where the values of a distribution lie, given the supports of what its arguments use."""
    arguments = dict(distribution.arguments)
    inner = tuple(support(d, supports) for d in distribution.inner)
    match distribution.family:
        case "truncated":
            return _cut(inner[0], arguments, supports)
        case "zeroinflated" | "hurdle":
            return _with_zero(inner[0])
        case "mixture":
            return hull(*inner)
        case "censored" | "weighted":
            return inner[0]
        case family:
            return support_of(FAMILIES[family], arguments, supports)


def unbounded(distribution: Distribution) -> Support:
    """Where the values of the families inside lie, whatever bounds are put on them."""
    inner = tuple(unbounded(d) for d in distribution.inner)
    match distribution.family:
        case "zeroinflated" | "hurdle":
            return _with_zero(inner[0])
        case "mixture":
            return hull(*inner)
        case "truncated" | "censored" | "weighted":
            return inner[0]
        case family:
            return FAMILIES[family].support


def _cut(inner: Support, arguments: Mapping[str, Expr], supports: Supports) -> Support:
    """A support between bounds; a bound that is known only to lie above some value is that."""
    if "lower" in arguments:
        lower = interval(arguments["lower"], supports).lower
        if lower > inner.lower:
            inner = replace(inner, lower=lower, open_lower=False)
    if "upper" in arguments:
        upper = interval(arguments["upper"], supports).upper
        if upper < inner.upper:
            inner = replace(inner, upper=upper, open_upper=False)
    return inner


def _with_zero(inner: Support) -> Support:
    if inner.lower < 0.0 < inner.upper:
        return inner
    zero = Support(0.0, 0.0, False, False, inner.discrete)
    return replace(hull(inner, zero), discrete=inner.discrete)
