"""The figures of a summary are ArviZ's."""

import arviz_stats
import numpy as np
import pytest
import xarray as xr

from hdsl.fit.statistics import COLUMNS, TAIL, bfmi, converge, describe


def _draws(chains: int, length: int) -> np.ndarray:
    """Independent, sticky, alternating, discrete, constant, shifted and heavy-tailed draws."""
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(chains, length, 7))
    draws = noise.copy()
    for t in range(1, length):
        draws[:, t, 1] = 0.95 * draws[:, t - 1, 1] + noise[:, t, 1]
        draws[:, t, 2] = -0.6 * draws[:, t - 1, 2] + noise[:, t, 2]
    draws[:, :, 3] = rng.poisson(2, size=(chains, length))
    draws[:, :, 4] = 3.0
    draws[0, :, 5] += 2
    draws[:, :, 6] = rng.standard_cauchy(size=(chains, length))
    return draws


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("shape", [(4, 1000), (2, 201), (1, 50), (3, 9)])
@pytest.mark.parametrize("kind", ["eti", "hdi"])
def test_a_summary_is_that_of_arviz(shape: tuple[int, int], kind: str) -> None:
    draws = _draws(*shape)
    data = xr.Dataset({"x": (("chain", "draw", "i"), draws)})
    table = arviz_stats.summary(data, kind="all", ci_prob=0.89, ci_kind=kind, round_to="none")
    expected = np.array(table, dtype=float)
    tail = data.azstats.ess(method="tail", prob=TAIL)["x"].to_numpy()
    expected[:, COLUMNS.index("ess_tail")] = tail
    np.testing.assert_allclose(describe(draws, 0.89, kind), expected, rtol=1e-9, atol=1e-12)


def test_convergence_is_that_of_the_summary_in_the_shape_of_the_quantity() -> None:
    draws = _draws(4, 300)[:, :, [0, 1, 2, 3, 5, 6]].reshape(4, 300, 2, 3)
    found, rows = converge(draws), describe(draws)
    for name, values in (
        ("r_hat", found.r_hat),
        ("ess_bulk", found.ess_bulk),
        ("ess_tail", found.ess_tail),
    ):
        assert values.shape == (2, 3)
        np.testing.assert_allclose(values.ravel(), rows[:, COLUMNS.index(name)])


def test_energy_information_is_that_of_arviz() -> None:
    energy = np.random.default_rng(0).normal(size=(3, 100)).cumsum(axis=1)
    data = xr.DataTree.from_dict(
        {"sample_stats": xr.Dataset({"energy": (("chain", "draw"), energy)})}
    )
    expected = arviz_stats.bfmi(data)["energy"].to_numpy()
    np.testing.assert_allclose(bfmi(energy), expected)
