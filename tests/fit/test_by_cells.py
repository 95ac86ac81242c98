"""Curvature read along the cells of an order: that of dense linear algebra."""

from pathlib import Path

import jax
import numpy as np
import pytest

from hdsl.fit.methods import blocks
from hdsl.fit.methods.arrow import arrows
from hdsl.fit.methods.by_cells import by_cells
from hdsl.fit.methods.laplace import parts, positions
from hdsl.fit.methods.local import local_reading
from hdsl.fit.methods.newton import Inner
from hdsl.fit.methods.ordered import ordered
from tests.fit.test_laplace import dense, problem, shops
from tests.fit.test_ordered import SEASONS, seasons

SCATTERED = """\
data n : count
data x : real
n ~ negbinomial(mu, phi)
log(mu) = alpha + beta * x
log(phi) ~ shop
alpha, beta ~ shop
"""


@pytest.mark.parametrize(
    "text, rows",
    [
        pytest.param(SEASONS, seasons(True), id="grid"),
        pytest.param(SCATTERED, shops(), id="two predictors"),
    ],
)
def test_it_is_that_of_the_model(text: str, rows: dict[str, np.ndarray], tmp_path: Path) -> None:
    made = problem(text, rows, tmp_path)
    split = parts(made.structure)
    quick = ordered(made, least=0)
    arrow, local = next(
        (arrow, local)
        for arrow in arrows(made.structure, split.inner)
        if (local := local_reading(made, split.inner, arrow, always=True)) is not None
    )
    cells = by_cells(local, quick)
    assert cells is not None
    inner = Inner(made, positions(split.inner), positions(split.outer), arrow, cells, quick=quick)
    rng = np.random.default_rng(3)
    theta = 0.2 * rng.normal(size=len(inner.outer))
    v, right = 0.3 * rng.normal(size=(2, arrow.size))
    energy, _, read = inner.system(inner.arguments, theta, v, inner.places)
    exact = Inner(made, inner.inner, inner.outer, arrow)
    assert float(energy) == pytest.approx(float(exact.energy(exact.arguments, theta, v)), rel=1e-12)
    np.testing.assert_allclose(
        blocks.multiply(read, inner.places, right), dense(exact, theta, v) @ right, atol=1e-8
    )


def test_numbers_are_kept_once_along_what_they_do_not_vary_over(tmp_path: Path) -> None:
    made = problem(SEASONS, seasons(False), tmp_path)
    split = parts(made.structure)
    arrow = arrows(made.structure, split.inner)[0]
    local = local_reading(made, split.inner, arrow, always=True)
    assert local is not None
    cells = by_cells(local, ordered(made, least=0))
    assert cells is not None
    runs = {tuple(axis > 1 for axis in each.shape[1:]) for each in cells.numbers.values()}
    assert (True, True) not in runs
    assert jax.tree.leaves(cells.places())
