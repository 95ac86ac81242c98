"""Radon by county: a generated NumPyro module as the backends write it, for the tests of fit."""

import re

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

COORDS = {}

DIMS = {"alpha": ("county",), "beta": ("county",), "dev(alpha)": ("county",)}


def natural(label):
    return [(0, int(t)) if t.isdigit() else (1, t) for t in re.split(r"(\d+)", label) if t]


def prepare(rows, tables=None, learned=None):
    learned = dict(learned or {})
    floor = np.asarray(rows["floor"], dtype=float)
    log_uppm = np.asarray(rows["log_uppm"], dtype=float)
    log_radon = np.asarray(rows["log_radon"], dtype=float)
    county = [str(v) for v in rows["county"]]
    counties = sorted(set(county), key=natural)
    place = {label: i for i, label in enumerate(counties)}
    county_of_row = np.array([place[label] for label in county])
    first = np.array([county.index(label) for label in counties])
    seen = np.flatnonzero(~np.isnan(log_radon))
    log_radon = log_radon[seen]
    learned.setdefault("mean(log_radon)", float(np.mean(log_radon)))
    learned.setdefault("sd(log_radon)", float(np.std(log_radon, ddof=1)))
    return {
        "floor": floor,
        "log_uppm": log_uppm[first],
        "log_radon": log_radon,
        "log_radon_seen": seen,
        "county_of_row": county_of_row,
        "mean_log_radon": learned["mean(log_radon)"],
        "sd_log_radon": learned["sd(log_radon)"],
        "coords": {"county": counties, "row": np.arange(1, len(floor) + 1)},
        "learned": learned,
    }


def model(data):
    county = numpyro.plate("county", len(data["coords"]["county"]), dim=-1)
    seen = data["log_radon_seen"]
    s = data["sd_log_radon"]

    # radon.hdsl:5  alpha, beta ~ county | log_uppm
    mean_alpha = numpyro.sample("mean(alpha)", dist.Normal(data["mean_log_radon"], 2.5 * s))
    mean_beta = numpyro.sample("mean(beta)", dist.Normal(0, 2.5 * s))
    slope_alpha = numpyro.sample("slope(alpha, log_uppm)", dist.Normal(0, 2.5 * s))
    slope_beta = numpyro.sample("slope(beta, log_uppm)", dist.Normal(0, 2.5 * s))
    sd_alpha = numpyro.sample("sd(alpha)", dist.HalfNormal(2.5 * s))
    sd_beta = numpyro.sample("sd(beta)", dist.HalfNormal(2.5 * s))
    unit = numpyro.sample("cor(alpha, beta) unit", dist.Beta(2, 2))
    cor = numpyro.deterministic("cor(alpha, beta)", 2 * unit - 1)
    with county:
        z_alpha = numpyro.sample("z(alpha)", dist.Normal(0, 1))
        z_beta = numpyro.sample("z(beta)", dist.Normal(0, 1))
    dev_alpha = numpyro.deterministic("dev(alpha)", sd_alpha * z_alpha)
    dev_beta = sd_beta * (cor * z_alpha + jnp.sqrt(1 - cor**2) * z_beta)
    alpha = numpyro.deterministic("alpha", mean_alpha + slope_alpha * data["log_uppm"] + dev_alpha)
    beta = numpyro.deterministic("beta", mean_beta + slope_beta * data["log_uppm"] + dev_beta)

    # radon.hdsl:4  log_radon ~ normal(alpha + beta * floor, sigma)
    sigma = numpyro.sample("sigma", dist.HalfNormal(s))
    at = data["county_of_row"][seen]
    mu = alpha[at] + beta[at] * data["floor"][seen]
    with numpyro.plate("row", len(seen), dim=-1):
        numpyro.sample("log_radon", dist.Normal(mu, sigma), obs=data["log_radon"])
