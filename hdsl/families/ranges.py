"""Arithmetic of supports: between which bounds a value lies, given those of its parts.

Conservative: a result may be wider than the truth, never narrower. Whether a bound is open is
tracked where that is simple and dropped to "closed" where it is not.
"""

from collections.abc import Callable
from dataclasses import replace
from math import floor, inf, isinf, isnan

from hdsl.families.family import BINARY, REAL, Support

Range = Callable[[tuple[Support, ...]], Support]
"""The support of a function's value, from those of its arguments."""


def point(value: float) -> Support:
    """The support that holds one value.

    >>> point(2.0).lower, point(2.0).upper, point(2.0).discrete
    (2.0, 2.0, True)
    """
    return Support(value, value, False, False, discrete=value.is_integer())


def is_point(support: Support) -> bool:
    """Whether the support is a single value."""
    return support.lower == support.upper


def hull(*supports: Support) -> Support:
    """The smallest interval that holds all of them."""
    lower = min(s.lower for s in supports)
    upper = max(s.upper for s in supports)
    return Support(
        lower,
        upper,
        all(s.open_lower for s in supports if s.lower == lower),
        all(s.open_upper for s in supports if s.upper == upper),
        all(s.discrete for s in supports),
    )


def floored(arguments: tuple[Support, ...]) -> Support:
    """The range of ``floor(x)``."""
    (x,) = arguments
    return Support(
        _end(floor, x.lower, x.lower),
        _end(floor, x.upper, x.upper),
        isinf(x.lower),
        isinf(x.upper),
        discrete=True,
    )


def always(support: Support) -> Range:
    """A function whose values lie there whatever its arguments."""
    return lambda _: support


def increasing(function: Callable[[float], float], image: Support = REAL) -> Range:
    """The range of an increasing function of one argument; ``image`` is that of the whole line."""

    def bounds(arguments: tuple[Support, ...]) -> Support:
        (x,) = arguments
        return Support(
            _end(function, x.lower, image.lower),
            _end(function, x.upper, image.upper),
            x.open_lower or isinf(x.lower),
            x.open_upper or isinf(x.upper),
            image.discrete,
        )

    return bounds


def _end(function: Callable[[float], float], at: float, otherwise: float) -> float:
    try:
        value = function(at)
    except (ValueError, OverflowError, ZeroDivisionError):
        return otherwise
    return otherwise if isnan(value) or isinf(at) else value


def negated(arguments: tuple[Support, ...]) -> Support:
    """The range of ``-x``."""
    (x,) = arguments
    return Support(-x.upper, -x.lower, x.open_upper, x.open_lower, x.discrete)


def sum_of(arguments: tuple[Support, ...]) -> Support:
    """The range of ``x + y``."""
    x, y = arguments
    return Support(
        x.lower + y.lower,
        x.upper + y.upper,
        x.open_lower or y.open_lower,
        x.open_upper or y.open_upper,
        x.discrete and y.discrete,
    )


def difference(arguments: tuple[Support, ...]) -> Support:
    """The range of ``x - y``."""
    x, y = arguments
    return sum_of((x, negated((y,))))


Corner = tuple[float, bool]
"""A bound and whether it is open."""


def _corners(x: Support) -> tuple[Corner, Corner]:
    return (x.lower, x.open_lower), (x.upper, x.open_upper)


def _from_corners(corners: list[Corner], discrete: bool) -> Support:
    (lower, _), (upper, _) = min(corners), max(corners)
    return Support(
        lower,
        upper,
        all(is_open for value, is_open in corners if value == lower),
        all(is_open for value, is_open in corners if value == upper),
        discrete,
    )


def product(arguments: tuple[Support, ...]) -> Support:
    """The range of ``x * y``."""
    x, y = arguments
    corners = []
    for a, a_open in _corners(x):
        for b, b_open in _corners(y):
            if a == 0 or b == 0:
                # zero is attained wherever the factor that is zero attains it
                corners.append((0.0, all(o for v, o in ((a, a_open), (b, b_open)) if v == 0)))
            else:
                corners.append((a * b, a_open or b_open))
    return _from_corners(corners, x.discrete and y.discrete)


def reciprocal(x: Support) -> Support:
    """The range of ``1 / x``; the whole line where x is zero or may have either sign."""
    if x.lower == x.upper == 0:
        return REAL
    if x.lower >= 0:
        upper = inf if x.lower == 0 else 1 / x.lower
        return Support(1 / x.upper, upper, x.open_upper, x.open_lower or x.lower == 0)
    if x.upper <= 0:
        return negated((reciprocal(negated((x,))),))
    return REAL


def quotient(arguments: tuple[Support, ...]) -> Support:
    """The range of ``x / y``."""
    x, y = arguments
    return replace(product((x, reciprocal(y))), discrete=False)


def power(arguments: tuple[Support, ...]) -> Support:
    """The range of ``x ^ y``."""
    x, y = arguments
    if is_point(y) and y.lower.is_integer() and y.lower % 2 == 0:
        even = _constant_power(absolute((x,)), y.lower)
        return even if y.lower >= 0 else reciprocal(_constant_power(absolute((x,)), -y.lower))
    if is_point(y) and x.lower >= 0:
        if y.lower >= 0:
            return _constant_power(x, y.lower)
        return reciprocal(_constant_power(x, -y.lower))
    if is_point(y) and y.lower.is_integer() and y.lower > 0:
        return _constant_power(x, y.lower)
    if x.lower >= 0:
        return Support(0.0, inf, x.lower > 0 or x.open_lower)
    return REAL


def _constant_power(x: Support, exponent: float) -> Support:
    return Support(
        _end(lambda v: v**exponent, x.lower, x.lower),
        _end(lambda v: v**exponent, x.upper, x.upper),
        x.open_lower,
        x.open_upper,
        x.discrete and exponent.is_integer(),
    )


def absolute(arguments: tuple[Support, ...]) -> Support:
    """The range of ``abs(x)``."""
    (x,) = arguments
    if x.lower >= 0:
        return x
    if x.upper <= 0:
        return negated((x,))
    lower = (-x.lower, x.open_lower)
    upper, is_open = max((x.upper, x.open_upper), lower, key=lambda corner: corner[0])
    return Support(0.0, upper, False, is_open, x.discrete)


def lowest(arguments: tuple[Support, ...]) -> Support:
    """The range of ``min(x, y, ...)``."""
    lower = min(a.lower for a in arguments)
    upper = min(a.upper for a in arguments)
    return Support(
        lower,
        upper,
        all(a.open_lower for a in arguments if a.lower == lower),
        any(a.open_upper for a in arguments if a.upper == upper),
        all(a.discrete for a in arguments),
    )


def highest(arguments: tuple[Support, ...]) -> Support:
    """The range of ``max(x, y, ...)``."""
    return negated((lowest(tuple(negated((a,)) for a in arguments)),))


def clipped(arguments: tuple[Support, ...]) -> Support:
    """The range of ``clip(x, lower, upper)``."""
    x, lower, upper = arguments
    return lowest((highest((x, lower)), upper))


def chosen(arguments: tuple[Support, ...]) -> Support:
    """The range of ``where(condition, x, y)``."""
    condition, x, y = arguments
    if is_point(condition):
        return x if condition.lower else y
    return hull(x, y)


comparison: Range = always(BINARY)
"""The range of a comparison: 0 or 1."""
