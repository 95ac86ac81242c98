"""Radon by county: a generated PyMC module as the backends write it, for the tests of fit."""

import re

import numpy as np
import pymc as pm
import pytensor.tensor as pt

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


def build(data):
    coords = {"county": data["coords"]["county"]}
    seen = data["log_radon_seen"]
    s = data["sd_log_radon"]
    with pm.Model(coords=coords) as model:
        # radon.hdsl:5  alpha, beta ~ county | log_uppm
        mean_alpha = pm.Normal("mean(alpha)", data["mean_log_radon"], 2.5 * s)
        mean_beta = pm.Normal("mean(beta)", 0, 2.5 * s)
        slope_alpha = pm.Normal("slope(alpha, log_uppm)", 0, 2.5 * s)
        slope_beta = pm.Normal("slope(beta, log_uppm)", 0, 2.5 * s)
        sd_alpha = pm.HalfNormal("sd(alpha)", 2.5 * s)
        sd_beta = pm.HalfNormal("sd(beta)", 2.5 * s)
        unit = pm.Beta("cor(alpha, beta) unit", 2, 2)
        cor = pm.Deterministic("cor(alpha, beta)", 2 * unit - 1)
        z_alpha = pm.Normal("z(alpha)", 0, 1, dims="county")
        z_beta = pm.Normal("z(beta)", 0, 1, dims="county")
        dev_alpha = pm.Deterministic("dev(alpha)", sd_alpha * z_alpha, dims="county")
        dev_beta = sd_beta * (cor * z_alpha + pt.sqrt(1 - cor**2) * z_beta)
        alpha = pm.Deterministic(
            "alpha", mean_alpha + slope_alpha * data["log_uppm"] + dev_alpha, dims="county"
        )
        beta = pm.Deterministic(
            "beta", mean_beta + slope_beta * data["log_uppm"] + dev_beta, dims="county"
        )

        # radon.hdsl:4  log_radon ~ normal(alpha + beta * floor, sigma)
        sigma = pm.HalfNormal("sigma", s)
        at = data["county_of_row"][seen]
        mu = alpha[at] + beta[at] * data["floor"][seen]
        pm.Normal("log_radon", mu, sigma, observed=data["log_radon"])
    return model
