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
    "cut_of_rating": ["low|mid", "mid|high"],
}

# The levels over which a result varies.
DIMS = {
    "cut(rating)": ("cut_of_rating",),
    "dev(alpha)": ("market",),
    "alpha": ("market",),
    "cut(stars)": ("cut_of_stars",),
    "rating": ("row",),
    "stars": ("row",),
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

    # model.hdsl:7  alpha ~ 0 + market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:2  data stars : count
    stars = outcome(rows, "stars", numbers, len(row), is_training)
    stars_code = coded("stars", stars, learned, known=is_training)
    coords["cut_of_stars"] = between(learned["categories of stars"])

    # model.hdsl:1  data rating : ordered {low, mid, high}
    rating = outcome(rows, "rating", labels, len(row), is_training)

    # model.hdsl:3  data x, w : real
    x = numbers(rows, "x")
    w = numbers(rows, "w")
    rating_code = coded("rating", rating, learned, ["low", "mid", "high"], known=is_training)

    # Numbers that the training data teach
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)
    sd_w = learn("sd(w)", sd, w, learned)
    cut_of_stars_4_5 = position(coords["cut_of_stars"], "cut_of_stars", "4|5")
    cut_of_stars_1_2 = position(coords["cut_of_stars"], "cut_of_stars", "1|2")

    return {
        "market_of_row": market_of_row,
        "mean_x": mean_x,
        "sd_x": sd_x,
        "sd_w": sd_w,
        "cut_of_stars_4_5": cut_of_stars_4_5,
        "cut_of_stars_1_2": cut_of_stars_1_2,
        "x": x,
        "rating_code": rating_code,
        "w": w,
        "stars_code": stars_code,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """The model of model.hdsl."""
    n_cut_of_rating = len(data["coords"]["cut_of_rating"])
    n_cut_of_stars = len(data["coords"]["cut_of_stars"])
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    sd_w = data["sd_w"]
    cut_of_stars_4_5 = data["cut_of_stars_4_5"]
    cut_of_stars_1_2 = data["cut_of_stars_1_2"]
    market_of_row = data["market_of_row"]
    x = data["x"]
    rating_code = data["rating_code"]
    w = data["w"]
    stars_code = data["stars_code"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:5  rating ~ orderedlogistic(alpha + beta * x)
        # default prior of cut(rating): cut points: each 2.5 around 0, in increasing order, widened
        #     as an intercept would be
        cut_rating = pm.Normal(
            "cut(rating)",
            mu=0,
            sigma=2.5 + 2.5 * pt.abs(mean_x) / sd_x,
            transform=pm.distributions.transforms.ordered,
            initval=np.arange(n_cut_of_rating) - (n_cut_of_rating - 1) / 2,
            dims="cut_of_rating",
        )

        # model.hdsl:7  alpha ~ 0 + market
        # default prior of sd(alpha): group sd: the scale of the intercept
        sd_alpha = pm.HalfNormal("sd(alpha)", sigma=2.5)
        z_alpha = pm.Normal("z(alpha)", mu=0, sigma=1, dims="market")
        dev_alpha = pm.Deterministic("dev(alpha)", sd_alpha * z_alpha, dims="market")
        alpha = pm.Deterministic("alpha", dev_alpha, dims="market")

        # model.hdsl:8  beta, gamma ~ 1
        # default prior of beta: slope on `x`: 2.5 on the link scale per sd of the predictor
        beta = pm.Normal("beta", mu=0, sigma=2.5 / sd_x)
        # default prior of gamma: slope on `w`: 2.5 on the link scale per sd of the predictor
        gamma = pm.Normal("gamma", mu=0, sigma=2.5 / sd_w)

        # model.hdsl:9  cut(stars) ~ normal(0, 3)
        cut_stars = pm.Normal(
            "cut(stars)",
            mu=0,
            sigma=3,
            transform=pm.distributions.transforms.ordered,
            initval=np.arange(n_cut_of_stars) - (n_cut_of_stars - 1) / 2,
            dims="cut_of_stars",
        )

        # model.hdsl:10  gap = cut(stars["4|5"]) - cut(stars["1|2"])
        pm.Deterministic("gap", cut_stars[cut_of_stars_4_5] - cut_stars[cut_of_stars_1_2])

        # model.hdsl:5  rating ~ orderedlogistic(alpha + beta * x)
        eta = alpha[market_of_row] + beta * x
        OrderedLogistic("rating", eta, cut_rating, dims="row", observed=rating_code)

        # model.hdsl:6  stars ~ orderedlogistic(gamma * w)
        eta_ = gamma * w
        OrderedLogistic("stars", eta_, cut_stars, dims="row", observed=stars_code)
    return model


def ordered_logistic_logp(value, eta, cut):
    """Log probability of the ordered logistic distribution, accurate in both tails."""
    place, highest = pt.cast(value, "int64")[..., None], cut.shape[-1] - 1
    lower = pt.take_along_axis(cut, pt.maximum(place - 1, 0), axis=-1)[..., 0]
    upper = pt.take_along_axis(cut, pt.minimum(place, highest), axis=-1)[..., 0]
    first, last = pt.eq(value, 0), pt.gt(value, highest)
    above = pt.switch(first, 0.0, -pt.softplus(lower - eta))
    below = pt.switch(last, 0.0, -pt.softplus(eta - upper))
    width = pt.switch(pt.or_(first, last), 1.0, upper - lower)
    return above + below + pt.switch(pt.or_(first, last), 0.0, pt.log1p(-pt.exp(-width)))


def ordered_logistic_draw(eta, cut, rng=None, size=None):
    """Draws of the ordered logistic distribution."""
    latent = eta + rng.logistic(size=np.shape(eta) if size is None else size)
    return np.sum(latent[..., None] > cut, axis=-1)


def OrderedLogistic(name, eta, cut, **options):
    """Labels in order, from 0: P(x <= k) = expit(cut[k] - eta)."""
    functions = {"logp": ordered_logistic_logp, "random": ordered_logistic_draw}
    return pm.CustomDist(
        name, eta, cut, signature="(),(k)->()", dtype="int64", **functions, **options
    )


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


def coded(name, values, learned, labels=None, first=None, known=False):
    """The place of each label among the outcome's labels, from 0; -1 where it is missing."""
    if values.dtype.kind == "f":
        values = np.array(["" if np.isnan(value) else f"{value:g}" for value in values])
    key = f"categories of {name}"
    if key not in learned:
        found = labels or sorted(set(values.tolist()) - {""}, key=natural)
        learned[key] = sorted(found, key=lambda label: label != first) if first else found
    place = {"": -1} | {label: i for i, label in enumerate(learned[key])}
    strange = sorted(set(values.tolist()) - set(place))
    if strange:
        raise ValueError(f"{name!r} has labels that are not among {learned[key]}: {strange[:5]}")
    codes = np.array([place[value] for value in values.tolist()])
    if known and (codes < 0).any():
        raise ValueError(
            f"the outcome {name!r} is missing in {(codes < 0).sum()} rows; "
            "compile the model with --data, and they are left out and predicted"
        )
    return codes


def between(labels):
    """What the cut points between labels are called: `low|mid`."""
    return [f"{label}|{labels[i + 1]}" for i, label in enumerate(labels[:-1])]


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
