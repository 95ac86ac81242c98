"""Ten markets of five submarkets each: how many were sold.

Written by HDSL from units.hdsl, for PyMC:

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
    "dev(alpha, submarket)": ("submarket",),
    "dev(alpha, market)": ("market",),
    "dev(beta)": ("market",),
    "alpha[market]": ("market",),
    "alpha": ("submarket",),
    "beta": ("market",),
    "units": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "x1")) + 1)
    coords = {**COORDS, "row": row}

    # units.hdsl:3  level submarket in market
    coords["market"], market_of_row = groups(
        "market", looked_up(rows, "market", tables, ("submarket", "submarket")), learned
    )
    coords["submarket"], submarket_of_row = groups(
        "submarket",
        nested(
            "submarket",
            labels(rows, "submarket"),
            learned,
            np.array(coords["market"])[market_of_row],
        ),
        learned,
    )
    market_of_submarket = group_of_each(
        "market of submarket", market_of_row, submarket_of_row, learned
    )

    # units.hdsl:4  data units : count
    units = outcome(rows, "units", numbers, len(row), is_training)

    # units.hdsl:5  data x1, x2 : real
    x1 = numbers(rows, "x1")
    x2 = numbers(rows, "x2")
    if is_training:
        observed("units", units)

    # Numbers that the training data teach
    mean_units = learn("mean(units)", np.nanmean, units, learned)
    mean_x1 = learn("mean(x1)", np.nanmean, x1, learned)
    sd_x1 = learn("sd(x1)", sd, x1, learned)
    mean_x2 = learn("mean(x2)", np.nanmean, x2, learned)
    sd_x2 = learn("sd(x2)", sd, x2, learned)

    return {
        "market_of_row": market_of_row,
        "submarket_of_row": submarket_of_row,
        "mean_units": mean_units,
        "mean_x1": mean_x1,
        "sd_x1": sd_x1,
        "mean_x2": mean_x2,
        "sd_x2": sd_x2,
        "market_of_submarket": market_of_submarket,
        "x1": x1,
        "x2": x2,
        "units": units,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """Ten markets of five submarkets each: how many were sold."""
    mean_units = data["mean_units"]
    mean_x1 = data["mean_x1"]
    sd_x1 = data["sd_x1"]
    mean_x2 = data["mean_x2"]
    sd_x2 = data["sd_x2"]
    market_of_submarket = data["market_of_submarket"]
    submarket_of_row = data["submarket_of_row"]
    market_of_row = data["market_of_row"]
    x1 = data["x1"]
    x2 = data["x2"]
    units = data["units"]
    with pm.Model(coords=data["coords"]) as model:
        # units.hdsl:9  alpha ~ market / submarket
        # default prior of mean(alpha): intercept: the outcome's mean, 2.5 on the link scale,
        #     widened for predictors that are not centred
        mean_alpha = pm.Normal(
            "mean(alpha)",
            mu=pt.log(pt.maximum(mean_units, 0.01)),
            sigma=2.5 + 2.5 * pt.abs(mean_x1) / sd_x1 + 2.5 * pt.abs(mean_x2) / sd_x2,
        )
        # default prior of sd(alpha, market): group sd: the scale of the intercept
        sd_alpha_market = pm.HalfNormal("sd(alpha, market)", sigma=2.5)
        # default prior of sd(alpha, submarket): group sd: the scale of the intercept
        sd_alpha_submarket = pm.HalfNormal("sd(alpha, submarket)", sigma=2.5)
        z_alpha_submarket = pm.Normal("z(alpha, submarket)", mu=0, sigma=1, dims="submarket")
        dev_alpha_submarket = pm.Deterministic(
            "dev(alpha, submarket)", sd_alpha_submarket * z_alpha_submarket, dims="submarket"
        )

        # units.hdsl:10  beta ~ market
        # default prior of mean(beta): slope on `x1`: 2.5 on the link scale per sd of the predictor
        mean_beta = pm.Normal("mean(beta)", mu=0, sigma=2.5 / sd_x1)
        # default prior of sd(beta): group sd: the scale of the slope on `x1`
        sd_beta = pm.HalfNormal("sd(beta)", sigma=2.5 / sd_x1)

        # units.hdsl:12  cor(alpha, beta, market) ~ lkj(2)
        cor_alpha_beta_market_unit = pm.Beta("cor(alpha, beta, market) unit", alpha=2, beta=2)
        cor_alpha_beta_market = pm.Deterministic(
            "cor(alpha, beta, market)", 2 * cor_alpha_beta_market_unit - 1
        )

        # units.hdsl:9  alpha ~ market / submarket
        z_alpha_market = pm.Normal("z(alpha, market)", mu=0, sigma=1, dims="market")
        z_beta = pm.Normal("z(beta)", mu=0, sigma=1, dims="market")
        dev_alpha_market = pm.Deterministic(
            "dev(alpha, market)", sd_alpha_market * z_alpha_market, dims="market"
        )
        dev_beta = pm.Deterministic(
            "dev(beta)",
            sd_beta
            * (
                cor_alpha_beta_market * z_alpha_market
                + pt.sqrt(1 - cor_alpha_beta_market**2) * z_beta
            ),
            dims="market",
        )
        alpha_market = pm.Deterministic(
            "alpha[market]", mean_alpha + dev_alpha_market, dims="market"
        )
        alpha = pm.Deterministic(
            "alpha", alpha_market[market_of_submarket] + dev_alpha_submarket, dims="submarket"
        )

        # units.hdsl:10  beta ~ market
        beta = pm.Deterministic("beta", mean_beta + dev_beta, dims="market")

        # units.hdsl:11  gamma ~ 1
        # default prior of gamma: slope on `x2`: 2.5 on the link scale per sd of the predictor
        gamma = pm.Normal("gamma", mu=0, sigma=2.5 / sd_x2)

        # units.hdsl:8  log(mu) = alpha + beta * x1 + gamma * x2
        mu = pt.exp(alpha[submarket_of_row] + beta[market_of_row] * x1 + gamma * x2)

        # units.hdsl:7  units ~ poisson(mu)
        pm.Poisson("units", mu=mu, dims="row", observed=units)
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


def nested(level, names, learned, *parents):
    """Labels of groups inside others: their own where unique, else `parent:child`."""
    inside = np.array([":".join(path) for path in zip(*parents, names)])
    own, counts = np.unique(names[np.unique(inside, return_index=True)[1]], return_counts=True)
    repeated = np.setdiff1d(own[counts > 1], learned.get(level, []))
    alone = learned.setdefault(f"{level} by label alone", not repeated.size)
    return np.where(np.isin(names, repeated), inside, names) if alone else inside


def group_of_each(name, coarse, fine, learned):
    """For every group of a finer level, the number of its group of a coarser one."""
    known = learned.get(name, [])
    present, first = np.unique(fine, return_index=True)
    new = first[present >= len(known)]
    found = np.array([*known, *coarse[new].tolist()], dtype=int)
    learned[name] = found.tolist()
    strays = np.flatnonzero(found[fine] != coarse) + 1
    if strays.size:
        raise ValueError(f"{name} is not as in the training data in rows {strays[:5].tolist()}")
    return found


def looked_up(rows, name, tables, *keys):
    """A column of labels, from the rows or from the table of a level inside."""
    if name in rows:
        return labels(rows, name)
    for level, key in keys:
        if level in tables and name in tables[level]:
            found = dict(zip(labels(tables[level], key), labels(tables[level], name)))
            own = looked_up(rows, key, tables, *keys)
            absent = sorted(set(own) - set(found))
            if absent:
                raise ValueError(f"the table of {level!r} has no row for {absent[:5]}")
            return np.array([found[label] for label in own])
    raise ValueError(f"the data have no column {name!r}")


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
