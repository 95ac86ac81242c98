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
    "dev(a)": ("category:week",),
    "a": ("category:week",),
    "dev(e)": ("row",),
    "dev(log(shape), week)": ("week",),
    "dev(log(shape), store)": ("store",),
    "shape[week]": ("week",),
    "shape[store]": ("store",),
    "c": ("row",),
    "w": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "store")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:6  a ~ category : week
    coords["category"], category_of_row = groups("category", labels(rows, "category"), learned)
    coords["week"], week_of_row = groups("week", labels(rows, "week"), learned)
    coords["category:week"], category_week_of_row = groups(
        "category:week",
        crossed(
            np.array(coords["category"])[category_of_row], np.array(coords["week"])[week_of_row]
        ),
        learned,
    )

    # model.hdsl:9  log(shape) ~ week + store
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:1  data c : count
    c = outcome(rows, "c", numbers, len(row), is_training)

    # model.hdsl:2  data w : positive
    w = outcome(rows, "w", numbers, len(row), is_training)
    if is_training:
        observed("c", c)
    if is_training:
        observed("w", w)

    # Numbers that the training data teach
    mean_c = learn("mean(c)", np.nanmean, c, learned)

    return {
        "category_of_row": category_of_row,
        "week_of_row": week_of_row,
        "category_week_of_row": category_week_of_row,
        "store_of_row": store_of_row,
        "mean_c": mean_c,
        "c": c,
        "w": w,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_week = len(data["coords"]["week"])
    n_category_week = len(data["coords"]["category:week"])
    n_store = len(data["coords"]["store"])
    n_row = len(data["coords"]["row"])
    mean_c = data["mean_c"]
    category_week_of_row = data["category_week_of_row"]
    c = data["c"]
    week_of_row = data["week_of_row"]
    store_of_row = data["store_of_row"]
    w = data["w"]

    # model.hdsl:6  a ~ category : week
    # default prior of mean(a): intercept: the outcome's mean, 2.5 on the link scale
    mean_a = numpyro.sample("mean(a)", dist.Normal(jnp.log(jnp.maximum(mean_c, 0.01)), 2.5))
    # default prior of sd(a): group sd: the scale of the intercept
    sd_a = numpyro.sample("sd(a)", dist.HalfNormal(2.5))
    with numpyro.plate("category:week", n_category_week):
        z_a = numpyro.sample("z(a)", dist.Normal(0, 1))
    dev_a = numpyro.deterministic("dev(a)", sd_a * z_a)
    a = numpyro.deterministic("a", mean_a + dev_a)

    # model.hdsl:7  e ~ 0 + row
    # default prior of sd(e): group sd: the scale of the intercept
    sd_e = numpyro.sample("sd(e)", dist.HalfNormal(2.5))
    with numpyro.plate("row", n_row):
        z_e = numpyro.sample("z(e)", dist.Normal(0, 1))
    dev_e = numpyro.deterministic("dev(e)", sd_e * z_e)
    e = dev_e

    # model.hdsl:5  log(mu) = a + e
    mu = jnp.exp(a[category_week_of_row] + e)

    # model.hdsl:11  sd(log(shape)) ~ halfnormal(1)
    sd_log_shape_week = numpyro.sample("sd(log(shape), week)", dist.HalfNormal(1))
    sd_log_shape_store = numpyro.sample("sd(log(shape), store)", dist.HalfNormal(1))

    # model.hdsl:9  log(shape) ~ week + store
    with numpyro.plate("week", n_week):
        z_log_shape_week = numpyro.sample("z(log(shape), week)", dist.Normal(0, 1))
    dev_log_shape_week = numpyro.deterministic(
        "dev(log(shape), week)", sd_log_shape_week * z_log_shape_week
    )
    with numpyro.plate("store", n_store):
        z_log_shape_store = numpyro.sample("z(log(shape), store)", dist.Normal(0, 1))
    dev_log_shape_store = numpyro.deterministic(
        "dev(log(shape), store)", sd_log_shape_store * z_log_shape_store
    )

    # model.hdsl:10  mean(log(shape)) ~ normal(1, 1)
    mean_log_shape = numpyro.sample("mean(log(shape))", dist.Normal(1, 1))

    # model.hdsl:9  log(shape) ~ week + store
    numpyro.deterministic("shape[week]", jnp.exp(mean_log_shape + dev_log_shape_week))
    numpyro.deterministic("shape[store]", jnp.exp(mean_log_shape + dev_log_shape_store))

    # model.hdsl:4  c ~ poisson(mu)
    with numpyro.plate("row", n_row):
        numpyro.sample("c", dist.Poisson(mu), obs=c)

    # model.hdsl:9  log(shape) ~ week + store
    shape = jnp.exp(
        mean_log_shape + dev_log_shape_week[week_of_row] + dev_log_shape_store[store_of_row]
    )

    # model.hdsl:8  w ~ gamma(shape, shape / 2)
    beta = shape / 2
    with numpyro.plate("row", n_row):
        numpyro.sample("w", dist.Gamma(shape, beta), obs=w)


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


def crossed(*names):
    """Labels of the combinations of levels, `a:b`."""
    return np.array([":".join(combination) for combination in zip(*names)])


def learn(name, summary, values, learned):
    """A number that the training data teach: computed once, then remembered."""
    if name not in learned:
        learned[name] = float(summary(values))
    return learned[name]


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
