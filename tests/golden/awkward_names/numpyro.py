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
    "dev(data)": ("market",),
    "dev(model)": ("market",),
    "dev(jnp)": ("market",),
    "data": ("market",),
    "model": ("market",),
    "jnp": ("market",),
    "np": ("row",),
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

    # model.hdsl:3  data, model, jnp ~ market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:1  data np from y, lambda from x : real
    np_ = outcome(rows, "y", numbers, len(row), is_training)
    lambda_ = numbers(rows, "x")
    if is_training:
        observed("np", np_)

    # Numbers that the training data teach
    mean_np = learn("mean(np)", np.nanmean, np_, learned)
    sd_np = learn("sd(np)", sd, np_, learned)
    mean_lambda = learn("mean(lambda)", np.nanmean, lambda_, learned)
    sd_lambda = learn("sd(lambda)", sd, lambda_, learned)

    return {
        "market_of_row": market_of_row,
        "mean_np": mean_np,
        "sd_np": sd_np,
        "mean_lambda": mean_lambda,
        "sd_lambda": sd_lambda,
        "lambda_": lambda_,
        "np_": np_,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_market = len(data["coords"]["market"])
    n_row = len(data["coords"]["row"])
    mean_np = data["mean_np"]
    sd_np = data["sd_np"]
    mean_lambda = data["mean_lambda"]
    sd_lambda = data["sd_lambda"]
    market_of_row = data["market_of_row"]
    lambda_ = data["lambda_"]
    np_ = data["np_"]

    # model.hdsl:3  data, model, jnp ~ market
    # default prior of mean(data): intercept: the outcome's mean, 2.5 sds of the outcome, widened
    #     for predictors that are not centred
    mean_data = numpyro.sample(
        "mean(data)",
        dist.Normal(mean_np, 2.5 * sd_np + 2.5 * sd_np * jnp.abs(mean_lambda) / sd_lambda),
    )
    # default prior of sd(data): group sd: the scale of the intercept
    sd_data = numpyro.sample("sd(data)", dist.HalfNormal(2.5 * sd_np))
    # default prior of mean(model): slope on `lambda`: 2.5 sds of the outcome per sd of the
    #     predictor
    mean_model = numpyro.sample("mean(model)", dist.Normal(0, 2.5 * sd_np / sd_lambda))
    # default prior of sd(model): group sd: the scale of the slope on `lambda`
    sd_model = numpyro.sample("sd(model)", dist.HalfNormal(2.5 * sd_np / sd_lambda))
    # default prior of mean(jnp): intercept: the outcome's mean, 2.5 sds of the outcome, widened for
    #     predictors that are not centred
    mean_jnp = numpyro.sample(
        "mean(jnp)",
        dist.Normal(mean_np, 2.5 * sd_np + 2.5 * sd_np * jnp.abs(mean_lambda) / sd_lambda),
    )
    # default prior of sd(jnp): group sd: the scale of the intercept
    sd_jnp = numpyro.sample("sd(jnp)", dist.HalfNormal(2.5 * sd_np))
    # default prior of cor(data, model, jnp): correlations: lkj(2)
    cholesky_data_model_jnp = numpyro.sample("cholesky(data, model, jnp)", dist.LKJCholesky(3, 2))
    cor_data_model_jnp = cholesky_data_model_jnp @ cholesky_data_model_jnp.T
    numpyro.deterministic("cor(data, model)", cor_data_model_jnp[0, 1])
    numpyro.deterministic("cor(data, jnp)", cor_data_model_jnp[0, 2])
    numpyro.deterministic("cor(model, jnp)", cor_data_model_jnp[1, 2])
    with numpyro.plate("market", n_market):
        z_data = numpyro.sample("z(data)", dist.Normal(0, 1))
        z_model = numpyro.sample("z(model)", dist.Normal(0, 1))
        z_jnp = numpyro.sample("z(jnp)", dist.Normal(0, 1))
    correlated_market = jnp.stack([z_data, z_model, z_jnp], axis=-1) @ cholesky_data_model_jnp.T
    dev_data = numpyro.deterministic("dev(data)", sd_data * correlated_market[:, 0])
    dev_model = numpyro.deterministic("dev(model)", sd_model * correlated_market[:, 1])
    dev_jnp = numpyro.deterministic("dev(jnp)", sd_jnp * correlated_market[:, 2])
    data_ = numpyro.deterministic("data", mean_data + dev_data)
    model_ = numpyro.deterministic("model", mean_model + dev_model)
    jnp_ = numpyro.deterministic("jnp", mean_jnp + dev_jnp)

    # model.hdsl:4  l ~ exponential(1)
    l_ = numpyro.sample("l", dist.Exponential(1))

    # model.hdsl:2  np ~ normal(data + model * lambda + jnp, l)
    mu = data_[market_of_row] + model_[market_of_row] * lambda_ + jnp_[market_of_row]
    with numpyro.plate("row", n_row):
        numpyro.sample("np", dist.Normal(mu, l_), obs=np_)


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
