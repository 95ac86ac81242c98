"""Comparisons, transforms and numbers learned from the data.

Written by HDSL from model.hdsl, for PyMC:

    data = prepare(rows)
    with build(data):
        results = pm.sample()
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {}

# The levels over which a result varies.
DIMS = {
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

    # model.hdsl:3  data y, x : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")

    # model.hdsl:4  data sex : factor
    sex = labels(rows, "sex")

    # model.hdsl:5  data female = (sex == "F")
    female = 1.0 * (sex == "F")

    # model.hdsl:6  data z = standardize(x)
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)
    z = (x - mean_x) / sd_x

    # model.hdsl:8  y ~ normal(a + b * female + c * (sex == "M") + d * (x > 0) + e * z + f *
    #     center(x^2), sigma)
    sex_is_M = 1.0 * (sex == "M")
    mean_x_squared = learn("mean(x^2)", np.nanmean, x**2, learned)
    center_x_squared = x**2 - mean_x_squared
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    mean_female = learn("mean(female)", np.nanmean, female, learned)
    sd_female = learn("sd(female)", sd, female, learned)
    mean_sex_is_M = learn('mean(sex == "M")', np.nanmean, sex_is_M, learned)
    sd_sex_is_M = learn('sd(sex == "M")', sd, sex_is_M, learned)
    mean_x_above_0 = learn("mean(x > 0)", np.nanmean, 1.0 * (x > 0), learned)
    sd_x_above_0 = learn("sd(x > 0)", sd, 1.0 * (x > 0), learned)
    sd_z = learn("sd(z)", sd, z, learned)
    sd_center_x_squared = learn("sd(center(x^2))", sd, center_x_squared, learned)

    return {
        "sd_y": sd_y,
        "mean_y": mean_y,
        "mean_female": mean_female,
        "sd_female": sd_female,
        "mean_sex_is_M": mean_sex_is_M,
        "sd_sex_is_M": sd_sex_is_M,
        "mean_x_above_0": mean_x_above_0,
        "sd_x_above_0": sd_x_above_0,
        "sd_z": sd_z,
        "sd_center_x_squared": sd_center_x_squared,
        "female": female,
        "sex_is_M": sex_is_M,
        "x": x,
        "z": z,
        "center_x_squared": center_x_squared,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """Comparisons, transforms and numbers learned from the data."""
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    mean_female = data["mean_female"]
    sd_female = data["sd_female"]
    mean_sex_is_M = data["mean_sex_is_M"]
    sd_sex_is_M = data["sd_sex_is_M"]
    mean_x_above_0 = data["mean_x_above_0"]
    sd_x_above_0 = data["sd_x_above_0"]
    sd_z = data["sd_z"]
    sd_center_x_squared = data["sd_center_x_squared"]
    female = data["female"]
    sex_is_M = data["sex_is_M"]
    x = data["x"]
    z = data["z"]
    center_x_squared = data["center_x_squared"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:8  y ~ normal(a + b * female + c * (sex == "M") + d * (x > 0) + e * z + f *
        #     center(x^2), sigma)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:9  a, e, f ~ 1
        # default prior of a: intercept: the outcome's mean, 2.5 sds of the outcome, widened for
        #     predictors that are not centred
        a = pm.Normal(
            "a",
            mu=mean_y,
            sigma=2.5 * sd_y
            + 2.5 * sd_y * pt.abs(mean_female) / sd_female
            + 2.5 * sd_y * pt.abs(mean_sex_is_M) / sd_sex_is_M
            + 2.5 * sd_y * pt.abs(mean_x_above_0) / sd_x_above_0,
        )
        # default prior of e: slope on `z`: 2.5 sds of the outcome per sd of the predictor
        e = pm.Normal("e", mu=0, sigma=2.5 * sd_y / sd_z)
        # default prior of f: slope on `center(x^2)`: 2.5 sds of the outcome per sd of the predictor
        f = pm.Normal("f", mu=0, sigma=2.5 * sd_y / sd_center_x_squared)

        # model.hdsl:10  b, c, d ~ normal(0, 1)
        b = pm.Normal("b", mu=0, sigma=1)
        c = pm.Normal("c", mu=0, sigma=1)
        d = pm.Normal("d", mu=0, sigma=1)

        # model.hdsl:8  y ~ normal(a + b * female + c * (sex == "M") + d * (x > 0) + e * z + f *
        #     center(x^2), sigma)
        mu = a + b * female + c * sex_is_M + d * (x > 0) + e * z + f * center_x_squared
        pm.Normal("y", mu=mu, sigma=sigma, dims="row", observed=y)
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
