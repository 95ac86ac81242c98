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

    # model.hdsl:1  data y, x : real
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
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    x = data["x"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:2  y ~ normal(alpha + beta * x, sigma)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:3  alpha, beta ~ 1
        # default prior of alpha: intercept: the outcome's mean, 2.5 sds of the outcome, widened for
        #     predictors that are not centred
        alpha = pm.Normal("alpha", mu=mean_y, sigma=2.5 * sd_y + 2.5 * sd_y * pt.abs(mean_x) / sd_x)
        # default prior of beta: slope on `x`: 2.5 sds of the outcome per sd of the predictor
        beta = pm.Normal("beta", mu=0, sigma=2.5 * sd_y / sd_x)

        # model.hdsl:2  y ~ normal(alpha + beta * x, sigma)
        mu = alpha + beta * x
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
