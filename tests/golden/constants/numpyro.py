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
    "a": ("category",),
    "g": ("category", "week"),
    "t": ("market",),
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
    row = np.arange(1, len(column(rows, "market")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:1  level week
    coords["week"], week_of_row = groups("week", labels(rows, "week"), learned)

    # model.hdsl:5  a[category] ~ normal(m, s) with noncentered
    coords["category"], category_of_row = groups("category", labels(rows, "category"), learned)

    # model.hdsl:11  log(t[market]) ~ normal(0, 1) with centered
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)
    free_a = np.full(len(coords["category"]), True)
    category_a = position(coords["category"], "category", "a")
    free_a[category_a] = False
    category_of_free_a = np.flatnonzero(free_a)
    free_g = np.full((len(coords["category"]), len(coords["week"])), True)
    category_b = position(coords["category"], "category", "b")
    week_2 = position(coords["week"], "week", "2")
    free_g[category_b, week_2] = False
    category_of_free_g, week_of_free_g = np.nonzero(free_g)
    free_t = np.full(len(coords["market"]), True)
    market_m1 = position(coords["market"], "market", "m1")
    free_t[market_m1] = False
    market_of_free_t = np.flatnonzero(free_t)

    # model.hdsl:2  data y : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)

    return {
        "week_of_row": week_of_row,
        "category_of_row": category_of_row,
        "market_of_row": market_of_row,
        "sd_y": sd_y,
        "category_of_free_a": category_of_free_a,
        "category_of_free_g": category_of_free_g,
        "week_of_free_g": week_of_free_g,
        "category_b": category_b,
        "week_2": week_2,
        "market_of_free_t": market_of_free_t,
        "market_m1": market_m1,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_week = len(data["coords"]["week"])
    n_category = len(data["coords"]["category"])
    n_market = len(data["coords"]["market"])
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    category_of_free_a = data["category_of_free_a"]
    category_of_free_g = data["category_of_free_g"]
    week_of_free_g = data["week_of_free_g"]
    category_b = data["category_b"]
    week_2 = data["week_2"]
    market_of_free_t = data["market_of_free_t"]
    market_m1 = data["market_m1"]
    category_of_row = data["category_of_row"]
    week_of_row = data["week_of_row"]
    market_of_row = data["market_of_row"]
    y = data["y"]

    # model.hdsl:4  y ~ normal(a[category] + g[category, week] + log(t[market]), sigma)
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_y)))

    # model.hdsl:7  m ~ normal(0, 1)
    m = numpyro.sample("m", dist.Normal(0, 1))

    # model.hdsl:8  s ~ exponential(1)
    s = numpyro.sample("s", dist.Exponential(1))

    # model.hdsl:5  a[category] ~ normal(m, s) with noncentered
    with numpyro.plate("free a", len(category_of_free_a)):
        z_a_free = numpyro.sample("z(a free)", dist.Normal(0, 1))
    a_free = m + s * z_a_free
    a = numpyro.deterministic("a", jnp.zeros(n_category).at[category_of_free_a].set(a_free))

    # model.hdsl:9  g[category, week] ~ normal(1, 2) with centered
    with numpyro.plate("free g", len(category_of_free_g)):
        g_free = numpyro.sample("g free", dist.Normal(1, 2))
    g_full = jnp.zeros((n_category, n_week)).at[category_of_free_g, week_of_free_g].set(g_free)
    g = numpyro.deterministic("g", g_full.at[category_b, week_2].set(3))

    # model.hdsl:11  log(t[market]) ~ normal(0, 1) with centered
    with numpyro.plate("free t", len(market_of_free_t)):
        log_t_free = numpyro.sample("log(t) free", dist.Normal(0, 1))
    t_full = jnp.zeros(n_market).at[market_of_free_t].set(jnp.exp(log_t_free))
    t = numpyro.deterministic("t", t_full.at[market_m1].set(1))

    # model.hdsl:4  y ~ normal(a[category] + g[category, week] + log(t[market]), sigma)
    mu = a[category_of_row] + g[category_of_row, week_of_row] + jnp.log(t[market_of_row])
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


def position(groups, level, label):
    """The number of the group that has a label."""
    if label not in groups:
        raise ValueError(f"level {level!r} has no group {label!r}")
    return groups.index(label)


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
