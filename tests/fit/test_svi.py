"""Variational inference: exact where the posterior is normal, unbiased from batches, resumable, and
honest about what it has not found.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import hdsl
from hdsl import ModelError
from hdsl.compiler import compile_model
from hdsl.fit import load, setup
from hdsl.fit.approximate import problem_of
from hdsl.fit.methods import objective
from hdsl.fit.methods.approach import arrow_of, first_state
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.arrow import arrows
from hdsl.fit.methods.ascent import Machine
from hdsl.fit.methods.blocks import factor, places_of
from hdsl.fit.methods.guide import log_density_of, noise, spread, standard
from hdsl.fit.methods.objective import batches_of, device_arguments
from hdsl.fit.methods.terms import terms_of
from hdsl.fit.methods.warp import Warp, powers_of, unwarped
from hdsl.fit.module import import_module, write_module
from hdsl.fit.progress import Silent
from tests.fit.test_laplace import NESTED, pupils

COUNTS = """\
data n : count
data x : real
n ~ poisson(log_mu = alpha + beta * x)
alpha, beta ~ shop
"""


def shops(groups: int = 12, each: int = 10) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    shop = np.repeat(np.arange(groups), each)
    x = rng.normal(size=groups * each)
    mu = np.exp(1 + rng.normal(0, 0.5, groups)[shop] + (0.3 + rng.normal(0, 0.2, groups)[shop]) * x)
    return {"shop": shop.astype(str), "x": x, "n": rng.poisson(mu)}


def problem(text: str, data: dict[str, np.ndarray], folder: Path) -> Problem:
    setup.prepare_jax()
    model = hdsl.parse(text)
    binding = model._bind(data, None)
    generated = compile_model(model.ir, "numpyro", binding.facts)
    loaded = import_module(generated, write_module(generated, folder), model.ir.source)
    from hdsl.fit.checkpoint import NOWHERE

    return problem_of(loaded, loaded.prepare(binding.rows, binding.tables), model.ir, NOWHERE)


def exact(data: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd of mean(alpha), mean(beta) and alpha of each class, by linear algebra."""
    school = np.unique(data["school"], return_inverse=True)[1]
    pairs = np.stack([data["school"], data["class"]], axis=1)
    labels, member = np.unique(pairs, axis=0, return_inverse=True)
    x, y = data["x"], data["y"]
    prior = [2.5 * y.std(ddof=1)] * 2
    prior[0] += 2.5 * y.std(ddof=1) * abs(x.mean()) / x.std(ddof=1)
    prior[1] /= x.std(ddof=1)
    counts = (4, 4, len(labels))
    columns = [np.ones(60), x]
    columns += [(school == g).astype(float) for g in range(4)]
    columns += [(school == g) * x for g in range(4)]
    columns += [(member == g).astype(float) for g in range(len(labels))]
    sds = np.concatenate([prior, np.repeat([0.5, 0.4, 0.3], counts)])
    design = np.stack(columns, axis=1)
    centre = np.zeros(len(sds))
    centre[0] = y.mean()
    precision = design.T @ design / 0.49 + np.diag(1 / sds**2)
    covariance = np.linalg.inv(precision)
    mean = covariance @ (design.T @ y / 0.49 + centre / sds**2)
    of = np.zeros((2 + len(labels), len(sds)))
    of[0, 0] = of[1, 1] = 1
    for g in range(len(labels)):
        of[2 + g, [0, 2 + int(labels[g, 0]), 10 + g]] = 1
    return of @ mean, np.sqrt(np.diag(of @ covariance @ of.T))


def test_a_normal_posterior_is_found_exactly(cache: Path) -> None:
    data = pupils()
    run = hdsl.parse(NESTED).fit(data, method="svi", chains=2, draws=2000, seed=1)
    found = run.summary(["mean(alpha)", "mean(beta)", "alpha"])
    mean, sd = exact(data)
    np.testing.assert_allclose(found["mean"], mean, atol=4 * sd.max() / np.sqrt(4000))
    np.testing.assert_allclose(found["sd"], sd, rtol=0.06)
    about = run.info["approximation"]
    assert about["khat"] < 0.3
    assert run.verdict().sound
    elbos = [elbo for _, elbo in about["elbo_trace"]]
    assert elbos[-1] == pytest.approx(about["elbo"], abs=1e-3)
    assert elbos[-1] >= elbos[0] - 0.5
    assert about["steps"] == about["elbo_trace"][-1][0]


