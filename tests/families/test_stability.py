"""Linked forms and helpers keep their digits, and their gradients, where plain ones lose them."""

from typing import Any

import jax
import numpy as np
import pymc as pm
import pytensor
import pytest
from scipy import special, stats

from hdsl.expr import Value, apply
from hdsl.families import FAMILIES, Library, called
from tests.families.emitted import names, numpyro_distribution, pymc_variable
from tests.families.test_pymc import MODE

# not 0 itself: there NumPyro's Bernoulli takes the gradient of one side of a kink it has inside
FAR = np.array([-30.0, -8.0, -1.0, 0.1, 2.0, 9.0, 30.0])


def log_odds(link: str, x: Any) -> Any:
    """The log probabilities of 1 and of 0."""
    match link:
        case "logit":
            return -np.logaddexp(0, -x), -np.logaddexp(0, x)
        case "probit":
            return special.log_ndtr(x), special.log_ndtr(-x)
        case _:
            return np.log(-np.expm1(-np.exp(x))), -np.exp(x)


def in_pymc(name: str, form: str, x: Any, seen: Any, other: dict[str, Any]) -> tuple[Any, Any]:
    """Log densities and their gradient with respect to the argument."""
    eta = pytensor.shared(x, shape=x.shape)
    values = {form: eta, "seen": seen} | other
    with pm.Model() as model:
        pymc_variable(name, names(other | {form: x}), values, "x", "observed=seen")
        (log,) = model.logp(sum=False)
    gradient = pytensor.grad(log.sum(), eta)
    return tuple(pytensor.function([], [log, gradient], mode=MODE)())


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
@pytest.mark.parametrize("outcome", [0, 1])
def test_bernoulli_in_the_tails(link: str, outcome: int) -> None:
    x = np.minimum(FAR, 6.0) if link == "cloglog" else FAR
    expected = log_odds(link, x)[1 - outcome]
    form = f"{link}_p"

    def log(x: Any) -> Any:
        own = numpyro_distribution("bernoulli", {form: Value(form)}, {form: x})
        return own.log_prob(outcome)

    np.testing.assert_allclose(log(x), expected, rtol=1e-9, atol=1e-14)
    gradient = jax.vmap(jax.grad(log))(x)
    assert np.isfinite(gradient).all()
    found, slope = in_pymc("bernoulli", form, x, np.full(len(x), outcome), {})
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(slope, gradient, rtol=1e-6, atol=1e-12)


def test_binomial_in_the_tails() -> None:
    x, n, seen = FAR, 10, np.array([0, 1, 2, 5, 8, 9, 10])
    expected = stats.binom(n, 0.5).logpmf(seen) + n * np.log(2)
    expected = expected + seen * log_odds("logit", x)[0] + (n - seen) * log_odds("logit", x)[1]
    own = numpyro_distribution("binomial", names({"n": n, "logit_p": x}), {"n": n, "logit_p": x})
    np.testing.assert_allclose(own.log_prob(seen), expected, rtol=1e-9, atol=1e-12)
    found, slope = in_pymc("binomial", "logit_p", x, seen, {"n": n})
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(slope, seen - n * special.expit(x), rtol=1e-6, atol=1e-9)


def test_negative_binomial_of_an_extreme_mean() -> None:
    x, phi, seen = np.array([-400.0, -30.0, 0.0, 30.0, 400.0]), 2.0, np.array([0, 1, 2, 3, 0])
    values = {"log_mu": x, "phi": phi}
    log = numpyro_distribution("negbinomial", names(values), values).log_prob(seen)
    found, slope = in_pymc("negbinomial", "log_mu", x, seen, {"phi": phi})
    np.testing.assert_allclose(found, log, rtol=1e-9, atol=1e-12)
    share = special.expit(np.log(phi) - x)
    np.testing.assert_allclose(slope, seen * share - phi * (1 - share), rtol=1e-6, atol=1e-12)


def test_skewnormal_in_the_tail() -> None:
    x = np.array([-60.0, -9.0, -2.0, 0.0, 3.0])
    values: dict[str, Any] = {"sigma": 1.0, "alpha": 4.0}
    expected = stats.skewnorm(4.0).logpdf(x)

    def log(mu: Any) -> Any:
        return numpyro_distribution("skewnormal", names(values | {"mu": mu}), values | {"mu": mu})

    gradient = jax.vmap(jax.grad(lambda mu: log(mu).log_prob(0.0)))(-x)
    found, slope = in_pymc("skewnormal", "mu", -x, np.zeros(len(x)), values)
    np.testing.assert_allclose(log(-x).log_prob(0.0), expected, rtol=1e-9)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(slope, gradient, rtol=1e-6)


def test_an_inverse_link_takes_the_stable_form() -> None:
    call = called(FAMILIES["bernoulli"], Library.NUMPYRO, {"p": apply("expit", "eta")})
    assert call.spelling.arguments == "logits={logit}"
    assert call.slots["logit"] == Value("eta")


def test_a_form_that_a_backend_lacks_takes_the_inverse_link() -> None:
    call = called(FAMILIES["normal"], Library.PYMC, {"mu": Value("m"), "log_sigma": Value("s")})
    assert call.slots == {"mu": Value("m"), "sigma": apply("exp", "s")}


def test_an_argument_named_like_a_parameter_stays_itself() -> None:
    arguments = {"log_mu": Value("phi"), "phi": Value("log_mu")}
    call = called(FAMILIES["negbinomial"], Library.NUMPYRO, arguments)
    assert call.slots["logits"] == apply("-", "phi", apply("log", "log_mu"))
