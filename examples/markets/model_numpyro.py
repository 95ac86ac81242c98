"""Ten markets of five submarkets each.

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
    "dev(alpha, submarket)": ("submarket",),
    "dev(alpha, market)": ("market",),
    "dev(beta)": ("market",),
    "alpha[market]": ("market",),
    "alpha": ("submarket",),
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
    row = np.arange(1, len(column(rows, "x1")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:3  level submarket in market
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

    # model.hdsl:4  data y, x1, x2 : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x1 = numbers(rows, "x1")
    x2 = numbers(rows, "x2")
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    mean_x1 = learn("mean(x1)", np.nanmean, x1, learned)
    sd_x1 = learn("sd(x1)", sd, x1, learned)
    mean_x2 = learn("mean(x2)", np.nanmean, x2, learned)
    sd_x2 = learn("sd(x2)", sd, x2, learned)

    return {
        "market_of_row": market_of_row,
        "submarket_of_row": submarket_of_row,
        "sd_y": sd_y,
        "mean_y": mean_y,
        "mean_x1": mean_x1,
        "sd_x1": sd_x1,
        "mean_x2": mean_x2,
        "sd_x2": sd_x2,
        "market_of_submarket": market_of_submarket,
        "x1": x1,
        "x2": x2,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """Ten markets of five submarkets each."""
    n_market = len(data["coords"]["market"])
    n_submarket = len(data["coords"]["submarket"])
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    mean_x1 = data["mean_x1"]
    sd_x1 = data["sd_x1"]
    mean_x2 = data["mean_x2"]
    sd_x2 = data["sd_x2"]
    market_of_submarket = data["market_of_submarket"]
    submarket_of_row = data["submarket_of_row"]
    market_of_row = data["market_of_row"]
    x1 = data["x1"]
    x2 = data["x2"]
    y = data["y"]

    # model.hdsl:6  y ~ normal(alpha + beta * x1 + gamma * x2, sigma)
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_y)))

    # model.hdsl:7  alpha ~ market / submarket
    # default prior of mean(alpha): intercept: the outcome's mean, 2.5 sds of the outcome, widened
    #     for predictors that are not centred
    mean_alpha = numpyro.sample(
        "mean(alpha)",
        dist.Normal(
            mean_y,
            2.5 * sd_y
            + 2.5 * sd_y * jnp.abs(mean_x1) / sd_x1
            + 2.5 * sd_y * jnp.abs(mean_x2) / sd_x2,
        ),
    )
    # default prior of sd(alpha, market): group sd: the scale of the intercept
    sd_alpha_market = numpyro.sample("sd(alpha, market)", dist.HalfNormal(2.5 * sd_y))
    # default prior of sd(alpha, submarket): group sd: the scale of the intercept
    sd_alpha_submarket = numpyro.sample("sd(alpha, submarket)", dist.HalfNormal(2.5 * sd_y))
    with numpyro.plate("submarket", n_submarket):
        z_alpha_submarket = numpyro.sample("z(alpha, submarket)", dist.Normal(0, 1))
    dev_alpha_submarket = numpyro.deterministic(
        "dev(alpha, submarket)", sd_alpha_submarket * z_alpha_submarket
    )

    # model.hdsl:8  beta ~ market
    # default prior of mean(beta): slope on `x1`: 2.5 sds of the outcome per sd of the predictor
    mean_beta = numpyro.sample("mean(beta)", dist.Normal(0, 2.5 * sd_y / sd_x1))
    # default prior of sd(beta): group sd: the scale of the slope on `x1`
    sd_beta = numpyro.sample("sd(beta)", dist.HalfNormal(2.5 * sd_y / sd_x1))

    # model.hdsl:10  cor(alpha, beta, market) ~ lkj(2)
    cor_alpha_beta_market_unit = numpyro.sample("cor(alpha, beta, market) unit", dist.Beta(2, 2))
    cor_alpha_beta_market = numpyro.deterministic(
        "cor(alpha, beta, market)", 2 * cor_alpha_beta_market_unit - 1
    )

    # model.hdsl:7  alpha ~ market / submarket
    with numpyro.plate("market", n_market):
        z_alpha_market = numpyro.sample("z(alpha, market)", dist.Normal(0, 1))
        z_beta = numpyro.sample("z(beta)", dist.Normal(0, 1))
    dev_alpha_market = numpyro.deterministic("dev(alpha, market)", sd_alpha_market * z_alpha_market)
    dev_beta = numpyro.deterministic(
        "dev(beta)",
        sd_beta
        * (
            cor_alpha_beta_market * z_alpha_market + jnp.sqrt(1 - cor_alpha_beta_market**2) * z_beta
        ),
    )
    alpha_market = numpyro.deterministic("alpha[market]", mean_alpha + dev_alpha_market)
    alpha = numpyro.deterministic("alpha", alpha_market[market_of_submarket] + dev_alpha_submarket)

    # model.hdsl:8  beta ~ market
    beta = numpyro.deterministic("beta", mean_beta + dev_beta)

    # model.hdsl:9  gamma ~ 1
    # default prior of gamma: slope on `x2`: 2.5 sds of the outcome per sd of the predictor
    gamma = numpyro.sample("gamma", dist.Normal(0, 2.5 * sd_y / sd_x2))

    # model.hdsl:6  y ~ normal(alpha + beta * x1 + gamma * x2, sigma)
    mu = alpha[submarket_of_row] + beta[market_of_row] * x1 + gamma * x2
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


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
