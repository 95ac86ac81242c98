"""Simulation-based calibration (Talts et al. 2018, arXiv:1804.06788) of models fitted end to end.

Parameters are drawn from the prior and data from them; among draws of the posterior the true
value then has a uniform rank. A wrong density, a wrong gather, a wrong label or a sampler that
stays away from part of the posterior all bend the ranks.
"""

from typing import Any

import jax
import numpy as np
import numpyro
import pytest
from numpyro.infer import Predictive
from scipy import stats

import hdsl

REPLICATES = 60
KEPT = 99  # draws compared with each truth: 100 possible ranks
BINS = 10

VARYING = """
data y, x : real
y ~ normal(alpha + beta * x, sigma)
alpha, beta ~ group
mean(alpha), mean(beta) ~ normal(0, 1)
sd(alpha), sd(beta) ~ gamma(4, 8)
cor(alpha, beta) ~ lkj(2)
sigma ~ gamma(8, 8)
"""

NESTED = """
data y : count
data w : real per region
y ~ poisson(exp(eta))
eta ~ region / store | w
mean(eta) ~ normal(1, 0.5)
slope(eta, w) ~ normal(0, 0.5)
sd(eta) ~ gamma(4, 10)
"""


def rows(names: tuple[str, ...], seed: int = 1) -> dict[str, Any]:
    """A small unbalanced design: 3 regions, 9 stores (which are also the groups)."""
    rng = np.random.default_rng(seed)
    sizes = [3, 8, 5, 2, 9, 6, 7, 4, 6]
    store = np.repeat(np.arange(9), sizes)
    columns = {
        "group": [f"g{i}" for i in store],
        "store": [f"s{i % 3}" for i in store],
        "region": [f"r{i // 3}" for i in store],
        "w": np.array([-1.0, 0.2, 0.8])[store // 3],
        "x": rng.normal(size=store.size),
        "y": np.arange(store.size) % 4,
    }
    return {name: columns[name] for name in names}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "columns", "centring"),
    [
        (VARYING, ("group", "x", "y"), ""),
        (VARYING, ("group", "x", "y"), " with centered"),
        (NESTED, ("region", "store", "w", "y"), ""),
    ],
    ids=["correlated", "correlated-centred", "nested-poisson"],
)
def test_ranks_of_the_truth_are_uniform(text: str, columns: tuple[str, ...], centring: str) -> None:
    model = hdsl.parse(text.replace("~ group", f"~ group{centring}"))
    data = rows(columns)
    truths = _prior_draws(model, data)
    ranks: dict[str, list[int]] = {}
    for replicate in range(REPLICATES):
        simulated = {**data, "y": truths["y"][replicate]}
        posterior = model.fit(
            simulated, chains=1, draws=990, warmup=700, seed=replicate, target_accept=0.9
        ).data["posterior"]
        for name, array in posterior.data_vars.items():
            if array.ndim > 2:
                array = array.isel({array.dims[-1]: 0})
            draws = array.to_numpy().reshape(-1)[:: 990 // KEPT][:KEPT]
            truth = np.asarray(truths[str(name)][replicate]).reshape(-1)[0]
            ranks.setdefault(str(name), []).append(int((draws < truth).sum()))
    low = {name: p for name, found in ranks.items() if (p := _uniformity(found)) < 1e-3}
    assert len(ranks) >= 6
    assert low == {}


def _prior_draws(model: hdsl.Model, data: dict[str, Any]) -> dict[str, Any]:
    """Draws of every quantity and of the outcome, from the generated file itself."""
    numpyro.enable_x64()
    space: dict[str, Any] = {}
    exec(compile(model.source("numpyro"), "<generated>", "exec"), space)
    prepared = space["prepare"](data)
    prior = Predictive(space["model"], num_samples=REPLICATES)
    return dict(prior(jax.random.key(7), {**prepared, "y": None}))


def _uniformity(found: list[int]) -> float:
    """The p-value of a chi-squared test that ranks from 0 to KEPT are uniform."""
    counts, _ = np.histogram(found, bins=BINS, range=(0, KEPT + 1))
    return float(stats.chisquare(counts).pvalue)
