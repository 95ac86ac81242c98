"""The model of model.hdsl.

Written by HDSL from model.hdsl, for NumPyro:

    numpyro.enable_x64()
    data = prepare(rows)
    kernel = numpyro.infer.NUTS(model)
    mcmc = numpyro.infer.MCMC(kernel, num_warmup=1000, num_samples=1000)
    mcmc.run(jax.random.key(0), data)
"""

import re

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {}

# The levels over which a result varies.
DIMS = {
    "dev(a, market)": ("market",),
    "dev(a, sub)": ("sub",),
    "a[market]": ("market",),
    "a": ("sub",),
    "u": ("store",),
    "elsewhere": ("sub",),
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

    # model.hdsl:1  level sub in market
    coords["market"], market_of_row = groups(
        "market", looked_up(rows, "market", tables, ("sub", "sub")), learned
    )
    coords["sub"], sub_of_row = groups(
        "sub",
        nested("sub", labels(rows, "sub"), learned, np.array(coords["market"])[market_of_row]),
        learned,
    )

    # model.hdsl:7  u[store] ~ studentt(4, m, s) with noncentered
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)
    market_of_sub = group_of_each("market of sub", market_of_row, sub_of_row, learned)

    # model.hdsl:1  level sub in market
    market = per_level(
        "market", "market", labels, rows, tables, ["market"], coords["market"], market_of_row
    )

    # model.hdsl:2  data y : real
    y = outcome(rows, "y", numbers, len(row), is_training)

    # model.hdsl:4  y ~ normal(a + b * (market == "m1") + u, sigma)
    market_is_m1 = 1.0 * (market == "m1")

    # model.hdsl:11  elsewhere = a * (market != "m2")
    market_is_not_m2 = 1.0 * (market != "m2")
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    mean_market_is_m1 = learn('mean(market == "m1")', np.nanmean, market_is_m1, learned)
    sd_market_is_m1 = learn('sd(market == "m1")', sd, market_is_m1, learned)
    sub_m1_s0 = position(coords["sub"], "sub", "m1:s0")
    sub_m2_s1 = position(coords["sub"], "sub", "m2:s1")

    return {
        "market_of_row": market_of_row,
        "sub_of_row": sub_of_row,
        "store_of_row": store_of_row,
        "sd_y": sd_y,
        "mean_y": mean_y,
        "mean_market_is_m1": mean_market_is_m1,
        "sd_market_is_m1": sd_market_is_m1,
        "market_of_sub": market_of_sub,
        "sub_m1_s0": sub_m1_s0,
        "sub_m2_s1": sub_m2_s1,
        "market_is_not_m2": market_is_not_m2,
        "market_is_m1": market_is_m1,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_market = len(data["coords"]["market"])
    n_sub = len(data["coords"]["sub"])
    n_store = len(data["coords"]["store"])
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    mean_market_is_m1 = data["mean_market_is_m1"]
    sd_market_is_m1 = data["sd_market_is_m1"]
    market_of_sub = data["market_of_sub"]
    sub_m1_s0 = data["sub_m1_s0"]
    sub_m2_s1 = data["sub_m2_s1"]
    market_is_not_m2 = data["market_is_not_m2"]
    sub_of_row = data["sub_of_row"]
    market_is_m1 = data["market_is_m1"]
    market_of_row = data["market_of_row"]
    store_of_row = data["store_of_row"]
    y = data["y"]

    # model.hdsl:4  y ~ normal(a + b * (market == "m1") + u, sigma)
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_y)))

    # model.hdsl:5  a ~ market / sub
    # default prior of mean(a): intercept: the outcome's mean, 2.5 sds of the outcome, widened for
    #     predictors that are not centred
    mean_a = numpyro.sample(
        "mean(a)",
        dist.Normal(mean_y, 2.5 * sd_y + 2.5 * sd_y * jnp.abs(mean_market_is_m1) / sd_market_is_m1),
    )
    # default prior of sd(a, market): group sd: the scale of the intercept
    sd_a_market = numpyro.sample("sd(a, market)", dist.HalfNormal(2.5 * sd_y))
    # default prior of sd(a, sub): group sd: the scale of the intercept
    sd_a_sub = numpyro.sample("sd(a, sub)", dist.HalfNormal(2.5 * sd_y))
    with numpyro.plate("market", n_market):
        z_a_market = numpyro.sample("z(a, market)", dist.Normal(0, 1))
    dev_a_market = numpyro.deterministic("dev(a, market)", sd_a_market * z_a_market)
    with numpyro.plate("sub", n_sub):
        z_a_sub = numpyro.sample("z(a, sub)", dist.Normal(0, 1))
    dev_a_sub = numpyro.deterministic("dev(a, sub)", sd_a_sub * z_a_sub)
    a_market = numpyro.deterministic("a[market]", mean_a + dev_a_market)
    a = numpyro.deterministic("a", a_market[market_of_sub] + dev_a_sub)

    # model.hdsl:6  b ~ normal(0, 1)
    b = numpyro.sample("b", dist.Normal(0, 1))

    # model.hdsl:8  m ~ normal(0, 1)
    m = numpyro.sample("m", dist.Normal(0, 1))

    # model.hdsl:9  s ~ halfcauchy(1)
    s = numpyro.sample("s", dist.HalfCauchy(1))

    # model.hdsl:7  u[store] ~ studentt(4, m, s) with noncentered
    with numpyro.plate("store", n_store):
        z_u = numpyro.sample("z(u)", dist.StudentT(4, 0, 1))
    u = numpyro.deterministic("u", m + s * z_u)

    # model.hdsl:10  gap = a["m1:s0"] - a["m2:s1"]
    numpyro.deterministic("gap", a[sub_m1_s0] - a[sub_m2_s1])

    # model.hdsl:11  elsewhere = a * (market != "m2")
    numpyro.deterministic("elsewhere", a * market_is_not_m2[market_of_sub])

    # model.hdsl:4  y ~ normal(a + b * (market == "m1") + u, sigma)
    mu = a[sub_of_row] + b * market_is_m1[market_of_row] + u[store_of_row]
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
