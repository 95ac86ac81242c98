"""The nested Laplace approximation: exact where the posterior is normal, close where it nearly is,
and a plain error where there is no mode."""

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import hdsl
from hdsl.compiler import compile_model
from hdsl.diagnostics.diagnostic import ModelError
from hdsl.fit import Run, setup
from hdsl.fit.approximate import problem_of
from hdsl.fit.checkpoint import NOWHERE
from hdsl.fit.methods import arrow as arrow_module
from hdsl.fit.methods import blocks
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.arrow import arrows
from hdsl.fit.methods.laplace import parts, positions
from hdsl.fit.methods.local import local_reading
from hdsl.fit.methods.marginal import Outer
from hdsl.fit.methods.newton import Inner
from hdsl.fit.module import import_module, write_module
from hdsl.fit.progress import Silent

NESTED = """\
level class in school
data y, x : real
y ~ normal(alpha + beta * x, 0.7)
alpha ~ school / class
beta ~ school
sd(alpha, school) = 0.5; sd(alpha, class) = 0.3; sd(beta) = 0.4
"""

CROSSED = """\
data y : real
y ~ normal(taste, 0.7)
taste ~ judge + (wine)
sd(taste, judge) = 0.5; sd(taste, wine) = 0.9
"""

COUNTS = """\
data n : count
data x : real
n ~ poisson(mu)
log(mu) = alpha + beta * x
alpha, beta ~ shop
mean(alpha), mean(beta) ~ normal(0, 2)
sd(alpha), sd(beta) ~ halfnormal(1)
"""


def pupils(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(4), 15)
    return {
        "school": school.astype(str),
        "class": np.tile(np.repeat(np.arange(3), 5), 4).astype(str),
        "x": rng.normal(size=60),
        "y": rng.normal(size=60) + 0.4 * school,
    }


def wines(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    wine, judge = rng.integers(0, 8, 50), rng.integers(0, 5, 50)
    return {"wine": wine.astype(str), "judge": judge.astype(str), "y": rng.normal(size=50) + wine}


def shops(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shop, x = np.repeat(np.arange(12), 8), rng.normal(size=96)
    mu = np.exp(1 + 0.4 * rng.normal(size=12)[shop] + (0.3 + 0.3 * rng.normal(size=12))[shop] * x)
    return {"shop": shop.astype(str), "x": x, "n": rng.poisson(mu)}


def problem(text: str, rows: dict[str, np.ndarray], folder: Path) -> Problem:
    setup.prepare_jax()
    model = hdsl.parse(text)
    binding = model._bind(rows, None)
    generated = compile_model(model.ir, "numpyro", binding.facts)
    loaded = import_module(generated, write_module(generated, folder), model.ir.source)
    data = loaded.prepare(binding.rows, binding.tables)
    return problem_of(loaded, data, model.ir, NOWHERE)


def inner_of(made: Problem, number: int = 0) -> Inner:
    split = parts(made.structure)
    arrow = arrows(made.structure, split.inner)[number]
    return Inner(made, positions(split.inner), positions(split.outer), arrow)


def dense(inner: Inner, theta: np.ndarray, v: np.ndarray) -> np.ndarray:
    hessian = jax.jit(jax.hessian(inner.energy, argnums=2))
    return np.asarray(hessian(inner.arguments, jnp.asarray(theta), jnp.asarray(v)))


@pytest.mark.parametrize("text, rows", [(NESTED, pupils()), (CROSSED, wines()), (COUNTS, shops())])
def test_every_order_of_elimination_is_dense_linear_algebra(
    text: str, rows: dict[str, np.ndarray], tmp_path: Path
) -> None:
    made = problem(text, rows, tmp_path)
    split = parts(made.structure)
    rng = np.random.default_rng(3)
    theta = np.zeros(sum(site.size for site in split.outer))
    v, right = rng.normal(size=(2, sum(site.size for site in split.inner))) * 0.3
    for number in range(len(arrows(made.structure, split.inner))):
        inner = inner_of(made, number)
        hessian = dense(inner, theta, v)
        read = inner.system(inner.arguments, theta, v, inner.places)[2]
        np.testing.assert_allclose(
            blocks.multiply(read, inner.places, right), hessian @ right, rtol=1e-9, atol=1e-9
        )
        root = blocks.factor(read, inner.places)
        np.testing.assert_allclose(
            blocks.solve(root, inner.places, right), np.linalg.solve(hessian, right), atol=1e-9
        )
        assert float(root.log_determinant) == pytest.approx(np.linalg.slogdet(hessian)[1])
        np.testing.assert_allclose(
            covariance_of_draws(inner, root), np.linalg.inv(hessian), atol=1e-9
        )


def covariance_of_draws(inner: Inner, root: blocks.Factor) -> np.ndarray:
    """R R' of the linear map from noise to draws."""
    shapes = blocks.noise_shapes(inner.arrow)
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])

    def draw(noise: jax.Array) -> jax.Array:
        each = jnp.split(noise, ends[:-1])
        shaped = tuple(one.reshape(shape) for one, shape in zip(each, shapes, strict=True))
        return blocks.backward(root, inner.places, shaped, inner.arrow.size)

    root_of_it = np.asarray(jax.vmap(draw)(jnp.eye(ends[-1])))
    return root_of_it.T @ root_of_it


