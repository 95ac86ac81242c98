"""W1: price elasticity in nine regions, Student-t, two pairs of correlated group effects.

By hand it is a plate of regions, an LKJ Cholesky factor and standard normal effects for each pair,
as tutorials write it. Tuned: hundreds of rows a region say where its effects are, so that they are
centred, and rows stand region by region.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.workload import ROOT, Columns, Draws, Files, Numbers, Sides, Workload, line_up, pair

FOLDER = ROOT / "examples" / "elasticity"


def make(folder: Path) -> Files:
    """The example's own data."""
    return Files(FOLDER / "market.csv", {})


def read(files: Files) -> Columns:
    """The columns, regions numbered."""
    import pandas as pd

    rows = pd.read_csv(files.rows)
    region, labels = pd.factorize(rows["region_id"], sort=True)
    return {
        "region": region,
        "regions": len(labels),
        "income": rows.groupby("region_id")["median_income"].first().to_numpy(),
        "log_p": rows["log_price"].to_numpy(),
        "log_q": rows["log_quantities"].to_numpy(),
    }


def by_hand(data: Columns) -> None:
    """Standard normal effects, rows as they come."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    def effects(name: str) -> Any:
        sd = numpyro.sample(f"sd_{name}", dist.HalfNormal(0.2).expand([2]).to_event(1))
        L = numpyro.sample(f"L_{name}", dist.LKJCholesky(2, concentration=1.0))
        with numpyro.plate(f"regions_{name}", data["regions"]):
            z = numpyro.sample(f"z_{name}", dist.Normal(0, 1).expand([2]).to_event(1))
        return numpyro.deterministic(f"own_{name}", z @ (sd[:, None] * L).T)

    base, slope = effects("base"), effects("income")
    nu = numpyro.sample("nu", dist.Gamma(20, 3))
    sigma = numpyro.sample("sigma", dist.Exponential(2))
    total = base + slope * jnp.asarray(data["income"])[:, None]
    region = data["region"]
    mu = total[region, 0] + total[region, 1] * data["log_p"]
    numpyro.sample("log_q", dist.StudentT(nu, mu, sigma), obs=data["log_q"])


def tuned(data: Columns) -> None:
    """Centred effects, a line of rows per region."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    def effects(name: str) -> Any:
        sd = numpyro.sample(f"sd_{name}", dist.HalfNormal(0.2).expand([2]).to_event(1))
        L = numpyro.sample(f"L_{name}", dist.LKJCholesky(2, concentration=1.0))
        with numpyro.plate(f"regions_{name}", data["regions"]):
            return numpyro.sample(
                f"own_{name}", dist.MultivariateNormal(jnp.zeros(2), scale_tril=sd[:, None] * L)
            )

    base, slope = effects("base"), effects("income")
    nu = numpyro.sample("nu", dist.Gamma(20, 3))
    sigma = numpyro.sample("sigma", dist.Exponential(2))
    total = base + slope * jnp.asarray(data["income"])[:, None]
    lines, is_row = line_up(data["region"], data["regions"])
    mu = total[:, :1] + total[:, 1:] * data["log_p"][lines]
    law = dist.StudentT(nu, mu, sigma).mask(is_row)
    numpyro.sample("log_q", law, obs=data["log_q"][lines])


def in_pymc(data: Columns) -> Any:
    """The PyMC model, with its own way to write such effects."""
    import pymc as pm

    with pm.Model() as model:

        def effects(name: str) -> Any:
            sd = pm.HalfNormal.dist(0.2, shape=2)
            L, correlation, scales = pm.LKJCholeskyCov(f"chol_{name}", n=2, eta=1, sd_dist=sd)
            pm.Deterministic(f"sd_{name}", scales)
            pm.Deterministic(f"cor_{name}", correlation[0, 1])
            z = pm.Normal(f"z_{name}", 0, 1, shape=(data["regions"], 2))
            return pm.Deterministic(f"own_{name}", z @ L.T)

        base, slope = effects("base"), effects("income")
        nu = pm.Gamma("nu", 20, 3)
        sigma = pm.Exponential("sigma", 2)
        total = base + slope * data["income"][:, None]
        region = data["region"]
        mu = total[region, 0] + total[region, 1] * data["log_p"]
        pm.StudentT("log_q", nu=nu, mu=mu, sigma=sigma, observed=data["log_q"])
    return model


def quantities(draws: Draws) -> dict[str, Numbers]:
    """What all are compared by, under HDSL's names."""
    found = {"nu": draws["nu"], "sigma": draws["sigma"]}
    for name, number in (("base", 0), ("income", 1)):
        a, b = f"a{number}", f"b{number}"
        found[a], found[b] = pair(draws[f"own_{name}"])
        found[f"sd({a})"], found[f"sd({b})"] = pair(draws[f"sd_{name}"])
        cor = draws[f"cor_{name}"] if f"cor_{name}" in draws else draws[f"L_{name}"][..., 1, 0]
        found[f"cor({a}, {b})"] = cor
    return found


ELASTICITY = Workload(
    name="W1",
    title="elasticity: Student-t, 9 regions, two covariance components, 2.4k rows",
    model=FOLDER / "two_components.hdsl",
    shared=(
        *("nu", "sigma", "sd(a0)", "sd(b0)", "sd(a1)", "sd(b1)", "cor(a0, b0)", "cor(a1, b1)"),
        *("a0", "b0", "a1", "b1"),
    ),
    make=make,
    read=read,
    quantities=quantities,
    numpyro=Sides(by_hand, tuned),
    pymc=in_pymc,
)
