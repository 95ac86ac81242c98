"""Demand for one product across regions.

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
    "dev(alpha)": ("region",),
    "dev(beta)": ("region",),
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
    row = np.arange(1, len(column(rows, "x")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:3  level region from market
    coords["region"], region_of_row = groups("region", labels(rows, "market"), learned)

    # model.hdsl:4  data log_q from y, log_p from x : real
    log_q = outcome(rows, "y", numbers, len(row), is_training)
    log_p = numbers(rows, "x")

    # model.hdsl:5  data median_income from income : real per region
    median_income = per_level(
        "region", "income", numbers, rows, tables, ["market"], coords["region"], region_of_row
    )
    if is_training:
        observed("log_q", log_q)

    # Numbers that the training data teach
    mean_log_q = learn("mean(log_q)", np.nanmean, log_q, learned)
    sd_log_q = learn("sd(log_q)", sd, log_q, learned)
    mean_log_p = learn("mean(log_p)", np.nanmean, log_p, learned)
    sd_log_p = learn("sd(log_p)", sd, log_p, learned)
    sd_median_income = learn("sd(median_income)", sd, median_income, learned)

    return {
        "region_of_row": region_of_row,
        "mean_log_q": mean_log_q,
        "sd_log_q": sd_log_q,
        "mean_log_p": mean_log_p,
        "sd_log_p": sd_log_p,
        "sd_median_income": sd_median_income,
        "median_income": median_income,
        "log_p": log_p,
        "log_q": log_q,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """Demand for one product across regions."""
    mean_log_q = data["mean_log_q"]
    sd_log_q = data["sd_log_q"]
    mean_log_p = data["mean_log_p"]
    sd_log_p = data["sd_log_p"]
    sd_median_income = data["sd_median_income"]
    median_income = data["median_income"]
    region_of_row = data["region_of_row"]
    log_p = data["log_p"]
    log_q = data["log_q"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:8  alpha, beta ~ region | median_income
        # default prior of mean(alpha): intercept: the outcome's mean, 2.5 sds of the outcome,
        #     widened for predictors that are not centred
        mean_alpha = pm.Normal(
            "mean(alpha)",
            mu=mean_log_q,
            sigma=2.5 * sd_log_q + 2.5 * sd_log_q * pt.abs(mean_log_p) / sd_log_p,
        )
        # default prior of sd(alpha): group sd: the scale of the intercept
        sd_alpha = pm.HalfNormal("sd(alpha)", sigma=2.5 * sd_log_q)
        # default prior of slope(alpha, median_income): group-level slope: the scale of `alpha` over
        #     the predictor's sd
        slope_alpha_median_income = pm.Normal(
            "slope(alpha, median_income)", mu=0, sigma=2.5 * sd_log_q / sd_median_income
        )
        # default prior of mean(beta): slope on `log_p`: 2.5 sds of the outcome per sd of the
        #     predictor
        mean_beta = pm.Normal("mean(beta)", mu=0, sigma=2.5 * sd_log_q / sd_log_p)
        # default prior of slope(beta, median_income): group-level slope: the scale of `beta` over
        #     the predictor's sd
        slope_beta_median_income = pm.Normal(
            "slope(beta, median_income)", mu=0, sigma=2.5 * sd_log_q / sd_log_p / sd_median_income
        )
        # default prior of cor(alpha, beta): correlations: lkj(2)
        cor_alpha_beta_unit = pm.Beta("cor(alpha, beta) unit", alpha=2, beta=2)
        cor_alpha_beta = pm.Deterministic("cor(alpha, beta)", 2 * cor_alpha_beta_unit - 1)

        # model.hdsl:12  sd(beta) ~ halfnormal(0.5)
        sd_beta = pm.HalfNormal("sd(beta)", sigma=0.5)

        # model.hdsl:8  alpha, beta ~ region | median_income
        z_alpha = pm.Normal("z(alpha)", mu=0, sigma=1, dims="region")
        z_beta = pm.Normal("z(beta)", mu=0, sigma=1, dims="region")
        dev_alpha = pm.Deterministic("dev(alpha)", sd_alpha * z_alpha, dims="region")
        dev_beta = pm.Deterministic(
            "dev(beta)",
            sd_beta * (cor_alpha_beta * z_alpha + pt.sqrt(1 - cor_alpha_beta**2) * z_beta),
            dims="region",
        )
        alpha = pm.Deterministic(
            "alpha",
            mean_alpha + slope_alpha_median_income * median_income + dev_alpha,
            dims="region",
        )
        beta = pm.Deterministic(
            "beta", mean_beta + slope_beta_median_income * median_income + dev_beta, dims="region"
        )

        # model.hdsl:10  nu ~ gamma(20, 3)
        nu = pm.Gamma("nu", alpha=20, beta=3)

        # model.hdsl:11  sigma ~ exponential(2)
        sigma = pm.Exponential("sigma", lam=2)

        # model.hdsl:7  log_q ~ studentt(nu, alpha + beta * log_p, sigma)
        mu = alpha[region_of_row] + beta[region_of_row] * log_p
        pm.StudentT("log_q", nu=nu, mu=mu, sigma=sigma, dims="row", observed=log_q)
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
