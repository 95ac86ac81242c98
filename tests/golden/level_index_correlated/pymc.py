"""The model of model.hdsl.

Written by HDSL from model.hdsl, for PyMC:

    data = prepare(rows)
    with build(data):
        results = pm.sample()
"""

import re

import numpy as np
import pymc as pm

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {}

# The levels over which a result varies.
DIMS = {
    "mean(th)": ("machine",),
    "sd(th)": ("machine",),
    "cor(th)": ("machine", "machine_2"),
    "dev(th)": ("store", "machine"),
    "th": ("store", "machine"),
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
    row = np.arange(1, len(column(rows, "store")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:2  level machine from category
    coords["machine"], machine_of_row = groups("machine", labels(rows, "category"), learned)

    # model.hdsl:4  th[machine] ~ store
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)
    coords["machine_2"] = coords["machine"]

    # model.hdsl:1  data y : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)

    return {
        "machine_of_row": machine_of_row,
        "store_of_row": store_of_row,
        "sd_y": sd_y,
        "mean_y": mean_y,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    n_machine = len(data["coords"]["machine"])
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    store_of_row = data["store_of_row"]
    machine_of_row = data["machine_of_row"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:3  y ~ normal(th, sigma)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:4  th[machine] ~ store
        # default prior of mean(th): intercept: the outcome's mean, 2.5 sds of the outcome
        mean_th = pm.Normal("mean(th)", mu=mean_y, sigma=2.5 * sd_y, dims="machine")
        # default prior of sd(th): group sd: the scale of the intercept
        sd_th = pm.HalfNormal("sd(th)", sigma=2.5 * sd_y, dims="machine")
        cholesky_th = pm.LKJCorr("cholesky(th)", n=n_machine, eta=2)
        pm.Deterministic("cor(th)", cholesky_th @ cholesky_th.T, dims=("machine", "machine_2"))
        z_th = pm.Normal("z(th)", mu=0, sigma=1, dims=("store", "machine"))
        dev_th = pm.Deterministic(
            "dev(th)", sd_th * (z_th @ cholesky_th.T), dims=("store", "machine")
        )
        th = pm.Deterministic("th", mean_th + dev_th, dims=("store", "machine"))

        # model.hdsl:3  y ~ normal(th, sigma)
        pm.Normal("y", mu=th[store_of_row, machine_of_row], sigma=sigma, dims="row", observed=y)
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
