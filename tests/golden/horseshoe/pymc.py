"""The model of model.hdsl.

Written by HDSL from model.hdsl, for PyMC:

    data = prepare(rows)
    with build(data):
        results = pm.sample()
"""

import re

import numpy as np
import pymc as pm
import pytensor.tensor as pt

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {}

# The levels over which a result varies.
DIMS = {
    "beta": ("store",),
    "gamma": ("week",),
    "dev(delta)": ("market",),
    "delta": ("market",),
    "y": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "x")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:4  beta[store] ~ horseshoe(tau)
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:5  gamma[week] ~ horseshoe(scale = 0.1, slab = 1, df = 3)
    coords["week"], week_of_row = groups("week", labels(rows, "week"), learned)

    # model.hdsl:6  delta ~ market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:1  data y, x, w : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")
    w = numbers(rows, "w")
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)
    mean_w = learn("mean(w)", np.nanmean, w, learned)
    sd_w = learn("sd(w)", sd, w, learned)

    return {
        "store_of_row": store_of_row,
        "week_of_row": week_of_row,
        "market_of_row": market_of_row,
        "sd_y": sd_y,
        "mean_y": mean_y,
        "mean_x": mean_x,
        "sd_x": sd_x,
        "mean_w": mean_w,
        "sd_w": sd_w,
        "x": x,
        "w": w,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    mean_w = data["mean_w"]
    sd_w = data["sd_w"]
    store_of_row = data["store_of_row"]
    week_of_row = data["week_of_row"]
    x = data["x"]
    market_of_row = data["market_of_row"]
    w = data["w"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:2  y ~ normal(alpha + beta + gamma * x + delta * w, sigma)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:3  alpha ~ 1
        # default prior of alpha: intercept: the outcome's mean, 2.5 sds of the outcome, widened for
        #     predictors that are not centred
        alpha = pm.Normal(
            "alpha",
            mu=mean_y,
            sigma=2.5 * sd_y
            + 2.5 * sd_y * pt.abs(mean_x) / sd_x
            + 2.5 * sd_y * pt.abs(mean_w) / sd_w,
        )

        # model.hdsl:8  tau ~ halfnormal(1)
        tau = pm.HalfNormal("tau", sigma=1)

        # model.hdsl:4  beta[store] ~ horseshoe(tau)
        z_beta = pm.Normal("z(beta)", mu=0, sigma=1, dims="store")
        local_beta = pm.HalfCauchy("local(beta)", beta=1, dims="store")
        overall_beta = pm.HalfCauchy("overall(beta)", beta=tau)
        width_beta = pm.InverseGamma("width(beta)", alpha=2, beta=12.5)
        beta = pm.Deterministic(
            "beta",
            overall_beta
            * local_beta
            * z_beta
            / pt.sqrt(1 + (overall_beta * local_beta) ** 2 / width_beta),
            dims="store",
        )

        # model.hdsl:5  gamma[week] ~ horseshoe(scale = 0.1, slab = 1, df = 3)
        z_gamma = pm.Normal("z(gamma)", mu=0, sigma=1, dims="week")
        local_gamma = pm.HalfCauchy("local(gamma)", beta=1, dims="week")
        overall_gamma = pm.HalfCauchy("overall(gamma)", beta=0.1)
        width_gamma = pm.InverseGamma("width(gamma)", alpha=1.5, beta=1.5)
        gamma = pm.Deterministic(
            "gamma",
            overall_gamma
            * local_gamma
            * z_gamma
            / pt.sqrt(1 + (overall_gamma * local_gamma) ** 2 / width_gamma),
            dims="week",
        )

        # model.hdsl:6  delta ~ market
        # default prior of sd(delta): group sd: the scale of the slope on `w`
        sd_delta = pm.HalfNormal("sd(delta)", sigma=2.5 * sd_y / sd_w)
        z_delta = pm.Normal("z(delta)", mu=0, sigma=1, dims="market")
        dev_delta = pm.Deterministic("dev(delta)", sd_delta * z_delta, dims="market")

        # model.hdsl:7  mean(delta) ~ normal(0, 1)
        mean_delta = pm.Normal("mean(delta)", mu=0, sigma=1)

        # model.hdsl:6  delta ~ market
        delta = pm.Deterministic("delta", mean_delta + dev_delta, dims="market")

        # model.hdsl:2  y ~ normal(alpha + beta + gamma * x + delta * w, sigma)
        mu = alpha + beta[store_of_row] + gamma[week_of_row] * x + delta[market_of_row] * w
        pm.Normal("y", mu=mu, sigma=sigma, dims="row", observed=y)
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


def labels(table, name, missing=False):
    """A column as text; a whole number loses its `.0`."""
    values = column(table, name)
    if values.dtype.kind in "iu":
        return values.astype(str)
    if values.dtype.kind == "M":
        values = np.datetime_as_string(values, unit="auto")
    whole = [int(v) if isinstance(v, float) and v.is_integer() else v for v in values.tolist()]
    texts = [
        "" if not isinstance(v, str) and str(v) in ("None", "nan", "NaT", "<NA>") else str(v)
        for v in whole
    ]
    if not missing:
        known(name, np.array(texts))
    return np.array(texts)


def natural(label):
    """A sort key that puts numbers in their order: `2` before `10`."""
    parts = re.split(r"(^-?\d+(?:\.\d+)?|\d+)", label)
    return [float(part) if i % 2 else part for i, part in enumerate(parts)]


def groups(level, names, learned):
    """The labels of a level's groups, new ones last, and the number of each row's group."""
    known = learned.get(level, [])
    learned[level] = [*known, *sorted(set(names.tolist()) - set(known), key=natural)]
    number = {label: i for i, label in enumerate(learned[level])}
    return learned[level], np.array([number[label] for label in names.tolist()])


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
