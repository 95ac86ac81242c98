"""Truncated outcomes and priors.

Written by HDSL from model.hdsl, for PyMC:

    data = prepare(rows)
    with build(data):
        results = pm.sample()
"""

import re
from functools import partial

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {}

# The levels over which a result varies.
DIMS = {
    "mu": ("market",),
    "w": ("row",),
    "y": ("row",),
    "k": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "n")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:10  mu[market] ~ truncated(normal(m, 1), upper = m + 2)
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:3  data w : positive
    w = outcome(rows, "w", numbers, len(row), is_training)

    # model.hdsl:4  data y : real
    y = outcome(rows, "y", numbers, len(row), is_training)

    # model.hdsl:5  data k : count
    k = outcome(rows, "k", numbers, len(row), is_training)

    # model.hdsl:6  data n : real
    n = numbers(rows, "n")
    if is_training:
        observed("w", w)
    if is_training:
        observed("y", y)
    if is_training:
        observed("k", k)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)

    return {
        "market_of_row": market_of_row,
        "sd_y": sd_y,
        "w": w,
        "y": y,
        "n": n,
        "k": k,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """Truncated outcomes and priors."""
    n_market = len(data["coords"]["market"])
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    w = data["w"]
    y = data["y"]
    market_of_row = data["market_of_row"]
    n = data["n"]
    k = data["k"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:7  w ~ truncated(gamma(a, rate), lower = 1, upper = 2)
        # default prior of a: `alpha` of `gamma`
        a = pm.InverseGamma("a", alpha=0.4, beta=0.3)

        # model.hdsl:14  tau ~ mixture([0.3, 0.7], gamma(2, 1), halfnormal(1))
        tau = Mixture(
            "tau", [0.3, 0.7], [pm.Gamma.dist(alpha=2, beta=1), pm.HalfNormal.dist(sigma=1)]
        )

        # model.hdsl:8  rate ~ truncated(cauchy(0, tau), lower = 0.5, upper = 20)
        rate = Truncated(
            "rate",
            pm.Cauchy.dist(alpha=0, beta=tau),
            partial(cauchy_tails, mu=0, sigma=tau),
            lower=0.5,
            upper=20,
        )

        # model.hdsl:9  y ~ truncated(normal(mu, sigma), lower = floor(y))
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:11  m ~ normal(0, 1)
        m = pm.Normal("m", mu=0, sigma=1)

        # model.hdsl:10  mu[market] ~ truncated(normal(m, 1), upper = m + 2)
        mu = Truncated(
            "mu",
            pm.Normal.dist(mu=m, sigma=1, shape=n_market),
            partial(normal_tails, mu=m, sigma=1),
            upper=m + 2,
            dims="market",
        )

        # model.hdsl:13  lambda ~ truncated(gamma(2, 1), upper = 9)
        lambda_ = Truncated(
            "lambda",
            pm.Gamma.dist(alpha=2, beta=1),
            partial(gamma_tails, alpha=2, beta=1),
            lower=0,
            upper=9,
        )

        # model.hdsl:7  w ~ truncated(gamma(a, rate), lower = 1, upper = 2)
        Truncated(
            "w",
            pm.Gamma.dist(alpha=a, beta=rate, shape=n_row),
            partial(gamma_tails, alpha=a, beta=rate),
            lower=1,
            upper=2,
            dims="row",
            observed=w,
        )

        # model.hdsl:9  y ~ truncated(normal(mu, sigma), lower = floor(y))
        lower = pt.floor(y)
        Truncated(
            "y",
            pm.Normal.dist(mu=mu[market_of_row], sigma=sigma, shape=n_row),
            partial(normal_tails, mu=mu[market_of_row], sigma=sigma),
            lower=lower,
            dims="row",
            observed=y,
        )

        # model.hdsl:12  k ~ truncated(poisson(lambda), upper = n)
        Truncated(
            "k",
            pm.Poisson.dist(mu=lambda_, shape=n_row),
            partial(poisson_tails, mu=lambda_),
            upper=n,
            dims="row",
            observed=k,
        )
    return model


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


def derived(name, draw, logp, *parameters, **options):
    """A variable drawn as `draw`, with the log density logp(value, draw, *parameters)."""
    options |= {"logp": logp, "dist": lambda draw, *_: draw, "dtype": draw.dtype}
    if name is None:
        return pm.CustomDist.dist(draw, *parameters, **options)
    return pm.CustomDist(name, draw, *parameters, **options)


def step_of(base):
    """How far apart values lie: 1 for whole numbers, 0 for a continuous distribution."""
    return 1 if base.dtype.startswith("int") else 0


def cauchy_tails(x, mu, sigma):
    """Log probabilities of cauchy(mu, sigma): at or below x, and above x."""
    x, mu, sigma = (pt.cast(v, "float64") for v in (x, mu, sigma))
    below = pt.log(pt.arctan2(sigma, mu - x) / np.pi)
    above = pt.log(pt.arctan2(sigma, x - mu) / np.pi)
    return below, above


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


def gamma_tails(x, alpha, beta):
    """Log probabilities of gamma(alpha, beta): at or below x, and above x."""
    x, alpha, beta = (pt.cast(v, "float64") for v in (x, alpha, beta))
    below = log_gamma_cdf(alpha, beta * x)
    above = log_gamma_survival(alpha, beta * x)
    return below, above


def log_area_below(t, f, slope, mode, sd, *parameters):
    """Log of the integral of exp(f(u, *parameters)) over u below t; f is concave.

    Gauss-Legendre on each side of the mode, out to where f has fallen by 40, the points denser near
    the mode by u = sinh: good to about 1e-8, in the far tails too. `slope` is f's derivative, `sd`
    the width of its peak.
    """
    points, weights = np.polynomial.legendre.leggauss(40)
    step = pt.minimum(1.0, sd)
    top = pt.minimum(t, mode)
    reach = [step * far for far in (1.0, 4.0, 16.0, 64.0)]
    left, right = reach[-1] + 1e9, reach[-1] + 1e9
    for far in reach:
        left = pt.minimum(left, far + 40.0 / slope(top - far, *parameters))
        right = pt.minimum(right, far - 40.0 / slope(mode + far, *parameters))
    right = pt.minimum(right, pt.switch(t > mode, t - mode, 1.0))
    pieces = []
    for start, sign, width in ((top, -1.0, left), (mode, 1.0, right)):
        stretch = pt.arcsinh(width / step)
        angle = stretch[..., None] * (0.5 * (points + 1.0))
        u = start[..., None] + sign * step[..., None] * pt.sinh(angle)
        scale = pt.log(step * stretch)[..., None] + pt.log(pt.cosh(angle))
        pieces.append(f(u, *(p[..., None] for p in parameters)) + scale + np.log(0.5 * weights))
    pieces[1] = pt.switch((t > mode)[..., None], pieces[1], -np.inf)
    return pt.logsumexp(pt.concatenate(pieces, axis=-1), axis=-1)


def log_gamma_cdf(a, x):
    """Log of the regularized lower incomplete gamma function P(a, x); 1 where a is 0.

    The integral is over log x, where it is log-concave.
    """
    a, x = pt.broadcast_arrays(a, x)
    p = pt.switch(a > 0.0, a, 1.0)
    area = log_area_below(
        pt.log(pt.maximum(x, 1e-300)),
        lambda u, p: p * u - pt.exp(pt.minimum(u, 300.0)),
        lambda u, p: p - pt.exp(pt.minimum(u, 300.0)),
        pt.log(p),
        1.0 / pt.sqrt(p),
        p,
    )
    inside = pt.minimum(area - pt.gammaln(p), 0.0)
    return pt.switch(a > 0.0, inside, 0.0)


def log_gamma_survival(a, x):
    """Log of the regularized upper incomplete gamma function Q(a, x); 0 where a is 0."""
    a, x = pt.broadcast_arrays(a, x)
    p = pt.switch(a > 0.0, a, 1.0)
    area = log_area_below(
        -pt.log(pt.maximum(x, 1e-300)),
        lambda u, p: -p * u - pt.exp(pt.minimum(-u, 300.0)),
        lambda u, p: pt.exp(pt.minimum(-u, 300.0)) - p,
        -pt.log(p),
        1.0 / pt.sqrt(p),
        p,
    )
    inside = pt.minimum(area - pt.gammaln(p), 0.0)
    return pt.switch(a > 0.0, inside, -np.inf)


def poisson_tails(x, mu):
    """Log probabilities of poisson(mu): at or below x, and above x."""
    x, mu = (pt.cast(v, "float64") for v in (x, mu))
    below = log_gamma_survival(x + 1, mu)
    above = log_gamma_cdf(x + 1, mu)
    return below, above


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
