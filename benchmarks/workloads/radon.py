"""Radon in 85 counties, a few houses in most: start and slope correlated, regressed on uranium.

Tuned: most counties are sparse and their effects small, so that they stay standard normal; what is
a county's own is computed once a county, and the rows stand county by county already.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.workload import MODELS, ROOT, Columns, Draws, Files, Numbers, Sides, Workload, pair

FOLDER = ROOT / "examples" / "radon"


def make(folder: Path) -> Files:
    """The example's own data."""
    return Files(FOLDER / "radon.csv", {"county": FOLDER / "county.csv"})


def read(files: Files) -> Columns:
    """The columns, counties numbered as their names are."""
    import pandas as pd

    rows, counties = pd.read_csv(files.rows), pd.read_csv(files.tables["county"])
    counties = counties.sort_values(
        "county", key=lambda c: c.str.removeprefix("county_").astype(int)
    )
    number = {name: i for i, name in enumerate(counties["county"])}
    return {
        "county": rows["county"].map(number).to_numpy(),
        "counties": len(counties),
        "log_uppm": counties["log_uppm"].to_numpy(),
        "floor": rows["floor"].to_numpy(),
        "log_radon": rows["log_radon"].to_numpy(),
    }


def by_hand(data: Columns) -> None:
    """Standard normal effects, everything on the rows."""
    import numpyro
    import numpyro.distributions as dist

    mean = numpyro.sample("mean", dist.Normal(0, 2).expand([2]).to_event(1))
    slope = numpyro.sample("slope", dist.Normal(0, 1).expand([2]).to_event(1))
    sd = numpyro.sample("sd", dist.HalfNormal(1).expand([2]).to_event(1))
    L = numpyro.sample("L", dist.LKJCholesky(2, concentration=2.0))
    sigma = numpyro.sample("sigma", dist.HalfNormal(2))
    with numpyro.plate("counties", data["counties"]):
        z = numpyro.sample("z", dist.Normal(0, 1).expand([2]).to_event(1))
    own = numpyro.deterministic(
        "own", mean + slope * data["log_uppm"][:, None] + z @ (sd[:, None] * L).T
    )
    county = data["county"]
    mu = own[county, 0] + own[county, 1] * data["floor"]
    numpyro.sample("log_radon", dist.Normal(mu, sigma), obs=data["log_radon"])


def tuned(data: Columns) -> None:
    """Standard normal effects; counts and sums of a house's floor, one line per county and floor.

    Houses of a county on the same floor have the same mean: four numbers say all about them.
    """
    import jax.numpy as jnp
    import numpy as np
    import numpyro
    import numpyro.distributions as dist

    mean = numpyro.sample("mean", dist.Normal(0, 2).expand([2]).to_event(1))
    slope = numpyro.sample("slope", dist.Normal(0, 1).expand([2]).to_event(1))
    sd = numpyro.sample("sd", dist.HalfNormal(1).expand([2]).to_event(1))
    correlation = numpyro.sample("half_cor", dist.Beta(2, 2)) * 2 - 1
    numpyro.deterministic("cor", correlation)
    sigma = numpyro.sample("sigma", dist.HalfNormal(2))
    with numpyro.plate("counties", data["counties"]):
        z = numpyro.sample("z", dist.Normal(0, 1).expand([2]).to_event(1))
    second = correlation * z[:, 0] + jnp.sqrt(1 - correlation**2) * z[:, 1]
    effects = sd * jnp.stack([z[:, 0], second], axis=1)
    own = numpyro.deterministic("own", mean + slope * data["log_uppm"][:, None] + effects)
    cell = 2 * data["county"] + data["floor"]
    count, total, squares = (
        np.bincount(cell, data["log_radon"] ** power, 2 * data["counties"]).reshape(-1, 2)
        for power in range(3)
    )
    mu = own[:, :1] + own[:, 1:] * jnp.array([0.0, 1.0])
    residual = (squares - 2 * mu * total + count * mu**2).sum()
    rows = len(data["log_radon"])
    numpyro.factor("log_radon", -0.5 * residual / sigma**2 - rows * jnp.log(sigma))


def in_pymc(data: Columns) -> Any:
    """The PyMC model, with its own way to write correlated effects."""
    import pymc as pm

    with pm.Model() as model:
        mean = pm.Normal("mean", 0, 2, shape=2)
        slope = pm.Normal("slope", 0, 1, shape=2)
        sd = pm.HalfNormal.dist(1, shape=2)
        L, correlation, scales = pm.LKJCholeskyCov("chol", n=2, eta=2, sd_dist=sd)
        pm.Deterministic("sd", scales)
        pm.Deterministic("cor", correlation[0, 1])
        sigma = pm.HalfNormal("sigma", 2)
        z = pm.Normal("z", 0, 1, shape=(data["counties"], 2))
        expected = mean + slope * data["log_uppm"][:, None]
        own = pm.Deterministic("own", expected + z @ L.T)
        county = data["county"]
        mu = own[county, 0] + own[county, 1] * data["floor"]
        pm.Normal("log_radon", mu, sigma, observed=data["log_radon"])
    return model


def quantities(draws: Draws) -> dict[str, Numbers]:
    """What all are compared by, under HDSL's names."""
    found = {"sigma": draws["sigma"]}
    found["mean(alpha)"], found["mean(beta)"] = pair(draws["mean"])
    found["slope(alpha, log_uppm)"], found["slope(beta, log_uppm)"] = pair(draws["slope"])
    found["sd(alpha)"], found["sd(beta)"] = pair(draws["sd"])
    found["cor(alpha, beta)"] = draws["cor"] if "cor" in draws else draws["L"][..., 1, 0]
    found["alpha"], found["beta"] = pair(draws["own"])
    return found


RADON = Workload(
    name="radon",
    title="85 sparse counties, correlated, regressed on uranium, 919 rows",
    model=MODELS / "radon.hdsl",
    shared=(
        *("mean(alpha)", "mean(beta)", "slope(alpha, log_uppm)", "slope(beta, log_uppm)"),
        *("sigma", "sd(alpha)", "sd(beta)", "cor(alpha, beta)", "alpha", "beta"),
    ),
    make=make,
    read=read,
    quantities=quantities,
    numpyro=Sides(by_hand, tuned),
    pymc=in_pymc,
)