@pytest.mark.parametrize("text, rows", [(NESTED, pupils()), (CROSSED, wines()), (COUNTS, shops())])
def test_terms_give_the_same_curvature(
    text: str, rows: dict[str, np.ndarray], tmp_path: Path
) -> None:
    made = problem(text, rows, tmp_path)
    split = parts(made.structure)
    rng = np.random.default_rng(3)
    theta = np.zeros(sum(site.size for site in split.outer))
    v, right = rng.normal(size=(2, sum(site.size for site in split.inner))) * 0.3
    by_colours = inner_of(made)
    local = local_reading(made, split.inner, by_colours.arrow, always=True)
    assert local is not None
    inner = replace(by_colours, local=local)
    read = inner.system(inner.arguments, theta, v, inner.places)[2]
    np.testing.assert_allclose(
        blocks.multiply(read, inner.places, right), dense(inner, theta, v) @ right, atol=1e-9
    )


def test_levels_are_eliminated_finest_first(tmp_path: Path) -> None:
    split = problem(NESTED, pupils(), tmp_path).structure
    first = arrows(split, parts(split).inner)[0]
    assert [(tier.level, tier.groups, tier.width) for tier in first.tiers] == [
        ("class", 12, 1),
        ("school", 4, 2),
    ]


def test_the_marginal_of_a_normal_model_is_its_evidence(tmp_path: Path) -> None:
    rows = wines()
    made = problem(CROSSED + "mean(taste) ~ normal(0, 2)", rows, tmp_path)
    inner = inner_of(made)
    found = Outer(inner, np.zeros(0)).at(np.zeros(0), None, jnp.zeros(inner.arrow.size))
    same = {name: np.equal.outer(rows[name], rows[name]) for name in ("judge", "wine")}
    covariance = 4 + 0.25 * same["judge"] + 0.81 * same["wine"] + 0.49 * np.eye(50)
    exact = stats.multivariate_normal.logpdf(rows["y"], np.zeros(50), covariance)
    assert -found.energy == pytest.approx(exact, rel=1e-10)


def test_the_gradient_of_the_marginal_follows_the_mode(tmp_path: Path) -> None:
    made = problem(COUNTS, shops(), tmp_path)
    inner = inner_of(made)
    outer, theta = Outer(inner, np.zeros(3)), np.array([-0.7, -0.4, 0.3])
    start = jnp.zeros(inner.arrow.size)
    found = outer.at(theta, None, start).gradient
    for axis, slope in zip(np.eye(3), found, strict=True):
        ends = [outer.at(theta + sign * 1e-4 * axis, None, start).energy for sign in (1, -1)]
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-5, abs=1e-6)


@pytest.fixture(scope="module")
def counted() -> Run:
    return hdsl.parse(COUNTS).fit(shops(), method="laplace", chains=2, draws=500)


def test_a_run_says_how_it_was_made(counted: Run) -> None:
    assert counted.info["method"] == "laplace"
    assert counted.info["sampler"] is None
    assert counted.info["approximation"]["tiers"] == {"shop": [12, 2]}
    assert counted.info["approximation"]["khat"] < 0.7
    verdict = counted.verdict()
    assert verdict.sound
    assert verdict.lines[0].startswith("An approximation (laplace), Pareto k-hat ")


class Listener(Silent):
    """Hears the steps of the marginal's optimum; Ctrl-C after so many."""

    def __init__(self, most: int) -> None:
        self.heard: list[str] = []
        self.most = most

    def stage(self, text: str) -> None:
        if "log marginal density" in text:
            self.heard.append(text.split()[-1])
            if len(self.heard) == self.most:
                raise KeyboardInterrupt


def test_a_stopped_fit_goes_on_from_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: Run
) -> None:
    monkeypatch.setattr("hdsl.fit.checkpoint.SECONDS", 0.0)
    model, out = hdsl.parse(COUNTS), tmp_path / "shops.run"
    options = {"method": "laplace", "chains": 2, "draws": 500, "out": out}
    stopped, resumed = Listener(3), Listener(1000)
    with pytest.raises(KeyboardInterrupt):
        model.fit(shops(), progress=stopped, **options)
    found = model.fit(shops(), progress=resumed, resume=True, **options)
    assert float(resumed.heard[0]) >= float(stopped.heard[1])
    ours, theirs = (run.summary()["mean"] for run in (found, counted))
    assert (abs(ours - theirs) < 0.2 * counted.summary()["sd"]).all()


@pytest.mark.slow
def test_laplace_agrees_with_nuts(counted: Run) -> None:
    sampled = hdsl.parse(COUNTS).fit(shops(), seed=1).summary()
    found = counted.summary().loc[sampled.index]
    assert (abs(found["mean"] - sampled["mean"]) < 0.15 * sampled["sd"]).all()
    assert (abs(found["sd"] / sampled["sd"] - 1) < 0.15).all()


def test_separation_under_a_flat_prior_has_no_mode() -> None:
    x = np.linspace(-1, 1, 40)
    rows = {"x": x, "y": (x > 0).astype(float), "g": np.repeat(["a", "b"], 20)}
    model = hdsl.parse("y ~ bernoulli(logit_p = b * x); b ~ flat()")
    with pytest.raises(ModelError) as error:
        model.fit(rows, method="laplace")
    (found,) = error.value.diagnostics
    assert (found.code, found.headline) == ("H529", "laplace finds no mode: `b` runs away")


def test_what_does_not_fit_into_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_module, "MOST_NUMBERS", 10)
    with pytest.raises(ModelError) as error:
        hdsl.parse(CROSSED).fit(wines(), method="laplace")
    assert [found.code for found in error.value.diagnostics] == ["H530"]
