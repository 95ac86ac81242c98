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
    "skill": ("store",),
    "hardness": ("week",),
    "eta": ("store", "week"),
    "alike": ("store", "week"),
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
    row = np.arange(1, len(column(rows, "week")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:1  level store
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:2  level week
    coords["week"], week_of_row = groups("week", labels(rows, "week"), learned)

    # model.hdsl:3  data y : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    store_s1 = position(coords["store"], "store", "s1")

    return {
        "store_of_row": store_of_row,
        "week_of_row": week_of_row,
        "sd_y": sd_y,
        "store_s1": store_s1,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    n_store = len(data["coords"]["store"])
    n_week = len(data["coords"]["week"])
    sd_y = data["sd_y"]
    store_s1 = data["store_s1"]
    store_of_row = data["store_of_row"]
    week_of_row = data["week_of_row"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:5  y ~ normal(eta, sigma)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:7  skill[store] ~ normal(0, 1)
        skill = pm.Normal("skill", mu=0, sigma=1, dims="store")

        # model.hdsl:8  hardness[week] ~ normal(0, 1)
        hardness = pm.Normal("hardness", mu=0, sigma=1, dims="week")

        # model.hdsl:6  eta[store, week] = skill - hardness
        eta = pm.Deterministic("eta", skill[:, None] - hardness, dims=("store", "week"))

        # model.hdsl:9  alike[store, week] = skill
        pm.Deterministic(
            "alike", pt.broadcast_to(skill[:, None], (n_store, n_week)), dims=("store", "week")
        )

        # model.hdsl:10  best = skill["s1"]
        pm.Deterministic("best", skill[store_s1])

        # model.hdsl:5  y ~ normal(eta, sigma)
        pm.Normal("y", mu=eta[store_of_row, week_of_row], sigma=sigma, dims="row", observed=y)
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


def position(groups, level, label):
    """The number of the group that has a label."""
    if label not in groups:
        raise ValueError(f"level {level!r} has no group {label!r}")
    return groups.index(label)


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
