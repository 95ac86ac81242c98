"""The model of model.hdsl.

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
COORDS = {
    "X": ["x", "w", "x * w"],
}

# The levels over which a result varies.
DIMS = {
    "mean(theta)": ("X",),
    "sd(theta)": ("X",),
    "cor(theta)": ("X", "X_2"),
    "dev(theta)": ("store", "X"),
    "theta": ("store", "X"),
    "sd(eta)": ("X",),
    "cor(eta)": ("X", "X_2"),
    "dev(eta)": ("market", "X"),
    "eta": ("market", "X"),
    "c": ("row",),
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

    # model.hdsl:6  theta[X] ~ store
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:8  eta[X] ~ 0 + market with centered
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:4  data X = [x, w, x * w]

    # model.hdsl:3  data x, w : real
    x = numbers(rows, "x")
    w = numbers(rows, "w")
    X = np.column_stack([x, w, x * w])
    coords["X_2"] = coords["X"]

    # model.hdsl:2  data c : count
    c = outcome(rows, "c", numbers, len(row), is_training)
    if is_training:
        observed("c", c)

    # Numbers that the training data teach
    sd_X = learn_each("sd(X)", sd, X, learned)

    return {
        "store_of_row": store_of_row,
        "market_of_row": market_of_row,
        "sd_X": sd_X,
        "X": X,
        "c": c,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    n_X = len(data["coords"]["X"])
    n_market = len(data["coords"]["market"])
    sd_X = data["sd_X"]
    X = data["X"]
    store_of_row = data["store_of_row"]
    market_of_row = data["market_of_row"]
    c = data["c"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:6  theta[X] ~ store
        # default prior of mean(theta): slope on `X`: 2.5 on the link scale per sd of the predictor
        mean_theta = pm.Normal("mean(theta)", mu=0, sigma=2.5 / sd_X, dims="X")
        # default prior of sd(theta): group sd: the scale of the slope on `X`
        sd_theta = pm.HalfNormal("sd(theta)", sigma=2.5 / sd_X, dims="X")
        cholesky_theta = pm.LKJCorr("cholesky(theta)", n=n_X, eta=2)
        pm.Deterministic("cor(theta)", cholesky_theta @ cholesky_theta.T, dims=("X", "X_2"))
        z_theta = pm.Normal("z(theta)", mu=0, sigma=1, dims=("store", "X"))
        dev_theta = pm.Deterministic(
            "dev(theta)", sd_theta * (z_theta @ cholesky_theta.T), dims=("store", "X")
        )
        theta = pm.Deterministic("theta", mean_theta + dev_theta, dims=("store", "X"))

        # model.hdsl:8  eta[X] ~ 0 + market with centered
        # default prior of sd(eta): group sd: the scale of the slope on `X`
        sd_eta = pm.HalfNormal("sd(eta)", sigma=2.5 / sd_X, dims="X")
        cholesky_eta = pm.LKJCorr("cholesky(eta)", n=n_X, eta=1)
        pm.Deterministic("cor(eta)", cholesky_eta @ cholesky_eta.T, dims=("X", "X_2"))
        centred_eta = pm.MvNormal(
            "centred(eta)", mu=0, chol=sd_eta[..., None] * cholesky_eta, shape=(n_market, n_X)
        )
        dev_eta = pm.Deterministic("dev(eta)", centred_eta, dims=("market", "X"))
        eta = pm.Deterministic("eta", dev_eta, dims=("market", "X"))

        # model.hdsl:5  c ~ poisson(log_mu = X @ theta + X @ eta)
        log_mu = (X * theta[store_of_row, :]).sum(axis=-1) + (X * eta[market_of_row, :]).sum(
            axis=-1
        )
        pm.Poisson("c", mu=pt.exp(log_mu), dims="row", observed=c)
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
