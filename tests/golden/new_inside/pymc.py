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
    "dev(alpha, market)": ("market",),
    "dev(beta, market)": ("market",),
    "dev(alpha, store)": ("store",),
    "dev(beta, store)": ("store",),
    "alpha[market]": ("market",),
    "alpha": ("store",),
    "beta[market]": ("market",),
    "beta": ("store",),
    "dev(week_effect, week)": ("week",),
    "dev(week_effect, category)": ("category",),
    "week_effect[week]": ("week",),
    "week_effect[category]": ("category",),
    "new(alpha, market)": ("market",),
    "new(beta, market)": ("market",),
    "inside": ("market",),
    "new(week_effect, category)": ("category",),
    "next_week": ("category",),
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

    # model.hdsl:1  level store in market
    coords["market"], market_of_row = groups(
        "market", looked_up(rows, "market", tables, ("store", "store")), learned
    )
    coords["store"], store_of_row = groups(
        "store",
        nested("store", labels(rows, "store"), learned, np.array(coords["market"])[market_of_row]),
        learned,
    )

    # model.hdsl:7  week_effect ~ 0 + week + category
    coords["week"], week_of_row = groups("week", labels(rows, "week"), learned)
    coords["category"], category_of_row = groups("category", labels(rows, "category"), learned)
    market_of_store = group_of_each("market of store", market_of_row, store_of_row, learned)

    # model.hdsl:2  data y, x : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")

    # model.hdsl:3  data income : real per market
    income = per_level(
        "market", "income", numbers, rows, tables, ["market"], coords["market"], market_of_row
    )
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    mean_y = learn("mean(y)", np.nanmean, y, learned)
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)
    sd_income = learn("sd(income)", sd, income, learned)
    mean_income = learn("mean(income)", np.nanmean, income, learned)

    return {
        "market_of_row": market_of_row,
        "store_of_row": store_of_row,
        "week_of_row": week_of_row,
        "category_of_row": category_of_row,
        "sd_y": sd_y,
        "mean_y": mean_y,
        "mean_x": mean_x,
        "sd_x": sd_x,
        "sd_income": sd_income,
        "income": income,
        "market_of_store": market_of_store,
        "mean_income": mean_income,
        "x": x,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    sd_y = data["sd_y"]
    mean_y = data["mean_y"]
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    sd_income = data["sd_income"]
    income = data["income"]
    market_of_store = data["market_of_store"]
    mean_income = data["mean_income"]
    store_of_row = data["store_of_row"]
    x = data["x"]
    week_of_row = data["week_of_row"]
    category_of_row = data["category_of_row"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:5  y ~ normal(alpha + beta * x + week_effect, sigma)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:6  alpha, beta ~ market / store | income
        # default prior of mean(alpha): intercept: the outcome's mean, 2.5 sds of the outcome,
        #     widened for predictors that are not centred
        mean_alpha = pm.Normal(
            "mean(alpha)", mu=mean_y, sigma=2.5 * sd_y + 2.5 * sd_y * pt.abs(mean_x) / sd_x
        )
        # default prior of sd(alpha, market): group sd: the scale of the intercept
        sd_alpha_market = pm.HalfNormal("sd(alpha, market)", sigma=2.5 * sd_y)
        # default prior of sd(alpha, store): group sd: the scale of the intercept
        sd_alpha_store = pm.HalfNormal("sd(alpha, store)", sigma=2.5 * sd_y)
        # default prior of slope(alpha, income): group-level slope: the scale of `alpha` over the
        #     predictor's sd
        slope_alpha_income = pm.Normal("slope(alpha, income)", mu=0, sigma=2.5 * sd_y / sd_income)
        # default prior of mean(beta): slope on `x`: 2.5 sds of the outcome per sd of the predictor
        mean_beta = pm.Normal("mean(beta)", mu=0, sigma=2.5 * sd_y / sd_x)
        # default prior of sd(beta, market): group sd: the scale of the slope on `x`
        sd_beta_market = pm.HalfNormal("sd(beta, market)", sigma=2.5 * sd_y / sd_x)
        # default prior of sd(beta, store): group sd: the scale of the slope on `x`
        sd_beta_store = pm.HalfNormal("sd(beta, store)", sigma=2.5 * sd_y / sd_x)
        # default prior of slope(beta, income): group-level slope: the scale of `beta` over the
        #     predictor's sd
        slope_beta_income = pm.Normal(
            "slope(beta, income)", mu=0, sigma=2.5 * sd_y / sd_x / sd_income
        )
        # default prior of cor(alpha, beta, market): correlations: lkj(2)
        cor_alpha_beta_market_unit = pm.Beta("cor(alpha, beta, market) unit", alpha=2, beta=2)
        cor_alpha_beta_market = pm.Deterministic(
            "cor(alpha, beta, market)", 2 * cor_alpha_beta_market_unit - 1
        )
        # default prior of cor(alpha, beta, store): correlations: lkj(2)
        cor_alpha_beta_store_unit = pm.Beta("cor(alpha, beta, store) unit", alpha=2, beta=2)
        cor_alpha_beta_store = pm.Deterministic(
            "cor(alpha, beta, store)", 2 * cor_alpha_beta_store_unit - 1
        )
        z_alpha_market = pm.Normal("z(alpha, market)", mu=0, sigma=1, dims="market")
        z_beta_market = pm.Normal("z(beta, market)", mu=0, sigma=1, dims="market")
        dev_alpha_market = pm.Deterministic(
            "dev(alpha, market)", sd_alpha_market * z_alpha_market, dims="market"
        )
        dev_beta_market = pm.Deterministic(
            "dev(beta, market)",
            sd_beta_market
            * (
                cor_alpha_beta_market * z_alpha_market
                + pt.sqrt(1 - cor_alpha_beta_market**2) * z_beta_market
            ),
            dims="market",
        )
        z_alpha_store = pm.Normal("z(alpha, store)", mu=0, sigma=1, dims="store")
        z_beta_store = pm.Normal("z(beta, store)", mu=0, sigma=1, dims="store")
        dev_alpha_store = pm.Deterministic(
            "dev(alpha, store)", sd_alpha_store * z_alpha_store, dims="store"
        )
        dev_beta_store = pm.Deterministic(
            "dev(beta, store)",
            sd_beta_store
            * (
                cor_alpha_beta_store * z_alpha_store
                + pt.sqrt(1 - cor_alpha_beta_store**2) * z_beta_store
            ),
            dims="store",
        )
        alpha_market = pm.Deterministic(
            "alpha[market]",
            mean_alpha + slope_alpha_income * income + dev_alpha_market,
            dims="market",
        )
        alpha = pm.Deterministic(
            "alpha", alpha_market[market_of_store] + dev_alpha_store, dims="store"
        )
        beta_market = pm.Deterministic(
            "beta[market]", mean_beta + slope_beta_income * income + dev_beta_market, dims="market"
        )
        beta = pm.Deterministic("beta", beta_market[market_of_store] + dev_beta_store, dims="store")

        # model.hdsl:7  week_effect ~ 0 + week + category
        # default prior of sd(week_effect, week): group sd: the scale of the intercept
        sd_week_effect_week = pm.HalfNormal("sd(week_effect, week)", sigma=2.5 * sd_y)
        # default prior of sd(week_effect, category): group sd: the scale of the intercept
        sd_week_effect_category = pm.HalfNormal("sd(week_effect, category)", sigma=2.5 * sd_y)
        z_week_effect_week = pm.Normal("z(week_effect, week)", mu=0, sigma=1, dims="week")
        dev_week_effect_week = pm.Deterministic(
            "dev(week_effect, week)", sd_week_effect_week * z_week_effect_week, dims="week"
        )
        z_week_effect_category = pm.Normal(
            "z(week_effect, category)", mu=0, sigma=1, dims="category"
        )
        dev_week_effect_category = pm.Deterministic(
            "dev(week_effect, category)",
            sd_week_effect_category * z_week_effect_category,
            dims="category",
        )
        pm.Deterministic("week_effect[week]", dev_week_effect_week, dims="week")
        pm.Deterministic("week_effect[category]", dev_week_effect_category, dims="category")

        # model.hdsl:9  inside = new(alpha, market) + new(beta, market)
        z_new_alpha_store_in_market = pm.Normal(
            "z(new(alpha, store) in market)", mu=0, sigma=1, dims="market"
        )
        z_new_beta_store_in_market = pm.Normal(
            "z(new(beta, store) in market)", mu=0, sigma=1, dims="market"
        )
        new_alpha_market = pm.Deterministic(
            "new(alpha, market)",
            mean_alpha
            + slope_alpha_income * income
            + dev_alpha_market
            + sd_alpha_store * z_new_alpha_store_in_market,
            dims="market",
        )
        new_beta_market = pm.Deterministic(
            "new(beta, market)",
            mean_beta
            + slope_beta_income * income
            + dev_beta_market
            + sd_beta_store
            * (
                cor_alpha_beta_store * z_new_alpha_store_in_market
                + pt.sqrt(1 - cor_alpha_beta_store**2) * z_new_beta_store_in_market
            ),
            dims="market",
        )
        pm.Deterministic("inside", new_alpha_market + new_beta_market, dims="market")

        # model.hdsl:10  anywhere = new(alpha)
        z_new_alpha_market = pm.Normal("z(new(alpha, market))", mu=0, sigma=1)
        z_new_alpha_store = pm.Normal("z(new(alpha, store))", mu=0, sigma=1)
        new_alpha = pm.Deterministic(
            "new(alpha)",
            mean_alpha
            + slope_alpha_income * mean_income
            + sd_alpha_market * z_new_alpha_market
            + sd_alpha_store * z_new_alpha_store,
        )
        pm.Deterministic("anywhere", new_alpha)

        # model.hdsl:11  next_week = new(week_effect, category)
        z_new_week_effect_week_in_category = pm.Normal(
            "z(new(week_effect, week) in category)", mu=0, sigma=1, dims="category"
        )
        new_week_effect_category = pm.Deterministic(
            "new(week_effect, category)",
            dev_week_effect_category + sd_week_effect_week * z_new_week_effect_week_in_category,
            dims="category",
        )
        pm.Deterministic("next_week", new_week_effect_category, dims="category")

        # model.hdsl:7  week_effect ~ 0 + week + category
        week_effect = dev_week_effect_week[week_of_row] + dev_week_effect_category[category_of_row]

        # model.hdsl:5  y ~ normal(alpha + beta * x + week_effect, sigma)
        mu = alpha[store_of_row] + beta[store_of_row] * x + week_effect
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


def nested(level, names, learned, *parents):
    """Labels of groups inside others: their own where unique, else `parent:child`."""
    inside = np.array([":".join(path) for path in zip(*parents, names)])
    own, counts = np.unique(names[np.unique(inside, return_index=True)[1]], return_counts=True)
    repeated = np.setdiff1d(own[counts > 1], learned.get(level, []))
    alone = learned.setdefault(f"{level} by label alone", not repeated.size)
    return np.where(np.isin(names, repeated), inside, names) if alone else inside


def group_of_each(name, coarse, fine, learned):
    """For every group of a finer level, the number of its group of a coarser one."""
    known = learned.get(name, [])
    present, first = np.unique(fine, return_index=True)
    new = first[present >= len(known)]
    found = np.array([*known, *coarse[new].tolist()], dtype=int)
    learned[name] = found.tolist()
    strays = np.flatnonzero(found[fine] != coarse) + 1
    if strays.size:
        raise ValueError(f"{name} is not as in the training data in rows {strays[:5].tolist()}")
    return found


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


def looked_up(rows, name, tables, *keys):
    """A column of labels, from the rows or from the table of a level inside."""
    if name in rows:
        return labels(rows, name)
    for level, key in keys:
        if level in tables and name in tables[level]:
            found = dict(zip(labels(tables[level], key), labels(tables[level], name)))
            own = looked_up(rows, key, tables, *keys)
            absent = sorted(set(own) - set(found))
            if absent:
                raise ValueError(f"the table of {level!r} has no row for {absent[:5]}")
            return np.array([found[label] for label in own])
    raise ValueError(f"the data have no column {name!r}")


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
