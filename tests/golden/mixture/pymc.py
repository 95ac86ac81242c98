"""Two components, written out.

Written by HDSL from model.hdsl, for PyMC:

    data = prepare(rows)
    with build(data):
        results = pm.sample()
"""

from functools import partial

import numpy as np
import pymc as pm
import pytensor
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
    row = np.arange(1, len(column(rows, "y")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:3  data y : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)

    return {
        "sd_y": sd_y,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """Two components, written out."""
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:4  y ~ mixture([share, 1 - share], normal(low, sigma), studentt(4, low + gap,
        #     sigma))
        # default prior of share: a probability: every value as likely
        share = pm.Beta("share", alpha=1, beta=1)
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:5  low ~ normal(0, 3)
        low = pm.Normal("low", mu=0, sigma=3)

        # model.hdsl:6  gap ~ truncated(normal(0, 2), lower = 0)
        gap = Truncated(
            "gap", pm.Normal.dist(mu=0, sigma=2), partial(normal_tails, mu=0, sigma=2), lower=0
        )

        # model.hdsl:4  y ~ mixture([share, 1 - share], normal(low, sigma), studentt(4, low + gap,
        #     sigma))
        Mixture(
            "y",
            [share, 1 - share],
            [
                pm.Normal.dist(mu=low, sigma=sigma, shape=n_row),
                pm.StudentT.dist(nu=4, mu=low + gap, sigma=sigma, shape=n_row),
            ],
            dims="row",
            observed=y,
        )
    return model


def normal_tails(x, mu, sigma):
    """Log probabilities of normal(mu, sigma): at or below x, and above x."""
    x, mu, sigma = (pt.cast(v, "float64") for v in (x, mu, sigma))
    below = log_normal_cdf((x - mu) / sigma)
    above = log_normal_cdf((mu - x) / sigma)
    return below, above


def log_normal_cdf(x):
    """Log of the standard normal distribution function, accurate in both tails."""
    left, right = pt.minimum(x, 0.0), pt.maximum(x, 0.0)
    below = pt.log(0.5 * pt.erfcx(-left / np.sqrt(2.0))) - 0.5 * left**2
    above = pt.log1p(-0.5 * pt.erfc(right / np.sqrt(2.0)))
    return pt.switch(pt.lt(x, 0.0), below, above)


def Truncated(name, base, tails, lower=None, upper=None, **options):
    """A distribution without its values below `lower` and above `upper`; the bounds belong to it.

    `tails(x)` gives the log probabilities of a value at or below x, and above x.
    """
    low = -np.inf if lower is None else pt.cast(lower, "float64")
    high = np.inf if upper is None else pt.cast(upper, "float64")
    mass = log_mass(tails, lower, upper, step_of(base))

    def bounds(size, draw, base, mass, low, high, *_):
        return None if lower is None else low, None if upper is None else high

    def start(variable, size, draw, base, mass, low, high):
        inner = low + 1.0 if upper is None else high - 1.0 if lower is None else 0.5 * (low + high)
        return pt.broadcast_to(inner, draw.shape)

    if not step_of(base):
        options["support_point"] = start
        if name is not None:
            transform = pm.distributions.transforms.Interval(bounds_fn=bounds)
            options["default_transform"] = transform
    draw = draw_between(base, tails, lower, upper, mass)
    return derived(name, draw, truncated_logp, base, mass, low, high, **options)


def truncated_logp(value, draw, base, mass, low, high):
    """Log density between two bounds, where `mass` is the log probability of lying there."""
    inside = pt.and_(value >= low, value <= high)
    return pt.switch(inside, pm.logp(base, value) - mass, -np.inf)


def draw_between(base, tails, lower, upper, mass):
    """Draws by inversion: bisects the x above which a uniform share of the mass lies."""
    step = step_of(base)
    log_share = pt.log(pm.Uniform.dist(size=base.shape))

    def at(place):
        x = pt.sinh(place)  # so that a few steps reach any size
        return pt.floor(x + 1e-6) if step else x

    def halve(low, high, log_left):
        middle = 0.5 * (low + high)
        is_beyond = log_mass(tails, at(middle) + step, upper, step) > log_left
        return pt.switch(is_beyond, middle, low), pt.switch(is_beyond, high, middle)

    low = -70.0 if lower is None else pt.arcsinh(pt.as_tensor(lower) - 0.5 * step)
    high = 70.0 if upper is None else pt.arcsinh(pt.as_tensor(upper))
    ends = [pt.broadcast_to(end, base.shape).astype("float64") for end in (low, high)]
    _, highs = pytensor.scan(
        halve, outputs_info=ends, non_sequences=log_share + mass, n_steps=80, return_updates=False
    )
    return at(highs[-1]).astype(base.dtype)


def derived(name, draw, logp, *parameters, **options):
    """A variable drawn as `draw`, with the log density logp(value, draw, *parameters)."""
    options |= {"logp": logp, "dist": lambda draw, *_: draw, "dtype": draw.dtype}
    if name is None:
        return pm.CustomDist.dist(draw, *parameters, **options)
    return pm.CustomDist(name, draw, *parameters, **options)


def step_of(base):
    """How far apart values lie: 1 for whole numbers, 0 for a continuous distribution."""
    return 1 if base.dtype.startswith("int") else 0


def log_mass(tails, lower, upper, step):
    """Log probability from `lower` to `upper`, by the tail that holds less; None is no bound.

    `tails(x)` gives the log probabilities of a value at or below x, and above x.
    """
    if upper is None:
        return tails(lower - step)[1]
    if lower is None:
        return tails(upper)[0]
    (below_lower, above_lower), (below_upper, above_upper) = tails(lower - step), tails(upper)
    is_right = above_lower < below_upper
    larger = pt.switch(is_right, above_lower, below_upper)
    smaller = pt.switch(is_right, above_upper, below_lower)
    return larger + log1mexp(smaller - larger)


def log1mexp(x):
    """log(1 - exp(x)) of a negative x, accurate near 0 and far from it."""
    near = x > -0.7
    small = pt.log(-pt.expm1(pt.switch(near, pt.minimum(x, -1e-300), -1.0)))
    return pt.switch(near, small, pt.log1p(-pt.exp(pt.switch(near, -1.0, x))))


def Mixture(name, weights, components, **options):
    """One of several distributions, each with its weight; the weights add up to 1."""
    left = pm.Uniform.dist(size=components[0].shape)
    draw, reached = components[-1], 1.0
    for weight, component in zip(reversed(weights[1:]), reversed(components[:-1])):
        reached = reached - weight
        draw = pt.switch(left < reached, component, draw)
    logp = mixture_logp(len(weights))
    return derived(name, draw, logp, *weights, *components, **options)


def mixture_logp(count):
    """The log density of a mixture, as a function of its weights and components."""

    def logp(value, draw, *parts):
        pairs = zip(parts[:count], parts[count:])
        found = [pt.log(weight) + pm.logp(component, value) for weight, component in pairs]
        return pt.logsumexp(pt.stack(pt.broadcast_arrays(*found), axis=-1), axis=-1)

    return logp


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
