"""W2: submarkets in markets, normal outcome, a market's start and slope correlated.

The same ten markets of five submarkets at 5k, 100k and a million rows. Tuned: a market has 500 rows
and a submarket 100 at least, so that both are centred, and a submarket's rows are a line.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workload import MODELS, ROOT, Columns, Draws, Files, Numbers, Sides, Workload, pair

MARKETS, SUBMARKETS = 10, 5
EXAMPLE = ROOT / "examples" / "markets" / "markets.csv"


def simulated(rows: int, markets: int = MARKETS) -> Callable[[Path], Files]:
    """A maker of so many rows, evenly spread over the submarkets, each one's together."""

    def make(folder: Path) -> Files:
        import pandas as pd

        file = folder / f"nested_{rows}_{markets}.csv"
        if file.exists():
            return Files(file, {})
        random = np.random.default_rng(128)
        cov = np.array([[0.64, 0.12], [0.12, 0.25]])
        of_market = np.array([1.0, 0.5]) + random.multivariate_normal((0, 0), cov, markets)
        of_submarket = random.normal(0, 0.4, markets * SUBMARKETS)
        submarket = np.arange(rows) * (markets * SUBMARKETS) // rows
        market = submarket // SUBMARKETS
        x1, x2 = random.normal(size=(2, rows)).round(4)
        alpha, beta = of_market[market].T
        mu = alpha + of_submarket[submarket] + beta * x1 + 0.6 * x2
        table = {
            "market": [f"market {m + 1}" for m in market.tolist()],
            "submarket": [
                f"{s // SUBMARKETS + 1}.{s % SUBMARKETS + 1}" for s in submarket.tolist()
            ],
            "x1": x1,
            "x2": x2,
            "y": random.normal(mu, 1.0).round(4),
        }
        pd.DataFrame(table).to_csv(file, index=False)
        return Files(file, {})

    return make


def read(files: Files) -> Columns:
    """The columns, markets and submarkets numbered in the order of the file."""
    import pandas as pd

    rows = pd.read_csv(files.rows, dtype={"submarket": str})
    market, markets = pd.factorize(rows["market"])
    submarket, submarkets = pd.factorize(rows["market"] + ":" + rows["submarket"])
    first = np.unique(submarket, return_index=True)[1]
    return {
        "market": market,
        "markets": len(markets),
        "submarket": submarket,
        "submarkets": len(submarkets),
        "market_of_submarket": market[first],
        **{name: rows[name].to_numpy() for name in ("x1", "x2", "y")},
    }


def by_hand(data: Columns) -> None:
    """Standard normal effects, rows as they come."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    mean = numpyro.sample("mean", dist.Normal(0, 2).expand([2]).to_event(1))
    gamma = numpyro.sample("gamma", dist.Normal(0, 2))
    sd = numpyro.sample("sd", dist.HalfNormal(1).expand([2]).to_event(1))
    sd_submarket = numpyro.sample("sd_submarket", dist.HalfNormal(1))
    L = numpyro.sample("L", dist.LKJCholesky(2, concentration=2.0))
    sigma = numpyro.sample("sigma", dist.HalfNormal(2))
    with numpyro.plate("markets", data["markets"]):
        z = numpyro.sample("z", dist.Normal(0, 1).expand([2]).to_event(1))
    market = numpyro.deterministic("of_market", mean + z @ (sd[:, None] * L).T)
    with numpyro.plate("submarkets", data["submarkets"]):
        z_submarket = numpyro.sample("z_submarket", dist.Normal(0, 1))
    alpha = market[jnp.asarray(data["market_of_submarket"]), 0] + sd_submarket * z_submarket
    alpha = numpyro.deterministic("of_submarket", alpha)
    beta = market[data["market"], 1]
    mu = alpha[data["submarket"]] + beta * data["x1"] + gamma * data["x2"]
    numpyro.sample("y", dist.Normal(mu, sigma), obs=data["y"])


def tuned(data: Columns) -> None:
    """Centred effects, a line of rows per submarket."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    mean = numpyro.sample("mean", dist.Normal(0, 2).expand([2]).to_event(1))
    gamma = numpyro.sample("gamma", dist.Normal(0, 2))
    sd = numpyro.sample("sd", dist.HalfNormal(1).expand([2]).to_event(1))
    sd_submarket = numpyro.sample("sd_submarket", dist.HalfNormal(1))
    L = numpyro.sample("L", dist.LKJCholesky(2, concentration=2.0))
    sigma = numpyro.sample("sigma", dist.HalfNormal(2))
    with numpyro.plate("markets", data["markets"]):
        law = dist.MultivariateNormal(mean, scale_tril=sd[:, None] * L)
        market = numpyro.sample("of_market", law)
    inside = market[jnp.asarray(data["market_of_submarket"])]
    with numpyro.plate("submarkets", data["submarkets"]):
        alpha = numpyro.sample("of_submarket", dist.Normal(inside[:, 0], sd_submarket))
    x1, x2, y = (data[name].reshape(data["submarkets"], -1) for name in ("x1", "x2", "y"))
    mu = alpha[:, None] + inside[:, 1:] * x1 + gamma * x2
    numpyro.sample("y", dist.Normal(mu, sigma), obs=y)