def test_counts_by_group_agree_with_nuts(cache: Path) -> None:
    data = shops()
    model = hdsl.parse(COUNTS)
    run = model.fit(data, method="svi", chains=2, draws=1000, seed=1)
    nuts = model.fit(data, chains=2, draws=700, warmup=500, seed=1)
    names = ["mean(alpha)", "mean(beta)", "alpha", "beta"]
    ours, theirs = run.summary(names), nuts.summary(names)
    assert ((ours["mean"] - theirs["mean"]).abs() < 0.3 * theirs["sd"]).all()
    ratio = ours["sd"] / theirs["sd"]
    assert ratio.between(0.7, 1.3).all()
    assert (ratio[4:] > 0.8).all()


class Stop(Silent):
    """Ctrl-C at the given mention of a step."""

    def __init__(self, after: int) -> None:
        self.after = after

    def stage(self, text: str) -> None:
        if text.startswith("svi: step"):
            self.after -= 1
            if self.after == 0:
                raise KeyboardInterrupt


def test_a_stopped_optimisation_goes_on_to_the_very_draws(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hdsl.fit.methods.svi.SECONDS_SAID", 0.0)
    model, data = hdsl.parse(COUNTS), shops()
    options = {"method": "svi", "chains": 2, "draws": 50, "seed": 2}
    out = tmp_path / "shops.run"
    with pytest.raises(KeyboardInterrupt):  # too early to be of use
        model.fit(data, out=out, progress=Stop(2), **options)
    assert [path.name for path in tmp_path.iterdir()] == ["shops.run.part"]
    model.fit(data, out=out, resume=True, progress=Stop(6), **options)
    partial = load(out)
    assert (partial.complete, partial.info["resumable"]) == (False, True)
    resumed = model.fit(data, out=out, resume=True, **options)
    whole = model.fit(data, **options)
    assert resumed.complete
    np.testing.assert_array_equal(
        resumed.data["posterior"]["beta"], whole.data["posterior"]["beta"]
    )
    assert [path.name for path in tmp_path.iterdir()] == ["shops.run"]


def test_no_finite_elbo_is_an_error(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(machine: Machine, state: object, noises: object, *_: object) -> object:
        return None, np.full(8, np.nan)

    monkeypatch.setattr(Machine, "leap", property(lambda self: lambda *a: nowhere(self, *a)))
    with pytest.raises(ModelError) as raised:
        hdsl.parse(COUNTS).fit(shops(), method="svi")
    (found,) = raised.value.diagnostics
    assert found.code == "H532"
    assert found.headline.startswith("the ELBO is not finite: svi came to no end after ")


@pytest.mark.parametrize("missing", [False, True])
def test_batches_are_unbiased(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    monkeypatch.setattr(objective, "MANY_ROWS", 50)
    data = shops()
    if missing:
        data["n"] = np.where(np.arange(120) % 5 == 0, np.nan, data["n"])
    found = problem(COUNTS, data, tmp_path)
    at = 0.1 * np.random.default_rng(0).normal(size=found.target.size)
    batches = batches_of(found, at)
    assert batches is not None
    arguments = device_arguments(found, batches)
    count = batches.rows
    assert count == (96 if missing else 120)
    each = [
        float(batches.potential(arguments, jnp.asarray(at), batches.order[i : i + 8], count / 8))
        for i in range(0, count, 8)
    ]
    whole = float(found.target.potential(found.target.arguments, jnp.asarray(at)))
    assert np.mean(each) == pytest.approx(whole, rel=1e-9)
    positions = batches.positions(np.random.default_rng(1))
    assert len(positions) == batches.size
    assert set(positions.tolist()) <= set(range(count))


def test_many_rows_are_read_in_batches_first(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objective, "MANY_ROWS", 50)
    monkeypatch.setattr(objective, "BATCH", 32)
    run = hdsl.parse(COUNTS).fit(shops(), method="svi", chains=2, draws=500, seed=1)
    assert run.info["approximation"]["batch"] == 32
    whole = hdsl.parse(COUNTS).fit(shops(), method="svi", chains=2, draws=500, seed=1)
    assert whole.info["approximation"]["elbo"] == pytest.approx(
        run.info["approximation"]["elbo"], abs=1.0
    )


@pytest.mark.parametrize(
    "line",
    ["log(mu) = eta", "log(mu) = eta + average(eta, shop)", "log(mu) = eta + d * total(eta)"],
)
def test_a_likelihood_that_is_no_sum_over_rows_is_not_read_in_batches(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(objective, "MANY_ROWS", 50)
    head = "data n : count; data x : real\nn ~ poisson(mu); eta = alpha + beta * x\nalpha ~ shop\n"
    d = "d, " if "d *" in line else ""
    priors = f"{d}mean(alpha), beta ~ normal(0, 1); sd(alpha) ~ halfnormal(1)"
    found = problem(f"{head}{line}\n{priors}\n", shops(), tmp_path)
    batches = batches_of(found, np.zeros(found.target.size))  # where eta is the same in all rows
    assert (batches is None) == ("eta +" in line)


def test_a_precision_that_goes_with_a_scale_gives_its_power() -> None:
    prior, data = 1.0, np.array([0.0, 3.0, 99.0])
    step = 0.01
    low, high = (prior + data * np.exp(2 * sign * step) for sign in (-1, 1))
    power = powers_of(low, high, step, np.arange(3))
    np.testing.assert_allclose(power, data / (prior + data), atol=1e-3)
    warp = Warp(jnp.asarray(power)[:, None] * 0 + 1.0, jnp.zeros(1), jnp.array([0]))
    z, growth = unwarped(jnp.array([0.5, 2.0, 3.0]), warp)
    np.testing.assert_allclose(z[1:], np.array([2.0, 3.0]) * np.exp(-0.5))
    np.testing.assert_allclose(growth, -0.5)


def test_the_guide_is_the_density_of_its_own_draws(cache: Path, tmp_path: Path) -> None:
    found = problem(NESTED, pupils(), tmp_path)
    (arrow, *_) = arrows(found.structure, found.structure.sites)
    places = places_of(arrow, {})
    rng = np.random.default_rng(3)
    parameters = tuple(
        type(part)(*(None if a is None else a + 0.3 * rng.normal(size=a.shape) for a in part))
        for part in standard(arrow)
    )
    noises = noise(arrow, (1,), 2)
    logs = []
    for draw in range(2):
        each = tuple(part[draw] for part in noises)
        u = spread(parameters, each, places)
        ours = sum(float(part.sum()) for part in log_density_of(parameters, u, places))
        normal = sum(-0.5 * float((part**2).sum()) for part in each)
        scale = sum(float(part.log_diagonal.sum()) for part in parameters)
        logs.append((ours, normal - scale))
    np.testing.assert_allclose([a for a, _ in logs], [b for _, b in logs], atol=1e-8)


def test_terms_of_groups_add_up(cache: Path, tmp_path: Path) -> None:
    found = problem(COUNTS, shops(), tmp_path)
    arrow, whitens = arrow_of(found)
    assert whitens
    terms = terms_of(found, arrow)
    assert terms is not None
    at = jnp.asarray(0.1 * np.random.default_rng(0).normal(size=found.target.size))
    groups, rest = terms.split(found.target.arguments, at, jnp.zeros_like(at))
    whole = -float(found.target.potential(found.target.arguments, at))
    assert float(groups.sum() + rest) == pytest.approx(whole, rel=1e-10)
    moved = at.at[arrow.tiers[0].index[3]].add(0.2)
    others, same = terms.split(found.target.arguments, moved, jnp.zeros_like(at))
    np.testing.assert_allclose(np.delete(others, 3), np.delete(groups, 3))
    assert float(same) == pytest.approx(float(rest))
    assert float(others[3]) != float(groups[3])


def test_weeks_of_a_random_walk_have_a_covariance_together(cache: Path, tmp_path: Path) -> None:
    text = "level week ordered; data y : count\ny ~ poisson(log_mu = base + trend)\n"
    text += "trend[week] ~ randomwalk(s); s ~ halfnormal(1); base ~ normal(0, 2)"
    data = {"week": np.repeat(np.arange(8), 2), "y": np.arange(16) % 5}
    found = problem(text, data, tmp_path)
    assert arrow_of(found)[0].tiers
    arrow, whitens = arrow_of(found, np.zeros(found.target.size))
    assert (arrow.tiers, len(arrow.border), whitens) == ((), found.target.size, True)


def test_a_curvature_that_is_not_positive_is_mended(cache: Path, tmp_path: Path) -> None:
    found = problem(COUNTS, shops(), tmp_path)
    arrow, _ = arrow_of(found)
    machine = Machine(found, arrow, True, None)
    state = first_state(machine, np.zeros(found.target.size))
    noises = noise(arrow, (2,), 1)
    _, blocks = machine.curvature(state, noises, machine.arguments, machine.places, 1)
    turned = blocks._replace(border=blocks.border.at[0, 0].set(-1.0))
    assert not np.isfinite(float(factor(turned, machine.places).log_determinant))
    assert np.isfinite(float(factor(turned, machine.places, 0.0, True).log_determinant))
