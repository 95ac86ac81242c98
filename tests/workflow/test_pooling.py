"""A model's text without pooling and with complete pooling."""

import pytest

import hdsl
from hdsl.check.pooling import Pooling, pooled
from hdsl.compiler import difference
from hdsl.source import Source
from tools.documents import ROOT

NONE, COMPLETE = Pooling.NONE, Pooling.COMPLETE
DATA = "level g\nlevel h\ndata y, x : real\ndata w : real per g\n"
EXAMPLES = sorted(ROOT.glob("examples/*/*.hdsl"))


def lines(text: str, how: Pooling, *levels: str) -> list[str]:
    """The statements that are not declarations."""
    source = Source(text)
    found = pooled(source, hdsl.parse(text).ir, how, frozenset(levels))
    return [line for line in found.splitlines() if not line.startswith(("level", "data"))]


Y = "y ~ normal(a + b * x, s)"


@pytest.mark.parametrize(
    ("body", "none", "complete"),
    [
        ("a, b ~ g", ["a[g], b[g] ~ 1"], ["a, b ~ 1"]),
        ("a, b ~ g | w with centered", ["a[g], b[g] ~ 1"], ["a, b ~ 1"]),
        ("a ~ g\nb ~ 1", ["a[g] ~ 1", "b ~ 1"], ["a ~ 1", "b ~ 1"]),
        ("log(-b) ~ g\na ~ 1", ["log(-b[g]) ~ 1", "a ~ 1"], ["log(-b) ~ 1", "a ~ 1"]),
        ("a ~ g / h\nb ~ 1", ["a[h] ~ 1", "b ~ 1"], ["a ~ 1", "b ~ 1"]),
        ("a ~ g : h\nb ~ 1", ["a[g : h] ~ 1", "b ~ 1"], ["a ~ 1", "b ~ 1"]),
        ("a ~ 0 + g\nb ~ 1",
         ["a[g] ~ normal(0, 2.5 * sd(y) + 2.5 * sd(y) * abs(mean(x)) / sd(x))", "b ~ 1"],
         ["a = 0", "b ~ 1"]),
        ("a ~ g + h\nb ~ 1",
         ["a = a_g + a_h", "a_g[g] ~ 1",
          "a_h[h] ~ normal(0, 2.5 * sd(y) + 2.5 * sd(y) * abs(mean(x)) / sd(x))", "b ~ 1"],
         ["a ~ 1", "b ~ 1"]),
        ("a, b ~ g\nsd(a), sd(b), s ~ halfnormal(1)\ncor(a, b) ~ lkj(1)",
         ["a[g], b[g] ~ 1", "s ~ halfnormal(1)"], ["a, b ~ 1", "s ~ halfnormal(1)"]),
        ("a, b ~ g\nmean(b) ~ normal(-2, 1)",
         ["a[g], b[g] ~ 1"], ["a ~ 1", "b ~ normal(-2, 1)"]),
        ("a, b ~ g\nmean(b) = 1", ["a[g], b[g] ~ 1"], ["a ~ 1", "b = 1"]),
        ("log(-b) ~ g\na ~ 1\nmean(log(-b)) ~ normal(0, 1)",
         ["log(-b[g]) ~ 1", "a ~ 1"], ["a ~ 1", "log(-b) ~ normal(0, 1)"]),
        ("a, b ~ g\nsd(b) ~ halfnormal(tau)\ntau ~ exponential(1)",
         ["a[g], b[g] ~ 1"], ["a, b ~ 1"]),
        ("a, b ~ g\nicc = sd(a)^2 / s^2\nboth = 2 * icc\ngap = b - mean(b)\nreport dev(a)",
         ["a[g], b[g] ~ 1"], ["a, b ~ 1", "gap = b - b"]),
        ("a ~ g / h\nb ~ 1\nall = average(a[g])",
         ["a[h] ~ 1", "b ~ 1"], ["a ~ 1", "b ~ 1"]),
        ('a, b ~ g\ngap = a["1"] - a["2"]',
         ["a[g], b[g] ~ 1", 'gap = a["1"] - a["2"]'], ["a, b ~ 1", "gap = a - a"]),
    ],
)  # fmt: skip
def test_formulas_are_rewritten_and_what_they_implied_goes(
    body: str, none: list[str], complete: list[str]
) -> None:
    text = f"{DATA}{Y}\n{body}\n"

    assert lines(text, NONE) == [Y, *none]
    assert lines(text, COMPLETE) == [Y, *complete]


