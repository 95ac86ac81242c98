"""Distributions made of others: densities and draws against SciPy's, on both libraries."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pymc as pm
import pytest
from numpyro import handlers
from pytensor import function
from pytensor.configdefaults import config
from scipy import special, stats

from hdsl.compiler import compile_model, model_of
from hdsl.fit.module import import_module, write_module
from hdsl.fit.setup import prepare_jax
from hdsl.source import Source

LOG = np.log
ROWS = 4  # as many as the longest case has values


def log_mass(d: Any, lower: float, upper: float, discrete: bool) -> float:
    """Log of P(lower <= x <= upper), from the tail that holds less."""
    step = 1 if discrete else 0
    if d.sf(lower - step) < d.cdf(upper):
        above, beyond = d.logsf(lower - step), d.logsf(upper)
    else:
        above, beyond = d.logcdf(upper), d.logcdf(lower - step)
    return float(above + np.log1p(-np.exp(beyond - above)))


@dataclass(frozen=True)
class Case:
    """A distribution in HDSL, values, SciPy's log density at each, and its mean (None: skipped)."""

    written: str
    values: tuple[float, ...]
    density: Callable[[Any], Any]
    mean: float | None = None
    type: str = "real"
    columns: Mapping[str, tuple[float, ...]] | None = None


def truncated(d: Any, lower: float, upper: float, discrete: bool = False) -> Callable[[Any], Any]:
    log = d.logpmf if discrete else d.logpdf
    return lambda x: log(x) - log_mass(d, lower, upper, discrete)


def above(d: Any, limit: float, discrete: bool = False) -> Callable[[Any], Any]:
    """Censored at an upper bound."""
    log = d.logpmf if discrete else d.logpdf
    return lambda x: np.where(x < limit, log(x), d.logsf(limit - discrete))


def zero_inflated(d: Any, p: float) -> Callable[[Any], Any]:
    return lambda x: np.where(x == 0, LOG(p + (1 - p) * d.pmf(0)), LOG(1 - p) + d.logpmf(x))


NEGATIVE_BINOMIAL = stats.nbinom(2.5, 2.5 / 6.5)
FAR = stats.norm(0, 1)

