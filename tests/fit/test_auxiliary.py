"""Auxiliary sites come back as they were drawn, and nothing is kept twice."""

import numpy as np
import pytest
import xarray as xr

from hdsl.fit import Run
from hdsl.fit.auxiliary import LARGE, pack, sampled_sites


@pytest.fixture
def results() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"a": rng.normal(size=(2, 5, 3)), "slope(b, x / y)": rng.normal(size=(2, 5, 3))}


def _tree(packed: xr.Dataset, results: dict[str, np.ndarray]) -> xr.DataTree:
    posterior = xr.Dataset(
        {
            name.replace("/", "\N{DIVISION SLASH}"): (("chain", "draw", "g"), value)
            for name, value in results.items()
        }
    )
    return xr.DataTree.from_dict({"posterior": posterior, "auxiliary": packed})


def test_what_a_result_repeats_is_a_reference(results: dict[str, np.ndarray]) -> None:
    whole, parts = results["a"].copy(), np.stack(list(results.values()), axis=-1)
    other = results["a"] + 1
    sites = {"centred(a)": whole, "centred(a, b)": parts, "z(c / d)": other}
    packed = pack(sites, results)
    assert [str(name) for name in packed.data_vars] == ["z(c \N{DIVISION SLASH} d)"]
    back = sampled_sites(_tree(packed, results))
    assert set(back) == {*results, *sites}
    for name, value in sites.items():
        np.testing.assert_array_equal(back[name], value)


def test_large_sites_are_kept_in_single_precision(results: dict[str, np.ndarray]) -> None:
    large = np.linspace(-3, 3, LARGE + 4).reshape(2, 2, -1)
    packed = pack({"z(a)": large, "u": large[:, :, 0]}, {})
    assert (packed["z(a)"].dtype, packed["u"].dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(packed["z(a)"].to_numpy(), large, rtol=1e-6)


@pytest.mark.parametrize("which", ["run", "pymc_run"])
def test_a_run_holds_every_sampled_site(which: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(which)
    drawn = sampled_sites(run.data)
    np.testing.assert_allclose(2 * drawn["cor(alpha, beta) unit"] - 1, drawn["cor(alpha, beta)"])
    np.testing.assert_allclose(
        drawn["z(alpha)"] * drawn["sd(alpha)"][..., None], drawn["dev(alpha)"], rtol=1e-9
    )


def test_a_run_remembers_its_groups_and_their_data(run: Run) -> None:
    bed = run.training["levels"]["bed"]
    assert bed["labels"] == run.data["posterior"]["bed"].to_numpy().tolist()
    soil = run.data["constant_data"]["soil"].to_numpy()
    np.testing.assert_array_equal(bed["data"]["soil"], soil)
    assert run.training["missing"] == ["weight"]
