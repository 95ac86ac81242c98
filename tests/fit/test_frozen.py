"""The marginal density whose rows are frozen leads to the mode of the true one."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from hdsl.fit.methods.arrow import arrows
from hdsl.fit.methods.frozen import FrozenRows, may_be_frozen
from hdsl.fit.methods.laplace import _start, effects, parts, positions
from hdsl.fit.methods.marginal import Outer
from hdsl.fit.methods.newton import Inner
from hdsl.fit.methods.predictors import predictors_of
from tests.fit.test_laplace import problem

SHOPS = """
level shop
data n : count
data x : real
n ~ poisson(mu)
log(mu) = a + b * x
a ~ shop
b ~ shop
sd(a), sd(b) ~ halfnormal(1)
mean(a), mean(b) ~ normal(0, 3)
"""
RESIDUAL = "level shop\ndata y : real\ny ~ normal(a, sigma)\na ~ shop\n"


def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    shop, x = np.repeat(np.arange(20), 40), rng.normal(size=800)
    a, b = 0.5 + 0.5 * rng.normal(size=20), 0.3 + 0.3 * rng.normal(size=20)
    mu = np.exp(a[shop] + b[shop] * x)
    return {"shop": shop.astype(str), "x": x, "n": rng.poisson(mu), "y": rng.normal(a[shop], 1)}


def outer_of(text: str, folder: Path) -> tuple[Outer, np.ndarray, np.ndarray, bool]:
    """The true marginal density, where it begins, and whether its rows may be frozen."""
    made = problem(text, rows(), folder)
    split = parts(made.structure)
    theta, start = _start(made, split)
    found = predictors_of(made, split.inner, least=1)
    assert found is not None
    arrow = arrows(made.structure, split.inner, 0)[0]
    inner = Inner(made, positions(split.inner), positions(split.outer), arrow, rowwise=found)
    sites = frozenset(site.name for site in split.outer)
    assert not may_be_frozen(inner, sites)  # few rows
    outer = Outer(inner, effects(made.structure, split))
    return outer, theta, start, may_be_frozen(inner, sites, least=1)


def test_the_mode_is_that_of_the_true_density(tmp_path: Path) -> None:
    outer, theta, start, fits = outer_of(SHOPS, tmp_path)
    assert fits
    near = Outer(FrozenRows.of(outer.inner), outer.groups)
    found = replace(outer, near=near).optimum(theta, start, lambda text: None)
    assert found.evaluations < 12
    point = outer.at(found.marginal.mode.theta, found.marginal.mode, start)
    assert point.gradient @ found.covariance @ point.gradient < 0.01  # in sds, squared
    exact = np.sqrt(np.diag(np.linalg.inv(outer.curvature(point, both=False))))
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)) / exact, 1, atol=0.15)


def test_a_residual_keeps_its_rows(tmp_path: Path) -> None:
    assert not outer_of(RESIDUAL, tmp_path)[3]
