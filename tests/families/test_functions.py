"""Functions, links and ranges: three libraries and plain floats agree, and ranges hold."""

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdsl.expr import Apply, Constant, Expr, Value, apply
from hdsl.families import FAMILIES, FUNCTIONS, LINKS, Code, Library, folded, link_of
from hdsl.families.code import Binding
from hdsl.families.family import POSITIVE, REAL, UNIT, Support
from hdsl.families.functions import NEGATION, Function
from hdsl.families.lookup import interval, likely, natural_family, support_of
from hdsl.families.ranges import point
from tests.families.emitted import evaluate, helpers, written
from tests.families.test_pymc import MODE

ROWS = [pytest.param(f, id=f"{f.name}{f.arity or 'n'}") for f in (*FUNCTIONS.values(), NEGATION)]
ARGUMENTS = (-30.0, -1.5, -1e-6, 0.0, 1e-6, 0.3, 0.5, 0.97, 1.0, 2.0, 3.0, 20.0)


def inside(domain: Support, x: float) -> bool:
    return domain.lower < x < domain.upper or (x == domain.lower and not domain.open_lower)


def samples(function: Function) -> list[tuple[float, ...]]:
    """Arguments of a function, all within its domain, at which it has a value."""
    arity = function.arity or 3
    axis = ARGUMENTS if arity < 3 else ARGUMENTS[::3]
    found = []
    for arguments in itertools.product(axis, repeat=arity):
        in_order = function.name != "clip" or arguments[1] <= arguments[2]
        if in_order and all(inside(function.domain, x) for x in arguments):
            try:
                value = function.evaluate(*arguments)
            except (ZeroDivisionError, OverflowError):
                continue
            if isinstance(value, float) and math.isfinite(value):
                found.append(arguments)
    return found


@pytest.mark.parametrize("function", ROWS)
def test_three_libraries_agree(function: Function) -> None:
    arguments = samples(function)
    assert arguments
    expected = [function.evaluate(*row) for row in arguments]
    columns = {f"x{i}": np.array(column) for i, column in enumerate(zip(*arguments, strict=True))}
    call = Apply(function.name, tuple(Value(name) for name in columns))
    for found in (in_numpy(call, columns), in_jax(call, columns), in_pytensor(call, columns)):
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def in_numpy(call: Apply, columns: dict[str, Any]) -> Any:
    scope: dict[str, Any] = {"np": np}
    for line in (FUNCTIONS | {"-": NEGATION})[call.function].imports:
        exec(line, scope)
    with np.errstate(all="ignore"):  # `where` and its like see both branches
        return eval(written(call, Library.NUMPY).text, scope, columns)


def in_jax(call: Apply, columns: dict[str, Any]) -> Any:
    scope = {"np": np, "jax": jax, "jnp": jnp}
    text = written(call, Library.NUMPYRO).text
    return jax.jit(lambda values: eval(text, scope, values))(columns)


def in_pytensor(call: Apply, columns: dict[str, Any]) -> Any:
    import pymc as pm

    scope: dict[str, Any] = {"np": np, "pm": pm, "pt": pt}
    for code in helpers(call, Library.PYMC):
        exec(code, scope)
    values = {k: pytensor.shared(v, shape=v.shape) for k, v in columns.items()}
    result = eval(written(call, Library.PYMC).text, scope, values)
    return pytensor.function([], result, mode=MODE)()


