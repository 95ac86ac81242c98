"""The model of model.hdsl.

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
    "b": ("row",),
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

    # model.hdsl:1  data b : binary
    b = outcome(rows, "b", flags, len(row), is_training)

    # model.hdsl:2  data x : real
    x = numbers(rows, "x")
    if is_training:
        observed("b", b)

    # Numbers that the training data teach
    mean_b = learn("mean(b)", np.nanmean, b, learned)
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)

    return {
        "mean_b": mean_b,
        "mean_x": mean_x,
        "sd_x": sd_x,
        "x": x,
        "b": b,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    mean_b = data["mean_b"]
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    x = data["x"]
    b = data["b"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:5  a ~ 1
        # default prior of a: intercept: the outcome's mean, 2.5 on the link scale, widened for
        #     predictors that are not centred
        a = pm.Normal(
            "a",
            mu=-np.sqrt(2.0) * pt.erfcinv(2.0 * pt.clip(mean_b, 0.01, 0.99)),
            sigma=2.5 + 2.5 * pt.abs(mean_x) / sd_x,
        )

        # model.hdsl:6  s ~ 1
        # default prior of s: slope on `x`: 2.5 on the link scale per sd of the predictor
        s = pm.Normal("s", mu=0, sigma=2.5 / sd_x)

        # model.hdsl:4  probit(p) = a + s * x
        probit_p = a + s * x

        # model.hdsl:3  b ~ bernoulli(p)
        pm.Bernoulli(
            "b",
            logit_p=log_normal_cdf(probit_p) - log_normal_cdf(-probit_p),
            dims="row",
            observed=b,
        )
    return model


def log_normal_cdf(x):
    """Log of the standard normal distribution function, accurate in both tails."""
    left, right = pt.minimum(x, 0.0), pt.maximum(x, 0.0)
    below = pt.log(0.5 * pt.erfcx(-left / np.sqrt(2.0))) - 0.5 * left**2
    above = pt.log1p(-0.5 * pt.erfc(right / np.sqrt(2.0)))
    return pt.switch(pt.lt(x, 0.0), below, above)


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
