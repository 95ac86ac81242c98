"""Numbers out of the table, for lints and messages: moments of a prior whose arguments are numbers.

Plain Python floats: no array library is imported here.
"""

from collections.abc import Mapping
from math import isfinite, sqrt

from hdsl.expr import Expr, substitute
from hdsl.families import ranges
from hdsl.families.family import REAL, Family
from hdsl.families.lookup import interval, plain_argument


def evaluate(expr: Expr, values: Mapping[str, float] | None = None) -> float | None:
    """The number that an expression comes to; None where a quantity in it is not known.

    >>> from hdsl.families.formula import formula
    >>> evaluate(formula("mu + sigma^2 / 2"), {"mu": 1.0, "sigma": 2.0})
    3.0
    """
    known = values or {}
    support = interval(expr, lambda name: ranges.point(known[name]) if name in known else REAL)
    return support.lower if ranges.is_point(support) else None


def prior_mean(family: Family, arguments: Mapping[str, Expr]) -> float | None:
    """The mean of a distribution; None where it has none or an argument is not a number.

    >>> from hdsl.families import FAMILIES
    >>> from hdsl.expr import Constant
    >>> prior_mean(FAMILIES["gamma"], {"alpha": Constant(3.0), "beta": Constant(2.0)})
    1.5
    """
    return _moment(family.mean, family, arguments)


def prior_sd(family: Family, arguments: Mapping[str, Expr]) -> float | None:
    """The standard deviation of a distribution; None where it has none or is not known.

    >>> from hdsl.families import FAMILIES
    >>> from hdsl.expr import Constant
    >>> prior_sd(FAMILIES["normal"], {"mu": Constant(0.0), "log_sigma": Constant(0.0)})
    1.0
    """
    variance = _moment(family.variance, family, arguments)
    return None if variance is None else sqrt(variance)


def _moment(expr: Expr | None, family: Family, arguments: Mapping[str, Expr]) -> float | None:
    if expr is None:
        return None
    plain = {p.name: plain_argument(family, arguments, p.name) for p in family.parameters}
    value = evaluate(substitute(expr, plain))
    return value if value is not None and isfinite(value) else None
