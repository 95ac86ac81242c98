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
COORDS = {}

# The levels over which a result varies.
DIMS = {
    "dev(alpha)": ("market",),
    "dev(beta)": ("market",),
    "dev(gamma)": ("market",),
    "alpha": ("market",),
    "beta": ("market",),
    "gamma": ("market",),
    "dev(log(sigma))": ("market",),
    "sigma": ("market",),
    "mean(theta)": ("sex",),
    "sd(theta)": ("sex",),
    "cor(theta)": ("sex", "sex_2"),
    "dev(theta)": ("store", "sex"),
    "theta": ("store", "sex"),
    "new(theta)": ("sex",),
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

    # model.hdsl:2  data income : real per market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:7  theta[sex] ~ store
    coords["sex"], sex_of_row = groups("sex", labels(rows, "sex"), learned)
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)
    coords["sex_2"] = coords["sex"]

    # model.hdsl:1  data y, x, w : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")
    w = numbers(rows, "w")

    # model.hdsl:2  data income : real per market
    income = per_level(
        "market", "income", numbers, rows, tables, ["market"], coords["market"], market_of_row
    )
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    sd_y = learn("sd(y)", sd, y, learned)
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)
    mean_w = learn("mean(w)", np.nanmean, w, learned)
    sd_w = learn("sd(w)", sd, w, learned)
    sd_income = learn("sd(income)", sd, income, learned)
    mean_income = learn("mean(income)", np.nanmean, income, learned)
    sex_F = position(coords["sex"], "sex", "F")

    return {
        "market_of_row": market_of_row,
        "sex_of_row": sex_of_row,
        "store_of_row": store_of_row,
        "mean_y": mean_y,
        "sd_y": sd_y,
        "mean_x": mean_x,
        "sd_x": sd_x,
        "mean_w": mean_w,
        "sd_w": sd_w,
        "sd_income": sd_income,
        "income": income,
        "mean_income": mean_income,
        "sex_F": sex_F,
        "x": x,
        "w": w,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    n_sex = len(data["coords"]["sex"])
    mean_y = data["mean_y"]
    sd_y = data["sd_y"]
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    mean_w = data["mean_w"]
    sd_w = data["sd_w"]
    sd_income = data["sd_income"]
    income = data["income"]
    mean_income = data["mean_income"]
    sex_F = data["sex_F"]
    market_of_row = data["market_of_row"]
    x = data["x"]
    w = data["w"]
    store_of_row = data["store_of_row"]
    sex_of_row = data["sex_of_row"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:5  alpha, beta, gamma ~ market | income
        # default prior of mean(alpha): intercept: the outcome's mean, 2.5 sds of the outcome,
        #     widened for predictors that are not centred
        mean_alpha = pm.Normal(
            "mean(alpha)",
            mu=mean_y,
            sigma=2.5 * sd_y
            + 2.5 * sd_y * pt.abs(mean_x) / sd_x
            + 2.5 * sd_y * pt.abs(mean_w) / sd_w,
        )
        # default prior of sd(alpha): group sd: the scale of the intercept
        sd_alpha = pm.HalfNormal("sd(alpha)", sigma=2.5 * sd_y)
        # default prior of slope(alpha, income): group-level slope: the scale of `alpha` over the
        #     predictor's sd
        slope_alpha_income = pm.Normal("slope(alpha, income)", mu=0, sigma=2.5 * sd_y / sd_income)
        # default prior of mean(beta): slope on `x`: 2.5 sds of the outcome per sd of the predictor
        mean_beta = pm.Normal("mean(beta)", mu=0, sigma=2.5 * sd_y / sd_x)
        # default prior of sd(beta): group sd: the scale of the slope on `x`
        sd_beta = pm.HalfNormal("sd(beta)", sigma=2.5 * sd_y / sd_x)
        # default prior of slope(beta, income): group-level slope: the scale of `beta` over the
        #     predictor's sd
        slope_beta_income = pm.Normal(
            "slope(beta, income)", mu=0, sigma=2.5 * sd_y / sd_x / sd_income
        )
        # default prior of mean(gamma): slope on `w`: 2.5 sds of the outcome per sd of the predictor
        mean_gamma = pm.Normal("mean(gamma)", mu=0, sigma=2.5 * sd_y / sd_w)
        # default prior of sd(gamma): group sd: the scale of the slope on `w`
        sd_gamma = pm.HalfNormal("sd(gamma)", sigma=2.5 * sd_y / sd_w)
        # default prior of slope(gamma, income): group-level slope: the scale of `gamma` over the
        #     predictor's sd
        slope_gamma_income = pm.Normal(
            "slope(gamma, income)", mu=0, sigma=2.5 * sd_y / sd_w / sd_income
        )
        # default prior of cor(alpha, beta, gamma): correlations: lkj(2)
        cholesky_alpha_beta_gamma = pm.LKJCorr("cholesky(alpha, beta, gamma)", n=3, eta=2)
        cor_alpha_beta_gamma = cholesky_alpha_beta_gamma @ cholesky_alpha_beta_gamma.T
        pm.Deterministic("cor(alpha, beta)", cor_alpha_beta_gamma[0, 1])
        pm.Deterministic("cor(alpha, gamma)", cor_alpha_beta_gamma[0, 2])
        pm.Deterministic("cor(beta, gamma)", cor_alpha_beta_gamma[1, 2])
        z_alpha = pm.Normal("z(alpha)", mu=0, sigma=1, dims="market")
        z_beta = pm.Normal("z(beta)", mu=0, sigma=1, dims="market")
        z_gamma = pm.Normal("z(gamma)", mu=0, sigma=1, dims="market")
        correlated_market = (
            pt.stack([z_alpha, z_beta, z_gamma], axis=-1) @ cholesky_alpha_beta_gamma.T
        )
        dev_alpha = pm.Deterministic(
            "dev(alpha)", sd_alpha * correlated_market[:, 0], dims="market"
        )
        dev_beta = pm.Deterministic("dev(beta)", sd_beta * correlated_market[:, 1], dims="market")
        dev_gamma = pm.Deterministic(
            "dev(gamma)", sd_gamma * correlated_market[:, 2], dims="market"
        )
        alpha = pm.Deterministic(
            "alpha", mean_alpha + slope_alpha_income * income + dev_alpha, dims="market"
        )
        beta = pm.Deterministic(
            "beta", mean_beta + slope_beta_income * income + dev_beta, dims="market"
        )
        gamma = pm.Deterministic(
            "gamma", mean_gamma + slope_gamma_income * income + dev_gamma, dims="market"
        )

        # model.hdsl:6  log(sigma) ~ market
        # default prior of mean(log(sigma)): log residual scale
        mean_log_sigma = pm.Normal("mean(log(sigma))", mu=pt.log(sd_y), sigma=1)
        # default prior of sd(log(sigma)): group sd: the scale of the log residual scale
        sd_log_sigma = pm.HalfNormal("sd(log(sigma))", sigma=1)
        z_log_sigma = pm.Normal("z(log(sigma))", mu=0, sigma=1, dims="market")
        dev_log_sigma = pm.Deterministic(
            "dev(log(sigma))", sd_log_sigma * z_log_sigma, dims="market"
        )
        sigma = pm.Deterministic("sigma", pt.exp(mean_log_sigma + dev_log_sigma), dims="market")

        # model.hdsl:7  theta[sex] ~ store
        # default prior of mean(theta): intercept: the outcome's mean, 2.5 sds of the outcome,
        #     widened for predictors that are not centred
        mean_theta = pm.Normal(
            "mean(theta)",
            mu=mean_y,
            sigma=2.5 * sd_y
            + 2.5 * sd_y * pt.abs(mean_x) / sd_x
            + 2.5 * sd_y * pt.abs(mean_w) / sd_w,
            dims="sex",
        )
        # default prior of sd(theta): group sd: the scale of the intercept
        sd_theta = pm.HalfNormal("sd(theta)", sigma=2.5 * sd_y, dims="sex")
        cholesky_theta = pm.LKJCorr("cholesky(theta)", n=n_sex, eta=2)
        pm.Deterministic("cor(theta)", cholesky_theta @ cholesky_theta.T, dims=("sex", "sex_2"))
        z_theta = pm.Normal("z(theta)", mu=0, sigma=1, dims=("store", "sex"))
        dev_theta = pm.Deterministic(
            "dev(theta)", sd_theta * (z_theta @ cholesky_theta.T), dims=("store", "sex")
        )
        theta = pm.Deterministic("theta", mean_theta + dev_theta, dims=("store", "sex"))

        # model.hdsl:10  falls = (new(beta) < 0)
        z_new_alpha = pm.Normal("z(new(alpha))", mu=0, sigma=1)
        z_new_beta = pm.Normal("z(new(beta))", mu=0, sigma=1)
        z_new_gamma = pm.Normal("z(new(gamma))", mu=0, sigma=1)
        new_beta = pm.Deterministic(
            "new(beta)",
            mean_beta
            + slope_beta_income * mean_income
            + sd_beta
            * (
                pt.stack([z_new_alpha, z_new_beta, z_new_gamma], axis=-1)
                @ cholesky_alpha_beta_gamma.T
            )[..., 1],
        )
        pm.Deterministic("falls", 1.0 * (new_beta < 0))

        # model.hdsl:11  hypothetical = new(alpha) + new(gamma) * 1.2
        new_alpha = pm.Deterministic(
            "new(alpha)",
            mean_alpha
            + slope_alpha_income * mean_income
            + sd_alpha
            * (
                pt.stack([z_new_alpha, z_new_beta, z_new_gamma], axis=-1)
                @ cholesky_alpha_beta_gamma.T
            )[..., 0],
        )
        new_gamma = pm.Deterministic(
            "new(gamma)",
            mean_gamma
            + slope_gamma_income * mean_income
            + sd_gamma
            * (
                pt.stack([z_new_alpha, z_new_beta, z_new_gamma], axis=-1)
                @ cholesky_alpha_beta_gamma.T
            )[..., 2],
        )
        pm.Deterministic("hypothetical", new_alpha + new_gamma * 1.2)

        # model.hdsl:12  spread = new(sigma) * new(theta["F"])
        z_new_log_sigma = pm.Normal("z(new(log(sigma)))", mu=0, sigma=1)
        z_new_theta = pm.Normal("z(new(theta))", mu=0, sigma=1, dims="sex")
        new_sigma = pm.Deterministic(
            "new(sigma)", pt.exp(mean_log_sigma + sd_log_sigma * z_new_log_sigma)
        )
        new_theta = pm.Deterministic(
            "new(theta)", mean_theta + sd_theta * (z_new_theta @ cholesky_theta.T), dims="sex"
        )
        pm.Deterministic("spread", new_sigma * new_theta[sex_F])

        # model.hdsl:4  y ~ normal(alpha + beta * x + gamma * w + theta, sigma)
        mu = (
            alpha[market_of_row]
            + beta[market_of_row] * x
            + gamma[market_of_row] * w
            + theta[store_of_row, sex_of_row]
        )
        pm.Normal("y", mu=mu, sigma=sigma[market_of_row], dims="row", observed=y)
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


def sd(values):
    """The standard deviation with divisor n - 1, of the values that are known."""
    return np.nanstd(values, ddof=1)


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
