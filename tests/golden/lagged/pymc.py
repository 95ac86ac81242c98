"""What happened a week before.

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
    "dev(alpha)": ("store",),
    "alpha": ("store",),
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

    # Earlier values; rows without one are left out
    rows = with_lag(rows, "lag(day, week)", "day", numbers, "week", ["store"], 1, learned)
    rows = with_lag(rows, "lag(age, week, store)", "age", numbers, "week", ["store"], 1, learned)
    row, rows = kept_rows(
        rows,
        ["week", "store", "y", "day", "age", "lag(day, week)", "lag(age, week, store)"],
        ["lag(day, week)", "lag(age, week, store)"],
    )
    coords = {**COORDS, "row": row}

    # model.hdsl:3  level week ordered
    coords["week"], week_of_row = groups(
        "week", in_order("week", labels(rows, "week"), learned), learned
    )

    # model.hdsl:6  alpha ~ store
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:4  data y, day, age : real
    y = outcome(rows, "y", numbers, len(row), is_training)

    # model.hdsl:5  y ~ normal(alpha + beta * lag(day, week) + gamma * lag(exp(age), week, store),
    #     sigma)
    lag_day_week = numbers(rows, "lag(day, week)")
    lag_age_week_store = numbers(rows, "lag(age, week, store)")
    lag_exp_age_week_store = np.exp(lag_age_week_store)
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    mean_lag_day_week = learn("mean(lag(day, week))", np.nanmean, lag_day_week, learned)
    sd_lag_day_week = learn("sd(lag(day, week))", sd, lag_day_week, learned)
    mean_lag_exp_age_week_store = learn(
        "mean(lag(exp(age), week, store))", np.nanmean, lag_exp_age_week_store, learned
    )
    sd_lag_exp_age_week_store = learn(
        "sd(lag(exp(age), week, store))", sd, lag_exp_age_week_store, learned
    )

    return {
        "week_of_row": week_of_row,
        "store_of_row": store_of_row,
        "sd_y": sd_y,
        "mean_y": mean_y,
        "mean_lag_day_week": mean_lag_day_week,
        "sd_lag_day_week": sd_lag_day_week,
        "mean_lag_exp_age_week_store": mean_lag_exp_age_week_store,
        "sd_lag_exp_age_week_store": sd_lag_exp_age_week_store,
        "lag_day_week": lag_day_week,
        "lag_exp_age_week_store": lag_exp_age_week_store,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """What happened a week before."""
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    mean_lag_day_week = data["mean_lag_day_week"]
    sd_lag_day_week = data["sd_lag_day_week"]
    mean_lag_exp_age_week_store = data["mean_lag_exp_age_week_store"]
    sd_lag_exp_age_week_store = data["sd_lag_exp_age_week_store"]
    store_of_row = data["store_of_row"]
    lag_day_week = data["lag_day_week"]
    lag_exp_age_week_store = data["lag_exp_age_week_store"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:5  y ~ normal(alpha + beta * lag(day, week) + gamma * lag(exp(age), week,
        #     store), sigma)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:6  alpha ~ store
        # default prior of mean(alpha): intercept: the outcome's mean, 2.5 sds of the outcome,
        #     widened for predictors that are not centred
        mean_alpha = pm.Normal(
            "mean(alpha)",
            mu=mean_y,
            sigma=2.5 * sd_y
            + 2.5 * sd_y * pt.abs(mean_lag_day_week) / sd_lag_day_week
            + 2.5 * sd_y * pt.abs(mean_lag_exp_age_week_store) / sd_lag_exp_age_week_store,
        )
        # default prior of sd(alpha): group sd: the scale of the intercept
        sd_alpha = pm.HalfNormal("sd(alpha)", sigma=2.5 * sd_y)
        z_alpha = pm.Normal("z(alpha)", mu=0, sigma=1, dims="store")
        dev_alpha = pm.Deterministic("dev(alpha)", sd_alpha * z_alpha, dims="store")
        alpha = pm.Deterministic("alpha", mean_alpha + dev_alpha, dims="store")

        # model.hdsl:7  beta, gamma ~ 1
        # default prior of beta: slope on `lag(day, week)`: 2.5 sds of the outcome per sd of the
        #     predictor
        beta = pm.Normal("beta", mu=0, sigma=2.5 * sd_y / sd_lag_day_week)
        # default prior of gamma: slope on `lag(exp(age), week, store)`: 2.5 sds of the outcome per
        #     sd of the predictor
        gamma = pm.Normal("gamma", mu=0, sigma=2.5 * sd_y / sd_lag_exp_age_week_store)

        # model.hdsl:5  y ~ normal(alpha + beta * lag(day, week) + gamma * lag(exp(age), week,
        #     store), sigma)
        mu = alpha[store_of_row] + beta * lag_day_week + gamma * lag_exp_age_week_store
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


def in_order(level, names, learned):
    """Puts the groups of an ordered level in order: numbers and dates by size, else as found."""
    known = learned.get(level, [])
    found = list(dict.fromkeys([*known, *names.tolist()]))[len(known) :]
    counted = all(re.match(r"-?\d", label) for label in found)
    learned[level] = [*known, *(sorted(found, key=natural) if counted else found)]
    return names


def learn(name, summary, values, learned):
    """A number that the training data teach: computed once, then remembered."""
    if name not in learned:
        learned[name] = float(summary(values))
    return learned[name]


def sd(values):
    """The standard deviation with divisor n - 1, of the values that are known."""
    return np.nanstd(values, ddof=1)


def with_lag(rows, name, of, read, level, within, steps, learned):
    """The rows with a column more: another one so many steps earlier along a level, inside others.

    It is nan where there is no earlier value. New rows find those of the training data.
    """
    at = labels(rows, level).tolist()
    inside = zip(*(labels(rows, other).tolist() for other in within if other in rows))
    series = ["\t".join(each) for each in inside] or [""] * len(at)
    values = read(rows, of, missing=True).tolist() if of in rows else [np.nan] * len(at)
    known = learned.get(name, {"order": [], "values": {}})
    found = [label for label in dict.fromkeys(at) if label not in set(known["order"])]
    counted = all(re.match(r"-?\d", label) for label in found)
    order = [*known["order"], *(sorted(found, key=natural) if counted else found)]
    before = dict(zip(order[steps:], order))
    lines = {key: dict(line) for key, line in known["values"].items()}
    here = {}
    for key, label, value in zip(series, at, values):
        if np.isnan(value):
            continue
        if here.setdefault((key, label), value) != value:
            raise ValueError(f"{of!r} has several values at {level} {label!r} of one {within}")
        lines.setdefault(key, {})[label] = value
    learned.setdefault(name, {"order": order, "values": lines})
    found = [lines.get(key, {}).get(before.get(label), np.nan) for key, label in zip(series, at)]
    return {**rows, name: np.array(found)}


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
