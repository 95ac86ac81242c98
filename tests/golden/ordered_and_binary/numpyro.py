"""The model of model.hdsl.

Written by HDSL from model.hdsl, for NumPyro:

    numpyro.enable_x64()
    data = prepare(rows)
    kernel = numpyro.infer.NUTS(model)
    mcmc = numpyro.infer.MCMC(kernel, num_warmup=1000, num_samples=1000)
    mcmc.run(jax.random.key(0), data)
"""

import re

import numpy as np
import numpyro
import numpyro.distributions as dist

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {}

# The levels over which a result varies.
DIMS = {
    "trend": ("week",),
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

    # model.hdsl:4  data x : real drop
    row, rows = kept_rows(rows, ["week", "y", "b", "x"], ["x"])
    coords = {**COORDS, "row": row}

    # model.hdsl:1  level week ordered
    coords["week"], week_of_row = groups(
        "week", in_order("week", labels(rows, "week"), learned), learned
    )

    # model.hdsl:2  data y : real
    y = outcome(rows, "y", numbers, len(row), is_training)

    # model.hdsl:3  data b : binary
    b = flags(rows, "b")

    # model.hdsl:4  data x : real drop
    x = numbers(rows, "x")
    if is_training:
        observed("y", y)

    return {
        "week_of_row": week_of_row,
        "b": b,
        "x": x,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_week = len(data["coords"]["week"])
    n_row = len(data["coords"]["row"])
    week_of_row = data["week_of_row"]
    b = data["b"]
    x = data["x"]
    y = data["y"]

    # model.hdsl:7  trend[week] ~ normal(0, 1)
    with numpyro.plate("week", n_week):
        trend = numpyro.sample("trend", dist.Normal(0, 1))

    # model.hdsl:8  effect, slope ~ flat()
    effect = numpyro.sample("effect", dist.ImproperUniform(dist.constraints.real, (), ()))
    slope = numpyro.sample("slope", dist.ImproperUniform(dist.constraints.real, (), ()))

    # model.hdsl:9  sigma ~ halfflat()
    sigma = numpyro.sample("sigma", dist.ImproperUniform(dist.constraints.positive, (), ()))

    # model.hdsl:6  y ~ normal(trend + effect * b + slope * x, sigma)
    mu = trend[week_of_row] + effect * b + slope * x
    with numpyro.plate("row", n_row):
        numpyro.sample("y", dist.Normal(mu, sigma), obs=y)


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


def flags(table, name, missing=False):
    """A column of 0 and 1, or of false and true, as numbers."""
    meaning = {"0": 0.0, "false": 0.0, "1": 1.0, "true": 1.0}
    texts = [text.lower() for text in labels(table, name, missing)]
    wrong = sorted(set(texts) - set(meaning) - {""})
    if wrong:
        raise ValueError(f"column {name!r} is not 0 and 1, nor false and true: {wrong[:5]}")
    return np.array([meaning.get(text, np.nan) for text in texts])


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


def in_order(level, names, learned):
    """Puts the groups of an ordered level in order: numbers and dates by size, else as found."""
    known = learned.get(level, [])
    found = list(dict.fromkeys([*known, *names.tolist()]))[len(known) :]
    counted = all(re.match(r"-?\d", label) for label in found)
    learned[level] = [*known, *(sorted(found, key=natural) if counted else found)]
    return names


def kept_rows(rows, names, needed):
    """The numbers (from 1) of the rows where the needed columns are known, and those rows."""
    kept = np.all([~np.isnan(numbers(rows, name, missing=True)) for name in needed], axis=0)
    numbered = np.flatnonzero(kept) + 1
    return numbered, {name: np.asarray(rows[name])[kept] for name in names if name in rows}


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