CASES = {
    "truncated normal": Case(
        "truncated(normal(0, 1), lower = 0.5, upper = 2)",
        (0.5, 1.0, 2.0),
        truncated(stats.norm(), 0.5, 2),
        stats.truncnorm(0.5, 2).mean(),
    ),
    "truncated far in the right tail": Case(
        "truncated(normal(0, 1), lower = 12)",
        (12.0, 12.5, 14.0),
        lambda x: FAR.logpdf(x) - FAR.logsf(12),
        12.0822,
    ),
    "truncated far in the left tail": Case(
        "truncated(normal(0, 1), lower = -15, upper = -12)",
        (-15.0, -13.0, -12.0),
        truncated(FAR, -15, -12),
        -12.0822,
    ),
    "truncated gamma": Case(
        "truncated(gamma(2, 0.5), lower = 1, upper = 6)",
        (1.0, 3.0, 6.0),
        truncated(stats.gamma(2, scale=2), 1, 6),
        stats.gamma(2, scale=2).expect(lb=1, ub=6, conditional=True),
    ),
    "truncated studentt": Case(
        "truncated(studentt(3, 1, 2), upper = -1)",
        (-1.0, -4.0, -30.0),
        lambda x: stats.t(3, 1, 2).logpdf(x) - stats.t(3, 1, 2).logcdf(-1),
    ),
    "truncated beta": Case(
        "truncated(beta(2, 3), lower = 0.3)",
        (0.3, 0.6, 0.95),
        truncated(stats.beta(2, 3), 0.3, 1),
        stats.beta(2, 3).expect(lb=0.3, conditional=True),
    ),
    "truncated poisson": Case(
        "truncated(poisson(2), lower = 1, upper = 4)",
        (1.0, 2.0, 4.0),
        truncated(stats.poisson(2), 1, 4, True),
        2.0,
        "count",
    ),
    "truncated binomial": Case(
        "truncated(binomial(9, 0.3), lower = 1)",
        (1.0, 4.0, 9.0),
        truncated(stats.binom(9, 0.3), 1, 9, True),
        2.7 / (1 - 0.7**9),
        "count",
    ),
    "censored negbinomial": Case(
        "censored(negbinomial(4, 2.5), upper = 5)",
        (0.0, 4.0, 5.0),
        above(NEGATIVE_BINOMIAL, 5, True),
        float(np.minimum(np.arange(400), 5) @ NEGATIVE_BINOMIAL.pmf(np.arange(400))),
        "count",
    ),
    "censored far away": Case(
        "censored(negbinomial(4, 2.5), upper = 200)",
        (0.0, 4.0, 200.0),
        above(NEGATIVE_BINOMIAL, 200, True),
        4.0,
        "count",
    ),
    "censored below and above": Case(
        "censored(normal(1, 2), lower = 0, upper = 3)",
        (0.0, 1.5, 3.0),
        lambda x: np.select(
            [x <= 0, x >= 3], [stats.norm(1, 2).logcdf(0), stats.norm(1, 2).logsf(3)],
            stats.norm(1, 2).logpdf(x),
        ),
    ),
    "censored by event": Case(
        "censored(weibull(1.7, 3), event = e)",
        (0.5, 2.0, 60.0, 4.0),
        lambda x: np.where(
            np.array([1, 0, 0, 1]),
            stats.weibull_min(1.7, scale=3).logpdf(x),
            stats.weibull_min(1.7, scale=3).logsf(x),
        ),
        float(stats.weibull_min(1.7, scale=3).mean()),
        columns={"e": (1, 0, 0, 1)},
    ),
    "zeroinflated": Case(
        "zeroinflated(poisson(3), 0.25)",
        (0.0, 1.0, 7.0),
        zero_inflated(stats.poisson(3), 0.25),
        2.25,
        "count",
    ),
    "zeroinflated by log odds": Case(
        "zeroinflated(negbinomial(4, 2.5), logit_p = -1)",
        (0.0, 1.0, 7.0),
        zero_inflated(NEGATIVE_BINOMIAL, float(special.expit(-1))),
        4 * float(special.expit(1)),
        "count",
    ),
    "hurdle of counts": Case(
        "hurdle(poisson(0.5), 0.4)",
        (0.0, 1.0, 3.0),
        lambda x: np.where(
            x == 0, LOG(0.4), LOG(0.6) + stats.poisson(0.5).logpmf(x) - LOG(-np.expm1(-0.5))
        ),
        0.6 * 0.5 / -np.expm1(-0.5),
        "count",
    ),
    "hurdle of measurements": Case(
        "hurdle(lognormal(0.2, 0.5), 0.4)",
        (0.0, 1.0, 3.0),
        lambda x: np.where(
            x == 0,
            LOG(0.4),
            LOG(0.6) + stats.lognorm(0.5, scale=np.exp(0.2)).logpdf(np.where(x == 0, 1, x)),
        ),
        0.6 * np.exp(0.2 + 0.125),
    ),
    "mixture": Case(
        "mixture([0.3, 0.5, 0.2], normal(0, 1), normal(4, 2), studentt(4, 1, 1))",
        (-3.0, 1.0, 30.0),
        lambda x: np.logaddexp.reduce(
            [
                LOG(0.3) + stats.norm.logpdf(x),
                LOG(0.5) + stats.norm(4, 2).logpdf(x),
                LOG(0.2) + stats.t(4, 1).logpdf(x),
            ]
        ),
        2.2,
    ),
    "weighted": Case(
        "weighted(normal(1, 2), w)",
        (0.0, 1.0, 9.0),
        lambda x: np.array([0.0, 1.0, 2.5]) * stats.norm(1, 2).logpdf(x),
        1.0,
        columns={"w": (0.0, 1.0, 2.5)},
    ),
    "censored, zeroinflated": Case(
        "censored(zeroinflated(poisson(3), 0.25), upper = 4)",
        (0.0, 2.0, 4.0),
        lambda x: np.where(
            x < 4, zero_inflated(stats.poisson(3), 0.25)(x), LOG(0.75) + stats.poisson(3).logsf(3)
        ),
        0.75 * float(np.minimum(np.arange(60), 4) @ stats.poisson(3).pmf(np.arange(60))),
        "count",
    ),
    "zeroinflated, truncated": Case(
        "zeroinflated(truncated(poisson(3), upper = 5), 0.25)",
        (0.0, 2.0, 5.0),
        lambda x: np.where(
            x == 0,
            LOG(0.25 + 0.75 * np.exp(-3) / stats.poisson(3).cdf(5)),
            LOG(0.75) + stats.poisson(3).logpmf(x) - stats.poisson(3).logcdf(5),
        ),
        type="count",
    ),
}  # fmt: skip


