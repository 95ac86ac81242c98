"""The density of rows in an order of their own: the model's, to the last digits."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hdsl.fit.methods import ordered as module
from hdsl.fit.methods.arrangement import runs
from hdsl.fit.methods.ordered import Ordered, ordered
from tests.fit.test_laplace import COUNTS, CROSSED, NESTED, problem, pupils, shops, wines
from tests.fit.test_predictors import BLOCKS, CORRELATED, MEAN_OF_ROWS, NOWHERE_GROUPED, gaps, sized

SEASONS = """\
level product in category
data n : count
data x : real
n ~ poisson(mu)
log(mu) = beta * x + season + quality
beta ~ category / product
season[category, week] ~ normal(0, spread)
quality ~ product
spread ~ halfnormal(1)
mean(quality) = 0
"""

SPREAD = """\
data y, x : real
y ~ normal(alpha + beta * x, sigma)
alpha ~ judge + (wine)
log(sigma) ~ judge
beta ~ 1
"""


def seasons(missing: bool) -> dict[str, np.ndarray]:
    """Each product in nearly every week, the categories of unequal size."""
    rng = np.random.default_rng(4)
    category = np.repeat([0, 1, 2], [3, 8, 1])
    product, week = (axis.reshape(-1) for axis in np.mgrid[0:12, 0:10])
    kept = rng.permutation(len(week))[: 110 if missing else None]
    product, week = product[kept], week[kept]
    return {
        "product": product.astype(str),
        "category": category[product].astype(str),
        "week": week.astype(str),
        "x": rng.normal(size=len(week)),
        "n": rng.poisson(2, len(week)),
    }


def made(text: str, rows: dict[str, np.ndarray], folder: Path) -> Ordered:
    found = ordered(problem(text, rows, folder), least=0)
    assert found is not None
    return found


MODELS = [
    pytest.param(COUNTS, shops(), id="counts"),
    pytest.param(NESTED, pupils(), id="nested"),
    pytest.param(BLOCKS, gaps(), id="blocks, outcomes missing"),
    pytest.param(CORRELATED, sized(), id="correlated"),
    pytest.param(NOWHERE_GROUPED, pupils(), id="no groups"),
    pytest.param(CROSSED, wines(), id="crossed"),
    pytest.param(SPREAD, {**wines(), "x": np.linspace(-1, 1, 50)}, id="spread by group"),
    pytest.param(SEASONS, seasons(False), id="grid"),
    pytest.param(SEASONS, seasons(True), id="grid with gaps"),
]


@pytest.mark.parametrize("text, rows", MODELS)
def test_density_and_slope_are_those_of_the_model(
    text: str, rows: dict[str, np.ndarray], tmp_path: Path
) -> None:
    found = made(text, rows, tmp_path)
    target = found.problem.target
    z = 0.4 * np.random.default_rng(3).standard_normal(target.size)
    exact, own = (
        jax.jit(jax.value_and_grad(density, argnums=1))(arguments, z)
        for density, arguments in (
            (target.potential, dict(target.arguments)),
            (found.potential, found.arguments),
        )
    )
    assert float(own[0]) == pytest.approx(float(exact[0]), rel=1e-12)
    np.testing.assert_allclose(own[1], exact[1], rtol=1e-9, atol=1e-9)


def test_seasons_lie_on_a_grid_of_products_and_weeks(tmp_path: Path) -> None:
    found = made(SEASONS, seasons(True), tmp_path).outcomes["n"]
    assert found.cells[1] == 10
    assert len(found.arrangement.grid) == 1
    assert len(found.arrangement.grid) + len(found.arrangement.index) == len(found.columns)


def test_factorials_are_computed_once(tmp_path: Path) -> None:
    found = made(COUNTS, shops(), tmp_path)
    z = jnp.zeros(found.problem.target.size)
    text = str(jax.make_jaxpr(found.potential)(found.arguments, z))
    whole = str(jax.make_jaxpr(found.problem.target.potential)(found.problem.target.arguments, z))
    quick = found.outcomes["n"]
    sites = found.problem.layout.split(z)
    own = str(jax.make_jaxpr(quick.total)(sites, found.arrays["n"]))
    assert "lgamma" in whole
    assert "lgamma" not in own
    assert len(own) < len(text)


def test_data_are_not_written_into_compiled_code(tmp_path: Path) -> None:
    found = made(COUNTS, shops(), tmp_path)
    z = jnp.zeros(found.problem.target.size)
    traced = jax.make_jaxpr(found.potential)(found.arguments, z)
    assert not [each for each in traced.consts if np.size(each) > len(z)]


def test_an_average_over_rows_has_no_order(tmp_path: Path) -> None:
    rows = {**wines(), "x": np.linspace(0, 1, 50)}
    assert ordered(problem(MEAN_OF_ROWS, rows, tmp_path), least=0) is None


def test_what_is_not_the_density_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXACT", -1.0)
    assert ordered(problem(COUNTS, shops(), tmp_path), least=0) is None


def test_few_rows_are_left_as_they_are(tmp_path: Path) -> None:
    assert ordered(problem(COUNTS, shops(), tmp_path)) is None


def test_runs_hold_each_thing_once_and_one_parent_each() -> None:
    parent = np.random.default_rng(0).choice([0, 1, 2], 500, p=[0.9, 0.06, 0.04])
    run, found = runs(parent)
    assert run > 1
    assert sorted(found[found >= 0]) == list(range(500))
    for each in found.reshape(-1, run):
        assert each[0] >= 0
        assert len(set(parent[each[each >= 0]])) == 1
