"""W4: 1,000 stores × 942 days, negative binomial, 23 coefficients and a dispersion per store.

Too large for everybody's NUTS, as W3. Tuned: an array of store by day, closed days masked.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.workload import MODELS, ROOT, Columns, Draws, Files, Numbers, Sides, Workload

EXAMPLE = ROOT / "examples" / "stores"
PLAIN = ("trend", "promo", "school_holiday", "payday", "advent")
DAYS = ("Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def make(folder: Path) -> Files:
    """The example's full data."""
    into = folder / "stores"
    if not (into / "theta.npz").exists():
        command = [
            sys.executable,
            str(EXAMPLE / "generate.py"),
            "--stores",
            "1115",
            "--days",
            "942",
        ]
        subprocess.run([*command, "--into", str(into)], check=True)
    return Files(into / "train.csv", {})


def read(files: Files) -> Columns:
    """The design (row, feature), sales, and what was open; every store has every day."""
    import pandas as pd

    rows = pd.read_csv(files.rows)
    weekday, month = rows["weekday"].to_numpy(), rows["month"].to_numpy()
    columns = [np.ones(len(rows)), *(rows[name].to_numpy() for name in PLAIN)]
    columns += [weekday == day for day in DAYS] + [month == number for number in range(2, 13)]
    return {
        "store": rows["store"].to_numpy() - 1,
        "stores": int(rows["store"].max()),
        "X": np.stack(columns, axis=1).astype(float),
        "open": rows["open"].to_numpy() == 1,
        "sales": rows["sales"].to_numpy(),
    }


def by_hand(data: Columns) -> None:
    """Standard normal effects, the open days' rows as they come."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    is_open = data["open"]
    X, store = data["X"][is_open], data["store"][is_open]
    features = X.shape[1]
    mean = numpyro.sample("mean", dist.Normal(0, 10).expand([features]).to_event(1))
    sd = numpyro.sample("sd", dist.HalfNormal(1).expand([features]).to_event(1))
    mean_phi = numpyro.sample("mean_phi", dist.Normal(3, 2))
    sd_phi = numpyro.sample("sd_phi", dist.HalfNormal(1))
    with numpyro.plate("stores", data["stores"]):
        z = numpyro.sample("z", dist.Normal(0, 1).expand([features]).to_event(1))
        z_phi = numpyro.sample("z_phi", dist.Normal(0, 1))
    theta = numpyro.deterministic("theta", mean + sd * z)
    phi = numpyro.deterministic("phi", jnp.exp(mean_phi + sd_phi * z_phi))
    mu = jnp.exp((X * theta[store]).sum(axis=1))
    numpyro.sample("sales", dist.NegativeBinomial2(mu, phi[store]), obs=data["sales"][is_open])


def tuned(data: Columns) -> None:
    """Centred effects, an array of store by day."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    shape = (data["stores"], -1)
    X = data["X"].reshape(*shape, data["X"].shape[1])
    features = X.shape[-1]
    mean = numpyro.sample("mean", dist.Normal(0, 10).expand([features]).to_event(1))
    sd = numpyro.sample("sd", dist.HalfNormal(1).expand([features]).to_event(1))
    mean_phi = numpyro.sample("mean_phi", dist.Normal(3, 2))
    sd_phi = numpyro.sample("sd_phi", dist.HalfNormal(1))
    with numpyro.plate("stores", data["stores"]):
        theta = numpyro.sample("theta", dist.Normal(mean, sd).to_event(1))
        log_phi = numpyro.sample("log_phi", dist.Normal(mean_phi, sd_phi))
    phi = numpyro.deterministic("phi", jnp.exp(log_phi))
    mu = jnp.exp(jnp.einsum("sdf,sf->sd", X, theta))
    law = dist.NegativeBinomial2(mu, phi[:, None]).mask(data["open"].reshape(shape))
    numpyro.sample("sales", law, obs=data["sales"].reshape(shape))


def quantities(draws: Draws) -> dict[str, Numbers]:
    """What all are compared by, under HDSL's names."""
    return {
        "mean(theta)": draws["mean"],
        "sd(theta)": draws["sd"],
        "mean(log(phi))": draws["mean_phi"],
        "sd(log(phi))": draws["sd_phi"],
        "theta": draws["theta"],
        "phi": draws["phi"],
    }


STORES = Workload(
    name="W4",
    title="stores: negative binomial, 1,000 stores × 942 days × 23 features",
    model=MODELS / "stores.hdsl",
    shared=("mean(theta)", "sd(theta)", "mean(log(phi))", "sd(log(phi))", "theta", "phi"),
    make=make,
    read=read,
    quantities=quantities,
    numpyro=Sides(by_hand, tuned),
    stages=("gradient", "svi-step", "laplace"),
    large=True,
)