DRAWN = (
    "truncated normal",
    "truncated far in the left tail",
    "censored negbinomial",
    "zeroinflated by log odds",
    "hurdle of measurements",
    "mixture",
    "censored, zeroinflated",
)
"""Whose draws are looked at; tails of the others are the same code and take long to compile."""


def generated(backend: str, folder: Any) -> Any:
    """One file with an outcome for each case: `y0`, `y1`, … and their columns."""
    lines = ["data z : real", "z ~ normal(m, 1)", "m ~ normal(0, 1)"]  # something to be learned
    for i, case in enumerate(CASES.values()):
        lines += [f"data {name}{i} : real" for name in case.columns or {}]
        written = re.sub(r"\b([ew])\b(?=\)$)", rf"\g<1>{i}", case.written)
        lines += [f"data y{i} : {case.type}", f"y{i} ~ {written}"]
    source = Source("\n".join(lines) + "\n", "model.hdsl")
    made = compile_model(model_of(source), backend)
    return import_module(made, write_module(made, folder), source)


def rows_of(count: int) -> dict[str, Any]:
    """The values of each case, repeated or cut to a number of rows."""
    rows = {"z": np.zeros(count)}
    for i, case in enumerate(CASES.values()):
        columns = {"y": case.values, **(case.columns or {})}
        rows |= {f"{k}{i}": np.resize(np.array(v, float), count) for k, v in columns.items()}
    return rows


@pytest.fixture(scope="module")
def densities(tmp_path_factory: Any) -> dict[str, Any]:
    """The log densities of the values, by backend, a list over the cases."""
    prepare_jax()
    numpyro = generated("numpyro", tmp_path_factory.mktemp("numpyro"))
    sites = _sites(numpyro, numpyro.call("prepare", rows_of(ROWS)))
    found = jax.jit(lambda: [s["fn"].log_prob(jnp.asarray(s["value"])) for s in sites])()
    pymc = generated("pymc", tmp_path_factory.mktemp("pymc"))
    with config.change_flags(cast_policy="numpy+floatX"):  # whole numbers in full precision
        model = pymc.call("build", pymc.call("prepare", rows_of(ROWS)))
    terms = model.logp(vars=[model[f"y{i}"] for i in range(len(CASES))], sum=False)
    return {"numpyro": found, "pymc": function([], terms, mode="FAST_COMPILE")()}


@pytest.fixture(scope="module")
def draws(tmp_path_factory: Any) -> dict[str, Any]:
    """Draws by backend and case."""
    prepare_jax()
    numpyro = generated("numpyro", tmp_path_factory.mktemp("numpyro"))
    sites = dict(zip(CASES, _sites(numpyro, numpyro.call("prepare", rows_of(ROWS))), strict=True))
    pymc = generated("pymc", tmp_path_factory.mktemp("pymc"))
    model = pymc.call("build", pymc.call("prepare", rows_of(5000)))
    found = {name: model[f"y{i}"] for i, name in enumerate(CASES) if name in DRAWN}
    return {
        "numpyro": {n: sites[n]["fn"].sample(jax.random.key(1), (5000,)) for n in DRAWN},
        "pymc": {n: pm.draw(v, random_seed=1, mode="FAST_COMPILE") for n, v in found.items()},
    }


@pytest.mark.parametrize("backend", ["numpyro", "pymc"])
@pytest.mark.parametrize("name", CASES)
def test_densities_are_scipys(name: str, backend: str, densities: dict[str, Any]) -> None:
    case = CASES[name]
    found = np.asarray(densities[backend][list(CASES).index(name)])
    expected = np.resize(case.density(np.array(case.values)), ROWS)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["numpyro", "pymc"])
@pytest.mark.parametrize("name", DRAWN)
def test_draws_have_the_mean(name: str, backend: str, draws: dict[str, Any]) -> None:
    found, mean = np.asarray(draws[backend][name]), CASES[name].mean
    assert mean is not None
    assert abs(found.mean() - mean) < 5 * found.std() / np.sqrt(found.size) + 1e-4


def _sites(file: Any, data: Any) -> list[Any]:
    seeded = handlers.seed(lambda: file.call("model", data), jax.random.key(0))
    trace = handlers.trace(seeded).get_trace()
    return [trace[f"y{i}"] for i in range(len(CASES))]
