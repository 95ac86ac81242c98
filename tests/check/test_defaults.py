"""Default priors follow §7 of the language reference, and are written out by `expand`."""

import pytest

from hdsl.compiler import check_source, expand
from hdsl.ir.text import dump
from hdsl.source import Source
from tests.check.helpers import checked, found, priors

REGRESSION = "data y, x : real\ny ~ normal(alpha + beta * x, sigma)\n"


def test_intercept_is_widened_for_predictors_that_are_not_centred():
    given = priors(checked(REGRESSION + "alpha, beta ~ 1"))
    assert given == {
        "alpha": "normal(mean(y), 2.5 * sd(y) + 2.5 * sd(y) * abs(mean(x)) / sd(x))",
        "beta": "normal(0, 2.5 * sd(y) / sd(x))",
        "sigma": "halfstudentt(4, sd(y))",
    }


@pytest.mark.parametrize("centred", ["standardize(x)", "center(x)", "(x - mean(x))"])
def test_intercept_is_not_widened_for_centred_predictors(centred):
    text = f"data y, x : real\ny ~ normal(alpha + beta * {centred}, sigma)\nalpha, beta ~ 1"
    assert priors(checked(text))["alpha"] == "normal(mean(y), 2.5 * sd(y))"


def test_what_two_outcomes_share_goes_by_their_names_not_by_the_order_of_statements():
    lines = ["y ~ normal(mu, s)", "z ~ normal(nu, s)", "log(p) = c", "w ~ negbinomial(p, k)"]
    lines += ["mu = a + b * x + d[g]", "nu = c + b * x + e[g] * x", "a, b, c, tau ~ 1"]
    lines += ["e[g] ~ normal(0, tau)", "d[g] ~ normal(0, tau)"]
    head = "data y, z, x : real\ndata w : count\nlevel g\n"

    given = priors(checked(head + "\n".join(lines)))

    assert given == priors(checked(head + "\n".join(reversed(lines))))
    assert given["b"] == "normal(0, 2.5 * sd(y) / sd(x))"
    assert given["tau"] == "halfnormal(2.5 * sd(y))"
    assert given["s"] == "halfstudentt(4, sd(y))"


def test_group_sd_has_the_scale_without_the_widening():
    given = priors(checked(REGRESSION + "alpha, beta ~ region"))
    assert given["sd(alpha)"] == "halfnormal(2.5 * sd(y))"
    assert given["sd(beta)"] == "halfnormal(2.5 * sd(y) / sd(x))"
    assert given["cor(alpha, beta)"] == "lkj(2)"


def test_group_level_slope_is_the_scale_over_the_predictors_sd():
    text = "data w : real per region\n" + REGRESSION + "alpha ~ 1; beta ~ region | w"
    assert priors(checked(text))["slope(beta, w)"] == "normal(0, 2.5 * sd(y) / sd(x) / sd(w))"


@pytest.mark.parametrize(
    ("outcome", "intercept"),
    [
        ("data y : binary\ny ~ bernoulli(logit_p = a)", "logit(clip(mean(y), 0.01, 0.99))"),
        ("data y : binary\ny ~ bernoulli(p)\nlogit(p) = a", "logit(clip(mean(y), 0.01, 0.99))"),
        ("data y : count\ny ~ poisson(exp(a))", "log(max(mean(y), 0.01))"),
        ("data y : count\ny ~ poisson(mu)\nlog(mu) = a", "log(max(mean(y), 0.01))"),
        (
            "data y, n : count\ny ~ binomial(n, cloglog_p = a)",
            "cloglog(clip(mean(y) / mean(n), 0.01, 0.99))",
        ),
    ],
)
def test_intercept_of_a_linked_outcome_is_its_mean_on_the_link_scale(outcome, intercept):
    assert priors(checked(outcome + "\na ~ region"))["mean(a)"] == f"normal({intercept}, 2.5)"


