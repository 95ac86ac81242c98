"""The model of model.hdsl.

Written by HDSL from model.hdsl, for NumPyro:

    numpyro.enable_x64()
    data = prepare(rows)
    kernel = numpyro.infer.NUTS(model)
    mcmc = numpyro.infer.MCMC(kernel, num_warmup=1000, num_samples=1000)
    mcmc.run(jax.random.key(0), data)
"""

import re

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {}

# The levels over which a result varies.
DIMS = {
    "missing(temperature)": ("temperature_row",),
    "temperature": ("row",),
    "logit(missing(share))": ("share_row",),
    "missing(share)": ("share_row",),
    "logit(share)": ("row",),
    "missing(area)": ("area_market",),
    "area": ("market",),
    "dev(alpha)": ("market",),
    "alpha": ("market",),
    "missing(height)": ("height_row",),
    "height": ("row",),
    "warm": ("market",),
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

    # model.hdsl:5  data area : real impute per market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:2  data temperature : real impute
    temperature = outcome(rows, "temperature", numbers, len(row), is_training)
    row_of_temperature_row = np.flatnonzero(np.isnan(temperature))
    coords["temperature_row"] = np.array(coords["row"])[row_of_temperature_row]

    # model.hdsl:4  data share : proportion impute
    share = outcome(rows, "share", numbers, len(row), is_training)
    row_of_share_row = np.flatnonzero(np.isnan(share))
    coords["share_row"] = np.array(coords["row"])[row_of_share_row]

    # model.hdsl:5  data area : real impute per market
    area = per_level(
        "market",
        "area",
        numbers,
        rows,
        tables,
        ["market"],
        coords["market"],
        market_of_row,
        missing=True,
    )
    market_of_area_market = np.flatnonzero(np.isnan(area))
    coords["area_market"] = np.array(coords["market"])[market_of_area_market]

    # model.hdsl:3  data height : positive impute
    height = outcome(rows, "height", numbers, len(row), is_training)
    row_of_height_row = np.flatnonzero(np.isnan(height))
    coords["height_row"] = np.array(coords["row"])[row_of_height_row]

    # model.hdsl:1  data y, x : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")
    temperature_known = temperature
    temperature_seen = np.flatnonzero(~np.isnan(temperature_known))
    logit_share = np.log(share / (1.0 - share))
    share_seen = np.flatnonzero(~np.isnan(logit_share))
    area_known = area
    area_seen = np.flatnonzero(~np.isnan(area_known))
    height_known = height
    height_seen = np.flatnonzero(~np.isnan(height_known))
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    mean_temperature = learn("mean(temperature)", np.nanmean, temperature, learned)
    sd_temperature = learn("sd(temperature)", sd, temperature, learned)
    mean_logit_share = learn(
        "mean(logit(share))", np.nanmean, np.log(share / (1.0 - share)), learned
    )
    sd_logit_share = learn("sd(logit(share))", sd, np.log(share / (1.0 - share)), learned)
    mean_area = learn("mean(area)", np.nanmean, area, learned)
    sd_area = learn("sd(area)", sd, area, learned)
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    mean_log_height = learn("mean(log(height))", np.nanmean, np.log(height), learned)
    sd_log_height = learn("sd(log(height))", sd, np.log(height), learned)
    mean_share = learn("mean(share)", np.nanmean, share, learned)
    sd_share = learn("sd(share)", sd, share, learned)
    sd_temperature_mean_temperature_sd_temperature = learn(
        "sd((temperature - mean(temperature)) / sd(temperature))",
        sd,
        (temperature - mean_temperature) / sd_temperature,
        learned,
    )
    n_row_of_market = np.bincount(market_of_row, minlength=len(coords["market"]))

    return {
        "market_of_row": market_of_row,
        "mean_temperature": mean_temperature,
        "sd_temperature": sd_temperature,
        "row_of_temperature_row": row_of_temperature_row,
        "temperature": temperature,
        "temperature_seen": temperature_seen,
        "temperature_known": temperature_known[temperature_seen],
        "mean_logit_share": mean_logit_share,
        "sd_logit_share": sd_logit_share,
        "row_of_share_row": row_of_share_row,
        "share": share,
        "share_seen": share_seen,
        "logit_share": logit_share[share_seen],
        "mean_area": mean_area,
        "sd_area": sd_area,
        "market_of_area_market": market_of_area_market,
        "area": area,
        "area_seen": area_seen,
        "area_known": area_known[area_seen],
        "sd_y": sd_y,
        "mean_y": mean_y,
        "mean_log_height": mean_log_height,
        "sd_log_height": sd_log_height,
        "mean_share": mean_share,
        "sd_share": sd_share,
        "sd_temperature_mean_temperature_sd_temperature": sd_temperature_mean_temperature_sd_temperature,
        "x": x,
        "row_of_height_row": row_of_height_row,
        "height": height,
        "height_seen": height_seen,
        "height_known": height_known[height_seen],
        "n_row_of_market": n_row_of_market,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_market = len(data["coords"]["market"])
    n_temperature_row = len(data["coords"]["temperature_row"])
    n_share_row = len(data["coords"]["share_row"])
    n_area_market = len(data["coords"]["area_market"])
    n_height_row = len(data["coords"]["height_row"])
    n_row = len(data["coords"]["row"])
    mean_temperature = data["mean_temperature"]
    sd_temperature = data["sd_temperature"]
    row_of_temperature_row = data["row_of_temperature_row"]
    temperature = data["temperature"]
    temperature_seen = data["temperature_seen"]
    temperature_known = data["temperature_known"]
    mean_logit_share = data["mean_logit_share"]
    sd_logit_share = data["sd_logit_share"]
    row_of_share_row = data["row_of_share_row"]
    share = data["share"]
    share_seen = data["share_seen"]
    logit_share = data["logit_share"]
    mean_area = data["mean_area"]
    sd_area = data["sd_area"]
    market_of_area_market = data["market_of_area_market"]
    area = data["area"]
    area_seen = data["area_seen"]
    area_known = data["area_known"]
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    mean_log_height = data["mean_log_height"]
    sd_log_height = data["sd_log_height"]
    mean_share = data["mean_share"]
    sd_share = data["sd_share"]
    sd_temperature_mean_temperature_sd_temperature = data[
        "sd_temperature_mean_temperature_sd_temperature"
    ]
    x = data["x"]
    row_of_height_row = data["row_of_height_row"]
    height = data["height"]
    height_seen = data["height_seen"]
    height_known = data["height_known"]
    n_row_of_market = data["n_row_of_market"]
    market_of_row = data["market_of_row"]
    y = data["y"]

    # model.hdsl:2  data temperature : real impute
    # default prior of mu_temperature: intercept: the outcome's mean, 2.5 sds of the outcome
    mu_temperature = numpyro.sample(
        "mu_temperature", dist.Normal(mean_temperature, 2.5 * sd_temperature)
    )
    # default prior of sigma_temperature: residual scale of `normal`
    sigma_temperature = numpyro.sample(
        "sigma_temperature", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_temperature))
    )
    with numpyro.plate("temperature_row", n_temperature_row):
        missing_temperature = numpyro.sample(
            "missing(temperature)", dist.Normal(mu_temperature, sigma_temperature)
        )
    completed_temperature = (
        jnp.asarray(temperature).at[row_of_temperature_row].set(missing_temperature)
    )
    with numpyro.plate("temperature seen", len(temperature_seen)):
        numpyro.sample(
            "temperature", dist.Normal(mu_temperature, sigma_temperature), obs=temperature_known
        )

    # model.hdsl:4  data share : proportion impute
    # default prior of mu_share: intercept: the outcome's mean, 2.5 sds of the outcome
    mu_share = numpyro.sample("mu_share", dist.Normal(mean_logit_share, 2.5 * sd_logit_share))
    # default prior of sigma_share: residual scale of `normal`
    sigma_share = numpyro.sample(
        "sigma_share", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_logit_share))
    )
    with numpyro.plate("share_row", n_share_row):
        logit_missing_share = numpyro.sample(
            "logit(missing(share))", dist.Normal(mu_share, sigma_share)
        )
    missing_share = numpyro.deterministic("missing(share)", jax.nn.sigmoid(logit_missing_share))
    completed_share = jnp.asarray(share).at[row_of_share_row].set(missing_share)
    with numpyro.plate("logit(share) seen", len(share_seen)):
        numpyro.sample("logit(share)", dist.Normal(mu_share, sigma_share), obs=logit_share)

    # model.hdsl:5  data area : real impute per market
    # default prior of mu_area: intercept: the outcome's mean, 2.5 sds of the outcome
    mu_area = numpyro.sample("mu_area", dist.Normal(mean_area, 2.5 * sd_area))
    # default prior of sigma_area: residual scale of `normal`
    sigma_area = numpyro.sample(
        "sigma_area", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_area))
    )
    with numpyro.plate("area_market", n_area_market):
        missing_area = numpyro.sample("missing(area)", dist.Normal(mu_area, sigma_area))
    completed_area = jnp.asarray(area).at[market_of_area_market].set(missing_area)
    with numpyro.plate("area seen", len(area_seen)):
        numpyro.sample("area", dist.Normal(mu_area, sigma_area), obs=area_known)

    # model.hdsl:7  y ~ normal(alpha + beta * standardize(temperature) + gamma * log(height) + delta
    #     * share, sigma)
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_y)))

    # model.hdsl:8  alpha ~ market | area
    # default prior of mean(alpha): intercept: the outcome's mean, 2.5 sds of the outcome, widened
    #     for predictors that are not centred
    mean_alpha = numpyro.sample(
        "mean(alpha)",
        dist.Normal(
            mean_y,
            2.5 * sd_y
            + 2.5 * sd_y * jnp.abs(mean_log_height) / sd_log_height
            + 2.5 * sd_y * jnp.abs(mean_share) / sd_share,
        ),
    )
    # default prior of sd(alpha): group sd: the scale of the intercept
    sd_alpha = numpyro.sample("sd(alpha)", dist.HalfNormal(2.5 * sd_y))
    # default prior of slope(alpha, area): group-level slope: the scale of `alpha` over the
    #     predictor's sd
    slope_alpha_area = numpyro.sample("slope(alpha, area)", dist.Normal(0, 2.5 * sd_y / sd_area))
    with numpyro.plate("market", n_market):
        z_alpha = numpyro.sample("z(alpha)", dist.Normal(0, 1))
    dev_alpha = numpyro.deterministic("dev(alpha)", sd_alpha * z_alpha)
    alpha = numpyro.deterministic(
        "alpha", mean_alpha + slope_alpha_area * completed_area + dev_alpha
    )

    # model.hdsl:9  beta, gamma, delta ~ 1
    # default prior of beta: slope on `(temperature - mean(temperature)) / sd(temperature)`: 2.5 sds
    #     of the outcome per sd of the predictor
    beta = numpyro.sample(
        "beta", dist.Normal(0, 2.5 * sd_y / sd_temperature_mean_temperature_sd_temperature)
    )
    # default prior of gamma: slope on `log(height)`: 2.5 sds of the outcome per sd of the predictor
    gamma = numpyro.sample("gamma", dist.Normal(0, 2.5 * sd_y / sd_log_height))
    # default prior of delta: slope on `share`: 2.5 sds of the outcome per sd of the predictor
    delta = numpyro.sample("delta", dist.Normal(0, 2.5 * sd_y / sd_share))

    # model.hdsl:10  height ~ lognormal(a + b * x + c * temperature, s)
    # default prior of s: residual scale of `lognormal`
    s = numpyro.sample("s", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_log_height)))

    # model.hdsl:11  a, b, c ~ normal(0, 1)
    a = numpyro.sample("a", dist.Normal(0, 1))
    b = numpyro.sample("b", dist.Normal(0, 1))
    c = numpyro.sample("c", dist.Normal(0, 1))

    # model.hdsl:10  height ~ lognormal(a + b * x + c * temperature, s)
    with numpyro.plate("height_row", n_height_row):
        missing_height = numpyro.sample(
            "missing(height)",
            dist.LogNormal(
                a + b * x[row_of_height_row] + c * completed_temperature[row_of_height_row], s
            ),
        )
    completed_height = jnp.asarray(height).at[row_of_height_row].set(missing_height)
    mu = a + b * x + c * completed_temperature
    with numpyro.plate("height seen", len(height_seen)):
        numpyro.sample("height", dist.LogNormal(mu[height_seen], s), obs=height_known)

    # model.hdsl:12  warm = average(temperature, market)
    numpyro.deterministic(
        "warm",
        jax.ops.segment_sum(completed_temperature, market_of_row, n_market) / n_row_of_market,
    )

    # model.hdsl:7  y ~ normal(alpha + beta * standardize(temperature) + gamma * log(height) + delta
    #     * share, sigma)
    mu_ = (
        alpha[market_of_row]
        + beta * ((completed_temperature - mean_temperature) / sd_temperature)
        + gamma * jnp.log(completed_height)
        + delta * completed_share
    )
    with numpyro.plate("row", n_row):
        numpyro.sample("y", dist.Normal(mu_, sigma), obs=y)


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