@pytest.mark.parametrize("function", ROWS)
def test_ranges_hold_at_every_point(function: Function) -> None:
    known = sorted(set(samples(function)))
    corners = [known[i] for i in range(0, len(known), max(1, len(known) // 12))]
    for low, high in itertools.product(corners, corners):
        box = tuple(
            Support(min(a, b), max(a, b), False, False) for a, b in zip(low, high, strict=True)
        )
        found = function.range(box)
        for arguments in known:
            if all(s.lower <= x <= s.upper for s, x in zip(box, arguments, strict=True)):
                value = function.evaluate(*arguments)
                slack = 1e-9 * (1 + abs(value))
                assert found.lower - slack <= value <= found.upper + slack, (box, arguments)


@pytest.mark.parametrize(
    ("expr", "lower", "upper"),
    [
        (apply("exp", "x"), 0.0, math.inf),
        (apply("expit", "x"), 0.0, 1.0),
        (apply("inv_cloglog", "x"), 0.0, 1.0),
        (apply("^", "x", 2.0), 0.0, math.inf),
        (apply("^", "s", -0.5), 0.0, math.inf),
        (apply("*", "s", apply("-", "s")), -math.inf, 0.0),
        (apply("/", "p", apply("+", "s", 1.0)), 0.0, 1.0),
        (apply("-", 1.0, "p"), 0.0, 1.0),
        (apply("sqrt", apply("+", apply("^", "x", 2.0), "s")), 0.0, math.inf),
        (apply("clip", "x", -1.0, 2.0), -1.0, 2.0),
        (apply("where", apply(">", "x", 0.0), "p", 3.0), 0.0, 3.0),
        (apply("max", "x", 0.0, "s"), 0.0, math.inf),
        (apply("log", "x"), -math.inf, math.inf),
        (apply("standardize", "x"), -math.inf, math.inf),
    ],
)
def test_range_of_an_expression(expr: Expr, lower: float, upper: float) -> None:
    supports = {"x": REAL, "s": POSITIVE, "p": UNIT}
    found = interval(expr, lambda name: supports[name])
    assert (found.lower, found.upper) == (lower, upper)


def test_bounds_given_as_arguments() -> None:
    arguments = {"lower": apply("*", -1.0, 2.0), "upper": Value("s")}
    found = support_of(FAMILIES["uniform"], arguments, lambda _: POSITIVE)
    assert (found.lower, found.upper) == (-2.0, math.inf)
    found = support_of(FAMILIES["binomial"], {"n": Constant(5.0), "logit_p": Value("x")})
    assert (found.lower, found.upper, found.discrete) == (0.0, 5.0, True)
    found = support_of(FAMILIES["pareto"], {"alpha": Value("a"), "log_m": Constant(0.0)})
    assert (found.lower, found.upper) == (1.0, math.inf)


@pytest.mark.parametrize("name", LINKS)
def test_a_link_and_its_inverse(name: str) -> None:
    link = LINKS[name]
    for x in ARGUMENTS:
        if inside(link.domain, x) and x > -20:
            there = evaluate(link.apply(Constant(x)))
            assert there is not None and link.image.lower <= there <= link.image.upper
            assert evaluate(link.invert(Constant(there))) == pytest.approx(x, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("exponent", [2.0, -2.0, 0.5, -1.0])
def test_powers_are_links(exponent: float) -> None:
    link = link_of("power", exponent)
    there = evaluate(link.apply(Constant(3.0)))
    assert there == pytest.approx(3.0**exponent)
    assert evaluate(link.invert(Constant(there))) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("support", "family", "low", "high"),
    [(REAL, "normal", -1.0, 3.0), (POSITIVE, "lognormal", 0.5, 8.0), (UNIT, "normal", 0.1, 0.3)],
)
def test_likely_holds_95_percent(support: Support, family: str, low: float, high: float) -> None:
    from statistics import NormalDist

    natural = natural_family(support)
    assert natural is not None
    assert natural.family == family
    arguments = likely(natural, Constant(low), Constant(high))
    mu, sigma = (evaluate(folded(arguments[name])) for name in ("mu", "sigma"))
    assert mu is not None and sigma is not None
    scale = {REAL: lambda x: x, POSITIVE: math.log, UNIT: lambda p: math.log(p / (1 - p))}[support]
    normal = NormalDist(mu, sigma)
    assert normal.cdf(scale(high)) == pytest.approx(0.975)
    assert normal.cdf(scale(low)) == pytest.approx(0.025)


def test_supports_without_a_natural_family() -> None:
    assert natural_family(Support(-1.0, 1.0)) is None
    assert natural_family(Support(0.0, discrete=True)) is None


LEAVES = st.one_of(
    st.sampled_from(["a", "b"]).map(Value),
    st.floats(-3, 3, allow_nan=False).map(lambda x: Constant(round(x, 2))),
)


def deeper(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    two = st.tuples(st.sampled_from(["+", "-", "*", "min", "<", "=="]), inner, inner)
    one = st.tuples(
        st.sampled_from(["-", "exp", "expit", "inv_cloglog", "tanh", "softplus"]), inner
    )
    square = inner.map(lambda e: apply("^", e, 2.0))
    return st.one_of(two.map(lambda t: apply(*t)), one.map(lambda t: apply(*t)), square)


@given(st.recursive(LEAVES, deeper, max_leaves=8))
def test_brackets_stand_where_they_must(expr: Expr) -> None:
    values = {"a": 0.7, "b": -1.3}
    expected = evaluate(expr, values)
    if expected is None or not abs(expected) < 1e100:
        return
    with np.errstate(all="ignore"):
        found = eval(written(expr, Library.NUMPY).text, {"np": np}, values)
    assert float(found) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (apply("-", "a", apply("-", "b", "c")), "a - (b - c)"),
        (apply("*", apply("+", "a", "b"), "c"), "(a + b) * c"),
        (apply("^", apply("-", "a"), 2.0), "(-a) ** 2.0"),
        (apply("-", apply("^", "a", 2.0)), "-a**2.0"),
        (apply("exp", apply("-", "a")), "np.exp(-a)"),
        (apply("logit", apply("+", "a", "b")), "np.log((a + b) / (1.0 - (a + b)))"),
        (apply("max", "a", "b", "c"), "np.maximum(np.maximum(a, b), c)"),
        (apply("<", "a", apply("+", "b", 1.0)), "np.less(a, b + 1.0).astype(float)"),
    ],
)
def test_written_as_a_person_would(expr: Expr, text: str) -> None:
    assert written(expr, Library.NUMPY).text == text


def test_text_of_a_user_is_not_a_template() -> None:
    odd = Code('x["{0}"]', Binding.ATOM)
    assert FUNCTIONS["log"].written(Library.NUMPY, odd).text == 'np.log(x["{0}"])'


def test_a_point_is_a_support() -> None:
    assert interval(Constant(2.5), lambda _: REAL) == point(2.5)
