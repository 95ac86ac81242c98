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
    "Z": ["income", "squared"],
    "X": ["x", "w"],
    "[income, half = income / 2]": ["income", "half"],
}

# The levels over which a result varies.
DIMS = {
    "dev(alpha)": ("market",),
    "slope(alpha, Z)": ("Z",),
    "alpha": ("market",),
    "slope(beta, onehot(category))": ("onehot(category)",),
    "dev(beta)": ("store",),
    "beta": ("store",),
    "mean(theta)": ("X",),
    "sd(theta)": ("X",),
    "slope(theta, [income, half = income / 2])": ("X", "[income, half = income / 2]"),
    "slope(theta, wealth)": ("X",),
    "dev(theta)": ("market", "X"),
    "theta": ("market", "X"),
    "share": ("Z",),
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

    # model.hdsl:3  data income : real per market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:4  data category : factor per store
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:5  data Z = [income, squared = income^2] per market

    # model.hdsl:3  data income : real per market
    income = per_level(
        "market", "income", numbers, rows, tables, ["market"], coords["market"], market_of_row
    )
    Z = np.column_stack([income, income**2])
    free_slope_alpha_Z = np.full(len(coords["Z"]), True)
    free_slope_alpha_Z[0] = False
    Z_of_free_slope_alpha_Z = np.flatnonzero(free_slope_alpha_Z)

    # model.hdsl:2  data y, x, w : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")
    w = numbers(rows, "w")

    # model.hdsl:4  data category : factor per store
    category = per_level(
        "store", "category", labels, rows, tables, ["store"], coords["store"], store_of_row
    )

    # model.hdsl:6  data X = [x, w]
    X = np.column_stack([x, w])

    # model.hdsl:9  beta ~ store | onehot(category) with centered
    onehot_category, coords["onehot(category)"] = onehot("category", category, learned)

    # model.hdsl:10  theta[X] ~ market | [income, half = income / 2], wealth
    income_half_income_2 = np.column_stack([income, income / 2])

    # model.hdsl:11  data wealth from income : real per market
    wealth = per_level(
        "market", "income", numbers, rows, tables, ["market"], coords["market"], market_of_row
    )
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)
    mean_X = learn_each("mean(X)", np.nanmean, X, learned)
    sd_X = learn_each("sd(X)", sd, X, learned)
    sd_Z = learn_each("sd(Z)", sd, Z, learned)
    sd_income_half_income_2 = learn_each(
        "sd([income, half = income / 2])", sd, income_half_income_2, learned
    )
    sd_wealth = learn("sd(wealth)", sd, wealth, learned)

    return {
        "market_of_row": market_of_row,
        "store_of_row": store_of_row,
        "sd_y": sd_y,
        "mean_y": mean_y,
        "mean_x": mean_x,
        "sd_x": sd_x,
        "mean_X": mean_X,
        "sd_X": sd_X,
        "Z_of_free_slope_alpha_Z": Z_of_free_slope_alpha_Z,
        "sd_Z": sd_Z,
        "Z": Z,
        "onehot_category": onehot_category,
        "sd_income_half_income_2": sd_income_half_income_2,
        "sd_wealth": sd_wealth,
        "income_half_income_2": income_half_income_2,
        "wealth": wealth,
        "x": x,
        "X": X,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    n_Z = len(data["coords"]["Z"])
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    mean_X = data["mean_X"]
    sd_X = data["sd_X"]
    Z_of_free_slope_alpha_Z = data["Z_of_free_slope_alpha_Z"]
    sd_Z = data["sd_Z"]
    Z = data["Z"]
    onehot_category = data["onehot_category"]
    sd_income_half_income_2 = data["sd_income_half_income_2"]
    sd_wealth = data["sd_wealth"]
    income_half_income_2 = data["income_half_income_2"]
    wealth = data["wealth"]
    market_of_row = data["market_of_row"]
    store_of_row = data["store_of_row"]
    x = data["x"]
    X = data["X"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:7  y ~ normal(alpha + beta * x + X @ theta, sigma)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:8  alpha ~ market | Z
        # default prior of mean(alpha): intercept: the outcome's mean, 2.5 sds of the outcome,
        #     widened for predictors that are not centred
        mean_alpha = pm.Normal(
            "mean(alpha)",
            mu=mean_y,
            sigma=2.5 * sd_y
            + 2.5 * sd_y * pt.abs(mean_x) / sd_x
            + 2.5 * sd_y * pt.sqrt((mean_X / sd_X) @ (mean_X / sd_X)),
        )
        # default prior of sd(alpha): group sd: the scale of the intercept
        sd_alpha = pm.HalfNormal("sd(alpha)", sigma=2.5 * sd_y)
        z_alpha = pm.Normal("z(alpha)", mu=0, sigma=1, dims="market")
        dev_alpha = pm.Deterministic("dev(alpha)", sd_alpha * z_alpha, dims="market")

        # model.hdsl:13  slope(alpha, Z[income]) ~ normal(0, 2)
        slope_alpha_Z_income = pm.Normal("slope(alpha, Z[income])", mu=0, sigma=2)

        # model.hdsl:8  alpha ~ market | Z
        # default prior of slope(alpha, Z): group-level slope: the scale of `alpha` over the
        #     predictor's sd
        slope_alpha_Z_free = pm.Normal(
            "slope(alpha, Z) free",
            mu=0,
            sigma=2.5 * sd_y / sd_Z[Z_of_free_slope_alpha_Z],
            shape=len(Z_of_free_slope_alpha_Z),
        )
        slope_alpha_Z_full = pt.set_subtensor(
            pt.zeros(n_Z)[Z_of_free_slope_alpha_Z], slope_alpha_Z_free
        )
        slope_alpha_Z = pm.Deterministic(
            "slope(alpha, Z)",
            pt.set_subtensor(slope_alpha_Z_full[0], slope_alpha_Z_income),
            dims="Z",
        )
        alpha = pm.Deterministic("alpha", mean_alpha + Z @ slope_alpha_Z + dev_alpha, dims="market")

        # model.hdsl:9  beta ~ store | onehot(category) with centered
        # default prior of mean(beta): slope on `x`: 2.5 sds of the outcome per sd of the predictor
        mean_beta = pm.Normal("mean(beta)", mu=0, sigma=2.5 * sd_y / sd_x)
        # default prior of sd(beta): group sd: the scale of the slope on `x`
        sd_beta = pm.HalfNormal("sd(beta)", sigma=2.5 * sd_y / sd_x)

        # model.hdsl:12  slope(beta, onehot(category)) ~ normal(0, 1)
        slope_beta_onehot_category = pm.Normal(
            "slope(beta, onehot(category))", mu=0, sigma=1, dims="onehot(category)"
        )

        # model.hdsl:9  beta ~ store | onehot(category) with centered
        centred_beta = pm.Normal(
            "centred(beta)",
            mu=mean_beta + onehot_category @ slope_beta_onehot_category,
            sigma=sd_beta,
            dims="store",
        )
        pm.Deterministic(
            "dev(beta)",
            centred_beta - (mean_beta + onehot_category @ slope_beta_onehot_category),
            dims="store",
        )
        beta = pm.Deterministic("beta", centred_beta, dims="store")

        # model.hdsl:10  theta[X] ~ market | [income, half = income / 2], wealth
        # default prior of mean(theta): slope on `X`: 2.5 sds of the outcome per sd of the predictor
        mean_theta = pm.Normal("mean(theta)", mu=0, sigma=2.5 * sd_y / sd_X, dims="X")
        # default prior of sd(theta): group sd: the scale of the slope on `X`
        sd_theta = pm.HalfNormal("sd(theta)", sigma=2.5 * sd_y / sd_X, dims="X")
        # default prior of slope(theta, [income, half = income / 2]): group-level slope: the scale
        #     of `theta` over the predictor's sd
        slope_theta_income_half_income_2 = pm.Normal(
            "slope(theta, [income, half = income ∕ 2])",
            mu=0,
            sigma=2.5 * sd_y / sd_X[:, None] / sd_income_half_income_2,
            dims=("X", "[income, half = income / 2]"),
        )
        # default prior of slope(theta, wealth): group-level slope: the scale of `theta` over the
        #     predictor's sd
        slope_theta_wealth = pm.Normal(
            "slope(theta, wealth)", mu=0, sigma=2.5 * sd_y / sd_X / sd_wealth, dims="X"
        )
        z_theta = pm.Normal("z(theta)", mu=0, sigma=1, dims=("market", "X"))
        dev_theta = pm.Deterministic("dev(theta)", sd_theta * z_theta, dims=("market", "X"))
        theta = pm.Deterministic(
            "theta",
            mean_theta
            + (income_half_income_2[:, None, :] * slope_theta_income_half_income_2).sum(axis=-1)
            + slope_theta_wealth * wealth[:, None]
            + dev_theta,
            dims=("market", "X"),
        )

        # model.hdsl:14  share = slope(alpha, Z) / sd(alpha)
        pm.Deterministic("share", slope_alpha_Z / sd_alpha, dims="Z")

        # model.hdsl:7  y ~ normal(alpha + beta * x + X @ theta, sigma)
        mu = (
            alpha[market_of_row]
            + beta[store_of_row] * x
            + (X * theta[market_of_row, :]).sum(axis=-1)
        )
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
