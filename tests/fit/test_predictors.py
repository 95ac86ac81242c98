"""Rows by way of their groups' coefficients: the same density and curvature, and no guess kept that
does not hold."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hdsl.fit.methods import blocks, predictors
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.arrow import arrows
from hdsl.fit.methods.laplace import parts, positions
from hdsl.fit.methods.marginal import Outer
from hdsl.fit.methods.newton import Inner
from hdsl.fit.methods.predictors import predictors_of
from tests.fit.test_laplace import COUNTS, CROSSED, NESTED, dense, problem, pupils, shops, wines

BLOCKS = """\
data n : count
data x, w : real
data X = [1, x, w]
n ~ negbinomial(mu, phi)
log(mu) = X @ theta
theta[X] ~ shop
log(phi) ~ shop
sd(theta) ~ halfnormal(1); mean(theta) ~ normal(0, 2)
"""

CORRELATED = """\
data n : count
data x : real
n ~ zeroinflated(poisson(mu), zero)
log(mu) = alpha + beta * x
alpha, beta ~ shop | size
logit(zero) ~ shop
data size : real per shop
"""

NOWHERE_GROUPED = """\
data y, x : real
y ~ studentt(4, alpha + beta * x, sigma)
alpha, beta ~ 1
"""

MEAN_OF_ROWS = """\
data y, x : real
y ~ normal(mu, 1)
mu = alpha - average(alpha * x)
alpha ~ wine
mean(alpha) ~ normal(0, 1); sd(alpha) ~ halfnormal(1)
"""


def gaps(seed: int = 1) -> dict[str, np.ndarray]:
    """Shops of very unequal size, in no order, with outcomes that are missing."""
    rng = np.random.default_rng(seed)
    shop = rng.permutation(np.repeat(np.arange(7), [1, 2, 3, 5, 8, 13, 70]))
    n = rng.poisson(3, len(shop)).astype(float)
    n[rng.random(len(shop)) < 0.1] = np.nan
    values = rng.normal(size=(2, len(shop)))
    return {"shop": shop.astype(str), "x": values[0], "w": values[1], "n": n}


def sized() -> dict[str, np.ndarray]:
    return {**shops(), "size": np.repeat(np.linspace(-1, 1, 12), 8)}


def by_groups(made: Problem) -> Inner:
    split = parts(made.structure)
    rowwise = predictors_of(made, split.inner, least=0)
    assert rowwise is not None
    arrow = arrows(made.structure, split.inner, 0)[0]
    return Inner(made, positions(split.inner), positions(split.outer), arrow, rowwise=rowwise)


MODELS = [
    pytest.param(COUNTS, shops(), [(12, 2)], id="counts"),
    pytest.param(NESTED, pupils(), [(12, 2)], id="nested"),
    pytest.param(BLOCKS, gaps(), [(7, 4)], id="blocks"),
    pytest.param(CORRELATED, sized(), [(12, 3)], id="correlated"),
    pytest.param(NOWHERE_GROUPED, pupils(), [(1, 2)], id="no groups"),
]


@pytest.mark.parametrize("text, rows, shapes", MODELS)
def test_density_and_curvature_are_those_of_the_model(
    text: str, rows: dict[str, np.ndarray], shapes: list[tuple[int, int]], tmp_path: Path
) -> None:
    made = problem(text, rows, tmp_path)
    inner = by_groups(made)
    found = [
        (each.groups, len(set(np.concatenate(each.slots).tolist())))
        for each in inner.rowwise.values()
    ]
    assert found == shapes
    rng = np.random.default_rng(3)
    theta = 0.3 * rng.normal(size=len(inner.outer))
    v, right = 0.3 * rng.normal(size=(2, len(inner.inner)))
    whole = made.target.potential(made.target.arguments, inner.join(theta, v))
    energy, _, read = inner.system(inner.arguments, theta, v, inner.places)
    assert float(energy) == pytest.approx(float(whole), rel=1e-12)
    exact = Inner(made, inner.inner, inner.outer, inner.arrow)
    np.testing.assert_allclose(
        blocks.multiply(read, inner.places, right), dense(exact, theta, v) @ right, atol=1e-8
    )
    assert inner.reads_true(theta, jnp.asarray(v), seed=1)


def test_the_slope_of_the_marginal_follows_mode_and_curvature(tmp_path: Path) -> None:
    inner = by_groups(problem(COUNTS, shops(), tmp_path))
    theta, start = np.array([-0.7, -0.4, 0.3]), jnp.zeros(len(inner.inner))
    outer = Outer(inner, np.zeros(3))
    found = outer.at(theta, None, start)
    direction = np.array([0.5, -0.3, 0.8])
    ends = [outer.at(theta + sign * 1e-4 * direction, None, start).energy for sign in (1, -1)]
    assert found.gradient @ direction == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-6)


def test_sums_over_rows_do_not_come_apart(tmp_path: Path) -> None:
    made = problem(MEAN_OF_ROWS, {**wines(), "x": np.linspace(0, 1, 50)}, tmp_path)
    assert predictors_of(made, parts(made.structure).inner, least=0) is None


def test_crossed_groups_are_columns_where_they_are_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = problem(CROSSED, wines(), tmp_path)
    inner = parts(made.structure).inner
    few = predictors_of(made, inner, least=0)
    assert few is not None
    assert [(each.groups, *map(len, each.slots)) for each in few.values()] == [(8, 7)]
    monkeypatch.setattr(predictors, "MOST_SLOTS", 5)
    assert predictors_of(made, inner, least=0) is None


def test_few_rows_are_left_as_they_are(tmp_path: Path) -> None:
    made = problem(COUNTS, shops(), tmp_path)
    assert predictors_of(made, parts(made.structure).inner) is None


def test_data_are_not_written_into_compiled_code(tmp_path: Path) -> None:
    made = problem(COUNTS, shops(), tmp_path)
    inner = by_groups(made)
    v = jnp.zeros(len(inner.inner))
    traced = jax.make_jaxpr(inner.energy)(inner.arguments, jnp.zeros(len(inner.outer)), v)
    assert not [each for each in traced.consts if np.size(each) > len(v)]
