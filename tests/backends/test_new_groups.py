"""`new(b)`: its distribution given the population, and what it leaves alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from numpyro import handlers
from numpyro.infer import Predictive

from hdsl.backends import emit
from hdsl.compiler import model_of
from hdsl.source import Source
from tests.backends.densities import load, numpyro_density, points
from tests.backends.rows import rows

THREE = """\
data y, x, w : real
data income : real per market
y ~ normal(alpha + beta * x + gamma * w, 1)
alpha, beta, gamma ~ market | income
mean(alpha) = 2
mean(beta), mean(gamma) = 0
slope(alpha, income) = 3
slope(beta), slope(gamma) = 0
sd(alpha) = 0.5
sd(beta) = 2
sd(gamma) = 1
cor(alpha, beta, gamma) ~ lkj(1)
"""
TWO = """\
level store in market
data y, x : real
y ~ normal(alpha + beta * x, 1)
alpha, beta ~ market / store
mean(alpha), mean(beta) = 0
sd(alpha, market) = 3
sd(alpha, store) = 4
sd(beta) = 1
cor(alpha, beta) = 0.8
"""
DRAWS = 4000


def prior(text: str, folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Draws of all sites from the prior, and the prepared data."""
    module = load(emit(model_of(Source(text)), "numpyro").text, folder, "new_groups")
    data = module.prepare(rows())
    found = Predictive(module.model, num_samples=DRAWS)(jax.random.key(0), data)
    return {name: np.asarray(value) for name, value in found.items()}, data


def near(value: Any, expected: float, sd: float) -> bool:
    """Within four standard errors of a mean of so many draws."""
    return bool(abs(value - expected) < 4 * sd / np.sqrt(DRAWS))


def test_a_new_group_has_the_population_distribution(tmp_path: Path) -> None:
    text = THREE + "a = new(alpha)\nb = new(beta)\nc = new(gamma)\n"
    found, _ = prior(text, tmp_path)
    income = np.unique(rows()["income"])
    a, b, c = (found[name] for name in "abc")
    assert near(a.mean(), 2 + 3 * income.mean(), 0.5) and near(b.mean(), 0, 2)
    assert near(a.var(), 0.25, 0.25 * 1.42) and near(b.var(), 4, 4 * 1.42)
    # jointly: given the correlation of each draw the standardised products average to it
    products = {"alpha, beta": (a - a.mean()) / 0.5 * b / 2, "beta, gamma": b / 2 * c}
    for pair, product in products.items():
        rho = found[f"cor({pair})"]
        assert near((product - rho).mean(), 0, 1.42)
        assert near((product * rho).mean() - (rho**2).mean(), 0, 1.0)


def test_a_new_group_inside_a_known_one_keeps_what_is_known(tmp_path: Path) -> None:
    found, data = prior(TWO + "a = new(alpha, market)\nb = new(alpha)\n", tmp_path)
    assert found["a"].shape == (DRAWS, len(data["coords"]["market"]))
    inside = found["a"] - found["alpha[market]"]
    assert near((inside**2).mean(axis=0)[0], 16, 16 * 1.42)
    assert near((inside[:, 0] * inside[:, 1]).mean(), 0, 16)
    assert near(found["b"].var(), 25, 25 * 1.42)


def test_two_uses_are_one_new_group(tmp_path: Path) -> None:
    text = TWO + "gap = new(alpha) - new(beta)\ntwice = new(alpha) + new(alpha)\n"
    found, _ = prior(text + "a = new(alpha)\nb = new(beta)", tmp_path)
    np.testing.assert_allclose(found["gap"], found["a"] - found["b"])
    np.testing.assert_allclose(found["twice"], 2 * found["a"])
    # two levels, each with correlation 0.8, of sds 3 and 4 against 1 and 1
    assert near((found["a"] * found["b"]).mean(), 0.8 * (3 + 4), 12)


def test_the_rest_of_the_posterior_is_untouched(tmp_path: Path) -> None:
    plain = load(emit(model_of(Source(TWO)), "numpyro").text, tmp_path, "plain")
    asked = load(emit(model_of(Source(TWO + "a = new(beta)")), "numpyro").text, tmp_path, "asked")
    data, more = plain.prepare(rows()), asked.prepare(rows())
    [point] = points(asked.model, more, 1)
    new = {name: value for name, value in point.items() if "new" in name}
    assert new.keys() == {"z(new(beta, market))", "z(new(beta, store))"}
    rest = {name: value for name, value in point.items() if name not in new}
    own = sum(-0.5 * float(z) ** 2 - 0.5 * np.log(2 * np.pi) for z in new.values())
    expected = numpyro_density(plain.model, data, rest) + own
    assert numpyro_density(asked.model, more, point) == pytest.approx(expected, rel=1e-10)
    traced = handlers.trace(handlers.substitute(asked.model, dict(point))).get_trace(more)
    assert traced["y"]["fn"].loc.shape == (len(rows()["y"]),)
