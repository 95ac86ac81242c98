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
    "wealth": ("market",),
    "of_market": ("market",),
    "r": ("market",),
    "of_week": ("market", "week"),
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

    # model.hdsl:2  data income : real per market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:3  data day : real per week
    coords["week"], week_of_row = groups("week", labels(rows, "week"), learned)

    # model.hdsl:1  data y, x : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")

    # model.hdsl:2  data income : real per market
    income = per_level(
        "market", "income", numbers, rows, tables, ["market"], coords["market"], market_of_row
    )

    # model.hdsl:3  data day : real per week
    day = per_level("week", "day", numbers, rows, tables, ["week"], coords["week"], week_of_row)
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    min_income = learn("min(income)", np.nanmin, income, learned)
    max_income = learn("max(income)", np.nanmax, income, learned)
    frequency_of_income, basis_of_income = waves(income, min_income, max_income, 40, 3)
    min_day = learn("min(day)", np.nanmin, day, learned)
    max_day = learn("max(day)", np.nanmax, day, learned)
    frequency_of_day, basis_of_day = waves(day, min_day, max_day, 12, 2)
    min_x = learn("min(x)", np.nanmin, x, learned)
    max_x = learn("max(x)", np.nanmax, x, learned)
    frequency_of_x, basis_of_x = waves(x, min_x, max_x, 40, 3)

    return {
        "market_of_row": market_of_row,
        "week_of_row": week_of_row,
        "sd_y": sd_y,
        "mean_y": mean_y,
        "basis_of_income": basis_of_income,
        "frequency_of_income": frequency_of_income,
        "basis_of_day": basis_of_day,
        "frequency_of_day": frequency_of_day,
        "basis_of_x": basis_of_x,
        "frequency_of_x": frequency_of_x,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    n_market = len(data["coords"]["market"])
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    basis_of_income = data["basis_of_income"]
    frequency_of_income = data["frequency_of_income"]
    basis_of_day = data["basis_of_day"]
    frequency_of_day = data["frequency_of_day"]
    basis_of_x = data["basis_of_x"]
    frequency_of_x = data["frequency_of_x"]
    market_of_row = data["market_of_row"]
    week_of_row = data["week_of_row"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:4  y ~ normal(alpha + wealth + of_week + of_x, sigma)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:5  alpha ~ 1
        # default prior of alpha: intercept: the outcome's mean, 2.5 sds of the outcome
        alpha = pm.Normal("alpha", mu=mean_y, sigma=2.5 * sd_y)

        # model.hdsl:10  a ~ halfnormal(1)
        a = pm.HalfNormal("a", sigma=1)

        # model.hdsl:11  rho ~ inversegamma(3, 2)
        rho = pm.InverseGamma("rho", alpha=3, beta=2)

        # model.hdsl:6  wealth[market] ~ hsgp(income, a, rho)
        z_wealth = pm.Normal("z(wealth)", mu=0, sigma=1, shape=basis_of_income.shape[1])
        wealth = pm.Deterministic(
            "wealth",
            a * sum_of_waves(basis_of_income, frequency_of_income, rho, z_wealth),
            dims="market",
        )

        # model.hdsl:9  of_market[market], r[market] ~ lognormal(0, 1)
        of_market = pm.LogNormal("of_market", mu=0, sigma=1, dims="market")
        r = pm.LogNormal("r", mu=0, sigma=1, dims="market")

        # model.hdsl:7  of_week[market, week] ~ hsgp(day, of_market, r, waves = 12, boundary = 2)
        z_of_week = pm.Normal("z(of_week)", mu=0, sigma=1, shape=(n_market, basis_of_day.shape[1]))
        of_week = pm.Deterministic(
            "of_week",
            of_market[:, None]
            * sum_of_waves(basis_of_day, frequency_of_day, r[:, None], z_of_week),
            dims=("market", "week"),
        )

        # model.hdsl:8  of_x[row] ~ hsgp(x, 0.5, rho)
        z_of_x = pm.Normal("z(of_x)", mu=0, sigma=1, shape=basis_of_x.shape[1])
        of_x = 0.5 * sum_of_waves(basis_of_x, frequency_of_x, rho, z_of_x)

        # model.hdsl:4  y ~ normal(alpha + wealth + of_week + of_x, sigma)
        mu = alpha + wealth[market_of_row] + of_week[market_of_row, week_of_row] + of_x
        pm.Normal("y", mu=mu, sigma=sigma, dims="row", observed=y)
    return model


def sum_of_waves(basis, frequency, rho, z):
    """A smooth function of unit variance: sine waves, weighted by the density of frequencies
    that the covariance exp(-(distance / rho)**2 / 2) has.
    """
    density = pt.sqrt(2 * np.pi) * rho * pt.exp(-0.5 * (rho * frequency) ** 2)
    return (pt.sqrt(density) * z) @ basis.T


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


def per_group(name, values, group_of_row, size):
    """The one value of each group, from the rows; nan for a group without rows."""
    present, first = np.unique(group_of_row, return_index=True)
    found = np.full(size, "" if values.dtype.kind == "U" else np.nan, dtype=values.dtype)
    found[present] = values[first]
    own = found[group_of_row]
    differs = own != values
    if values.dtype.kind == "f":
        differs &= ~(np.isnan(own) & np.isnan(values))
    varies = np.flatnonzero(differs) + 1
    if varies.size:
        raise ValueError(f"{name!r} varies inside a group: rows {varies[:5].tolist()}")
    return found


def from_table(level, values, table, columns, groups):
    """The value of each group, from the level's table; `columns` hold its label, own last."""
    paths = [labels(table, name) for name in columns if name in table]
    if not paths:
        raise ValueError(f"the table of {level!r} has no column {columns[-1]!r}")
    row = {}
    for depth in range(1, len(paths) + 1):
        for i, path in enumerate(zip(*paths[-depth:])):
            text = ":".join(path)
            row[text] = i if text not in row else None
    absent = [group for group in groups if row.get(group) is None]
    if absent:
        raise ValueError(f"the table of {level!r} has no one row for {absent[:5]}")
    return values[[row[group] for group in groups]]


def per_level(level, name, read, rows, tables, columns, groups, group_of_row, missing=False):
    """A column with one value per group: from the level's table if that has it, or the rows."""
    table = tables.get(level, {})
    if name not in table:
        return per_group(name, read(rows, name, missing), group_of_row, len(groups))
    values = from_table(level, read(table, name, missing=True), table, columns, groups)
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


def waves(x, low, high, count, boundary):
    """Frequencies of sine waves on a domain around [low, high], and the waves at x."""
    half = 0.5 * boundary * (high - low)
    frequency = np.arange(1, count + 1) * np.pi / (2 * half)
    place = x - 0.5 * (low + high) + half
    return frequency, np.sin(np.multiply.outer(place, frequency)) / np.sqrt(half)


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
