"""When each rule of advice speaks, and when it keeps quiet."""

import random
from collections.abc import Callable

import pytest

from hdsl.lint import lint
from tests.data.binding import bound, model_of

DECLARED = "level region\ndata y, x : real\n"


def advice(text: str, rows: str) -> list[str]:
    """The codes of the advice for a model and data that bind without errors."""
    binding = bound(text, rows)
    assert binding.sound, [d.headline for d in binding.diagnostics]
    return [d.code for d in lint(binding.dataset.model, binding)]


def regions(
    groups: int,
    each: int,
    x: Callable[[int, int], float] = lambda i, j: (7 * i + 3 * j) % 11 - 5,
    y: Callable[[int, int], float] = lambda i, j: 5 + (5 * i + 2 * j) % 7,
) -> str:
    lines = [f"r{i},{y(i, j)},{x(i, j)}" for i in range(groups) for j in range(each)]
    return "\n".join(["region,y,x", *lines]) + "\n"


# ---------------------------------------------------------------- H601


@pytest.mark.parametrize(("groups", "expected"), [(1, ["H601"]), (4, ["H601"]), (5, [])])
def test_few_groups(groups: int, expected: list[str]) -> None:
    text = DECLARED + "y ~ normal(alpha, sigma)\nalpha ~ region\n"
    assert advice(text, regions(groups, 6)) == expected


def test_few_groups_with_a_prior_for_their_sd() -> None:
    text = DECLARED + "y ~ normal(alpha, sigma)\nalpha ~ region\n"
    assert advice(text + "sd(alpha) ~ halfnormal(2)\n", regions(3, 6)) == []
    assert advice(text + "sd(alpha) = 1\n", regions(3, 6)) == []


def test_each_sd_of_few_groups_is_named() -> None:
    text = DECLARED + "y ~ normal(alpha + beta * x, sigma)\nalpha, beta ~ region\n"
    binding = bound(text, regions(3, 6))

    assert [d.headline for d in lint(binding.dataset.model, binding)] == [
        "`sd(alpha)` is to be learned from 3 groups of `region`",
        "`sd(beta)` is to be learned from 3 groups of `region`",
    ]


# ---------------------------------------------------------------- H602, H603


def test_every_row_its_own_group() -> None:
    text = DECLARED + "y ~ normal(alpha, sigma)\nalpha ~ region\n"
    assert advice(text, regions(9, 1)) == ["H603"]


def test_mostly_single_rows() -> None:
    text = DECLARED + "y ~ normal(alpha, sigma)\nalpha ~ region\n"
    assert advice(text, regions(9, 1) + "r0,3,1\nr1,4,1\n") == ["H602"]
    assert advice(text, regions(9, 1) + "".join(f"r{i},{i},1\n" for i in range(5))) == []


def test_a_known_scale_gives_a_row_a_meaning_of_its_own() -> None:
    text = "data y : real\ndata se : positive\ny ~ normal(theta, se)\ntheta ~ school\n"
    rows = "school,y,se\n" + "".join(f"s{i},{i * i % 7},{1 + i}\n" for i in range(8))
    assert advice(text, rows) == []


def test_a_meta_analysis_of_data_per_group() -> None:
    text = "level school\ndata lift, se : real per school\nlift ~ normal(theta, se)\n"
    text += "theta ~ school\n"
    rows = "school,lift,se\n" + "".join(f"s{i},{i * i % 7},{1 + i}\n" for i in range(8))
    assert advice(text, rows) == []


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ("poisson(log_mu = alpha)", []),
        ("binomial(n, logit_p = alpha)", []),
        ("negbinomial(log_mu = alpha, phi)", ["H603"]),
        ("bernoulli(logit_p = alpha)", ["H603"]),
    ],
)
def test_overdispersion_is_a_deviation_per_row(distribution: str, expected: list[str]) -> None:
    text = f"level region\ndata y, n : count\ny ~ {distribution}\nalpha ~ region\n"
    if "n," not in distribution:
        text = text.replace("y, n", "y")
    rows = "region,y,n\n" + "".join(f"r{i},{i % 2},5\n" for i in range(9))
    assert advice(text, rows) == expected


# ---------------------------------------------------------------- H604