def test_transformed_outcome_is_summarised_on_its_own_scale():
    given = priors(checked("data w : positive\nlog(w) ~ normal(mu, sigma)\nmu ~ 1"))
    assert given == {
        "mu": "normal(mean(log(w)), 2.5 * sd(log(w)))",
        "sigma": "halfstudentt(4, sd(log(w)))",
    }


def test_sum_in_brackets_of_data_is_one_predictor():
    given = priors(checked("data y, age : real\ny ~ normal(b * (age - 22), 1)\nb ~ rat"))
    assert given["mean(b)"] == "normal(0, 2.5 * sd(y) / sd(age - 22))"


def test_coefficients_multiply_out():
    """A sum of coefficients times a predictor: each is a slope on it."""
    text = "data y, x : real\ny ~ normal((b + c) * x, 1)\nb, c ~ 1"
    assert priors(checked(text))["c"] == "normal(0, 2.5 * sd(y) / sd(x))"


def test_scale_of_a_parameter_is_that_of_what_it_scales():
    text = "data y : real\ny ~ normal(u, 1)\nu[school] ~ studentt(4, m, tau)\nm, tau ~ 1"
    given = priors(checked(text))
    assert given["tau"] == "halfnormal(2.5 * sd(y))"
    assert given["m"] == "normal(mean(y), 2.5 * sd(y))"


def test_modelled_residual_scale_is_centred_at_the_outcomes_sd():
    given = priors(checked("data y : real\ny ~ normal(m, s)\nm ~ 1\nlog(s) ~ region"))
    assert given["mean(log(s))"] == "normal(log(sd(y)), 1)"


def test_sign_constrained_slope_has_the_size_of_a_slope():
    given = priors(checked("data y, p : real\ny ~ normal(a + b * p, 1)\na ~ 1\nlog(-b) ~ region"))
    assert given["mean(log(-b))"] == "normal(log(sd(y) / sd(p)), 1)"


def test_no_rule_no_guess():
    error = found("data y, x : real\ny ~ normal(a * exp(b * x), 1)\na ~ normal(0, 1)\nb ~ 1")
    assert (error.code, error.help) == ("H305", "write one: `b ~ normal(0, 1)`")


MODELS = (
    "log_q ~ studentt(nu, alpha + beta * log_p, sigma); alpha ~ region; beta ~ region | income",
    "b ~ market / submarket | w, (v + 1); y ~ normal(b, sigma); log(sigma) ~ market",
    'model "t"\n\ndata y, n : count  # comment\ny ~ binomial(n, p); logit(p) ~ item',
    "a, b, c ~ g; y ~ normal(a + b * x + c * z, s)",
    "level effect = {low, high}\ny ~ normal(t[low], s)\nt[effect] ~ g\nmean(t) ~ normal(0, 1)\n"
    "sd(t) ~ halfnormal(1)\ncor(t) ~ lkj(1)",
    "a ~ week + (store | size); b, d ~ 1; y ~ normal(a + b * x + d, s)",
    "data y : real\ndata f : factor per region\ny ~ normal(a, s)\na ~ region | f",
    "log(-beta) ~ category / product; q ~ normal(alpha + beta * p, sigma); alpha ~ category : week",
)


@pytest.mark.parametrize("text", MODELS)
def test_expanded_text_is_the_same_model_and_leaves_nothing_to_expand(text):
    source = Source(text)
    expanded = Source(expand(source))
    assert expand(expanded) == expanded.text
    before, after = (check_source(s)[0] for s in (source, expanded))
    assert before is not None and after is not None
    assert _facts(dump(before)) == _facts(dump(after))
    assert not any(getattr(node, "rule", None) for node in after.nodes)


def _facts(text: str) -> list[str]:
    """The lines of a dump in no order, without what says that a prior is a default."""
    lines = (line.split("  # default")[0].replace(", inferred", "") for line in text.splitlines())
    return sorted(line for line in lines if not line.startswith("level row"))
