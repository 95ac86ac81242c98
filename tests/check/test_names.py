"""What a name is: outcome, column, parameter, level; and what is a slip of the finger."""

import pytest

from hdsl.check.spelling import is_slip, nearest
from hdsl.ir.model import Data, DataType, LevelKind, Parameter
from tests.check.helpers import checked, errors, found


def test_undeclared_outcome_is_the_name_that_nothing_uses():
    model = checked("y ~ normal(mu, sigma); mu[g] ~ normal(m, 1); m ~ normal(0, sd(y))")
    assert [o.name for o in model.outcomes] == ["y"]


def test_a_model_has_several_outcomes_on_several_levels():
    model = checked(
        "data sales : count\ndata lift, se : real per product\nsales ~ poisson(log_mu = a + b)\n"
        "lift ~ normal(b, se)\na ~ 1\nb ~ product"
    )
    assert [(o.name, o.domain) for o in model.outcomes] == [
        ("sales", ("row",)),
        ("lift", ("product",)),
    ]


def test_inferred_types_follow_from_the_distribution():
    model = checked("k ~ binomial(n, logit_p = a + b * x); a, b ~ 1")
    types = {n.name: n.type for n in model.nodes if isinstance(n, Data)}
    assert types == {"k": DataType.COUNT, "n": DataType.COUNT, "x": DataType.REAL}


def test_a_bare_scale_is_an_implied_parameter():
    model = checked("data y : real\ny ~ studentt(nu, mu, sigma)\nmu ~ 1")
    implied = [n.name for n in model.nodes if isinstance(n, Parameter) and n.implied]
    assert implied == ["nu", "sigma"]


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("sigma ~ halfnormal(1); y ~ normal(m, sgima); m ~ 1", "did you mean `sigma`?"),
        ("data y, income : real\ny ~ normal(m * incme, 1)\nm ~ 1", "did you mean `income`?"),
        ("level region\ndata y : real\ny ~ normal(a, 1)\na ~ regoin", "did you mean `region`?"),
        ("data y : reel\ny ~ normal(a, 1)\na ~ 1", "did you mean `real`?"),
        ("y ~ gaussian(a, 1); a ~ 1", "did you mean `normal`?"),
        ("y ~ normal(lgo(a), 1); a ~ 1", "did you mean `log`?"),
        ("y ~ normal(a, 1); a ~ g; sd(b) ~ halfnormal(1)", "write `b ~ region` first"),
        ("y ~ normal(a, 1); log(a) ~ g; sd(a) ~ halfnormal(1)",
         "its statement names it `log(a)`: write `sd(log(a))`"),
    ],
)  # fmt: skip
def test_near_names_are_suggested(text, help):
    assert found(text).help == help


def test_names_of_a_series_are_no_slips():
    assert (
        errors("y1 ~ normal(a, sigma1); y2 ~ normal(a, sigma2); a ~ 1; sigma1 ~ exponential(1)")
        == []
    )
    assert not is_slip("tau_a", "tau_b")
    assert is_slip("bteaa", "btea") and not is_slip("nu", "mu")
    assert nearest("Regoin", ["region", "store"]) == "region"


def test_python_words_are_ordinary_names():
    assert (
        errors("data lambda, np, data, model : real\nlambda ~ normal(np + data * k, model)\nk ~ 1")
        == []
    )


def test_a_level_is_not_a_number():
    assert errors("y ~ normal(a + week, 1); a ~ week") == [("H207", "week")]


def test_a_count_may_be_a_level_and_a_real_may_not():
    assert errors("data y : real\ndata year : count\ny ~ normal(a, 1)\na ~ year") == []
    error = found("data y, dose : real\ny ~ normal(a, 1)\na ~ dose")
    assert error.code == "H407" and "level dose_group from dose" in (error.help or "")
    assert (
        errors("level dose_group from dose\ndata y : real\ny ~ normal(a, 1)\na ~ dose_group") == []
    )


def test_unused_parameter_and_unused_coefficient():
    assert errors("data y : real\ny ~ normal(m, 1)\nm ~ 1\nt ~ normal(0, 1)\nu ~ g") == [
        ("H208", "t"),
        ("H208", "u"),
    ]


def test_all_errors_at_once():
    text = (
        "data y, x : real\ny ~ normal(a + b * z, sgma2)\nlevel a in a\na ~ 2 + g\nb ~ g + g\n"
        "sd(b) ~ halfnorml(1)\n"
    )
    assert {code for code, _ in errors(text)} >= {"H201", "H204", "H401", "H403", "H408"}


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("y ~ normal(b, 1); b ~ market / submarket", {"market": (), "submarket": ("market",)}),
        ("level a in b in c\ny ~ normal(m, 1); m ~ a", {"a": ("b",), "b": ("c",), "c": ()}),
        ("y ~ normal(b, 1); b ~ u : v", {"u": (), "v": (), "u:v": ("u", "v")}),
        ("level p = u : v\ny ~ normal(b, 1); b ~ v : u", {"u": (), "v": (), "p": ("u", "v")}),
    ],
)
def test_nesting(text, levels):
    model = checked(text)
    parents = {n: lv.parents for n, lv in model.levels.items() if lv.kind is not LevelKind.ROW}
    assert parents == levels
    assert list(model.levels)[-1] == "row"


def test_factor_constant_within_a_level_contains_it():
    model = checked("data y : real\ndata f : factor per g\ny ~ normal(a, 1)\na ~ g | f")
    assert "f" in model.ancestors("g")
    [slope] = [n for n in model.nodes if isinstance(n, Parameter) and n.name == "slope(a, f)"]
    assert slope.domain == ("f",) and slope.baseline


@pytest.mark.parametrize(
    "text",
    [
        "data y : real\ny ~ normal(m, 1)\nm ~ normal(m, 1)",
        "data y : real\ny ~ normal(a, 1)\na = b + 1\nb = a - 1",
        "a ~ normal(b, 1); b ~ normal(a, 1); y ~ normal(a + b, 1)",
        "y ~ normal(b, 1); b ~ g; mean(b) = b * 2",
    ],
)
def test_circles_are_reported(text):
    assert [code for code, _ in errors(text)] == ["H209"]


def test_a_misspelt_level_is_reported_once_and_understood():
    text = "level region\ndata y : real\ndata w : real per region\ny ~ normal(a, 1)\na ~ regoin | w"
    assert errors(text) == [("H203", "regoin")]


@pytest.mark.parametrize("name", ["chain", "draw", "row"])
def test_the_dimensions_of_a_posterior_are_no_levels(name):
    assert errors(f"level {name}\ny ~ normal(a, 1); a ~ {name}")[0] == (
        "H202",
        name if name == "row" else f"level {name}",
    )


@pytest.mark.parametrize("start", ["q0 ~ normal(0, 1)", "a ~ normal(0, 1); q0 = a * x"])
def test_definitions_that_double_are_not_written_out(start):
    """Written out, the last one would have 2^60 terms."""
    chain = "\n".join(f"q{i + 1} = q{i} + q{i}" for i in range(60))
    assert errors(f"y ~ normal(q60, s); {start}\n{chain}") == []


@pytest.mark.parametrize("used", ["a + b * kind", "a + b * mean(kind)", "a + log(kind)"])
def test_labels_are_no_numbers(used):
    text = f"data y : real; data kind : factor; y ~ normal({used}, sigma); a, b ~ normal(0, 1)"
    assert found(text).headline == "`kind` is factor data, and a number is needed here"
