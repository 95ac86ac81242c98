"""The functions and operators of the language: one row each.

A row is the only place that knows a function: how NumPy (the generated ``prepare``), NumPyro and
PyMC write it, where its values lie, and what it is. The names that the generated file must
import for a spelling are ``np``; ``jax`` and ``jnp`` for NumPyro; ``pm`` and ``pt`` for PyMC;
and whatever the row's ``imports`` says.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from statistics import NormalDist

from hdsl.expr import Apply
from hdsl.families import ranges
from hdsl.families.code import Binding, Code, fill, infix, prefix
from hdsl.families.family import NONNEGATIVE, POSITIVE, REAL, UNIT, Support
from hdsl.families.ranges import Range, increasing


class Library(Enum):
    """The array library that a piece of generated code is written for."""

    NUMPY = "numpy"
    NUMPYRO = "numpyro"
    PYMC = "pymc"


@dataclass(frozen=True)
class Function:
    """One function or operator. A spelling is an infix or prefix symbol, or a template with a
    slot per argument; that of a function of any number of arguments joins two.
    """

    name: str
    arity: int | None  # None: two or more
    numpy: str
    numpyro: str
    pymc: str
    evaluate: Callable[..., float]
    range: Range
    doc: str
    domain: Support = REAL  # where its arguments must lie
    internal: bool = False  # not a word of the language: the inverse of a link
    imports: tuple[str, ...] = ()  # what the NumPy spelling needs besides ``np``
    pymc_helper: str | None = None  # a top-level definition that the PyMC spelling calls

    @property
    def is_operator(self) -> bool:
        """Whether it is written between or before its operands."""
        return not self.name[0].isalpha()

    def spelling(self, library: Library) -> str:
        """The template or symbol for a library."""
        match library:
            case Library.NUMPY:
                return self.numpy
            case Library.NUMPYRO:
                return self.numpyro
            case Library.PYMC:
                return self.pymc

    def helper(self, library: Library) -> str | None:
        """The definition that the generated file must hold for the spelling, if any."""
        return self.pymc_helper if library is Library.PYMC else None

    def written(self, library: Library, *arguments: Code) -> Code:
        """The call as code for a library.

        >>> FUNCTIONS["log"].written(Library.NUMPY, Code("a + b", Binding.SUM)).text
        'np.log(a + b)'
        """
        template = self.spelling(library)
        if self.arity is None and len(arguments) > 2:
            first, second, *rest = arguments
            return self.written(library, self.written(library, first, second), *rest)
        if "{" in template:
            is_product = template.startswith(("-", "0.5 *"))
            binding = Binding.PRODUCT if is_product else Binding.ATOM
            return Code(fill(template, arguments), binding)
        if len(arguments) == 1:
            return prefix(template, *arguments)
        return infix(template, *arguments)


_SWING = Support(-1.0, 1.0, open_lower=False, open_upper=False)

LOG_NORMAL_CDF = '''\
def log_normal_cdf(x):
    """Log of the standard normal distribution function, accurate in both tails."""
    left, right = pt.minimum(x, 0.0), pt.maximum(x, 0.0)
    below = pt.log(0.5 * pt.erfcx(-left / np.sqrt(2.0))) - 0.5 * left**2
    above = pt.log1p(-0.5 * pt.erfc(right / np.sqrt(2.0)))
    return pt.switch(pt.lt(x, 0.0), below, above)
'''


def _logit(p: float) -> float:
    return math.log(p) - math.log1p(-p)


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else math.exp(x)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _log_normal_cdf(x: float) -> float:
    if x > -37:
        return math.log(_normal_cdf(x))
    # where erfc underflows: the first terms of its asymptotic series
    return -0.5 * x * x - math.log(-x) - 0.5 * math.log(2 * math.pi) + math.log1p(-1 / (x * x))


def _same(name: str) -> tuple[str, str, str]:
    """The spellings of a function that all three libraries call by one name."""
    return f"np.{name}({{0}})", f"jnp.{name}({{0}})", f"pt.{name}({{0}})"


def _operator(
    name: str, symbol: str, evaluate: Callable[..., float], range_: Range, doc: str
) -> Function:
    return Function(name, 2, symbol, symbol, symbol, evaluate, range_, doc)


def _comparison(
    name: str, numpy: str, pymc: str, holds: Callable[[float, float], bool]
) -> Function:
    return Function(
        name,
        2,
        f"np.{numpy}({{0}}, {{1}}).astype(float)",
        f"jnp.{numpy}({{0}}, {{1}}).astype(float)",
        f'pt.cast(pt.{pymc}({{0}}, {{1}}), "float64")',
        lambda x, y: float(holds(x, y)),
        ranges.comparison,
        f"1 where `x {name} y`, else 0.",
    )


_OPERATORS = (
    _operator("+", "+", lambda x, y: x + y, ranges.sum_of, "Sum."),
    _operator("-", "-", lambda x, y: x - y, ranges.difference, "Difference."),
    _operator("*", "*", lambda x, y: x * y, ranges.product, "Product."),
    _operator("/", "/", lambda x, y: x / y, ranges.quotient, "Quotient."),
    _operator("^", "**", lambda x, y: x**y, ranges.power, "Power."),
    _comparison("<", "less", "lt", lambda x, y: x < y),
    _comparison("<=", "less_equal", "le", lambda x, y: x <= y),
    _comparison(">", "greater", "gt", lambda x, y: x > y),
    _comparison(">=", "greater_equal", "ge", lambda x, y: x >= y),
    _comparison("==", "equal", "eq", lambda x, y: x == y),
    _comparison("!=", "not_equal", "neq", lambda x, y: x != y),
)

NEGATION = Function("-", 1, "-", "-", "-", lambda x: -x, ranges.negated, "Negation.")
"""Unary minus: ``Apply("-", (x,))``."""

_ELEMENTARY = (
    Function(
        "exp", 1, *_same("exp"), math.exp, increasing(math.exp, POSITIVE), "Exponential function."
    ),
    Function(
        "log", 1, *_same("log"), math.log, increasing(math.log), "Natural logarithm.", POSITIVE
    ),
    Function(
        "log1p",
        1,
        *_same("log1p"),
        math.log1p,
        increasing(math.log1p),
        "`log(1 + x)`, accurate for small x.",
        Support(-1.0),
    ),
    Function(
        "expm1",
        1,
        *_same("expm1"),
        math.expm1,
        increasing(math.expm1, Support(-1.0)),
        "`exp(x) - 1`, accurate for small x.",
    ),
    Function(
        "sqrt",
        1,
        *_same("sqrt"),
        math.sqrt,
        increasing(math.sqrt, NONNEGATIVE),
        "Square root.",
        NONNEGATIVE,
    ),
    Function("abs", 1, *_same("abs"), abs, ranges.absolute, "Absolute value."),
    Function(
        "floor",
        1,
        *_same("floor"),
        lambda x: float(math.floor(x)),
        ranges.floored,
        "The largest whole number that is not above x.",
    ),
    Function(
        "min",
        None,
        "np.minimum({0}, {1})",
        "jnp.minimum({0}, {1})",
        "pt.minimum({0}, {1})",
        min,
        ranges.lowest,
        "The smallest of two or more, element by element.",
    ),
    Function(
        "max",
        None,
        "np.maximum({0}, {1})",
        "jnp.maximum({0}, {1})",
        "pt.maximum({0}, {1})",
        max,
        ranges.highest,
        "The largest of two or more, element by element.",
    ),
    Function(
        "clip",
        3,
        "np.clip({0}, {1}, {2})",
        "jnp.clip({0}, {1}, {2})",
        "pt.clip({0}, {1}, {2})",
        lambda x, lower, upper: min(max(x, lower), upper),
        ranges.clipped,
        "`clip(x, lower, upper)`: x, brought back between the two.",
    ),
    Function(
        "where",
        3,
        "np.where({0}, {1}, {2})",
        "jnp.where({0}, {1}, {2})",
        "pt.switch({0}, {1}, {2})",
        lambda condition, x, y: x if condition else y,
        ranges.chosen,
        "`where(condition, x, y)`: x where the condition holds (is not 0), else y.",
    ),
    Function("sin", 1, *_same("sin"), math.sin, ranges.always(_SWING), "Sine."),
    Function("cos", 1, *_same("cos"), math.cos, ranges.always(_SWING), "Cosine."),
    Function(
        "tanh",
        1,
        *_same("tanh"),
        math.tanh,
        increasing(math.tanh, Support(-1.0, 1.0)),
        "Hyperbolic tangent.",
    ),
)

_LINKS = (
    Function(
        "logit",
        1,
        "np.log({0} / (1.0 - {0}))",
        "jax.scipy.special.logit({0})",
        "pm.math.logit({0})",
        _logit,
        increasing(_logit),
        "Log odds, `log(p / (1 - p))`.",
        UNIT,
    ),
    Function(
        "expit",
        1,
        "np.exp(-np.logaddexp(0.0, -{0}))",
        "jax.nn.sigmoid({0})",
        "pt.sigmoid({0})",
        _expit,
        increasing(_expit, UNIT),
        "Inverse of logit, `1 / (1 + exp(-x))`.",
    ),
    Function(
        "probit",
        1,
        "np.vectorize(NormalDist().inv_cdf, otypes=[float])({0})",
        "jax.scipy.special.ndtri({0})",
        "-np.sqrt(2.0) * pt.erfcinv(2.0 * {0})",
        NormalDist().inv_cdf,
        increasing(NormalDist().inv_cdf),
        "Quantile of the standard normal distribution.",
        UNIT,
        imports=("from statistics import NormalDist",),
    ),
    Function(
        "inv_probit",
        1,
        "0.5 * np.vectorize(math.erfc, otypes=[float])(-{0} / np.sqrt(2.0))",
        "jax.scipy.special.ndtr({0})",
        "0.5 * pt.erfc(-{0} / np.sqrt(2.0))",
        _normal_cdf,
        increasing(_normal_cdf, UNIT),
        "Inverse of probit: the standard normal distribution function.",
        internal=True,
        imports=("import math",),
    ),
    Function(
        "log_inv_probit",
        1,
        "np.log(0.5 * np.vectorize(math.erfc, otypes=[float])(-{0} / np.sqrt(2.0)))",
        "jax.scipy.special.log_ndtr({0})",
        "log_normal_cdf({0})",
        _log_normal_cdf,
        increasing(_log_normal_cdf, Support(upper=0.0)),
        "Log of the standard normal distribution function.",
        internal=True,
        imports=("import math",),
        pymc_helper=LOG_NORMAL_CDF,
    ),
    Function(
        "cloglog",
        1,
        "np.log(-np.log1p(-{0}))",
        "jnp.log(-jnp.log1p(-{0}))",
        "pt.log(-pt.log1p(-{0}))",
        lambda p: math.log(-math.log1p(-p)),
        increasing(lambda p: math.log(-math.log1p(-p))),
        "Complementary log-log, `log(-log(1 - p))`.",
        UNIT,
    ),
    Function(
        "inv_cloglog",
        1,
        "-np.expm1(-np.exp({0}))",
        "-jnp.expm1(-jnp.exp({0}))",
        "-pt.expm1(-pt.exp({0}))",
        lambda x: -math.expm1(-math.exp(x)),
        increasing(lambda x: -math.expm1(-math.exp(x)), UNIT),
        "Inverse of cloglog, `1 - exp(-exp(x))`.",
        internal=True,
    ),
    Function(
        "softplus",
        1,
        "np.logaddexp(0.0, {0})",
        "jax.nn.softplus({0})",
        "pt.softplus({0})",
        _softplus,
        increasing(_softplus, POSITIVE),
        "`log(1 + exp(x))`: positive, and close to x where x is large.",
    ),
    Function(
        "lgamma",
        1,
        "np.vectorize(math.lgamma, otypes=[float])({0})",
        "jax.scipy.special.gammaln({0})",
        "pt.gammaln({0})",
        math.lgamma,
        ranges.always(REAL),
        "Log of the gamma function.",
        POSITIVE,
        imports=("import math",),
    ),
)

FUNCTIONS: Mapping[str, Function] = {f.name: f for f in (*_OPERATORS, *_ELEMENTARY, *_LINKS)}
"""Every function and binary operator by name."""


def function_of(call: Apply) -> Function:
    """The row of the function that an expression applies; KeyError where the table has none.

    >>> function_of(Apply("-", ())).doc
    'Difference.'
    """
    if call.function == "-" and len(call.arguments) == 1:
        return NEGATION
    return FUNCTIONS[call.function]