def test_only_the_levels_that_are_asked_for() -> None:
    text = f"{DATA}{Y}\na ~ g + h\nb ~ h\n"

    assert lines(text, COMPLETE, "g") == [Y, "a ~ h", "b ~ h"]
    assert lines(text, COMPLETE, "h") == [Y, "a ~ g", "b ~ 1"]
    nested = f"{DATA}{Y}\na ~ g / h | w\nb ~ 1\n".replace("level h\n", "")
    assert lines(nested, COMPLETE, "h") == [Y, "a ~ g | w", "b ~ 1"]
    assert lines(nested, NONE, "h") == [Y, "a[h] ~ 1", "b ~ 1"]


def test_coefficients_of_a_block() -> None:
    data = "level g\nlevel h\ndata y, x, z : real\ndata X = [x, z]\n"
    body = "y ~ normal(X @ theta, s)"

    text = f"{data}{body}\ntheta[X] ~ g\nmean(theta[x]) ~ normal(0, 1)\n"
    assert lines(text, NONE) == [body, "theta[X, g] ~ 1"]
    assert lines(text, COMPLETE) == [body, "theta[X] ~ 1"]
    crossed = f"{data}{body}\ntheta[X] ~ g + h\ncor(theta, h) ~ lkj(2)\n"
    assert lines(crossed, NONE) == [
        body, "theta = theta_g + theta_h", "theta_g[X, g] ~ 1",
        "theta_h[X, h] ~ normal(0, 2.5 * sd(y) / sd(X))",
    ]  # fmt: skip


def test_nesting_that_a_formula_told_is_declared() -> None:
    text = "data y : real\ny ~ normal(a, s)\na ~ g / h\n"
    source = Source(text)

    assert pooled(source, hdsl.parse(text).ir, NONE).splitlines()[0] == "level h in g"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.relative_to(ROOT).as_posix())
@pytest.mark.parametrize("how", Pooling, ids=lambda how: how.value)
def test_every_example_can_be_pooled_otherwise(path: object, how: Pooling) -> None:
    source = Source(path.read_text(encoding="utf-8"))
    model = hdsl.parse(source.text)
    if not model.ir.coefficients:
        with pytest.raises(hdsl.ModelError, match="no coefficient that varies"):
            pooled(source, model.ir, how)
        return
    text = pooled(source, model.ir, how)

    assert not hdsl.parse(text).ir.coefficients
    assert not difference(source, Source(text)).same


@pytest.mark.parametrize(
    ("text", "levels", "reason"),
    [
        (f"{DATA}{Y}\na, b ~ 1\n", (), "it has no coefficient that varies by a level"),
        (f"{DATA}{Y}\na, b ~ g\n", ("h",), "it has no coefficient that varies by a level `h`"),
        (f"{DATA}{Y}\na, b ~ g\n", ("k",), "it has no level `k`"),
        (f"{DATA}y ~ normal(a + sd(a) * x, s)\na ~ g\n", (),
         "`sd(a)` is used in `y ~ normal(a + sd(a) * x, s)`"),
        (f"{DATA}y ~ normal(a + t * x, s)\na ~ g\nt = 2 * sd(a)\n", (),
         "`t` is used in `y ~ normal(a + t * x, s)`"),
    ],
)  # fmt: skip
def test_what_cannot_be_pooled_otherwise(text: str, levels: tuple[str, ...], reason: str) -> None:
    with pytest.raises(hdsl.ModelError) as caught:
        lines(text, NONE, *levels)

    assert [(d.code, d.headline) for d in caught.value.diagnostics] == [
        ("H556", f"the model cannot be pooled otherwise: {reason}")
    ]


def test_a_part_that_would_stay_pooled_is_refused_without_pooling() -> None:
    with pytest.raises(hdsl.ModelError, match="`h` would stay pooled beside it"):
        lines(f"{DATA}{Y}\na ~ g + h\nb ~ 1\n", NONE, "g")
