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
    "dev(log(s))": ("market",),
    "s": ("market",),
    "trend": ("market", "week"),
    "season": ("week",),
    "drift": ("week", "market"),
    "log(level_of)": ("week", "store"),
    "level_of": ("week", "store"),
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

    # model.hdsl:1  level week ordered
    coords["week"], week_of_row = groups(
        "week", in_order("week", labels(rows, "week"), learned), learned
    )

    # model.hdsl:5  trend[market, week] ~ randomwalk(s)
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:8  log(level_of[week, store]) ~ randomwalk(0.1)
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:2  data y, x : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)

    return {
        "week_of_row": week_of_row,
        "market_of_row": market_of_row,
        "store_of_row": store_of_row,
        "sd_y": sd_y,
        "mean_y": mean_y,
        "mean_x": mean_x,
        "sd_x": sd_x,
        "x": x,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_week = len(data["coords"]["week"])
    n_market = len(data["coords"]["market"])
    n_store = len(data["coords"]["store"])
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    market_of_row = data["market_of_row"]
    week_of_row = data["week_of_row"]
    x = data["x"]
    store_of_row = data["store_of_row"]
    y = data["y"]

    # model.hdsl:3  y ~ normal(alpha + trend + season + drift * x + log(level_of), sigma)
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_y)))

    # model.hdsl:4  alpha ~ 1
    # default prior of alpha: intercept: the outcome's mean, 2.5 sds of the outcome, widened for
    #     predictors that are not centred
    alpha = numpyro.sample(
        "alpha", dist.Normal(mean_y, 2.5 * sd_y + 2.5 * sd_y * jnp.abs(mean_x) / sd_x)
    )

    # model.hdsl:9  log(s) ~ market
    # default prior of mean(log(s)): log size of `trend`
    mean_log_s = numpyro.sample("mean(log(s))", dist.Normal(jnp.log(sd_y), 1))
    # default prior of sd(log(s)): group sd: the scale of the log size of `trend`
    sd_log_s = numpyro.sample("sd(log(s))", dist.HalfNormal(1))
    with numpyro.plate("market", n_market):
        z_log_s = numpyro.sample("z(log(s))", dist.Normal(0, 1))
    dev_log_s = numpyro.deterministic("dev(log(s))", sd_log_s * z_log_s)
    s = numpyro.deterministic("s", jnp.exp(mean_log_s + dev_log_s))

    # model.hdsl:5  trend[market, week] ~ randomwalk(s)
    with numpyro.plate("market", n_market, dim=-2), numpyro.plate("week", n_week, dim=-1):
        z_trend = numpyro.sample("z(trend)", dist.Normal(0, 1))
    trend = numpyro.deterministic("trend", jnp.cumsum(s[:, None] * z_trend, axis=-1))

    # model.hdsl:6  season[week] ~ randomwalk(0.5, start = -1)
    with numpyro.plate("week", n_week):
        z_season = numpyro.sample("z(season)", dist.Normal(0, 1))
    season = numpyro.deterministic("season", -1 + jnp.cumsum(0.5 * z_season, axis=-1))

    # model.hdsl:10  tau ~ halfnormal(1)
    tau = numpyro.sample("tau", dist.HalfNormal(1))

    # model.hdsl:7  drift[week, market] ~ randomwalk(tau)
    with numpyro.plate("market", n_market, dim=-2), numpyro.plate("week", n_week, dim=-1):
        z_drift = numpyro.sample("z(drift)", dist.Normal(0, 1))
    drift = numpyro.deterministic("drift", jnp.cumsum(tau * z_drift, axis=-1).T)

    # model.hdsl:8  log(level_of[week, store]) ~ randomwalk(0.1)
    with numpyro.plate("store", n_store, dim=-2), numpyro.plate("week", n_week, dim=-1):
        z_log_level_of = numpyro.sample("z(log(level_of))", dist.Normal(0, 1))
    log_level_of = numpyro.deterministic(
        "log(level_of)", jnp.cumsum(0.1 * z_log_level_of, axis=-1).T
    )
    level_of = numpyro.deterministic("level_of", jnp.exp(log_level_of))

    # model.hdsl:3  y ~ normal(alpha + trend + season + drift * x + log(level_of), sigma)
    mu = (
        alpha
        + trend[market_of_row, week_of_row]
        + season[week_of_row]
        + drift[week_of_row, market_of_row] * x
        + jnp.log(level_of[week_of_row, store_of_row])
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


def in_order(level, names, learned):
    """Puts the groups of an ordered level in order: numbers and dates by size, else as found."""
    known = learned.get(level, [])
    found = list(dict.fromkeys([*known, *names.tolist()]))[len(known) :]
    counted = all(re.match(r"-?\d", label) for label in found)
    learned[level] = [*known, *(sorted(found, key=natural) if counted else found)]
    return names


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
