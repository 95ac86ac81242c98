"""Who comes to be vaccinated.

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
    "dev(alpha)": ("clinic",),
    "dev(beta)": ("clinic",),
    "alpha": ("clinic",),
    "beta": ("clinic",),
    "came": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "invited")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:3  level clinic
    coords["clinic"], clinic_of_row = groups("clinic", labels(rows, "clinic"), learned)

    # model.hdsl:4  data invited, came : count
    invited = numbers(rows, "invited")
    came = outcome(rows, "came", numbers, len(row), is_training)

    # model.hdsl:5  data reminder : binary
    reminder = flags(rows, "reminder")

    # model.hdsl:6  data distance : real per clinic
    distance = per_level(
        "clinic", "distance", numbers, rows, tables, ["clinic"], coords["clinic"], clinic_of_row
    )

    # model.hdsl:10  alpha, beta ~ clinic | center(distance)
    mean_distance = learn("mean(distance)", np.nanmean, distance, learned)
    center_distance = distance - mean_distance
    if is_training:
        observed("came", came)

    # Numbers that the training data teach
    mean_came = learn("mean(came)", np.nanmean, came, learned)
    mean_invited = learn("mean(invited)", np.nanmean, invited, learned)
    mean_reminder = learn("mean(reminder)", np.nanmean, reminder, learned)
    sd_reminder = learn("sd(reminder)", sd, reminder, learned)
    sd_center_distance = learn("sd(center(distance))", sd, center_distance, learned)

    return {
        "clinic_of_row": clinic_of_row,
        "mean_came": mean_came,
        "mean_invited": mean_invited,
        "mean_reminder": mean_reminder,
        "sd_reminder": sd_reminder,
        "sd_center_distance": sd_center_distance,
        "center_distance": center_distance,
        "reminder": reminder,
        "invited": invited,
        "came": came,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """Who comes to be vaccinated."""
    mean_came = data["mean_came"]
    mean_invited = data["mean_invited"]
    mean_reminder = data["mean_reminder"]
    sd_reminder = data["sd_reminder"]
    sd_center_distance = data["sd_center_distance"]
    center_distance = data["center_distance"]
    clinic_of_row = data["clinic_of_row"]
    reminder = data["reminder"]
    invited = data["invited"]
    came = data["came"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:10  alpha, beta ~ clinic | center(distance)
        # default prior of mean(alpha): intercept: the outcome's mean, 2.5 on the link scale,
        #     widened for predictors that are not centred
        mean_alpha = pm.Normal(
            "mean(alpha)",
            mu=pm.math.logit(pt.clip(mean_came / mean_invited, 0.01, 0.99)),
            sigma=2.5 + 2.5 * pt.abs(mean_reminder) / sd_reminder,
        )
        # default prior of sd(alpha): group sd: the scale of the intercept
        sd_alpha = pm.HalfNormal("sd(alpha)", sigma=2.5)
        # default prior of slope(alpha, center(distance)): group-level slope: the scale of `alpha`
        #     over the predictor's sd
        slope_alpha_center_distance = pm.Normal(
            "slope(alpha, center(distance))", mu=0, sigma=2.5 / sd_center_distance
        )
        # default prior of mean(beta): slope on `reminder`: 2.5 on the link scale per sd of the
        #     predictor
        mean_beta = pm.Normal("mean(beta)", mu=0, sigma=2.5 / sd_reminder)
        # default prior of sd(beta): group sd: the scale of the slope on `reminder`
        sd_beta = pm.HalfNormal("sd(beta)", sigma=2.5 / sd_reminder)
        # default prior of slope(beta, center(distance)): group-level slope: the scale of `beta`
        #     over the predictor's sd
        slope_beta_center_distance = pm.Normal(
            "slope(beta, center(distance))", mu=0, sigma=2.5 / sd_reminder / sd_center_distance
        )
        # default prior of cor(alpha, beta): correlations: lkj(2)
        cor_alpha_beta_unit = pm.Beta("cor(alpha, beta) unit", alpha=2, beta=2)
        cor_alpha_beta = pm.Deterministic("cor(alpha, beta)", 2 * cor_alpha_beta_unit - 1)
        z_alpha = pm.Normal("z(alpha)", mu=0, sigma=1, dims="clinic")
        z_beta = pm.Normal("z(beta)", mu=0, sigma=1, dims="clinic")
        dev_alpha = pm.Deterministic("dev(alpha)", sd_alpha * z_alpha, dims="clinic")
        dev_beta = pm.Deterministic(
            "dev(beta)",
            sd_beta * (cor_alpha_beta * z_alpha + pt.sqrt(1 - cor_alpha_beta**2) * z_beta),
            dims="clinic",
        )
        alpha = pm.Deterministic(
            "alpha",
            mean_alpha + slope_alpha_center_distance * center_distance + dev_alpha,
            dims="clinic",
        )
        beta = pm.Deterministic(
            "beta",
            mean_beta + slope_beta_center_distance * center_distance + dev_beta,
            dims="clinic",
        )

        # model.hdsl:9  logit(p) = alpha + beta * reminder
        logit_p = alpha[clinic_of_row] + beta[clinic_of_row] * reminder

        # model.hdsl:8  came ~ binomial(invited, p)
        pm.Binomial("came", n=invited, logit_p=logit_p, dims="row", observed=came)
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


def flags(table, name, missing=False):
    """A column of 0 and 1, or of false and true, as numbers."""
    meaning = {"0": 0.0, "false": 0.0, "1": 1.0, "true": 1.0}
    texts = [text.lower() for text in labels(table, name, missing)]
    wrong = sorted(set(texts) - set(meaning) - {""})
    if wrong:
        raise ValueError(f"column {name!r} is not 0 and 1, nor false and true: {wrong[:5]}")
    return np.array([meaning.get(text, np.nan) for text in texts])


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
