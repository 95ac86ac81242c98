"""Wines scored by judges.

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
    "dev(taste, judge)": ("judge",),
    "dev(taste, wine)": ("wine",),
    "taste[judge]": ("judge",),
    "taste[wine]": ("wine",),
    "score": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "judge")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:3  level wine
    coords["wine"], wine_of_row = groups("wine", labels(rows, "wine"), learned)

    # model.hdsl:4  level judge
    coords["judge"], judge_of_row = groups("judge", labels(rows, "judge"), learned)

    # model.hdsl:5  data score : real
    score = outcome(rows, "score", numbers, len(row), is_training)

    # model.hdsl:6  data price : positive per wine
    price = per_level("wine", "price", numbers, rows, tables, ["wine"], coords["wine"], wine_of_row)

    # model.hdsl:9  taste ~ judge + (wine | center(log(price)))
    mean_log_price = learn("mean(log(price))", np.nanmean, np.log(price), learned)
    center_log_price = np.log(price) - mean_log_price
    if is_training:
        observed("score", score)

    # Numbers that the training data teach
    sd_score = learn("sd(score)", sd, score, learned)
    mean_score = learn("mean(score)", np.nanmean, score, learned)
    sd_center_log_price = learn("sd(center(log(price)))", sd, center_log_price, learned)

    return {
        "wine_of_row": wine_of_row,
        "judge_of_row": judge_of_row,
        "sd_score": sd_score,
        "mean_score": mean_score,
        "sd_center_log_price": sd_center_log_price,
        "center_log_price": center_log_price,
        "score": score,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """Wines scored by judges."""
    n_wine = len(data["coords"]["wine"])
    n_judge = len(data["coords"]["judge"])
    n_row = len(data["coords"]["row"])
    sd_score = data["sd_score"]
    mean_score = data["mean_score"]
    sd_center_log_price = data["sd_center_log_price"]
    center_log_price = data["center_log_price"]
    judge_of_row = data["judge_of_row"]
    wine_of_row = data["wine_of_row"]
    score = data["score"]

    # model.hdsl:8  score ~ normal(taste, sigma)
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_score)))

    # model.hdsl:9  taste ~ judge + (wine | center(log(price)))
    # default prior of mean(taste): intercept: the outcome's mean, 2.5 sds of the outcome
    mean_taste = numpyro.sample("mean(taste)", dist.Normal(mean_score, 2.5 * sd_score))
    # default prior of sd(taste, judge): group sd: the scale of the intercept
    sd_taste_judge = numpyro.sample("sd(taste, judge)", dist.HalfNormal(2.5 * sd_score))
    # default prior of sd(taste, wine): group sd: the scale of the intercept
    sd_taste_wine = numpyro.sample("sd(taste, wine)", dist.HalfNormal(2.5 * sd_score))
    # default prior of slope(taste, center(log(price))): group-level slope: the scale of `taste`
    #     over the predictor's sd
    slope_taste_center_log_price = numpyro.sample(
        "slope(taste, center(log(price)))", dist.Normal(0, 2.5 * sd_score / sd_center_log_price)
    )
    with numpyro.plate("judge", n_judge):
        z_taste_judge = numpyro.sample("z(taste, judge)", dist.Normal(0, 1))
    dev_taste_judge = numpyro.deterministic("dev(taste, judge)", sd_taste_judge * z_taste_judge)
    with numpyro.plate("wine", n_wine):
        z_taste_wine = numpyro.sample("z(taste, wine)", dist.Normal(0, 1))
    dev_taste_wine = numpyro.deterministic("dev(taste, wine)", sd_taste_wine * z_taste_wine)
    numpyro.deterministic("taste[judge]", mean_taste + dev_taste_judge)
    numpyro.deterministic(
        "taste[wine]", mean_taste + slope_taste_center_log_price * center_log_price + dev_taste_wine
    )
    taste = (
        mean_taste
        + dev_taste_judge[judge_of_row]
        + slope_taste_center_log_price * center_log_price[wine_of_row]
        + dev_taste_wine[wine_of_row]
    )

    # model.hdsl:8  score ~ normal(taste, sigma)
    with numpyro.plate("row", n_row):
        numpyro.sample("score", dist.Normal(taste, sigma), obs=score)


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
