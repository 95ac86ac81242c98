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
    "X": ["b", "x", "w"],
}

# The levels over which a result varies.
DIMS = {
    "mean(theta)": ("X",),
    "sd(theta)": ("X",),
    "dev(theta)": ("store", "X"),
    "theta": ("store", "X"),
    "eta": ("X",),
    "nu": ("X",),
    "alpha": ("sex",),
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

    # model.hdsl:6  theta[X] ~ store
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:17  alpha[sex] ~ normal(0, 1)
    coords["sex"], sex_of_row = groups("sex", labels(rows, "sex"), learned)

    # model.hdsl:4  data X = [b, x, w]

    # model.hdsl:3  data b : binary
    b = flags(rows, "b")

    # model.hdsl:2  data y, x, w : real
    x = numbers(rows, "x")
    w = numbers(rows, "w")
    X = np.column_stack([b, x, w])
    free_mean_theta = np.full(len(coords["X"]), True)
    free_mean_theta[1] = False
    X_of_free_mean_theta = np.flatnonzero(free_mean_theta)
    free_sd_theta = np.full(len(coords["X"]), True)
    free_sd_theta[0] = False
    free_sd_theta[2] = False
    X_of_free_sd_theta = np.flatnonzero(free_sd_theta)
    free_eta = np.full(len(coords["X"]), True)
    free_eta[0] = False
    X_of_free_eta = np.flatnonzero(free_eta)
    free_alpha = np.full(len(coords["sex"]), True)
    sex_F = position(coords["sex"], "sex", "F")
    free_alpha[sex_F] = False
    sex_of_free_alpha = np.flatnonzero(free_alpha)
    y = outcome(rows, "y", numbers, len(row), is_training)
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    sd_X = learn_each("sd(X)", sd, X, learned)

    return {
        "store_of_row": store_of_row,
        "sex_of_row": sex_of_row,
        "sd_y": sd_y,
        "X_of_free_mean_theta": X_of_free_mean_theta,
        "sd_X": sd_X,
        "X_of_free_sd_theta": X_of_free_sd_theta,
        "X_of_free_eta": X_of_free_eta,
        "sex_of_free_alpha": sex_of_free_alpha,
        "sex_F": sex_F,
        "X": X,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    n_X = len(data["coords"]["X"])
    n_sex = len(data["coords"]["sex"])
    sd_y = data["sd_y"]
    X_of_free_mean_theta = data["X_of_free_mean_theta"]
    sd_X = data["sd_X"]
    X_of_free_sd_theta = data["X_of_free_sd_theta"]
    X_of_free_eta = data["X_of_free_eta"]
    sex_of_free_alpha = data["sex_of_free_alpha"]
    sex_F = data["sex_F"]
    X = data["X"]
    store_of_row = data["store_of_row"]
    sex_of_row = data["sex_of_row"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:5  y ~ normal(X @ theta + X @ eta + X @ nu + alpha, sigma)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:7  mean(theta[x]) ~ normal(-1, 1)
        mean_theta_x = pm.Normal("mean(theta[x])", mu=-1, sigma=1)

        # model.hdsl:6  theta[X] ~ store
        # default prior of mean(theta): slope on `X`: 2.5 sds of the outcome per sd of the predictor
        mean_theta_free = pm.Normal(
            "mean(theta) free",
            mu=0,
            sigma=2.5 * sd_y / sd_X[X_of_free_mean_theta],
            shape=len(X_of_free_mean_theta),
        )
        mean_theta_full = pt.set_subtensor(pt.zeros(n_X)[X_of_free_mean_theta], mean_theta_free)
        mean_theta = pm.Deterministic(
            "mean(theta)", pt.set_subtensor(mean_theta_full[1], mean_theta_x), dims="X"
        )

        # model.hdsl:9  log(sd(theta[w])) ~ normal(0, 1)
        log_sd_theta_w = pm.Normal("log(sd(theta[w]))", mu=0, sigma=1)
        sd_theta_w = pm.Deterministic("sd(theta[w])", pt.exp(log_sd_theta_w))

        # model.hdsl:6  theta[X] ~ store
        # default prior of sd(theta): group sd: the scale of the slope on `X`
        sd_theta_free = pm.HalfNormal(
            "sd(theta) free",
            sigma=2.5 * sd_y / sd_X[X_of_free_sd_theta],
            shape=len(X_of_free_sd_theta),
        )
        sd_theta_full = pt.set_subtensor(pt.zeros(n_X)[X_of_free_sd_theta], sd_theta_free)
        sd_theta_full = pt.set_subtensor(sd_theta_full[0], 0.1)
        sd_theta = pm.Deterministic(
            "sd(theta)", pt.set_subtensor(sd_theta_full[2], sd_theta_w), dims="X"
        )
        z_theta = pm.Normal("z(theta)", mu=0, sigma=1, dims=("store", "X"))
        dev_theta = pm.Deterministic("dev(theta)", sd_theta * z_theta, dims=("store", "X"))
        theta = pm.Deterministic("theta", mean_theta + dev_theta, dims=("store", "X"))

        # model.hdsl:11  eta[b] ~ normal(2, 1)
        eta_b = pm.Normal("eta[b]", mu=2, sigma=1)

        # model.hdsl:12  tau ~ exponential(1)
        tau = pm.Exponential("tau", lam=1)

        # model.hdsl:10  eta[X] ~ normal(0, tau)
        eta_free = pm.Normal("eta free", mu=0, sigma=tau, shape=len(X_of_free_eta))
        eta_full = pt.set_subtensor(pt.zeros(n_X)[X_of_free_eta], eta_free)
        eta = pm.Deterministic("eta", pt.set_subtensor(eta_full[0], eta_b), dims="X")

        # model.hdsl:14  nu["b"] ~ normal(0, 1)
        nu_b = pm.Normal('nu["b"]', mu=0, sigma=1)

        # model.hdsl:16  nu[w] ~ normal(-1, 1)
        nu_w = pm.Normal("nu[w]", mu=-1, sigma=1)

        # model.hdsl:13  nu[X] ~ normal(0, 1)
        nu = pm.Deterministic("nu", pt.stack([nu_b, 1, nu_w], axis=-1), dims="X")

        # model.hdsl:18  alpha["F"] ~ normal(3, 1)
        alpha_F = pm.Normal('alpha["F"]', mu=3, sigma=1)

        # model.hdsl:17  alpha[sex] ~ normal(0, 1)
        alpha_free = pm.Normal("alpha free", mu=0, sigma=1, shape=len(sex_of_free_alpha))
        alpha_full = pt.set_subtensor(pt.zeros(n_sex)[sex_of_free_alpha], alpha_free)
        alpha = pm.Deterministic("alpha", pt.set_subtensor(alpha_full[sex_F], alpha_F), dims="sex")

        # model.hdsl:5  y ~ normal(X @ theta + X @ eta + X @ nu + alpha, sigma)
        mu = (X * theta[store_of_row, :]).sum(axis=-1) + X @ eta + X @ nu + alpha[sex_of_row]
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


def position(groups, level, label):
    """The number of the group that has a label."""
    if label not in groups:
        raise ValueError(f"level {level!r} has no group {label!r}")
    return groups.index(label)


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
