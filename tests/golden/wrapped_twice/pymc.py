"""Wrappers inside wrappers.

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
    "k": ("row",),
    "limit": ("row",),
    "seen": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "c")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:3  data k, c : count
    k = outcome(rows, "k", numbers, len(row), is_training)
    c = outcome(rows, "c", numbers, len(row), is_training)

    # model.hdsl:4  data y, w : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    w = numbers(rows, "w")

    # model.hdsl:5  data limit = min(c, 4)
    limit = np.minimum(c, 4)

    # model.hdsl:6  data seen = min(y, 1)
    seen = np.minimum(y, 1)
    if is_training:
        observed("k", k)
    if is_training:
        observed("limit", limit)
    if is_training:
        observed("seen", seen)

    # Numbers that the training data teach
    sd_seen = learn("sd(seen)", sd, seen, learned)

    return {
        "sd_seen": sd_seen,
        "k": k,
        "w": w,
        "limit": limit,
        "seen": seen,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """Wrappers inside wrappers."""
    n_row = len(data["coords"]["row"])
    sd_seen = data["sd_seen"]
    k = data["k"]
    w = data["w"]
    limit = data["limit"]
    seen = data["seen"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:7  limit ~ weighted(censored(zeroinflated(poisson(mu), p), upper = 4), w)
        # default prior of p: `p` of `zeroinflated`
        p = pm.Beta("p", alpha=1, beta=1)

        # model.hdsl:8  mu ~ gamma(2, 1)
        mu = pm.Gamma("mu", alpha=2, beta=1)

        # model.hdsl:9  seen ~ censored(mixture([q, 1 - q], normal(a, s), truncated(normal(a, 1),
        #     lower = -5)), upper = 1)
        # default prior of q: a probability: every value as likely
        q = pm.Beta("q", alpha=1, beta=1)
        # default prior of s: residual scale of `normal`
        s = pm.HalfStudentT("s", nu=4, sigma=sd_seen)

        # model.hdsl:10  a ~ normal(0, 1)
        a = pm.Normal("a", mu=0, sigma=1)

        # model.hdsl:11  k ~ zeroinflated(truncated(negbinomial(mu, phi), upper = 8), p)
        # default prior of phi: `phi` of `negbinomial`
        phi = pm.InverseGamma("phi", alpha=0.4, beta=0.3)
        ZeroInflated(
            "k",
            Truncated(
                None,
                pm.NegativeBinomial.dist(mu=mu, alpha=phi, shape=n_row),
                partial(negbinomial_tails, mu=mu, phi=phi),
                upper=8,
            ),
            pm.math.logit(p),
            dims="row",
            observed=k,
        )

        # model.hdsl:7  limit ~ weighted(censored(zeroinflated(poisson(mu), p), upper = 4), w)
        Weighted(
            "limit",
            Censored(
                None,
                ZeroInflated(None, pm.Poisson.dist(mu=mu, shape=n_row), pm.math.logit(p)),
                partial(zero_tails, tails=partial(poisson_tails, mu=mu), logits=pm.math.logit(p)),
                upper=4,
            ),
            w,
            dims="row",
            observed=limit,
        )

        # model.hdsl:9  seen ~ censored(mixture([q, 1 - q], normal(a, s), truncated(normal(a, 1),
        #     lower = -5)), upper = 1)
        Censored(
            "seen",
            Mixture(
                None,
                [q, 1 - q],
                [
                    pm.Normal.dist(mu=a, sigma=s, shape=n_row),
                    Truncated(
                        None,
                        pm.Normal.dist(mu=a, sigma=1, shape=n_row),
                        partial(normal_tails, mu=a, sigma=1),
                        lower=-5,
                    ),
                ],
            ),
            partial(
                mixture_tails,
                weights=[q, 1 - q],
                tails=[
                    partial(normal_tails, mu=a, sigma=s),
                    partial(
                        truncated_tails,
                        tails=partial(normal_tails, mu=a, sigma=1),
                        lower=-5,
                        upper=None,
                        step=0,
                    ),
                ],
            ),
            upper=1,
            dims="row",
            observed=seen,
        )
    return model


def negbinomial_tails(x, mu, phi):
    """Log probabilities of negbinomial(mu, phi): at or below x, and above x."""
    x, mu, phi = (pt.cast(v, "float64") for v in (x, mu, phi))
    below = log_beta_cdf(phi, x + 1, pt.log(phi) - pt.log(mu))
    above = log_beta_cdf(x + 1, phi, pt.log(mu) - pt.log(phi))
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


def log_beta_cdf(a, b, logit):
    """Log of the regularized incomplete beta function I_x(a, b), x by its log odds.

    1 where a is 0, 0 where b is 0. The integral is over the log odds, where it is log-concave.
    """
    a, b, logit = pt.broadcast_arrays(a, b, logit)
    p, q = pt.switch(a > 0.0, a, 1.0), pt.switch(b > 0.0, b, 1.0)
    area = log_area_below(
        pt.clip(logit, -700.0, 700.0),
        lambda u, p, q: -p * pt.softplus(-u) - q * pt.softplus(u),
        lambda u, p, q: p * pt.sigmoid(-u) - q * pt.sigmoid(u),
        pt.log(p) - pt.log(q),
        pt.sqrt(1.0 / p + 1.0 / q),
        p,
        q,
    )
    gammaln = pt.gammaln
    log_beta = gammaln(p) + gammaln(q) - gammaln(p + q)
    inside = pt.minimum(area - log_beta, 0.0)
    return pt.switch(b > 0.0, pt.switch(a > 0.0, inside, 0.0), -np.inf)


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


def ZeroInflated(name, base, logits, **options):
    """A distribution with an extra share of zeros, given by its log odds."""
    logits = pt.cast(logits, "float64")
    is_zero = pm.Bernoulli.dist(logit_p=logits, size=base.shape)
    draw = pt.switch(is_zero, 0, base).astype(base.dtype)
    return derived(name, draw, zero_inflated_logp, base, logits, **options)


def zero_inflated_logp(value, draw, base, logits):
    """Log probability with an extra share of zeros."""
    log_share, log_rest = -pt.softplus(-logits), -pt.softplus(logits)
    found = log_rest + pm.logp(base, value)
    return pt.switch(pt.eq(value, 0), pt.logaddexp(log_share, found), found)


def zero_tails(x, tails, logits):
    """Log probabilities with an extra share of zeros: at or below x, and above x."""
    x, logits = pt.as_tensor(x), 1.0 * pt.as_tensor(logits)
    log_share, log_rest = -pt.softplus(-logits), -pt.softplus(logits)
    below, above = tails(x)
    return (
        pt.logaddexp(log_rest + below, pt.switch(x >= 0, log_share, -1e300)),
        pt.logaddexp(log_rest + above, pt.switch(x >= 0, -1e300, log_share)),
    )


def poisson_tails(x, mu):
    """Log probabilities of poisson(mu): at or below x, and above x."""
    x, mu = (pt.cast(v, "float64") for v in (x, mu))
    below = log_gamma_survival(x + 1, mu)
    above = log_gamma_cdf(x + 1, mu)
    return below, above


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


def Censored(name, base, tails, lower=None, upper=None, **options):
    """A distribution seen only inside bounds: a value at a bound lies at it or beyond.

    `tails(x)` gives the log probabilities of a value at or below x, and above x.
    """
    low = -np.inf if lower is None else pt.cast(lower, "float64")
    high = np.inf if upper is None else pt.cast(upper, "float64")
    below = 0.0 if lower is None else tails(pt.maximum(low, -1e15))[0]
    above = 0.0 if upper is None else tails(pt.minimum(high, 1e15) - step_of(base))[1]
    draw = pt.clip(base, low, high).astype(base.dtype)
    return derived(name, draw, censored_logp, base, low, high, below, above, **options)


def censored_logp(value, draw, base, low, high, below, above):
    """Log density inside the bounds, at a bound the log probability of all beyond it."""
    inside = pt.switch(value > low, pm.logp(base, value), below)
    return pt.switch(value < high, inside, above)


def Weighted(name, base, weights, **options):
    """A distribution whose log density counts `weights` times; draws do not know of it."""
    return derived(name, base, weighted_logp, weights, **options)


def weighted_logp(value, base, weights):
    """Log density, times its weight."""
    return weights * pm.logp(base, value)


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


def mixture_tails(x, weights, tails):
    """Log probabilities of a mixture: at or below x, and above x."""
    below, above = -1e300, -1e300
    for weight, own in zip(weights, tails):
        own_below, own_above = own(x)
        below = pt.logaddexp(below, pt.log(weight) + own_below)
        above = pt.logaddexp(above, pt.log(weight) + own_above)
    return below, above


def truncated_tails(x, tails, lower, upper, step):
    """Log probabilities of a truncated distribution: at or below x, and above x."""
    mass = log_mass(tails, lower, upper, step)
    if lower is not None:
        x = pt.maximum(x, lower - step)
    if upper is not None:
        x = pt.minimum(x, upper)
    below, above = log_mass(tails, lower, x, step), log_mass(tails, x + step, upper, step)
    return below - mass, above - mass


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
