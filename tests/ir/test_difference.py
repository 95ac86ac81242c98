"""What changed in meaning between two texts."""

from pathlib import Path

import pytest

import hdsl
from hdsl.compiler import difference, expand, parse_source
from hdsl.source import Source
from hdsl.syntax.printer import print_statement
from tools.documents import ROOT

FILES = sorted([*ROOT.glob("tests/golden/*/model.hdsl"), *ROOT.glob("examples/*/*.hdsl")])

BASE = """\
level region
data y, x, w : real
data income : real per region
y ~ normal(alpha + beta * x, sigma)
alpha, beta ~ region | income
sigma ~ exponential(1)
"""


def says(before: str, after: str) -> list[str]:
    return [change.says for change in difference(Source(before), Source(after)).changes]


def change(old: str, new: str) -> list[str]:
    assert old in BASE
    return says(BASE, BASE.replace(old, new))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_layout_order_and_written_defaults_change_nothing(path: Path) -> None:
    source = Source(path.read_text(encoding="utf-8"), path.name)
    statements = parse_source(source).statements
    shuffled = "# another layout\n" + ";  ".join(print_statement(s) for s in reversed(statements))

    assert difference(source, Source(expand(source))).changes == ()
    if path.parent.name != "several_outcomes":  # the first of them scales what they share
        assert difference(source, Source(shuffled)).changes == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("exponential(1)", "exponential(2)",
         ["the prior of `sigma` was exponential(1), and is exponential(2)"]),
        ("alpha, beta ~ region | income", "alpha ~ region | income\nbeta ~ region | income",
         ["`alpha` and `beta` are no longer correlated within `region`"]),
        ("alpha, beta ~ region | income", "alpha, beta ~ region | income, standardize(income)",
         ["`alpha` is regressed on `standardize(income)`",
          "`beta` is regressed on `standardize(income)`"]),
        ("alpha, beta ~ region | income", "alpha, beta ~ 0 + (region | income)",
         ["the mean of `alpha` is fixed at 0", "the mean of `beta` is fixed at 0"]),
        ("alpha, beta ~ region | income", "alpha ~ region | income\nbeta ~ 1",
         ["`beta` varied by `region`, and now is one value"]),
        ("alpha, beta ~ region | income", "alpha ~ region | income\nbeta[region] ~ 1",
         ["`beta` varied by `region`, and now is one value for each `region`"]),
        ("alpha, beta ~ region | income", "alpha, beta ~ region | income\nsd(beta) = 0.5",
         ["the prior of `sd(beta)` was halfnormal(2.5 * sd(y) / sd(x)), a default, and is = 0.5"]),
        ("sigma ~ exponential(1)", "sigma ~ exponential(1)\ncor(alpha, beta) ~ lkj(5)",
         ["the prior of `cor(alpha, beta)` was lkj(2), a default, and is lkj(5)"]),
        ("y ~ normal(alpha + beta * x, sigma)", "y ~ laplace(alpha + beta * x, sigma)",
         ["the distribution of `y` was normal(alpha + beta * x, sigma), and is "
          "laplace(alpha + beta * x, sigma)"]),
        ("alpha + beta * x,", "alpha + beta * w,",
         ["the data `x` is gone",
          "the `mu` of `y` was alpha + beta * x, and is alpha + beta * w",
          "the data `w` is new: column w : real",
          "the default priors of `mean(alpha)`, `mean(beta)`, `sd(beta)` and "
          "`slope(beta, income)`, scaled by what changed"]),
        ("data y, x, w : real", "data y, w : real\ndata x : positive",
         ["`x` was column x : real, and is column x : positive"]),
        ("level region", "level region from id ordered",
         ["`region` was column region, and is column id ordered"]),
        ("sigma ~ exponential(1)", "sigma ~ exponential(1)\ntwice = 2 * beta",
         ["`twice` is new: it is computed"]),
        ("sigma ~ exponential(1)", "log(sigma) ~ normal(0, 1)",
         ["the prior of `sigma` was exponential(1), and is log(sigma) ~ normal(0, 1)"]),
    ],
)  # fmt: skip
def test_a_change_is_said_once_and_not_what_follows_from_it(
    old: str, new: str, expected: list[str]
) -> None:
    assert change(old, new) == expected


def test_the_same_written_otherwise_is_the_same() -> None:
    assert change("alpha + beta * x,", "x * beta + alpha,") == []
    defined = "mu,", "mu = beta * x + alpha\n"
    assert says(BASE, BASE.replace("alpha + beta * x,", defined[0]) + defined[1]) == []
    counts = "data y : count\ndata x : real\ny ~ poisson(log_mu = a * x)\na ~ region\n"
    linked = "data y : count\ndata x : real\ny ~ poisson(mu)\nlog(mu) = a * x\na ~ region\n"
    assert says(counts, linked) == []


def test_how_it_is_sampled_is_a_note() -> None:
    found = difference(Source(BASE), Source(BASE.replace("| income", "| income with centered")))

    assert found.same
    assert [note.says for note in found.notes] == [
        "`alpha` and `beta` by region is sampled centred now: the same distribution"
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [("alpha", "intercept"), ("sigma", "noise"), ("beta", "slope_of_x")],
)
def test_another_name_is_called_so(old: str, new: str) -> None:
    found = difference(Source(BASE), Source(BASE.replace(old, new)))

    assert [(c.kind, c.says) for c in found.changes] == [
        ("renamed", f"`{old}` is called `{new}` now")
    ]
    assert not found.same


def test_a_level_and_a_column_may_be_called_otherwise() -> None:
    after = BASE.replace("region", "area").replace("level area", "level area from region")
    after = after.replace("x, w : real", "w : real\ndata price from x : real")
    after = after.replace("beta * x", "beta * price")

    assert sorted(says(BASE, after)) == [
        "`region` is called `area` now", "`x` is called `price` now",
    ]  # fmt: skip


def test_a_name_may_change_together_with_its_prior() -> None:
    after = BASE.replace("sigma ~ exponential(1)", "noise ~ halfnormal(1)")
    assert says(BASE, after.replace("sigma", "noise")) == [
        "`sigma` is called `noise` now",
        "the prior of `sigma` was exponential(1), and is halfnormal(1)",
    ]


def test_another_column_is_no_renaming() -> None:
    found = says("y ~ normal(a, s); a ~ g", "z ~ normal(a, s); a ~ g")

    assert "the data `y` is gone" in found
    assert "the data `z` is new: column z : real" in found
    assert not any("is called" in line for line in found)


def test_names_that_are_exchanged_are_no_renaming() -> None:
    before = "data y : real\ny ~ normal(a + b, s)\na ~ g\nb ~ h\n"
    after = "data y : real\ny ~ normal(a + b, s)\na ~ h\nb ~ g\n"

    assert set(says(before, after)) == {
        "`a` no longer varies by `g`", "`a` now varies by `h`",
        "`b` no longer varies by `h`", "`b` now varies by `g`",
    }  # fmt: skip


def test_a_change_knows_where_it_stands_on_both_sides() -> None:
    found = difference(Source(BASE), Source("\n\n" + BASE.replace("exponential(1)", "gamma(2, 2)")))

    (only,) = found.changes
    assert only.before == (6, "sigma ~ exponential(1)")
    assert only.after == (8, "sigma ~ gamma(2, 2)")
    assert found.as_json()["changes"][0]["before"] == {"line": 6, "text": "sigma ~ exponential(1)"}


def test_from_python() -> None:
    model = hdsl.parse(BASE)
    assert model.diff(model).same
