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
    "dev(alpha, market)": ("market",),
    "dev(alpha, store)": ("store",),
    "alpha[market]": ("market",),
    "alpha": ("store",),
    "dev(gamma)": ("week",),
    "gamma": ("week",),
    "by_market": ("market",),
    "plain": ("market",),
    "sums": ("week",),
    "stores": ("market",),
    "grid": ("week",),
    "grid_weighted": ("week",),
    "prices": ("market",),
    "share": ("market",),
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

    # model.hdsl:1  level store in market
    coords["market"], market_of_row = groups(
        "market", looked_up(rows, "market", tables, ("store", "store")), learned
    )
    coords["store"], store_of_row = groups(
        "store",
        nested("store", labels(rows, "store"), learned, np.array(coords["market"])[market_of_row]),
        learned,
    )

    # model.hdsl:8  gamma ~ 0 + week
    coords["week"], week_of_row = groups("week", labels(rows, "week"), learned)
    market_of_store = group_of_each("market of store", market_of_row, store_of_row, learned)

    # model.hdsl:2  data y, x : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")

    # model.hdsl:3  data n : count
    n = numbers(rows, "n")
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)
    total_n = np.sum(n)
    total_n_market = np.bincount(market_of_row, n, len(coords["market"]))
    n_row_of_market = np.bincount(market_of_row, minlength=len(coords["market"]))
    n_store_of_market = np.bincount(market_of_store, minlength=len(coords["market"]))
    average_x_market = np.bincount(market_of_row, x, len(coords["market"])) / n_row_of_market

    return {
        "market_of_row": market_of_row,
        "store_of_row": store_of_row,
        "week_of_row": week_of_row,
        "sd_y": sd_y,
        "mean_y": mean_y,
        "mean_x": mean_x,
        "sd_x": sd_x,
        "market_of_store": market_of_store,
        "x": x,
        "n": n,
        "total_n": total_n,
        "total_n_market": total_n_market,
        "n_row_of_market": n_row_of_market,
        "n_store_of_market": n_store_of_market,
        "average_x_market": average_x_market,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    n_market = len(data["coords"]["market"])
    n_week = len(data["coords"]["week"])
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    market_of_store = data["market_of_store"]
    store_of_row = data["store_of_row"]
    week_of_row = data["week_of_row"]
    x = data["x"]
    n = data["n"]
    total_n = data["total_n"]
    market_of_row = data["market_of_row"]
    total_n_market = data["total_n_market"]
    n_row_of_market = data["n_row_of_market"]
    n_store_of_market = data["n_store_of_market"]
    average_x_market = data["average_x_market"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:5  y ~ normal(mu, sigma)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:7  alpha ~ market / store
        # default prior of mean(alpha): intercept: the outcome's mean, 2.5 sds of the outcome,
        #     widened for predictors that are not centred
        mean_alpha = pm.Normal(
            "mean(alpha)", mu=mean_y, sigma=2.5 * sd_y + 2.5 * sd_y * pt.abs(mean_x) / sd_x
        )
        # default prior of sd(alpha, market): group sd: the scale of the intercept
        sd_alpha_market = pm.HalfNormal("sd(alpha, market)", sigma=2.5 * sd_y)
        # default prior of sd(alpha, store): group sd: the scale of the intercept
        sd_alpha_store = pm.HalfNormal("sd(alpha, store)", sigma=2.5 * sd_y)
        z_alpha_market = pm.Normal("z(alpha, market)", mu=0, sigma=1, dims="market")
        dev_alpha_market = pm.Deterministic(
            "dev(alpha, market)", sd_alpha_market * z_alpha_market, dims="market"
        )
        z_alpha_store = pm.Normal("z(alpha, store)", mu=0, sigma=1, dims="store")
        dev_alpha_store = pm.Deterministic(
            "dev(alpha, store)", sd_alpha_store * z_alpha_store, dims="store"
        )
        alpha_market = pm.Deterministic(
            "alpha[market]", mean_alpha + dev_alpha_market, dims="market"
        )
        alpha = pm.Deterministic(
            "alpha", alpha_market[market_of_store] + dev_alpha_store, dims="store"
        )

        # model.hdsl:8  gamma ~ 0 + week
        # default prior of sd(gamma): group sd: the scale of the intercept
        sd_gamma = pm.HalfNormal("sd(gamma)", sigma=2.5 * sd_y)
        z_gamma = pm.Normal("z(gamma)", mu=0, sigma=1, dims="week")
        dev_gamma = pm.Deterministic("dev(gamma)", sd_gamma * z_gamma, dims="week")
        gamma = pm.Deterministic("gamma", dev_gamma, dims="week")

        # model.hdsl:9  beta ~ 1
        # default prior of beta: slope on `x`: 2.5 sds of the outcome per sd of the predictor
        beta = pm.Normal("beta", mu=0, sigma=2.5 * sd_y / sd_x)

        # model.hdsl:6  mu = alpha + gamma + beta * x
        mu = alpha[store_of_row] + gamma[week_of_row] + beta * x

        # model.hdsl:11  overall = average(mu, weight = n)
        pm.Deterministic("overall", pt.sum(n * mu) / total_n)

        # model.hdsl:12  by_market = average(mu, market, weight = n)
        pm.Deterministic(
            "by_market",
            pt.inc_subtensor(pt.zeros(n_market)[market_of_row], n * mu) / total_n_market,
            dims="market",
        )

        # model.hdsl:13  plain = average(mu, market)
        pm.Deterministic(
            "plain",
            pt.inc_subtensor(pt.zeros(n_market)[market_of_row], mu) / n_row_of_market,
            dims="market",
        )

        # model.hdsl:14  sums = total(mu, week)
        pm.Deterministic("sums", pt.inc_subtensor(pt.zeros(n_week)[week_of_row], mu), dims="week")

        # model.hdsl:15  stores = average(alpha, market)
        pm.Deterministic(
            "stores",
            pt.inc_subtensor(pt.zeros(n_market)[market_of_store], alpha) / n_store_of_market,
            dims="market",
        )

        # model.hdsl:16  all_stores = average(alpha)
        pm.Deterministic("all_stores", pt.mean(alpha))

        # model.hdsl:17  grid = average(alpha[market] + gamma, week)
        pm.Deterministic("grid", (alpha_market[:, None] + gamma).mean(axis=0), dims="week")

        # model.hdsl:18  grid_weighted = average(alpha[market] + gamma, week, weight = 1 +
        #     abs(alpha[market]))
        pm.Deterministic(
            "grid_weighted",
            ((1 + pt.abs(alpha_market[:, None])) * (alpha_market[:, None] + gamma)).sum(axis=0)
            / pt.broadcast_to(1 + pt.abs(alpha_market[:, None]), (n_market, n_week)).sum(axis=0),
            dims="week",
        )

        # model.hdsl:19  prices = average(x, market)
        pm.Deterministic("prices", pt.as_tensor(average_x_market), dims="market")

        # model.hdsl:20  chain = total(exp(alpha[market]))
        pm.Deterministic("chain", pt.sum(pt.exp(alpha_market)))

        # model.hdsl:21  share = total(n * exp(mu), market) / total(n * exp(mu))
        pm.Deterministic(
            "share",
            pt.inc_subtensor(pt.zeros(n_market)[market_of_row], n * pt.exp(mu))
            / pt.sum(n * pt.exp(mu)),
            dims="market",
        )

        # model.hdsl:5  y ~ normal(mu, sigma)
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
