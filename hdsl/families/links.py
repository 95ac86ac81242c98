"""Links: the invertible functions that a parameter or a target may be written through.

A linked form of a distribution's parameter is the link's name before the parameter's
(``log_mu``); a link left of ``~`` or ``=`` is the same row. Knows functions, not distributions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hdsl.expr import Apply, Constant, Expr, Value, apply, substitute
from hdsl.families.family import NONNEGATIVE, POSITIVE, REAL, UNIT, Support
from hdsl.families.formula import formula


@dataclass(frozen=True)
class Link:
    """One link: ``forward`` and ``inverse`` are expressions of ``x``.

    ``domain`` is where the parameter lies, ``image`` where its linked value lies.
    ``logit`` is, for the links of a probability, its log odds in terms of the linked value, written
    so that neither tail overflows: the form in which both backends take a probability best.
    """

    name: str
    forward: Expr
    inverse: Expr
    domain: Support
    image: Support
    doc: str
    logit: Expr | None = None

    def invert(self, value: Expr) -> Expr:
        """The parameter, from its linked value."""
        return substitute(self.inverse, {"x": value})

    def apply(self, value: Expr) -> Expr:
        """The linked value, from the parameter."""
        return substitute(self.forward, {"x": value})

    def inverted(self, expr: Expr) -> Expr | None:
        """The linked value inside an expression that is this link's inverse of it, else None.

        >>> LINKS["log"].inverted(apply("exp", "eta"))
        Value(name='eta')
        """
        match expr, self.inverse:
            case Apply(arguments=(inner,)), Apply(arguments=(Value(),)):
                return inner if expr.function == self.inverse.function else None
            case _:
                return None


_ROWS = (
    Link("log", formula("log(x)"), formula("exp(x)"), POSITIVE, REAL, "Logarithm."),
    Link("logit", formula("logit(x)"), formula("expit(x)"), UNIT, REAL, "Log odds.", formula("x")),
    Link(
        "probit",
        formula("probit(x)"),
        formula("inv_probit(x)"),
        UNIT,
        REAL,
        "Quantile of the standard normal distribution.",
        formula("log_inv_probit(x) - log_inv_probit(-x)"),
    ),
    Link(
        "cloglog",
        formula("cloglog(x)"),
        formula("inv_cloglog(x)"),
        UNIT,
        REAL,
        "Complementary log-log.",
        formula("exp(x) + log(-expm1(-exp(x)))"),
    ),
    Link("sqrt", formula("sqrt(x)"), formula("x^2"), NONNEGATIVE, NONNEGATIVE, "Square root."),
    Link("exp", formula("exp(x)"), formula("log(x)"), REAL, POSITIVE, "Exponential."),
)

LINKS: Mapping[str, Link] = {link.name: link for link in _ROWS}
"""Every link that may stand left of ``~`` or ``=``, by name; powers are made by ``power_link``."""

POSITIVE_LINKS = ("log",)
"""The linked forms of a positive parameter of a distribution."""

UNIT_LINKS = ("logit", "probit", "cloglog")
"""The linked forms of a probability."""


def power_link(exponent: float) -> Link:
    """The link ``x ^ exponent`` of a positive value; a ValueError for 0, which has no inverse.

    >>> power_link(-2.0).invert(Value("x"))
    Apply(function='^', arguments=(Value(name='x'), Constant(value=-0.5)))
    """
    if exponent == 0:
        raise ValueError("a power of 0 has no inverse")
    return Link(
        f"power {exponent:g}",
        apply("^", "x", Constant(exponent)),
        apply("^", "x", Constant(1 / exponent)),
        POSITIVE,
        POSITIVE,
        "A constant power.",
    )


def link_of(name: str, power: float | None = None) -> Link:
    """The link that a ``Transform`` of the model names: ``power`` is the exponent of a power."""
    return LINKS[name] if power is None else power_link(power)