def intercepts(formula: str, *statements: str) -> list[str]:
    text = "level region\ndata y, x : real\ny ~ normal(" + formula + ", sigma)\n"
    model = model_of(text + "\n".join(statements) + "\n")
    return [d.headline for d in lint(model)]


def test_two_means() -> None:
    assert intercepts("alpha + gamma", "alpha ~ region", "gamma ~ week") == [
        "`mean(alpha)` and `mean(gamma)` are added up, and each is an intercept of `y`"
    ]
    assert intercepts("alpha + gamma", "alpha ~ region", "gamma ~ 0 + week") == []
    assert intercepts("alpha + gamma", "alpha ~ region", "gamma ~ week", "mean(gamma) = 0") == []


def test_a_mean_and_unpooled_values() -> None:
    both = intercepts("alpha + gamma", "alpha ~ region", "gamma[week] ~ 1")
    assert both == ["`mean(alpha)` and `gamma` are added up, and each is an intercept of `y`"]
    baseline = ("gamma[week] ~ 1", 'gamma["1"] = 0')
    assert intercepts("alpha + gamma", "alpha ~ region", *baseline) == []
    assert intercepts("alpha + gamma", "alpha ~ region", "gamma[week] ~ normal(0, 1)") == []


def test_a_mean_and_a_slope() -> None:
    assert (
        intercepts("alpha + beta * x", "alpha, beta ~ region | w", "data w : real per region") == []
    )
    assert intercepts("a + b", "a, b ~ normal(0, 1)") == [
        "`a` and `b` are added up, and each is an intercept of `y`"
    ]


def test_intercepts_behind_definitions_and_links() -> None:
    text = "data y : count\nlog(mu) = eta\neta = alpha + gamma\ny ~ poisson(mu)\n"
    model = model_of(text + "alpha ~ region\ngamma ~ week\n")
    assert [d.code for d in lint(model)] == ["H604"]


def test_a_learned_prior_is_no_intercept() -> None:
    assert (
        intercepts("a + u", "a ~ 1", "u[region] ~ studentt(4, 0, tau)", "tau ~ halfnormal(1)") == []
    )


def test_two_outcomes_have_an_intercept_each() -> None:
    text = "data y, z : real\ny ~ normal(a, s)\nz ~ normal(b, t)\na, b ~ region\n"
    assert lint(model_of(text)) == ()


# ---------------------------------------------------------------- H605


def saturated(groups: int, predictors: str, head: str = "") -> list[str]:
    columns = predictors.split(", ")
    text = f"level region\ndata y : real\ndata {predictors} : real per region\n"
    text += f"y ~ normal(alpha, sigma)\nalpha ~ {head}region | {predictors}\n"
    draw = random.Random(1)
    rows = [",".join(["region", "y", *columns])]
    for i in range(groups):
        values = [f"{draw.gauss(0, 1):.3f}" for _ in columns]
        rows += [",".join([f"r{i}", f"{draw.gauss(0, 2):.3f}", *values]) for _ in range(4)]
    return advice(text, "\n".join(rows) + "\n")


def test_as_many_predictors_as_groups() -> None:
    assert saturated(5, "u, v, w") == []
    assert saturated(5, "u, v, w, z") == ["H605"]
    assert saturated(6, "u, v, w, z") == []
    assert saturated(5, "u, v, w, z", head="0 + ") == []


# ---------------------------------------------------------------- H606


def test_a_slope_that_the_declarations_show_to_be_constant() -> None:
    text = "level region\ndata y : real\ndata x : real per region\n"
    text += "y ~ normal(alpha + beta * x, sigma)\nalpha, beta ~ region\n"
    assert [d.code for d in lint(model_of(text))] == ["H606"]
    assert lint(model_of(text.replace("alpha, beta ~ region", "alpha ~ region\nbeta ~ 1"))) == ()


def test_a_slope_that_the_data_show_to_be_constant() -> None:
    text = DECLARED + "y ~ normal(alpha + beta * x, sigma)\nalpha, beta ~ region\n"
    assert advice(text, regions(6, 4, x=lambda i, j: i % 4)) == ["H606"]
    assert advice(text, regions(6, 4, x=lambda i, j: i % 4 + (i + j == 0))) == []


def test_a_coarser_level_shows_what_a_finer_one_cannot() -> None:
    text = "data y : real\ndata x : real per shop\ny ~ normal(alpha + beta * x, sigma)\n"
    text += "alpha ~ market / shop\nbeta ~ market\n"
    assert lint(model_of(text)) == ()


