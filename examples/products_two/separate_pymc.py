"""The elasticities of two products, each by itself.

Written by HDSL from separate.hdsl, for PyMC:

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
    "alpha": ("product",),
    "beta": ("product",),
    "log_units": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "log_price")) + 1)
    coords = {**COORDS, "row": row}

    # separate.hdsl:3  level product
    coords["product"], product_of_row = groups("product", labels(rows, "product"), learned)

    # separate.hdsl:4  data log_units, log_price : real
    log_units = outcome(rows, "log_units", numbers, len(row), is_training)
    log_price = numbers(rows, "log_price")
    if is_training:
        observed("log_units", log_units)

    # Numbers that the training data teach
    sd_log_units = learn("sd(log_units)", sd, log_units, learned)
    mean_log_units = learn("mean(log_units)", np.nanmean, log_units, learned)
    mean_log_price = learn("mean(log_price)", np.nanmean, log_price, learned)
    sd_log_price = learn("sd(log_price)", sd, log_price, learned)

    return {
        "product_of_row": product_of_row,
        "sd_log_units": sd_log_units,
        "mean_log_units": mean_log_units,
        "mean_log_price": mean_log_price,
        "sd_log_price": sd_log_price,
        "log_price": log_price,
        "log_units": log_units,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The elasticities of two products, each by itself."""
    sd_log_units = data["sd_log_units"]
    mean_log_units = data["mean_log_units"]
    mean_log_price = data["mean_log_price"]
    sd_log_price = data["sd_log_price"]
    product_of_row = data["product_of_row"]
    log_price = data["log_price"]
    log_units = data["log_units"]
    with pm.Model(coords=data["coords"]) as model:
        # separate.hdsl:6  log_units ~ normal(alpha + beta * log_price, sigma)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_log_units)

        # separate.hdsl:7  alpha[product] ~ 1
        # default prior of alpha: intercept: the outcome's mean, 2.5 sds of the outcome, widened for
        #     predictors that are not centred
        alpha = pm.Normal(
            "alpha",
            mu=mean_log_units,
            sigma=2.5 * sd_log_units + 2.5 * sd_log_units * pt.abs(mean_log_price) / sd_log_price,
            dims="product",
        )

        # separate.hdsl:8  beta[product] ~ normal(-2, 1)
        beta = pm.Normal("beta", mu=-2, sigma=1, dims="product")

        # separate.hdsl:6  log_units ~ normal(alpha + beta * log_price, sigma)
        mu = alpha[product_of_row] + beta[product_of_row] * log_price
        pm.Normal("log_units", mu=mu, sigma=sigma, dims="row", observed=log_units)
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
