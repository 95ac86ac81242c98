"""W5: a line per group, start and slope correlated, 1,000 groups of 50 rows.

Tuned: fifty rows say where a group's line is, so that it is centred, and the rows are an array of
group by place.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workload import MODELS, Columns, Draws, Files, Numbers, Sides, Workload, pair

GROUPS_OF, ROWS_OF = 1000, 50_000


def simulated(groups: int, rows: int) -> Callable[[Path], Files]:
    """A maker of so many groups and rows, each group's together."""

    def make(folder: Path) -> Files:
        import pandas as pd

        file = folder / f"groups_{groups}_{rows}.csv"
        if file.exists():
            return Files(file, {})
        random = np.random.default_rng(5)
        cov = np.array([[0.64, 0.12], [0.12, 0.25]])
        lines = np.array([1.0, 0.5]) + random.multivariate_normal((0, 0), cov, groups)
        group = np.arange(rows) * groups // rows
        x = random.normal(size=rows).round(4)
        y = random.normal(lines[group, 0] + lines[group, 1] * x, 1.0).round(4)
        pd.DataFrame({"group": group + 1, "x": x, "y": y}).to_csv(file, index=False)
        return Files(file, {})

    return make


def read(files: Files) -> Columns:
    """The columns, groups numbered in the order of the file."""
    import pandas as pd

    rows = pd.read_csv(files.rows)
    group, groups = pd.factorize(rows["group"])
    x, y = rows["x"].to_numpy(), rows["y"].to_numpy()
    return {"group": group, "groups": len(groups), "x": x, "y": y}


def by_hand(data: Columns) -> None:
    """Standard normal effects, rows as they come."""
    import numpyro
    import numpyro.distributions as dist

    mean = numpyro.sample("mean", dist.Normal(0, 2).expand([2]).to_event(1))
    sd = numpyro.sample("sd", dist.HalfNormal(1).expand([2]).to_event(1))
    L = numpyro.sample("L", dist.LKJCholesky(2, concentration=2.0))
    sigma = numpyro.sample("sigma", dist.HalfNormal(2))
    with numpyro.plate("groups", data["groups"]):
        z = numpyro.sample("z", dist.Normal(0, 1).expand([2]).to_event(1))
    line = numpyro.deterministic("line", mean + z @ (sd[:, None] * L).T)
    group = data["group"]
    mu = line[group, 0] + line[group, 1] * data["x"]
    numpyro.sample("y", dist.Normal(mu, sigma), obs=data["y"])


def tuned(data: Columns) -> None:
    """Centred effects, an array of group by place."""
    import numpyro
    import numpyro.distributions as dist

    mean = numpyro.sample("mean", dist.Normal(0, 2).expand([2]).to_event(1))
    sd = numpyro.sample("sd", dist.HalfNormal(1).expand([2]).to_event(1))
    L = numpyro.sample("L", dist.LKJCholesky(2, concentration=2.0))
    sigma = numpyro.sample("sigma", dist.HalfNormal(2))
    with numpyro.plate("groups", data["groups"]):
        law = dist.MultivariateNormal(mean, scale_tril=sd[:, None] * L)
        line = numpyro.sample("line", law)
    x, y = (data[name].reshape(data["groups"], -1) for name in ("x", "y"))
    mu = line[:, :1] + line[:, 1:] * x
    numpyro.sample("y", dist.Normal(mu, sigma), obs=y)


def in_pymc(data: Columns) -> Any:
    """The PyMC model, with its own way to write correlated effects."""
    import pymc as pm

    with pm.Model() as model:
        mean = pm.Normal("mean", 0, 2, shape=2)
        sd = pm.HalfNormal.dist(1, shape=2)
        L, correlation, scales = pm.LKJCholeskyCov("chol", n=2, eta=2, sd_dist=sd)
        pm.Deterministic("sd", scales)
        pm.Deterministic("cor", correlation[0, 1])
        sigma = pm.HalfNormal("sigma", 2)
        z = pm.Normal("z", 0, 1, shape=(data["groups"], 2))
        line = pm.Deterministic("line", mean + z @ L.T)
        group = data["group"]
        mu = line[group, 0] + line[group, 1] * data["x"]
        pm.Normal("y", mu, sigma, observed=data["y"])
    return model


def quantities(draws: Draws) -> dict[str, Numbers]:
    """What all are compared by, under HDSL's names."""
    found = {"sigma": draws["sigma"]}
    found["mean(alpha)"], found["mean(beta)"] = pair(draws["mean"])
    found["sd(alpha)"], found["sd(beta)"] = pair(draws["sd"])
    found["cor(alpha, beta)"] = draws["cor"] if "cor" in draws else draws["L"][..., 1, 0]
    found["alpha"], found["beta"] = pair(draws["line"])
    return found


def workload(name: str, groups: int, rows: int) -> Workload:
    """The workload with so many groups and rows."""
    return Workload(
        name=name,
        title=f"{groups:,} groups, correlated start and slope, normal, {rows:,} rows",
        model=MODELS / "groups.hdsl",
        shared=(
            *("mean(alpha)", "mean(beta)", "sigma", "sd(alpha)", "sd(beta)", "cor(alpha, beta)"),
            *("alpha", "beta"),
        ),
        make=simulated(groups, rows),
        read=read,
        quantities=quantities,
        numpyro=Sides(by_hand, tuned),
        pymc=in_pymc,
    )


GROUPS = workload("W5", GROUPS_OF, ROWS_OF)
