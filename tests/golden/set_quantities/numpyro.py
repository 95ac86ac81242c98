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
    "dev(b)": ("market",),
    "a": ("market",),
    "b": ("market",),
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

    # model.hdsl:4  a, b ~ market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:1  data y, x : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)

    return {
        "market_of_row": market_of_row,
        "sd_y": sd_y,
        "x": x,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_market = len(data["coords"]["market"])
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    market_of_row = data["market_of_row"]
    x = data["x"]
    y = data["y"]

    # model.hdsl:3  y ~ normal(a + b * x, sigma)
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_y)))

    # model.hdsl:4  a, b ~ market
    # default prior of sd(a): group sd: the scale of the intercept
    sd_a = numpyro.sample("sd(a)", dist.HalfNormal(2.5 * sd_y))

    # model.hdsl:6  tau ~ gamma(2, 2)
    tau = numpyro.sample("tau", dist.Gamma(2, 2))

    # model.hdsl:5  sd(b) = 1 / sqrt(tau)
    sd_b = numpyro.deterministic("sd(b)", 1 / jnp.sqrt(tau))

    # model.hdsl:7  cor(a, b) = 0.5
    cor_a_b = numpyro.deterministic("cor(a, b)", 0.5)

    # model.hdsl:4  a, b ~ market
    with numpyro.plate("market", n_market):
        z_a = numpyro.sample("z(a)", dist.Normal(0, 1))
        z_b = numpyro.sample("z(b)", dist.Normal(0, 1))
    dev_a = numpyro.deterministic("dev(a)", sd_a * z_a)
    dev_b = numpyro.deterministic("dev(b)", sd_b * (cor_a_b * z_a + jnp.sqrt(1 - cor_a_b**2) * z_b))

    # model.hdsl:8  mean(a) = 0.3
    mean_a = numpyro.deterministic("mean(a)", 0.3)

    # model.hdsl:4  a, b ~ market
    a = numpyro.deterministic("a", mean_a + dev_a)

    # model.hdsl:9  mean(b) ~ likely(-1, 1)
    mean_b = numpyro.sample("mean(b)", dist.Normal(0, 0.510213))

    # model.hdsl:4  a, b ~ market
    b = numpyro.deterministic("b", mean_b + dev_b)

    # model.hdsl:3  y ~ normal(a + b * x, sigma)
    mu = a[market_of_row] + b[market_of_row] * x
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