def in_pymc(data: Columns) -> Any:
    """The PyMC model, with its own way to write correlated effects."""
    import pymc as pm

    with pm.Model() as model:
        mean = pm.Normal("mean", 0, 2, shape=2)
        gamma = pm.Normal("gamma", 0, 2)
        sd = pm.HalfNormal.dist(1, shape=2)
        L, correlation, scales = pm.LKJCholeskyCov("chol", n=2, eta=2, sd_dist=sd)
        pm.Deterministic("sd", scales)
        pm.Deterministic("cor", correlation[0, 1])
        sd_submarket = pm.HalfNormal("sd_submarket", 1)
        sigma = pm.HalfNormal("sigma", 2)
        z = pm.Normal("z", 0, 1, shape=(data["markets"], 2))
        market = pm.Deterministic("of_market", mean + z @ L.T)
        z_submarket = pm.Normal("z_submarket", 0, 1, shape=data["submarkets"])
        alpha = market[data["market_of_submarket"], 0] + sd_submarket * z_submarket
        alpha = pm.Deterministic("of_submarket", alpha)
        beta = market[data["market"], 1]
        mu = alpha[data["submarket"]] + beta * data["x1"] + gamma * data["x2"]
        pm.Normal("y", mu, sigma, observed=data["y"])
    return model


def quantities(draws: Draws) -> dict[str, Numbers]:
    """What all are compared by, under HDSL's names."""
    found = {name: draws[name] for name in ("gamma", "sigma")}
    found["mean(alpha)"], found["mean(beta)"] = pair(draws["mean"])
    found["sd(alpha, market)"], found["sd(beta)"] = pair(draws["sd"])
    found["sd(alpha, submarket)"] = draws["sd_submarket"]
    found["cor(alpha, beta, market)"] = draws["cor"] if "cor" in draws else draws["L"][..., 1, 0]
    found["alpha[market]"], found["beta"] = pair(draws["of_market"])
    found["alpha"] = draws["of_submarket"]
    return found


def workload(name: str, size: str, make: Callable[[Path], Files]) -> Workload:
    """The workload on the data that ``make`` gives."""
    return Workload(
        name=name,
        title=f"market → submarket, normal, {size} rows",
        model=MODELS / "nested.hdsl",
        shared=(
            *("mean(alpha)", "mean(beta)", "gamma", "sigma", "sd(alpha, market)", "sd(beta)"),
            *("sd(alpha, submarket)", "cor(alpha, beta, market)"),
            *("alpha[market]", "beta", "alpha"),
        ),
        make=make,
        read=read,
        quantities=quantities,
        numpyro=Sides(by_hand, tuned),
        pymc=in_pymc,
    )


NESTED = workload("W2", "5k", lambda folder: Files(EXAMPLE, {}))
NESTED_100K = workload("W2-100k", "100k", simulated(100_000))
NESTED_1M = workload("W2-1M", "1M", simulated(1_000_000))
