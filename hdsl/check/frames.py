"""What default priors are made of: where a coefficient is expected to lie, the rule in words."""

from dataclasses import dataclass

from hdsl.expr import Apply, Constant, Expr
from hdsl.ir.model import Distribution

ONE = Constant(1.0)
ZERO = Constant(0.0)


@dataclass(frozen=True)
class Frame:
    """Where a coefficient is expected to lie: the ingredients of the rules of §7.

    ``wide`` is the scale widened for predictors that are not centred.
    """

    centre: Expr
    scale: Expr
    wide: Expr
    what: str  # of the rule: "intercept", "slope on `log_p`"
    linked: bool  # the outcome's location has a link, so that its sd says nothing


@dataclass(frozen=True)
class Default:
    """A default prior and the rule that it follows."""

    distribution: Distribution
    rule: str


def mean_rule(frame: Frame) -> str:
    """The rule of a coefficient's default in words."""
    unit = "2.5 sds of the outcome" if not frame.linked else "2.5 on the link scale"
    what = frame.what.removeprefix("the ")
    if what == "intercept":
        wider = ", widened for predictors that are not centred" if frame.wide != frame.scale else ""
        middle = "0" if frame.centre == ZERO else "the outcome's mean"
        return f"intercept: {middle}, {unit}{wider}"
    if what.startswith("slope"):
        other = "" if frame.centre == ZERO else "; of a column of 1: that of an intercept"
        return f"{what}: {unit} per sd of the predictor{other}"
    return what


def call(family: str, **arguments: Expr) -> Distribution:
    """A distribution with its arguments by name."""
    return Distribution(family, tuple(arguments.items()))


def normal(centre: Expr, scale: Expr) -> Distribution:
    """A normal distribution."""
    return call("normal", mu=centre, sigma=scale)


def times(left: Expr, right: Expr) -> Expr:
    """A product, without a factor of one."""
    return right if left == ONE else Apply("*", (left, right))


def over(above: Expr, below: Expr) -> Expr:
    """A quotient."""
    return Apply("/", (above, below))


def plus(left: Expr, right: Expr) -> Expr:
    """A sum."""
    return Apply("+", (left, right))
