"""Demand that can only fall with the price.

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
    "dev(alpha)": ("shop",),
    "alpha": ("shop",),
    "dev(log(-beta))": ("shop",),
    "beta": ("shop",),
    "log_q": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "log_p")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:3  level shop
    coords["shop"], shop_of_row = groups("shop", labels(rows, "shop"), learned)

    # model.hdsl:4  data log_q, log_p : real
    log_q = outcome(rows, "log_q", numbers, len(row), is_training)
    log_p = numbers(rows, "log_p")
    if is_training:
        observed("log_q", log_q)

    # Numbers that the training data teach
    sd_log_q = learn("sd(log_q)", sd, log_q, learned)
    mean_log_q = learn("mean(log_q)", np.nanmean, log_q, learned)
    mean_log_p = learn("mean(log_p)", np.nanmean, log_p, learned)
    sd_log_p = learn("sd(log_p)", sd, log_p, learned)

    return {
        "shop_of_row": shop_of_row,
        "sd_log_q": sd_log_q,
        "mean_log_q": mean_log_q,
        "mean_log_p": mean_log_p,
        "sd_log_p": sd_log_p,
        "log_p": log_p,
        "log_q": log_q,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """Demand that can only fall with the price."""
    n_shop = len(data["coords"]["shop"])
    n_row = len(data["coords"]["row"])
    sd_log_q = data["sd_log_q"]
    mean_log_q = data["mean_log_q"]
    mean_log_p = data["mean_log_p"]
    sd_log_p = data["sd_log_p"]
    shop_of_row = data["shop_of_row"]
    log_p = data["log_p"]
    log_q = data["log_q"]

    # model.hdsl:6  log_q ~ normal(alpha + beta * log_p, sigma)
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_log_q)))

    # model.hdsl:7  alpha ~ shop with centered
    # default prior of mean(alpha): intercept: the outcome's mean, 2.5 sds of the outcome, widened
    #     for predictors that are not centred
    mean_alpha = numpyro.sample(
        "mean(alpha)",
        dist.Normal(mean_log_q, 2.5 * sd_log_q + 2.5 * sd_log_q * jnp.abs(mean_log_p) / sd_log_p),
    )
    # default prior of sd(alpha): group sd: the scale of the intercept
    sd_alpha = numpyro.sample("sd(alpha)", dist.HalfNormal(2.5 * sd_log_q))
    with numpyro.plate("shop", n_shop):
        centred_alpha = numpyro.sample("centred(alpha)", dist.Normal(mean_alpha, sd_alpha))
    numpyro.deterministic("dev(alpha)", centred_alpha - mean_alpha)
    alpha = numpyro.deterministic("alpha", centred_alpha)

    # model.hdsl:8  log(-beta) ~ shop
    # default prior of mean(log(-beta)): log size of the slope on `log_p`
    mean_log_neg_beta = numpyro.sample(
        "mean(log(-beta))", dist.Normal(jnp.log(sd_log_q / sd_log_p), 1)
    )
    # default prior of sd(log(-beta)): group sd: the scale of the log size of the slope on `log_p`
    sd_log_neg_beta = numpyro.sample("sd(log(-beta))", dist.HalfNormal(1))
    with numpyro.plate("shop", n_shop):
        z_log_neg_beta = numpyro.sample("z(log(-beta))", dist.Normal(0, 1))
    dev_log_neg_beta = numpyro.deterministic("dev(log(-beta))", sd_log_neg_beta * z_log_neg_beta)
    beta = numpyro.deterministic("beta", -jnp.exp(mean_log_neg_beta + dev_log_neg_beta))

    # model.hdsl:6  log_q ~ normal(alpha + beta * log_p, sigma)
    mu = alpha[shop_of_row] + beta[shop_of_row] * log_p
    with numpyro.plate("row", n_row):
        numpyro.sample("log_q", dist.Normal(mu, sigma), obs=log_q)


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
