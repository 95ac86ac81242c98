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
    "dev(a)": ("market",),
    "a": ("market",),
    "c": ("row",),
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

    # model.hdsl:5  a ~ market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:1  data c : count
    c = outcome(rows, "c", numbers, len(row), is_training)

    # model.hdsl:2  data x : real
    x = numbers(rows, "x")
    if is_training:
        observed("c", c)

    # Numbers that the training data teach
    mean_c = learn("mean(c)", np.nanmean, c, learned)
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)

    return {
        "market_of_row": market_of_row,
        "mean_c": mean_c,
        "mean_x": mean_x,
        "sd_x": sd_x,
        "x": x,
        "c": c,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_market = len(data["coords"]["market"])
    n_row = len(data["coords"]["row"])
    mean_c = data["mean_c"]
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    market_of_row = data["market_of_row"]
    x = data["x"]
    c = data["c"]

    # model.hdsl:3  c ~ negbinomial(mu, phi)
    # default prior of phi: `phi` of `negbinomial`
    phi = numpyro.sample("phi", dist.InverseGamma(0.4, 0.3))

    # model.hdsl:5  a ~ market
    # default prior of mean(a): intercept: the outcome's mean, 2.5 on the link scale, widened for
    #     predictors that are not centred
    mean_a = numpyro.sample(
        "mean(a)",
        dist.Normal(jnp.log(jnp.maximum(mean_c, 0.01)), 2.5 + 2.5 * jnp.abs(mean_x) / sd_x),
    )
    # default prior of sd(a): group sd: the scale of the intercept
    sd_a = numpyro.sample("sd(a)", dist.HalfNormal(2.5))
    with numpyro.plate("market", n_market):
        z_a = numpyro.sample("z(a)", dist.Normal(0, 1))
    dev_a = numpyro.deterministic("dev(a)", sd_a * z_a)
    a = numpyro.deterministic("a", mean_a + dev_a)

    # model.hdsl:6  b ~ 1
    # default prior of b: slope on `x`: 2.5 on the link scale per sd of the predictor
    b = numpyro.sample("b", dist.Normal(0, 2.5 / sd_x))

    # model.hdsl:4  log(mu) = a + b * x
    log_mu = a[market_of_row] + b * x

    # model.hdsl:3  c ~ negbinomial(mu, phi)
    with numpyro.plate("row", n_row):
        numpyro.sample("c", dist.NegativeBinomialLogits(phi, log_mu - jnp.log(phi)), obs=c)


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
