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
COORDS = {
    "X": ["x", "w", "x * w"],
}

# The levels over which a result varies.
DIMS = {
    "mean(theta)": ("X",),
    "sd(theta)": ("X",),
    "cor(theta)": ("X", "X_2"),
    "dev(theta)": ("store", "X"),
    "theta": ("store", "X"),
    "sd(eta)": ("X",),
    "cor(eta)": ("X", "X_2"),
    "dev(eta)": ("market", "X"),
    "eta": ("market", "X"),
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

    # model.hdsl:6  theta[X] ~ store
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:8  eta[X] ~ 0 + market with centered
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:4  data X = [x, w, x * w]

    # model.hdsl:3  data x, w : real
    x = numbers(rows, "x")
    w = numbers(rows, "w")
    X = np.column_stack([x, w, x * w])
    coords["X_2"] = coords["X"]

    # model.hdsl:2  data c : count
    c = outcome(rows, "c", numbers, len(row), is_training)
    if is_training:
        observed("c", c)

    # Numbers that the training data teach
    sd_X = learn_each("sd(X)", sd, X, learned)

    return {
        "store_of_row": store_of_row,
        "market_of_row": market_of_row,
        "sd_X": sd_X,
        "X": X,
        "c": c,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_X = len(data["coords"]["X"])
    n_store = len(data["coords"]["store"])
    n_market = len(data["coords"]["market"])
    n_row = len(data["coords"]["row"])
    sd_X = data["sd_X"]
    X = data["X"]
    store_of_row = data["store_of_row"]
    market_of_row = data["market_of_row"]
    c = data["c"]

    # model.hdsl:6  theta[X] ~ store
    # default prior of mean(theta): slope on `X`: 2.5 on the link scale per sd of the predictor
    with numpyro.plate("X", n_X):
        mean_theta = numpyro.sample("mean(theta)", dist.Normal(0, 2.5 / sd_X))
        # default prior of sd(theta): group sd: the scale of the slope on `X`
        sd_theta = numpyro.sample("sd(theta)", dist.HalfNormal(2.5 / sd_X))
    cholesky_theta = numpyro.sample("cholesky(theta)", dist.LKJCholesky(n_X, 2))
    numpyro.deterministic("cor(theta)", cholesky_theta @ cholesky_theta.T)
    with numpyro.plate("store", n_store, dim=-2), numpyro.plate("X", n_X, dim=-1):
        z_theta = numpyro.sample("z(theta)", dist.Normal(0, 1))
    dev_theta = numpyro.deterministic("dev(theta)", sd_theta * (z_theta @ cholesky_theta.T))
    theta = numpyro.deterministic("theta", mean_theta + dev_theta)

    # model.hdsl:8  eta[X] ~ 0 + market with centered
    # default prior of sd(eta): group sd: the scale of the slope on `X`
    with numpyro.plate("X", n_X):
        sd_eta = numpyro.sample("sd(eta)", dist.HalfNormal(2.5 / sd_X))
    cholesky_eta = numpyro.sample("cholesky(eta)", dist.LKJCholesky(n_X, 1))
    numpyro.deterministic("cor(eta)", cholesky_eta @ cholesky_eta.T)
    with numpyro.plate("market", n_market):
        centred_eta = numpyro.sample(
            "centred(eta)", dist.MultivariateNormal(0, scale_tril=sd_eta[..., None] * cholesky_eta)
        )
    dev_eta = numpyro.deterministic("dev(eta)", centred_eta)
    eta = numpyro.deterministic("eta", dev_eta)

    # model.hdsl:5  c ~ poisson(log_mu = X @ theta + X @ eta)
    log_mu = (X * theta[store_of_row, :]).sum(axis=-1) + (X * eta[market_of_row, :]).sum(axis=-1)
    with numpyro.plate("row", n_row):
        numpyro.sample("c", dist.Poisson(jnp.exp(log_mu)), obs=c)


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


def learn_each(name, summary, matrix, learned):
    """A number per column that the training data teach: computed once, then remembered."""
    if name not in learned:
        learned[name] = [float(summary(values)) for values in matrix.T]
    return np.array(learned[name])


def sd(values):
    """The standard deviation with divisor n - 1, of the values that are known."""
    return np.nanstd(values, ddof=1)


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
