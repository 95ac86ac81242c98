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
    "dev(a)": ("category:week",),
    "a": ("category:week",),
    "dev(e)": ("row",),
    "dev(log(shape), week)": ("week",),
    "dev(log(shape), store)": ("store",),
    "shape[week]": ("week",),
    "shape[store]": ("store",),
    "c": ("row",),
    "w": ("row",),
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

    # model.hdsl:6  a ~ category : week
    coords["category"], category_of_row = groups("category", labels(rows, "category"), learned)
    coords["week"], week_of_row = groups("week", labels(rows, "week"), learned)
    coords["category:week"], category_week_of_row = groups(
        "category:week",
        crossed(
            np.array(coords["category"])[category_of_row], np.array(coords["week"])[week_of_row]
        ),
        learned,
    )

    # model.hdsl:9  log(shape) ~ week + store
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:1  data c : count
    c = outcome(rows, "c", numbers, len(row), is_training)

    # model.hdsl:2  data w : positive
    w = outcome(rows, "w", numbers, len(row), is_training)
    if is_training:
        observed("c", c)
    if is_training:
        observed("w", w)

    # Numbers that the training data teach
    mean_c = learn("mean(c)", np.nanmean, c, learned)

    return {
        "category_of_row": category_of_row,
        "week_of_row": week_of_row,
        "category_week_of_row": category_week_of_row,
        "store_of_row": store_of_row,
        "mean_c": mean_c,
        "c": c,
        "w": w,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    mean_c = data["mean_c"]
    category_week_of_row = data["category_week_of_row"]
    c = data["c"]
    week_of_row = data["week_of_row"]
    store_of_row = data["store_of_row"]
    w = data["w"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:6  a ~ category : week
        # default prior of mean(a): intercept: the outcome's mean, 2.5 on the link scale
        mean_a = pm.Normal("mean(a)", mu=pt.log(pt.maximum(mean_c, 0.01)), sigma=2.5)
        # default prior of sd(a): group sd: the scale of the intercept
        sd_a = pm.HalfNormal("sd(a)", sigma=2.5)
        z_a = pm.Normal("z(a)", mu=0, sigma=1, dims="category:week")
        dev_a = pm.Deterministic("dev(a)", sd_a * z_a, dims="category:week")
        a = pm.Deterministic("a", mean_a + dev_a, dims="category:week")

        # model.hdsl:7  e ~ 0 + row
        # default prior of sd(e): group sd: the scale of the intercept
        sd_e = pm.HalfNormal("sd(e)", sigma=2.5)
        z_e = pm.Normal("z(e)", mu=0, sigma=1, dims="row")
        dev_e = pm.Deterministic("dev(e)", sd_e * z_e, dims="row")
        e = dev_e

        # model.hdsl:5  log(mu) = a + e
        mu = pt.exp(a[category_week_of_row] + e)

        # model.hdsl:11  sd(log(shape)) ~ halfnormal(1)
        sd_log_shape_week = pm.HalfNormal("sd(log(shape), week)", sigma=1)
        sd_log_shape_store = pm.HalfNormal("sd(log(shape), store)", sigma=1)

        # model.hdsl:9  log(shape) ~ week + store
        z_log_shape_week = pm.Normal("z(log(shape), week)", mu=0, sigma=1, dims="week")
        dev_log_shape_week = pm.Deterministic(
            "dev(log(shape), week)", sd_log_shape_week * z_log_shape_week, dims="week"
        )
        z_log_shape_store = pm.Normal("z(log(shape), store)", mu=0, sigma=1, dims="store")
        dev_log_shape_store = pm.Deterministic(
            "dev(log(shape), store)", sd_log_shape_store * z_log_shape_store, dims="store"
        )

        # model.hdsl:10  mean(log(shape)) ~ normal(1, 1)
        mean_log_shape = pm.Normal("mean(log(shape))", mu=1, sigma=1)

        # model.hdsl:9  log(shape) ~ week + store
        pm.Deterministic("shape[week]", pt.exp(mean_log_shape + dev_log_shape_week), dims="week")
        pm.Deterministic("shape[store]", pt.exp(mean_log_shape + dev_log_shape_store), dims="store")

        # model.hdsl:4  c ~ poisson(mu)
        pm.Poisson("c", mu=mu, dims="row", observed=c)

        # model.hdsl:9  log(shape) ~ week + store
        shape = pt.exp(
            mean_log_shape + dev_log_shape_week[week_of_row] + dev_log_shape_store[store_of_row]
        )

        # model.hdsl:8  w ~ gamma(shape, shape / 2)
        beta = shape / 2
        pm.Gamma("w", alpha=shape, beta=beta, dims="row", observed=w)
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


def crossed(*names):
    """Labels of the combinations of levels, `a:b`."""
    return np.array([":".join(combination) for combination in zip(*names)])


def learn(name, summary, values, learned):
    """A number that the training data teach: computed once, then remembered."""
    if name not in learned:
        learned[name] = float(summary(values))
    return learned[name]


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