# ---------------------------------------------------------------- H607


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        ("mean(alpha) ~ normal(0, 10)", []),
        ("mean(alpha) ~ normal(5000, 10)", ["H607"]),
        ("mean(beta) ~ normal(0, 1)", []),
        ("mean(beta) ~ normal(0, 1000)", ["H607"]),
        ("mean(beta) ~ normal(0, 0.001)", ["H607"]),
        ("sigma ~ exponential(1)", []),
        ("sigma ~ exponential(0.0001)", ["H607"]),
        ("sd(alpha) ~ halfnormal(1)", []),
        ("sd(alpha) ~ halfnormal(10000)", ["H607"]),
        ("mean(beta) ~ cauchy(0, 1000)", []),
        ("sigma^2 ~ inversegamma(3, 1)", []),
        ("mean(alpha) ~ normal(0, 100 * sd(y))", []),
    ],
)
def test_a_prior_far_from_the_data(prior: str, expected: list[str]) -> None:
    text = DECLARED + "y ~ normal(alpha + beta * x, sigma)\nalpha, beta ~ region\n" + prior + "\n"
    assert advice(text, regions(6, 6)) == expected


def test_behind_a_link_the_outcome_has_no_unit() -> None:
    text = "level region\ndata y : count\ndata x : real\ny ~ poisson(log_mu = alpha + beta * x)\n"
    text += "alpha ~ region\nbeta ~ normal(0, {})\n"
    assert advice(text.format(1), regions(6, 6)) == []
    assert advice(text.format(100), regions(6, 6)) == ["H607"]


# ---------------------------------------------------------------- H608


@pytest.mark.parametrize(("shift", "expected"), [(0, []), (2000, ["H608"]), (-2000, ["H608"])])
def test_a_predictor_far_from_zero(shift: int, expected: list[str]) -> None:
    text = DECLARED + "y ~ normal(alpha + beta * x, sigma)\nalpha, beta ~ region\n"
    rows = regions(6, 6, x=lambda i, j: shift + (3 * j + i) % 7)
    assert advice(text, rows) == expected
    assert advice(text.replace("alpha, beta ~ region", "alpha ~ region\nbeta ~ 1"), rows) == []
    assert advice(text.replace("* x", "* (x - mean(x))"), rows) == []
    assert advice(text.replace("alpha, beta ~ region", "beta ~ region\nalpha ~ 1"), rows) == []


# ---------------------------------------------------------------- H609


def test_parameters_of_one_statement_come_in_one_warning() -> None:
    text = "data y, x, z : real\ny ~ normal(1 + b * x + c * z, 1)\nb, c ~ {}\n"
    assert [d.headline for d in lint(model_of(text.format("flat()")))] == [
        "the prior of `b` and `c` is improper"
    ]
    binding = bound(text.format("normal(0, 1000)"), "y,x,z\n1,2,3\n2,5,1\n3,1,2\n1,6,4\n")
    [found] = lint(binding.dataset.model, binding)
    assert found.headline == "the prior of `b` and `c` is about 2000 times too wide for these data"
    assert found.help == (
        "in the units of your columns something like `b ~ normal(0, 0.4)`, "
        "or leave the prior out and take the default"
    )


def test_improper_priors() -> None:
    text = "data y : real\ny ~ normal(mu, sigma)\nmu ~ flat()\nsigma ~ halfflat()\n"
    assert [d.headline for d in lint(model_of(text))] == [
        "the prior of `mu` is improper",
        "the prior of `sigma` is improper",
    ]


# ---------------------------------------------------------------- altogether


def test_every_warning_points_at_the_text_and_says_what_to_do() -> None:
    text = DECLARED + "y ~ normal(alpha + gamma + beta * x, sigma)\nalpha, beta ~ region\n"
    text += "gamma ~ flat()\nmean(beta) ~ normal(0, 90000)\n"
    binding = bound(text, regions(4, 4, x=lambda i, j: 900 + i))
    found = lint(binding.dataset.model, binding)

    assert {d.code for d in found} == {"H601", "H604", "H606", "H607", "H608", "H609"}
    assert all(d.label is not None and d.label.text and d.notes and d.help for d in found)
