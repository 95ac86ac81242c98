"""Draws by other ways follow the same law."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats

from hdsl.fit.laws import draw


@pytest.mark.parametrize("df", [1.0, 3.5, 40.0])
def test_students_t(df):
    law = dist.StudentT(df, jnp.array([[-3.0], [2.0]]), 0.5).expand((2, 40_000))
    drawn = np.asarray(draw(law, jax.random.key(1)))
    assert drawn.shape == (2, 40_000)
    for row, location in zip(drawn, (-3.0, 2.0), strict=True):
        exact = stats.t(df, location, 0.5)
        assert stats.kstest(row, exact.cdf).pvalue > 1e-4
        outer = exact.ppf([0.001, 0.999])
        assert np.mean((row < outer[0]) | (row > outer[1])) == pytest.approx(0.002, abs=0.0012)


def test_all_others_as_numpyro_draws_them():
    law, key = dist.Poisson(jnp.arange(1.0, 5.0)), jax.random.key(2)
    np.testing.assert_array_equal(draw(law, key), law.sample(key))
