"""NUTS in the coordinates of Laplace's approximation: the same posterior, and the same draws after
an interruption."""

from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hdsl
from hdsl.fit import Run, large, load
from hdsl.fit.large import whitened
from hdsl.fit.methods.whitening import Whitening, whitening
from hdsl.fit.progress import Silent
from tests.fit.test_laplace import COUNTS, CROSSED, problem, shops, wines
from tests.fit.test_sampling import CtrlC

OPTIONS = {"chains": 2, "draws": 1000, "warmup": 200, "seed": 2}
NAMES = ("mean(alpha)", "mean(beta)", "sd(alpha)", "sd(beta)", "alpha", "beta")


@pytest.fixture(scope="module")
def by_laplace(cache: Path) -> Iterator[None]:
    """Every model counts as large."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large, "SOME_ROWS", 0)
        patch.setattr(large, "MANY_NUMBERS", 0)
        yield


@pytest.fixture(scope="module")
def whole(by_laplace: None) -> Run:
    return hdsl.parse(COUNTS).fit(shops(), **OPTIONS)


def test_the_density_follows_its_coordinates(tmp_path: Path) -> None:
    made = problem(COUNTS, shops(), tmp_path)
    white = whitening(made, Silent())
    assert white is not None
    white = Whitening.restored(white.saved())
    target = whitened(made, white)

    @jax.jit
    def gap(u: jax.Array) -> jax.Array:
        z, _ = white.to_z(white.arrays, u)
        jacobian = jax.jacobian(lambda u: white.to_z(white.arrays, u)[0])(u)
        own = target.potential(target.arguments, u)
        exact = made.target.potential(made.target.arguments, z) - jnp.linalg.slogdet(jacobian)[1]
        return own - exact

    gaps = [float(gap(u)) for u in np.random.default_rng(0).standard_normal((3, target.size))]
    np.testing.assert_allclose(gaps, gaps[0], rtol=1e-10)


def test_a_normal_posterior_becomes_standard(tmp_path: Path) -> None:
    made = problem(CROSSED + "mean(taste) ~ normal(0, 2)", wines(), tmp_path)
    white = whitening(made, Silent())
    assert white is not None
    target = whitened(made, white)
    energy = jax.jit(lambda u: target.potential(target.arguments, u) - 0.5 * u @ u)
    found = [float(energy(u)) for u in np.random.default_rng(1).standard_normal((4, target.size))]
    np.testing.assert_allclose(found, found[0], rtol=1e-9)


def test_the_posterior_is_that_of_plain_nuts(whole: Run) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large, "MANY_NUMBERS", 10**9)
        plain = hdsl.parse(COUNTS).fit(shops(), **{**OPTIONS, "warmup": 1000})
    for name in NAMES:
        one, other = (
            run.data["posterior"][name].stack(d=("chain", "draw")) for run in (whole, plain)
        )
        sd = other.std("d").to_numpy()
        np.testing.assert_allclose(one.mean("d"), other.mean("d"), atol=0.25 * sd.max())
        np.testing.assert_allclose(one.std("d"), sd, rtol=0.25)
    one, other = (run.data["sample_stats"]["lp"] for run in (whole, plain))
    assert float(one.mean()) == pytest.approx(float(other.mean()), abs=0.25 * float(other.std()))


def test_after_ctrl_c_the_draws_are_those_of_a_fit_left_alone(whole: Run, tmp_path: Path) -> None:
    model, out = hdsl.parse(COUNTS), tmp_path / "shops.run"
    model.fit(shops(), out=out, progress=CtrlC(after=250), **OPTIONS)
    assert not load(out).complete
    resumed = model.fit(shops(), out=out, resume=True, **OPTIONS)
    assert resumed.complete
    for name in NAMES:
        np.testing.assert_array_equal(
            resumed.data["posterior"][name], whole.data["posterior"][name]
        )
    lp = resumed.data["sample_stats"]["lp"]
    np.testing.assert_array_equal(lp, whole.data["sample_stats"]["lp"])


def test_where_there_is_no_mode_chains_begin_as_they_do(by_laplace: None) -> None:
    x = np.repeat([-1.0, 1.0], 10)
    model = hdsl.parse(
        "data y : binary\ndata x : real\nlogit(p) = b * x\ny ~ bernoulli(p)\nb ~ flat()"
    )
    assert model.fit({"y": (x > 0).astype(int), "x": x}, chains=1, draws=20, warmup=20) is not None
