"""The model of model.hdsl.

Written by HDSL from model.hdsl, for PyMC:

    data = prepare(rows)
    with build(data):
        results = pm.sample()
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {}

# The levels over which a result varies.
DIMS = {
    "y": ("row",),
    "log(w)": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "y")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:1  data y : real
    y = outcome(rows, "y", numbers, len(row), is_training)

    # model.hdsl:2  data w : positive
    w = outcome(rows, "w", numbers, len(row), is_training)
    if is_training:
        observed("y", y)
    log_w = np.log(w)
    if is_training:
        observed("w", np.log(w))

    # Numbers that the training data teach
    mean_log_w = learn("mean(log(w))", np.nanmean, np.log(w), learned)
    sd_log_w = learn("sd(log(w))", sd, np.log(w), learned)

    return {
        "mean_log_w": mean_log_w,
        "sd_log_w": sd_log_w,
        "y": y,
        "log_w": log_w,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    mean_log_w = data["mean_log_w"]
    sd_log_w = data["sd_log_w"]
    y = data["y"]
    log_w = data["log_w"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:4  m ~ normal(0, 10)
        m = pm.Normal("m", mu=0, sigma=10)

        # model.hdsl:5  sigma^2 ~ inversegamma(2, 1)
        sigma_2 = pm.InverseGamma("sigma^2", alpha=2, beta=1)
        sigma = pm.Deterministic("sigma", sigma_2**0.5)

        # model.hdsl:7  log(tau) ~ normal(0, 1)
        log_tau = pm.Normal("log(tau)", mu=0, sigma=1)
        tau = pm.Deterministic("tau", pt.exp(log_tau))

        # model.hdsl:8  lm ~ 1
        # default prior of lm: intercept: the outcome's mean, 2.5 sds of the outcome
        lm = pm.Normal("lm", mu=mean_log_w, sigma=2.5 * sd_log_w)

        # model.hdsl:3  y ~ normal(m, sigma)
        pm.Normal("y", mu=m, sigma=sigma, dims="row", observed=y)

        # model.hdsl:6  log(w) ~ normal(lm, tau)
        pm.Normal("log(w)", mu=lm, sigma=tau, dims="row", observed=log_w)
    return model


def column(table, name):
    """A column of a table."""
    if name not in table:
        raise ValueError(f"the data have no column {name!r}")
    return np.asarray(table[name])


def known(name, values):
    """Raises an error where values are missing."""
    empty = np.flatnonzero(values == "" if values.dtype.kind == "U" else np.isnan(values)) + 1
    if empty.size:
        raise ValueError(f"{name!r} is missing in {empty.size} rows: {empty[:5].tolist()}")


def observed(name, values):
    """Raises an error where an outcome is missing."""
    empty = np.flatnonzero(np.isnan(values)) + 1
    if empty.size:
        raise ValueError(
            f"the outcome {name!r} is missing in {empty.size} rows: {empty[:5].tolist()}; "
            "compile the model with --data, and they are left out and predicted"
        )


def numbers(table, name, missing=False):
    """A column as numbers; empty cells, where they may be, become nan."""
    values = column(table, name)
    try:
        values = values.astype(float)
    except (TypeError, ValueError):
        raise ValueError(f"column {name!r} holds text where numbers are needed") from None
    if not missing:
        known(name, values)
    return values


def learn(name, summary, values, learned):
    """A number that the training data teach: computed once, then remembered."""
    if name not in learned:
        learned[name] = float(summary(values))
    return learned[name]


def sd(values):
    """The standard deviation with divisor n - 1, of the values that are known."""
    return np.nanstd(values, ddof=1)


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
