"""Distributions of labels, on both backends, against probabilities computed by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pymc as pm
import pytest

from tests.families.emitted import names, numpyro_distribution, pymc_variable

ETA = np.array([-3.0, -0.2, 0.0, 1.7])
CUT = np.array([-1.0, 0.5, 2.0])
LOGITS = np.array([[0.3, -1.0], [2.0, 2.0], [-4.0, 0.0], [0.0, 30.0]])


def expit(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def ordered_probabilities() -> Any:
    """P(x = k) = expit(cut[k + 1] - eta) - expit(cut[k] - eta), a row per eta."""
    below = expit(CUT - ETA[:, None])
    ends = np.column_stack([np.zeros(len(ETA)), below, np.ones(len(ETA))])
    return np.diff(ends, axis=1)


def softmax() -> Any:
    weights = np.exp(np.column_stack([np.zeros(len(LOGITS)), LOGITS]))
    return weights / weights.sum(axis=1, keepdims=True)


CASES = {
    "orderedlogistic": ({"eta": ETA, "cut": CUT}, ordered_probabilities()),
    "categorical": ({"logit_p": LOGITS}, softmax()),
}


@pytest.mark.parametrize("name", CASES)
def test_numpyro_has_the_probabilities(name: str) -> None:
    arguments, expected = CASES[name]
    values = {key: jnp.asarray(value) for key, value in arguments.items()}
    own = numpyro_distribution(name, names(arguments), values)
    for label in range(expected.shape[1]):
        found = own.log_prob(np.full(len(expected), label))
        np.testing.assert_allclose(np.exp(found), expected[:, label], rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_pymc_has_the_probabilities(name: str) -> None:
    arguments, expected = CASES[name]
    for label in range(expected.shape[1]):
        values = arguments | {"seen": np.full(len(expected), label)}
        with pm.Model() as model:
            pymc_variable(name, names(arguments), values, "x", "observed=seen")
        (logs,) = model.logp(sum=False)
        found = logs.eval(mode="FAST_COMPILE")
        np.testing.assert_allclose(np.exp(found), expected[:, label], rtol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_draws_have_the_probabilities(name: str) -> None:
    arguments, expected = CASES[name]
    count, labels = 4000, expected.shape[1]
    values = {key: jnp.asarray(value) for key, value in arguments.items()}
    own = numpyro_distribution(name, names(arguments), values)
    ours = np.asarray(own.sample(jax.random.key(0), (count,)))
    with pm.Model():
        theirs = pm.draw(
            pymc_variable(name, names(arguments), arguments, "x", f"shape={len(expected)}"),
            count,
            random_seed=1,
        )
    for draws in (ours, theirs):
        shares = np.stack([(draws == label).mean(axis=0) for label in range(labels)], axis=1)
        assert np.abs(shares - expected).max() < 4 * 0.5 / np.sqrt(count)


def test_far_from_its_cut_points_an_ordered_label_keeps_a_density_and_a_gradient() -> None:
    eta, cut = jnp.array([-300.0, 300.0]), jnp.asarray(CUT)

    def log_density(eta: Any) -> Any:
        own = numpyro_distribution(
            "orderedlogistic", names(("eta", "cut")), {"eta": eta, "cut": cut}
        )
        return own.log_prob(np.array([3, 0])).sum()

    assert float(log_density(eta)) == pytest.approx(-302.0 - 301.0)
    np.testing.assert_allclose(jax.grad(log_density)(eta), [1.0, -1.0])
