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
COORDS = {
    "size": ["small", "middle", "large"],
}

# The levels over which a result varies.
DIMS = {
    "w": ("size",),
    "v": ("size",),
    "tau": ("market",),
    "step": ("market", "week"),
    "level_of": ("store", "week"),
    "logit(share)": ("size",),
    "share": ("size",),
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

    # model.hdsl:7  step[market, week] ~ increasing(studentt(4, 0, tau))
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)
    coords["week"], week_of_row = groups("week", labels(rows, "week"), learned)

    # model.hdsl:8  level_of[store, week] ~ increasing(lognormal(0, 1))
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:2  data y, x : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)

    return {
        "market_of_row": market_of_row,
        "week_of_row": week_of_row,
        "store_of_row": store_of_row,
        "sd_y": sd_y,
        "mean_y": mean_y,
        "mean_x": mean_x,
        "sd_x": sd_x,
        "x": x,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    n_size = len(data["coords"]["size"])
    n_market = len(data["coords"]["market"])
    n_week = len(data["coords"]["week"])
    n_store = len(data["coords"]["store"])
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    x = data["x"]
    market_of_row = data["market_of_row"]
    week_of_row = data["week_of_row"]
    store_of_row = data["store_of_row"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:3  y ~ normal(alpha + w["middle"] * x + v["large"] + step * x + level_of +
        #     share["middle"], sigma)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:4  alpha ~ 1
        # default prior of alpha: intercept: the outcome's mean, 2.5 sds of the outcome, widened for
        #     predictors that are not centred
        alpha = pm.Normal(
            "alpha",
            mu=mean_y,
            sigma=2.5 * sd_y
            + 2.5 * sd_y * pt.abs(mean_x) / sd_x
            + 2.5 * sd_y * pt.abs(mean_x) / sd_x,
        )

        # model.hdsl:10  s ~ halfnormal(1)
        s = pm.HalfNormal("s", sigma=1)

        # model.hdsl:5  w[size] ~ increasing(normal(0, s))
        w = pm.Normal(
            "w",
            mu=0,
            sigma=s,
            transform=pm.distributions.transforms.ordered,
            initval=np.arange(n_size) - (n_size - 1) / 2,
            dims="size",
        )

        # model.hdsl:6  v[size] ~ increasing(exponential(1))
        v = pm.Exponential(
            "v",
            lam=1,
            transform=pm.distributions.transforms.ordered,
            initval=np.arange(1.0, n_size + 1),
            dims="size",
        )

        # model.hdsl:11  tau[market] ~ halfnormal(1)
        tau = pm.HalfNormal("tau", sigma=1, dims="market")

        # model.hdsl:7  step[market, week] ~ increasing(studentt(4, 0, tau))
        step = pm.StudentT(
            "step",
            nu=4,
            mu=0,
            sigma=tau[:, None],
            transform=pm.distributions.transforms.ordered,
            initval=np.full((n_market, n_week), np.arange(n_week) - (n_week - 1) / 2),
            dims=("market", "week"),
        )

        # model.hdsl:8  level_of[store, week] ~ increasing(lognormal(0, 1))
        level_of = pm.LogNormal(
            "level_of",
            mu=0,
            sigma=1,
            transform=pm.distributions.transforms.ordered,
            initval=np.full((n_store, n_week), np.arange(1.0, n_week + 1)),
            dims=("store", "week"),
        )

        # model.hdsl:9  logit(share[size]) ~ increasing(normal(0, 1.5))
        logit_share = pm.Normal(
            "logit(share)",
            mu=0,
            sigma=1.5,
            transform=pm.distributions.transforms.ordered,
            initval=np.arange(n_size) - (n_size - 1) / 2,
            dims="size",
        )
        share = pm.Deterministic("share", pt.sigmoid(logit_share), dims="size")

        # model.hdsl:3  y ~ normal(alpha + w["middle"] * x + v["large"] + step * x + level_of +
        #     share["middle"], sigma)
        mu = (
            alpha
            + w[1] * x
            + v[2]
            + step[market_of_row, week_of_row] * x
            + level_of[store_of_row, week_of_row]
            + share[1]
        )
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
