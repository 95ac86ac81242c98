"""Survival times, some known only to be longer.

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
    "alpha": ("market",),
    "w": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "b")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:9  alpha ~ market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:3  data w : positive
    w = outcome(rows, "w", numbers, len(row), is_training)

    # model.hdsl:4  data b : binary
    b = flags(rows, "b")

    # model.hdsl:5  data x : real
    x = numbers(rows, "x")

    # model.hdsl:7  data n : count
    n = numbers(rows, "n")
    if is_training:
        observed("w", w)

    # Numbers that the training data teach
    sd_w = learn("sd(w)", sd, w, learned)
    sd_x = learn("sd(x)", sd, x, learned)

    return {
        "market_of_row": market_of_row,
        "sd_w": sd_w,
        "sd_x": sd_x,
        "x": x,
        "n": n,
        "b": b,
        "w": w,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """Survival times, some known only to be longer."""
    n_row = len(data["coords"]["row"])
    sd_w = data["sd_w"]
    sd_x = data["sd_x"]
    market_of_row = data["market_of_row"]
    x = data["x"]
    n = data["n"]
    b = data["b"]
    w = data["w"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:6  w ~ weighted(censored(weibull(shape, scale), event = b), n)
        # default prior of shape: `alpha` of `weibull`
        shape = pm.LogNormal("shape", mu=0, sigma=1)

        # model.hdsl:9  alpha ~ market
        # default prior of mean(alpha): log residual scale
        mean_alpha = pm.Normal("mean(alpha)", mu=pt.log(sd_w), sigma=1)
        # default prior of sd(alpha): group sd: the scale of the log residual scale
        sd_alpha = pm.HalfNormal("sd(alpha)", sigma=1)
        z_alpha = pm.Normal("z(alpha)", mu=0, sigma=1, dims="market")
        dev_alpha = pm.Deterministic("dev(alpha)", sd_alpha * z_alpha, dims="market")
        alpha = pm.Deterministic("alpha", mean_alpha + dev_alpha, dims="market")

        # model.hdsl:10  beta ~ 1
        # default prior of beta: slope on `x`: 2.5 on the link scale per sd of the predictor
        beta = pm.Normal("beta", mu=0, sigma=1 / sd_x)

        # model.hdsl:8  log(scale) = alpha + beta * x
        scale = pt.exp(alpha[market_of_row] + beta * x)

        # model.hdsl:6  w ~ weighted(censored(weibull(shape, scale), event = b), n)
        Weighted(
            "w",
            CensoredByEvent(
                None,
                pm.Weibull.dist(alpha=shape, beta=scale, shape=n_row),
                b,
                weibull_tails(w, alpha=shape, sigma=scale)[1],
            ),
            n,
            dims="row",
            observed=w,
        )
    return model


def weibull_tails(x, alpha, sigma):
    """Log probabilities of weibull(alpha, sigma): at or below x, and above x."""
    x, alpha, sigma = (pt.cast(v, "float64") for v in (x, alpha, sigma))
    below = log1mexp(-((pt.maximum(x, 1e-300) / sigma) ** alpha))
    above = -((pt.maximum(x, 1e-300) / sigma) ** alpha)
    return below, above


def log1mexp(x):
    """log(1 - exp(x)) of a negative x, accurate near 0 and far from it."""
    near = x > -0.7
    small = pt.log(-pt.expm1(pt.switch(near, pt.minimum(x, -1e-300), -1.0)))
    return pt.switch(near, small, pt.log1p(-pt.exp(pt.switch(near, -1.0, x))))


def CensoredByEvent(name, base, event, above, **options):
    """A distribution of which some values, where `event` is 0, are known only to lie above.

    `above` is the log probability of that. Draws are the values themselves, whatever would have
    been known of them.
    """
    return derived(name, base, by_event_logp, event, above, **options)


def by_event_logp(value, base, event, above):
    """Log density where the event was seen, else the log probability of a larger value."""
    return pt.switch(pt.eq(event, 0), above, pm.logp(base, value))


def derived(name, draw, logp, *parameters, **options):
    """A variable drawn as `draw`, with the log density logp(value, draw, *parameters)."""
    options |= {"logp": logp, "dist": lambda draw, *_: draw, "dtype": draw.dtype}
    if name is None:
        return pm.CustomDist.dist(draw, *parameters, **options)
    return pm.CustomDist(name, draw, *parameters, **options)


def step_of(base):
    """How far apart values lie: 1 for whole numbers, 0 for a continuous distribution."""
    return 1 if base.dtype.startswith("int") else 0


def Weighted(name, base, weights, **options):
    """A distribution whose log density counts `weights` times; draws do not know of it."""
    return derived(name, base, weighted_logp, weights, **options)


def weighted_logp(value, base, weights):
    """Log density, times its weight."""
    return weights * pm.logp(base, value)


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
