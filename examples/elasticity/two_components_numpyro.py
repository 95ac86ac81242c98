"""Demand for one product, two covariance components.

Written by HDSL from two_components.hdsl, for NumPyro:

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
    "dev(a0)": ("region",),
    "dev(b0)": ("region",),
    "a0": ("region",),
    "b0": ("region",),
    "dev(a1)": ("region",),
    "dev(b1)": ("region",),
    "a1": ("region",),
    "b1": ("region",),
    "alpha": ("region",),
    "beta": ("region",),
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
    row = np.arange(1, len(column(rows, "log_price")) + 1)
    coords = {**COORDS, "row": row}

    # two_components.hdsl:3  level region from region_id
    coords["region"], region_of_row = groups("region", labels(rows, "region_id"), learned)

    # two_components.hdsl:4  data log_q from log_quantities, log_p from log_price : real
    log_q = outcome(rows, "log_quantities", numbers, len(row), is_training)
    log_p = numbers(rows, "log_price")

    # two_components.hdsl:5  data median_income : real per region
    median_income = per_level(
        "region",
        "median_income",
        numbers,
        rows,
        tables,
        ["region_id"],
        coords["region"],
        region_of_row,
    )
    if is_training:
        observed("log_q", log_q)

    return {
        "region_of_row": region_of_row,
        "median_income": median_income,
        "log_p": log_p,
        "log_q": log_q,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """Demand for one product, two covariance components."""
    n_region = len(data["coords"]["region"])
    n_row = len(data["coords"]["row"])
    median_income = data["median_income"]
    region_of_row = data["region_of_row"]
    log_p = data["log_p"]
    log_q = data["log_q"]

    # two_components.hdsl:13  sd(a0), sd(b0), sd(a1), sd(b1) ~ halfnormal(0.2)
    sd_a0 = numpyro.sample("sd(a0)", dist.HalfNormal(0.2))
    sd_b0 = numpyro.sample("sd(b0)", dist.HalfNormal(0.2))
    sd_a1 = numpyro.sample("sd(a1)", dist.HalfNormal(0.2))
    sd_b1 = numpyro.sample("sd(b1)", dist.HalfNormal(0.2))

    # two_components.hdsl:14  cor(a0, b0) ~ lkj(1)
    cor_a0_b0_unit = numpyro.sample("cor(a0, b0) unit", dist.Beta(1, 1))
    cor_a0_b0 = numpyro.deterministic("cor(a0, b0)", 2 * cor_a0_b0_unit - 1)

    # two_components.hdsl:10  a0, b0 ~ 0 + region
    with numpyro.plate("region", n_region):
        z_a0 = numpyro.sample("z(a0)", dist.Normal(0, 1))
        z_b0 = numpyro.sample("z(b0)", dist.Normal(0, 1))
    dev_a0 = numpyro.deterministic("dev(a0)", sd_a0 * z_a0)
    dev_b0 = numpyro.deterministic(
        "dev(b0)", sd_b0 * (cor_a0_b0 * z_a0 + jnp.sqrt(1 - cor_a0_b0**2) * z_b0)
    )
    a0 = numpyro.deterministic("a0", dev_a0)
    b0 = numpyro.deterministic("b0", dev_b0)

    # two_components.hdsl:15  cor(a1, b1) ~ lkj(1)
    cor_a1_b1_unit = numpyro.sample("cor(a1, b1) unit", dist.Beta(1, 1))
    cor_a1_b1 = numpyro.deterministic("cor(a1, b1)", 2 * cor_a1_b1_unit - 1)

    # two_components.hdsl:11  a1, b1 ~ 0 + region
    with numpyro.plate("region", n_region):
        z_a1 = numpyro.sample("z(a1)", dist.Normal(0, 1))
        z_b1 = numpyro.sample("z(b1)", dist.Normal(0, 1))
    dev_a1 = numpyro.deterministic("dev(a1)", sd_a1 * z_a1)
    dev_b1 = numpyro.deterministic(
        "dev(b1)", sd_b1 * (cor_a1_b1 * z_a1 + jnp.sqrt(1 - cor_a1_b1**2) * z_b1)
    )
    a1 = numpyro.deterministic("a1", dev_a1)
    b1 = numpyro.deterministic("b1", dev_b1)

    # two_components.hdsl:8  alpha = a0 + a1 * median_income
    alpha = numpyro.deterministic("alpha", a0 + a1 * median_income)

    # two_components.hdsl:9  beta = b0 + b1 * median_income
    beta = numpyro.deterministic("beta", b0 + b1 * median_income)

    # two_components.hdsl:16  nu ~ gamma(20, 3)
    nu = numpyro.sample("nu", dist.Gamma(20, 3))

    # two_components.hdsl:17  sigma ~ exponential(2)
    sigma = numpyro.sample("sigma", dist.Exponential(2))

    # two_components.hdsl:7  log_q ~ studentt(nu, alpha + beta * log_p, sigma)
    mu = alpha[region_of_row] + beta[region_of_row] * log_p
    with numpyro.plate("row", n_row):
        numpyro.sample("log_q", dist.StudentT(nu, mu, sigma), obs=log_q)


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


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
