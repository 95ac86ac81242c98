"""Effects within stores and between them.

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
    "dev(alpha, market)": ("market",),
    "dev(alpha, store)": ("store",),
    "alpha[market]": ("market",),
    "alpha": ("store",),
    "dev(beta)": ("market",),
    "beta": ("market",),
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

    # model.hdsl:5  alpha ~ market / store
    coords["market"], market_of_row = groups(
        "market", looked_up(rows, "market", tables, ("store", "store")), learned
    )
    coords["store"], store_of_row = groups(
        "store",
        nested("store", labels(rows, "store"), learned, np.array(coords["market"])[market_of_row]),
        learned,
    )
    market_of_store = group_of_each("market of store", market_of_row, store_of_row, learned)

    # model.hdsl:3  data y, x : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")

    # model.hdsl:4  y ~ normal(alpha + beta * center(x, store) + gamma * groupmean(x, store), sigma)
    groupmean_x_store = group_means(
        "groupmean(x, store)", x, coords["store"], store_of_row, learned
    )
    center_x_store = x - groupmean_x_store[store_of_row]
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    mean_groupmean_x_store = learn(
        "mean(groupmean(x, store))", np.nanmean, groupmean_x_store, learned
    )
    sd_groupmean_x_store = learn("sd(groupmean(x, store))", sd, groupmean_x_store, learned)
    sd_center_x_store = learn("sd(center(x, store))", sd, center_x_store, learned)

    return {
        "market_of_row": market_of_row,
        "store_of_row": store_of_row,
        "sd_y": sd_y,
        "mean_y": mean_y,
        "mean_groupmean_x_store": mean_groupmean_x_store,
        "sd_groupmean_x_store": sd_groupmean_x_store,
        "market_of_store": market_of_store,
        "sd_center_x_store": sd_center_x_store,
        "center_x_store": center_x_store,
        "groupmean_x_store": groupmean_x_store,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """Effects within stores and between them."""
    n_market = len(data["coords"]["market"])
    n_store = len(data["coords"]["store"])
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    mean_groupmean_x_store = data["mean_groupmean_x_store"]
    sd_groupmean_x_store = data["sd_groupmean_x_store"]
    market_of_store = data["market_of_store"]
    sd_center_x_store = data["sd_center_x_store"]
    store_of_row = data["store_of_row"]
    market_of_row = data["market_of_row"]
    center_x_store = data["center_x_store"]
    groupmean_x_store = data["groupmean_x_store"]
    y = data["y"]

    # model.hdsl:4  y ~ normal(alpha + beta * center(x, store) + gamma * groupmean(x, store), sigma)
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_y)))

    # model.hdsl:5  alpha ~ market / store
    # default prior of mean(alpha): intercept: the outcome's mean, 2.5 sds of the outcome, widened
    #     for predictors that are not centred
    mean_alpha = numpyro.sample(
        "mean(alpha)",
        dist.Normal(
            mean_y, 2.5 * sd_y + 2.5 * sd_y * jnp.abs(mean_groupmean_x_store) / sd_groupmean_x_store
        ),
    )
    # default prior of sd(alpha, market): group sd: the scale of the intercept
    sd_alpha_market = numpyro.sample("sd(alpha, market)", dist.HalfNormal(2.5 * sd_y))
    # default prior of sd(alpha, store): group sd: the scale of the intercept
    sd_alpha_store = numpyro.sample("sd(alpha, store)", dist.HalfNormal(2.5 * sd_y))
    with numpyro.plate("market", n_market):
        z_alpha_market = numpyro.sample("z(alpha, market)", dist.Normal(0, 1))
    dev_alpha_market = numpyro.deterministic("dev(alpha, market)", sd_alpha_market * z_alpha_market)
    with numpyro.plate("store", n_store):
        z_alpha_store = numpyro.sample("z(alpha, store)", dist.Normal(0, 1))
    dev_alpha_store = numpyro.deterministic("dev(alpha, store)", sd_alpha_store * z_alpha_store)
    alpha_market = numpyro.deterministic("alpha[market]", mean_alpha + dev_alpha_market)
    alpha = numpyro.deterministic("alpha", alpha_market[market_of_store] + dev_alpha_store)

    # model.hdsl:6  beta ~ market
    # default prior of mean(beta): slope on `center(x, store)`: 2.5 sds of the outcome per sd of the
    #     predictor
    mean_beta = numpyro.sample("mean(beta)", dist.Normal(0, 2.5 * sd_y / sd_center_x_store))
    # default prior of sd(beta): group sd: the scale of the slope on `center(x, store)`
    sd_beta = numpyro.sample("sd(beta)", dist.HalfNormal(2.5 * sd_y / sd_center_x_store))
    with numpyro.plate("market", n_market):
        z_beta = numpyro.sample("z(beta)", dist.Normal(0, 1))
    dev_beta = numpyro.deterministic("dev(beta)", sd_beta * z_beta)
    beta = numpyro.deterministic("beta", mean_beta + dev_beta)

    # model.hdsl:7  gamma ~ 1
    # default prior of gamma: slope on `groupmean(x, store)`: 2.5 sds of the outcome per sd of the
    #     predictor
    gamma = numpyro.sample("gamma", dist.Normal(0, 2.5 * sd_y / sd_groupmean_x_store))

    # model.hdsl:4  y ~ normal(alpha + beta * center(x, store) + gamma * groupmean(x, store), sigma)
    mu = (
        alpha[store_of_row]
        + beta[market_of_row] * center_x_store
        + gamma * groupmean_x_store[store_of_row]
    )
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


def group_means(name, values, groups, group_of_each, learned):
    """The mean of each group: in the training data, or in its own rows where it is new."""
    known = ~np.isnan(values)
    counts = np.bincount(group_of_each[known], minlength=len(groups))
    sums = np.bincount(group_of_each[known], values[known], minlength=len(groups))
    means = np.divide(sums, counts, out=np.full(len(groups), np.nan), where=counts > 0)
    learned[name] = dict(zip(groups, means.tolist())) | learned.get(name, {})
    return np.array([learned[name][group] for group in groups])


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
