"""Price elasticity of every product, within its category.

Written by HDSL from model.hdsl, for PyMC:

    data = prepare(rows)
    with build(data):
        results = pm.sample()
"""

import re

import numpy as np
import pymc as pm
import pytensor.tensor as pt

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {}

# The levels over which a result varies.
DIMS = {
    "dev(beta, category)": ("category",),
    "dev(beta, product)": ("product",),
    "beta[category]": ("category",),
    "beta": ("product",),
    "season": ("category", "week"),
    "quality": ("product",),
    "units": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "price")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:3  level product in category
    coords["category"], category_of_row = groups(
        "category", looked_up(rows, "category", tables, ("product", "product")), learned
    )
    coords["product"], product_of_row = groups(
        "product",
        nested(
            "product",
            labels(rows, "product"),
            learned,
            np.array(coords["category"])[category_of_row],
        ),
        learned,
    )

    # model.hdsl:11  season[category, week] ~ normal(base, 1)
    coords["week"], week_of_row = groups("week", labels(rows, "week"), learned)
    category_of_product = group_of_each(
        "category of product", category_of_row, product_of_row, learned
    )

    # model.hdsl:4  data units : count
    units = outcome(rows, "units", numbers, len(row), is_training)

    # model.hdsl:5  data price : positive
    price = numbers(rows, "price")
    if is_training:
        observed("units", units)

    return {
        "category_of_row": category_of_row,
        "product_of_row": product_of_row,
        "week_of_row": week_of_row,
        "category_of_product": category_of_product,
        "price": price,
        "units": units,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """Price elasticity of every product, within its category."""
    category_of_product = data["category_of_product"]
    product_of_row = data["product_of_row"]
    price = data["price"]
    category_of_row = data["category_of_row"]
    week_of_row = data["week_of_row"]
    units = data["units"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:16  sd(beta) = 1
        sd_beta_category = pm.Deterministic("sd(beta, category)", pt.as_tensor(1))
        sd_beta_product = pm.Deterministic("sd(beta, product)", pt.as_tensor(1))

        # model.hdsl:10  beta ~ category / product
        z_beta_category = pm.Normal("z(beta, category)", mu=0, sigma=1, dims="category")
        dev_beta_category = pm.Deterministic(
            "dev(beta, category)", sd_beta_category * z_beta_category, dims="category"
        )
        z_beta_product = pm.Normal("z(beta, product)", mu=0, sigma=1, dims="product")
        dev_beta_product = pm.Deterministic(
            "dev(beta, product)", sd_beta_product * z_beta_product, dims="product"
        )

        # model.hdsl:15  mean(beta) ~ normal(-2, 1)
        mean_beta = pm.Normal("mean(beta)", mu=-2, sigma=1)

        # model.hdsl:10  beta ~ category / product
        beta_category = pm.Deterministic(
            "beta[category]", mean_beta + dev_beta_category, dims="category"
        )
        beta = pm.Deterministic(
            "beta", beta_category[category_of_product] + dev_beta_product, dims="product"
        )

        # model.hdsl:14  base ~ normal(8, 1)
        base = pm.Normal("base", mu=8, sigma=1)

        # model.hdsl:11  season[category, week] ~ normal(base, 1)
        season = pm.Normal("season", mu=base, sigma=1, dims=("category", "week"))

        # model.hdsl:12  quality[product] ~ normal(0, 1)
        quality = pm.Normal("quality", mu=0, sigma=1, dims="product")

        # model.hdsl:8  log(mu) = beta * log(price) + season + quality
        mu = pt.exp(
            beta[product_of_row] * pt.log(price)
            + season[category_of_row, week_of_row]
            + quality[product_of_row]
        )

        # model.hdsl:7  units ~ poisson(mu)
        pm.Poisson("units", mu=mu, dims="row", observed=units)
    return model


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


def nested(level, names, learned, *parents):
    """Labels of groups inside others: their own where unique, else `parent:child`."""
    inside = np.array([":".join(path) for path in zip(*parents, names)])
    own, counts = np.unique(names[np.unique(inside, return_index=True)[1]], return_counts=True)
    repeated = np.setdiff1d(own[counts > 1], learned.get(level, []))
    alone = learned.setdefault(f"{level} by label alone", not repeated.size)
    return np.where(np.isin(names, repeated), inside, names) if alone else inside


def group_of_each(name, coarse, fine, learned):
    """For every group of a finer level, the number of its group of a coarser one."""
    known = learned.get(name, [])
    present, first = np.unique(fine, return_index=True)
    new = first[present >= len(known)]
    found = np.array([*known, *coarse[new].tolist()], dtype=int)
    learned[name] = found.tolist()
    strays = np.flatnonzero(found[fine] != coarse) + 1
    if strays.size:
        raise ValueError(f"{name} is not as in the training data in rows {strays[:5].tolist()}")
    return found


def looked_up(rows, name, tables, *keys):
    """A column of labels, from the rows or from the table of a level inside."""
    if name in rows:
        return labels(rows, name)
    for level, key in keys:
        if level in tables and name in tables[level]:
            found = dict(zip(labels(tables[level], key), labels(tables[level], name)))
            own = looked_up(rows, key, tables, *keys)
            absent = sorted(set(own) - set(found))
            if absent:
                raise ValueError(f"the table of {level!r} has no row for {absent[:5]}")
            return np.array([found[label] for label in own])
    raise ValueError(f"the data have no column {name!r}")


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
