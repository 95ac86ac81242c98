"""`impute`: what an imputed column becomes, and what cannot be imputed."""

import pytest

from hdsl.compiler import expand
from hdsl.ir.model import Definition, Parameter
from hdsl.ir.text import text_of_distribution, text_of_target
from hdsl.render.equations import equations
from hdsl.source import Source
from tests.check.helpers import checked, found, priors

BASE = "data y : real\ndata t : {} impute\ny ~ normal(a + b * t, s)\na, b ~ 1\n"
REAL = BASE.format("real")


@pytest.mark.parametrize(
    ("kind", "distribution"),
    [
        ("real", "t ~ normal(mu_t, sigma_t)"),
        ("positive", "t ~ lognormal(mu_t, sigma_t)"),
        ("proportion", "logit(t) ~ normal(mu_t, sigma_t)"),
    ],
)
def test_every_type_has_its_default(kind: str, distribution: str) -> None:
    model = checked(BASE.format(kind))
    [term] = [o for o in model.likelihoods if o.imputed]
    left = text_of_target(term.name, term.transform)
    assert f"{left} ~ {text_of_distribution(term.distribution)}" == distribution
    assert [o.name for o in model.outcomes] == ["y"]


def test_its_missing_values_are_a_parameter_and_its_uses_are_whole() -> None:
    model = checked(REAL + "t ~ normal(3, tau)\ntau ~ exponential(1)")
    values, whole = model.by_name["missing(t)"], model.by_name["completed(t)"]
    assert isinstance(values, Parameter) and values.imputes == "t"
    assert isinstance(whole, Definition) and not whole.recorded
    assert text_of_distribution(values.distribution) == "normal(3, tau)"


def test_defaults_are_scaled_by_what_is_known() -> None:
    model = checked(REAL)
    assert priors(model)["b"] == "normal(0, 2.5 * sd(y) / sd(t))"
    assert priors(model)["mu_t"] == "normal(mean(t), 2.5 * sd(t))"


def test_its_names_make_room() -> None:
    model = checked("data y, mu_t : real\ndata t : real impute\ny ~ normal(t + mu_t, 1)")
    assert "mu_t_" in model.by_name and "mu_t" in model.by_name


def test_expansion_writes_the_distribution_out() -> None:
    written = expand(Source(REAL))
    assert "t ~ normal(mu_t, sigma_t)  # imputed" in written
    assert expand(Source(written)) == written
    assert priors(checked(written)) == priors(checked(REAL))


def test_equations_call_it_by_its_name() -> None:
    text = equations(checked(REAL), "text")
    assert "y[i] ~ normal(a + b * t[i], s)" in text and "completed" not in text


def test_a_transform_in_an_equation_learns_from_what_is_known() -> None:
    model = checked(REAL.replace("b * t", "b * standardize(t)"))
    assert priors(model)["a"] == "normal(mean(y), 2.5 * sd(y))"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (BASE.format("binary"), "H304"),
        (BASE.format("count"), "H304"),
        (BASE.format("factor").replace("b * t", "b"), "H304"),
        (REAL + "data z = log(t)\nw = z", "H207"),
        (REAL + "data X = [t]\nw = X @ theta\ntheta[X] ~ normal(0, 1)", "H207"),
        ("data t : real impute\nt ~ normal(m, 1)\nm ~ normal(0, 1)", "H211"),
        (REAL + "t ~ normal(t, 1)", "H209"),
        (REAL + "t ~ truncated(normal(0, 1), lower = 0)", "H304"),
        (REAL + "t ~ poisson(3)", "H304"),
    ],
)
def test_what_cannot_be_is_one_error(text: str, code: str) -> None:
    assert found(text).code == code
