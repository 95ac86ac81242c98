"""Pathfinder: exact on a normal posterior, weighted on one that is nearly so, and no more."""

from pathlib import Path

import numpy as np
import pytest

import hdsl
from hdsl import ModelError
from hdsl.fit.checkpoint import Checkpoints
from hdsl.fit.methods import pathfinder
from hdsl.fit.methods.dispatch import Place
from hdsl.fit.methods.pathfinder import Density, Done, Found, Normal, _normal, follow
from tests.fit.test_laplace import NESTED, pupils
from tests.fit.test_sampling import CONJUGATE, Y
from tests.fit.test_svi import exact

COUNTS = """\
data n : count
data x : real
n ~ poisson(log_mu = alpha + beta * x)
alpha, beta ~ normal(0, 2)
"""


def test_along_the_path_a_normal_density_is_found(cache: Path) -> None:
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(4, 4)) + 2 * np.eye(4)
    precision = np.linalg.inv(spread @ spread.T)
    mean = np.array([1.0, -2.0, 0.5, 3.0])
    constant = 0.5 * np.linalg.slogdet(precision)[1] - 2 * np.log(2 * np.pi)

    def many(points: np.ndarray) -> np.ndarray:
        away = points - mean
        return constant - 0.5 * np.einsum("na,ab,nb->n", away, precision, away)

    def slope(z: np.ndarray) -> tuple[float, np.ndarray]:
        return -float(many(z[None])[0]), precision @ (z - mean)

    found = follow(Density(slope, many), np.zeros(4), rng)
    assert found is not None
    assert found.elbo == pytest.approx(0.0, abs=0.3)  # the log of the integral, which is 1
    np.testing.assert_allclose(found.normal.mean, mean, atol=0.1)


def test_steps_that_do_not_disturb_each_other_give_the_covariance_itself() -> None:
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(4, 4)) + 2 * np.eye(4)
    covariance = spread @ spread.T
    precision = np.linalg.inv(covariance)
    _, steps = np.linalg.eigh(precision)
    at, diagonal = rng.normal(size=4), np.array([0.5, 1.0, 2.0, 3.0])
    normal = _normal(at, precision @ at, diagonal, steps, precision @ steps)
    assert normal is not None
    np.testing.assert_allclose(normal.mean, 0, atol=1e-10)
    noise = np.concatenate([np.eye(4), -np.eye(4)])
    draws, density = normal.draw(noise)
    np.testing.assert_allclose(draws.T @ draws / 2, covariance, atol=1e-10)
    quadratic = np.einsum("na,ab,nb->n", draws, precision, draws)
    constant = 0.5 * np.linalg.slogdet(precision)[1] - 2 * np.log(2 * np.pi)
    np.testing.assert_allclose(density, constant - 0.5 * quadratic)


def test_weighted_draws_are_from_the_posterior_that_algebra_gives(cache: Path) -> None:
    model = hdsl.parse(CONJUGATE, "conjugate.hdsl")
    run = model.fit({"y": Y}, method="pathfinder", chains=2, draws=2000)
    precision = 1 / 9 + len(Y) / 4
    mean, sd = (1 / 9 + Y.sum() / 4) / precision, precision**-0.5
    row = run.summary("mu").loc["mu"]
    assert abs(row["mean"] - mean) < 0.05 * sd
    assert row["sd"] == pytest.approx(sd, rel=0.05)
    assert run.info["approximation"]["khat"] < 0.7
    assert run.verdict().sound


def test_a_skewed_posterior_is_weighted_into_shape(cache: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=30)
    data = {"x": x, "n": rng.poisson(np.exp(0.3 + 0.5 * x))}
    model = hdsl.parse(COUNTS)
    run = model.fit(data, method="pathfinder", chains=2, draws=2000, seed=3)
    nuts = model.fit(data, chains=2, draws=1500, warmup=500, seed=3)
    ours, theirs = run.summary(), nuts.summary()
    assert ((ours["mean"] - theirs["mean"]).abs() < 0.1 * theirs["sd"]).all()
    assert (ours["sd"] / theirs["sd"]).between(0.9, 1.1).all()
    assert run.info["approximation"]["effective"] > 400


def test_a_hierarchy_is_found_or_doubted(cache: Path) -> None:
    data = pupils()
    run = hdsl.parse(NESTED).fit(data, method="pathfinder", chains=2, draws=1000, seed=1)
    mean, sd = exact(data)
    found = run.summary(["mean(alpha)", "mean(beta)", "alpha"])
    assert (np.abs(found["mean"] - mean) < 0.5 * sd).all()
    khat = run.info["approximation"]["khat"]
    assert run.verdict().sound == (khat is not None and khat < 0.7)


def test_no_path_with_an_elbo_is_an_error(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pathfinder, "follow", lambda *_: None)
    with pytest.raises(ModelError) as raised:
        hdsl.parse(CONJUGATE).fit({"y": Y}, method="pathfinder")
    (found,) = raised.value.diagnostics
    assert found.code == "H532"
    assert found.headline == "the ELBO is not finite anywhere on the paths of pathfinder"


def test_paths_that_are_done_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hdsl.fit.checkpoint.SECONDS", 0.0)
    monkeypatch.setattr("hdsl.fit.checkpoint.SHARE", 0)
    rng = np.random.default_rng(2)
    paths = [
        Found(Normal(*(rng.normal(size=n) for n in (3, 3, (3, 2), (2, 2)))), 1.5, 7),
        None,
    ]
    done = Done(Checkpoints(tmp_path / "kept").stream("pathfinder", print))
    for path in paths:
        done.add(path)
    first, second = Done(Checkpoints(tmp_path / "kept").stream("pathfinder", print)).paths
    assert first is not None
    assert (first.elbo, first.iterations, second) == (1.5, 7, None)
    for name, value in vars(first.normal).items():
        np.testing.assert_array_equal(value, vars(paths[0].normal)[name])


def test_an_outer_loop_begins_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hdsl.fit.checkpoint.SECONDS", 0.0)
    checkpoints = Checkpoints(tmp_path / "kept")
    place = Place.of(checkpoints, "laplace", print)
    assert place.theta is None
    place.save(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(Place.of(checkpoints, "laplace", print).theta, [1.0, 2.0])
