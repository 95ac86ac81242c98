"""Eight schools.

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
    "dev(theta)": ("school",),
    "theta": ("school",),
    "effect": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "se")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:3  level school
    coords["school"], school_of_row = groups("school", labels(rows, "school"), learned)

    # model.hdsl:4  data effect : real
    effect = outcome(rows, "effect", numbers, len(row), is_training)

    # model.hdsl:5  data se : positive
    se = numbers(rows, "se")
    if is_training:
        observed("effect", effect)

    return {
        "school_of_row": school_of_row,
        "se": se,
        "effect": effect,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """Eight schools."""
    school_of_row = data["school_of_row"]
    se = data["se"]
    effect = data["effect"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:11  sd(theta) ~ halfcauchy(5)
        sd_theta = pm.HalfCauchy("sd(theta)", beta=5)

        # model.hdsl:8  theta ~ school
        z_theta = pm.Normal("z(theta)", mu=0, sigma=1, dims="school")
        dev_theta = pm.Deterministic("dev(theta)", sd_theta * z_theta, dims="school")

        # model.hdsl:10  mean(theta) ~ normal(0, 5)
        mean_theta = pm.Normal("mean(theta)", mu=0, sigma=5)

        # model.hdsl:8  theta ~ school
        theta = pm.Deterministic("theta", mean_theta + dev_theta, dims="school")

        # model.hdsl:7  effect ~ normal(theta, se)
        pm.Normal("effect", mu=theta[school_of_row], sigma=se, dims="row", observed=effect)
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


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
