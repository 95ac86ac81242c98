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
COORDS = {
    "Z": ["income", "squared"],
}

# The levels over which a result varies.
DIMS = {
    "mean(zeta)": ("Z",),
    "sd(zeta)": ("Z",),
    "dev(zeta)": ("sub", "Z"),
    "zeta": ("sub", "Z"),
    "m": ("M",),
    "b": ("B",),
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

    # model.hdsl:4  level sub
    coords["sub"], sub_of_row = groups("sub", labels(rows, "sub"), learned)

    # model.hdsl:3  data income : real per market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:2  data y, x : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")

    # model.hdsl:3  data income : real per market
    income = per_level(
        "market", "income", numbers, rows, tables, ["market"], coords["market"], market_of_row
    )
    market = per_level(
        "market", "market", labels, rows, tables, ["market"], coords["market"], market_of_row
    )

    # model.hdsl:5  data Z = [income, squared = income^2] per market
    Z = np.column_stack([income, income**2])

    # model.hdsl:6  data M = onehot(market)
    M, coords["M"] = onehot("market", market, learned)

    # model.hdsl:7  data B = [x, Z, m = M, standardize(Z)]
    mean_Z = learn_each("mean(Z)", np.nanmean, Z, learned)
    sd_Z = learn_each("sd(Z)", sd, Z, learned)
    B = np.column_stack(
        [x, Z[market_of_row, :], M[market_of_row, :], (Z[market_of_row, :] - mean_Z) / sd_Z]
    )
    coords["B"] = [
        "x",
        *coords["Z"],
        *under("m", coords["M"]),
        *under("standardize(Z)", coords["Z"]),
    ]
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)

    return {
        "sub_of_row": sub_of_row,
        "market_of_row": market_of_row,
        "sd_y": sd_y,
        "sd_Z": sd_Z,
        "Z": Z,
        "M": M,
        "B": B,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_sub = len(data["coords"]["sub"])
    n_Z = len(data["coords"]["Z"])
    n_M = len(data["coords"]["M"])
    n_B = len(data["coords"]["B"])
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    sd_Z = data["sd_Z"]
    Z = data["Z"]
    market_of_row = data["market_of_row"]
    sub_of_row = data["sub_of_row"]
    M = data["M"]
    B = data["B"]
    y = data["y"]

    # model.hdsl:9  zeta[Z] ~ sub
    # default prior of mean(zeta): slope on `Z`: 2.5 sds of the outcome per sd of the predictor
    with numpyro.plate("Z", n_Z):
        mean_zeta = numpyro.sample("mean(zeta)", dist.Normal(0, 2.5 * sd_y / sd_Z))
        # default prior of sd(zeta): group sd: the scale of the slope on `Z`
        sd_zeta = numpyro.sample("sd(zeta)", dist.HalfNormal(2.5 * sd_y / sd_Z))
    with numpyro.plate("sub", n_sub, dim=-2), numpyro.plate("Z", n_Z, dim=-1):
        z_zeta = numpyro.sample("z(zeta)", dist.Normal(0, 1))
    dev_zeta = numpyro.deterministic("dev(zeta)", sd_zeta * z_zeta)
    zeta = numpyro.deterministic("zeta", mean_zeta + dev_zeta)

    # model.hdsl:10  m[M], b[B] ~ normal(0, 1)
    with numpyro.plate("M", n_M):
        m = numpyro.sample("m", dist.Normal(0, 1))
    with numpyro.plate("B", n_B):
        b = numpyro.sample("b", dist.Normal(0, 1))

    # model.hdsl:8  y ~ normal(Z @ zeta + M @ m + B @ b, 1)
    mu = (Z[market_of_row, :] * zeta[sub_of_row, :]).sum(axis=-1) + (M @ m)[market_of_row] + B @ b
    with numpyro.plate("row", n_row):
        numpyro.sample("y", dist.Normal(mu, 1), obs=y)


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


def under(name, labels):
    """Labels under a name of their own: `name:label`."""
    return [f"{name}:{label}" for label in labels]


def onehot(name, values, learned, order=()):
    """A column of 0 and 1 for every label that the training data have, and their names."""
    key, present = f"onehot({name})", np.flatnonzero(values != "")
    found = set(values[present].tolist())
    if key not in learned:
        learned[key] = [label for label in order if label in found] or sorted(found, key=natural)
    place = {label: i for i, label in enumerate(learned[key])}
    unseen = sorted(found - set(place), key=natural)
    if unseen:
        raise ValueError(f"labels of {name!r} that the training data do not have: {unseen[:5]}")
    matrix = np.zeros((len(values), len(place)))
    matrix[present, [place[label] for label in values[present].tolist()]] = 1.0
    return matrix, [f"{name}:{label}" for label in place]


def learn(name, summary, values, learned):
    """A number that the training data teach: computed once, then remembered."""
    if name not in learned:
        learned[name] = float(summary(values))
    return learned[name]


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
