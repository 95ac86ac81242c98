"""The model of model.hdsl.

Written by HDSL from model.hdsl, for NumPyro:

    numpyro.enable_x64()
    data = prepare(rows)
    kernel = numpyro.infer.NUTS(model)
    mcmc = numpyro.infer.MCMC(kernel, num_warmup=1000, num_samples=1000)
    mcmc.run(jax.random.key(0), data)
"""

import re

import numpy as np
import numpyro
import numpyro.distributions as dist

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {}

# The levels over which a result varies.
DIMS = {
    "dev(a, market)": ("market",),
    "dev(a, week)": ("week",),
    "a[market]": ("market",),
    "a[week]": ("week",),
    "mu": ("row",),
    "gap": ("market",),
    "y": ("row",),
    "log(w)": ("row",),
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

    # model.hdsl:7  a ~ market + week
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)
    coords["week"], week_of_row = groups("week", labels(rows, "week"), learned)

    # model.hdsl:1  data y, x : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")

    # model.hdsl:2  data w : positive
    w = outcome(rows, "w", numbers, len(row), is_training)
    if is_training:
        observed("y", y)
    log_w = np.log(w)
    if is_training:
        observed("w", np.log(w))

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_log_w = learn("mean(log(w))", np.nanmean, np.log(w), learned)
    sd_log_w = learn("sd(log(w))", sd, np.log(w), learned)
    sd_x = learn("sd(x)", sd, x, learned)

    return {
        "market_of_row": market_of_row,
        "week_of_row": week_of_row,
        "sd_y": sd_y,
        "mean_log_w": mean_log_w,
        "sd_log_w": sd_log_w,
        "sd_x": sd_x,
        "x": x,
        "y": y,
        "log_w": log_w,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_market = len(data["coords"]["market"])
    n_week = len(data["coords"]["week"])
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    mean_log_w = data["mean_log_w"]
    sd_log_w = data["sd_log_w"]
    sd_x = data["sd_x"]
    market_of_row = data["market_of_row"]
    week_of_row = data["week_of_row"]
    x = data["x"]
    y = data["y"]
    log_w = data["log_w"]

    # model.hdsl:4  y ~ normal(mu, sigma)
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_y)))

    # model.hdsl:7  a ~ market + week
    # default prior of mean(a): intercept: the outcome's mean, 2.5 sds of the outcome
    mean_a = numpyro.sample("mean(a)", dist.Normal(mean_log_w, 2.5 * sd_log_w))
    # default prior of sd(a, market): group sd: the scale of the intercept
    sd_a_market = numpyro.sample("sd(a, market)", dist.HalfNormal(2.5 * sd_log_w))
    # default prior of sd(a, week): group sd: the scale of the intercept
    sd_a_week = numpyro.sample("sd(a, week)", dist.HalfNormal(2.5 * sd_log_w))
    with numpyro.plate("market", n_market):
        z_a_market = numpyro.sample("z(a, market)", dist.Normal(0, 1))
    dev_a_market = numpyro.deterministic("dev(a, market)", sd_a_market * z_a_market)
    with numpyro.plate("week", n_week):
        z_a_week = numpyro.sample("z(a, week)", dist.Normal(0, 1))
    dev_a_week = numpyro.deterministic("dev(a, week)", sd_a_week * z_a_week)
    a_market = numpyro.deterministic("a[market]", mean_a + dev_a_market)
    numpyro.deterministic("a[week]", mean_a + dev_a_week)

    # model.hdsl:8  b ~ 1
    # default prior of b: slope on `x`: 2.5 sds of the outcome per sd of the predictor
    b = numpyro.sample("b", dist.Normal(0, 2.5 * sd_y / sd_x))

    # model.hdsl:7  a ~ market + week
    a = mean_a + dev_a_market[market_of_row] + dev_a_week[week_of_row]

    # model.hdsl:5  mu = a + b * x
    mu = numpyro.deterministic("mu", a + b * x)

    # model.hdsl:9  tau ~ likely(0.1, 2)
    tau = numpyro.sample("tau", dist.LogNormal(-0.804719, 0.764231))

    # model.hdsl:11  report gap = a[market] - mean(a)
    numpyro.deterministic("gap", a_market - mean_a)

    # model.hdsl:4  y ~ normal(mu, sigma)
    with numpyro.plate("row", n_row):
        numpyro.sample("y", dist.Normal(mu, sigma), obs=y)

    # model.hdsl:6  log(w) ~ normal(a, tau)
    with numpyro.plate("row", n_row):
        numpyro.sample("log(w)", dist.Normal(a, tau), obs=log_w)


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
