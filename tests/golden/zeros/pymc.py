"""Counts with zeros of their own, three ways.

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
    "dev(alpha)": ("market",),
    "alpha": ("market",),
    "mu": ("market",),
    "dev(gamma)": ("market",),
    "gamma": ("market",),
    "p": ("market",),
    "c": ("row",),
    "k": ("row",),
    "v": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "w")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:9  alpha ~ market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:3  data c, k : count
    c = outcome(rows, "c", numbers, len(row), is_training)
    k = outcome(rows, "k", numbers, len(row), is_training)

    # model.hdsl:5  data w : positive
    w = outcome(rows, "w", numbers, len(row), is_training)

    # model.hdsl:4  data v = where(k == 0, 0, w)
    v = np.where(k == 0, 0, w)

    # model.hdsl:6  data x : real
    x = numbers(rows, "x")
    if is_training:
        observed("c", c)
    if is_training:
        observed("k", k)
    if is_training:
        observed("v", v)

    # Numbers that the training data teach
    mean_c = learn("mean(c)", np.nanmean, c, learned)
    mean_v = learn("mean(v)", np.nanmean, v, learned)
    sd_log_where_v_is_0_mean_v_v = learn(
        "sd(log(where(v == 0, mean(v), v)))", sd, np.log(np.where(v == 0, mean_v, v)), learned
    )
    mean_log_where_v_is_0_mean_v_v = learn(
        "mean(log(where(v == 0, mean(v), v)))",
        np.nanmean,
        np.log(np.where(v == 0, mean_v, v)),
        learned,
    )

    return {
        "market_of_row": market_of_row,
        "mean_c": mean_c,
        "sd_log_where_v_is_0_mean_v_v": sd_log_where_v_is_0_mean_v_v,
        "mean_log_where_v_is_0_mean_v_v": mean_log_where_v_is_0_mean_v_v,
        "c": c,
        "x": x,
        "k": k,
        "v": v,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """Counts with zeros of their own, three ways."""
    n_row = len(data["coords"]["row"])
    mean_c = data["mean_c"]
    sd_log_where_v_is_0_mean_v_v = data["sd_log_where_v_is_0_mean_v_v"]
    mean_log_where_v_is_0_mean_v_v = data["mean_log_where_v_is_0_mean_v_v"]
    market_of_row = data["market_of_row"]
    c = data["c"]
    x = data["x"]
    k = data["k"]
    v = data["v"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:9  alpha ~ market
        # default prior of mean(alpha): intercept: the outcome's mean, 2.5 on the link scale
        mean_alpha = pm.Normal("mean(alpha)", mu=pt.log(pt.maximum(mean_c, 0.01)), sigma=2.5)
        # default prior of sd(alpha): group sd: the scale of the intercept
        sd_alpha = pm.HalfNormal("sd(alpha)", sigma=2.5)
        z_alpha = pm.Normal("z(alpha)", mu=0, sigma=1, dims="market")
        dev_alpha = pm.Deterministic("dev(alpha)", sd_alpha * z_alpha, dims="market")
        alpha = pm.Deterministic("alpha", mean_alpha + dev_alpha, dims="market")

        # model.hdsl:8  log(mu) = alpha
        mu = pm.Deterministic("mu", pt.exp(alpha), dims="market")

        # model.hdsl:11  gamma ~ market
        # default prior of mean(gamma): log odds of a share
        mean_gamma = pm.Normal("mean(gamma)", mu=0, sigma=1.5)
        # default prior of sd(gamma): group sd: the scale of the log odds of a share
        sd_gamma = pm.HalfNormal("sd(gamma)", sigma=1)
        z_gamma = pm.Normal("z(gamma)", mu=0, sigma=1, dims="market")
        dev_gamma = pm.Deterministic("dev(gamma)", sd_gamma * z_gamma, dims="market")
        gamma = pm.Deterministic("gamma", mean_gamma + dev_gamma, dims="market")

        # model.hdsl:10  logit(p) = gamma
        logit_p = gamma
        pm.Deterministic("p", pt.sigmoid(logit_p), dims="market")

        # model.hdsl:12  k ~ hurdle(negbinomial(rate, phi), logit_p = delta * x)
        # default prior of phi: `phi` of `negbinomial`
        phi = pm.InverseGamma("phi", alpha=0.4, beta=0.3)

        # model.hdsl:13  rate ~ gamma(2, 1)
        rate = pm.Gamma("rate", alpha=2, beta=1)

        # model.hdsl:14  delta ~ normal(0, 1)
        delta = pm.Normal("delta", mu=0, sigma=1)

        # model.hdsl:15  v ~ hurdle(lognormal(nu, sigma), q)
        # default prior of sigma: residual scale of `lognormal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_log_where_v_is_0_mean_v_v)
        # default prior of q: `p` of `hurdle`
        q = pm.Beta("q", alpha=1, beta=1)

        # model.hdsl:16  nu ~ 1
        # default prior of nu: intercept: the outcome's mean, 2.5 sds of the outcome
        nu = pm.Normal(
            "nu", mu=mean_log_where_v_is_0_mean_v_v, sigma=2.5 * sd_log_where_v_is_0_mean_v_v
        )

        # model.hdsl:7  c ~ zeroinflated(poisson(mu), p)
        ZeroInflated(
            "c",
            pm.Poisson.dist(mu=mu[market_of_row], shape=n_row),
            logit_p[market_of_row],
            dims="row",
            observed=c,
        )

        # model.hdsl:12  k ~ hurdle(negbinomial(rate, phi), logit_p = delta * x)
        logit_p_ = delta * x
        Hurdle(
            "k",
            Truncated(
                None,
                pm.NegativeBinomial.dist(mu=rate, alpha=phi, shape=n_row),
                partial(negbinomial_tails, mu=rate, phi=phi),
                lower=1,
            ),
            logit_p_,
            dims="row",
            observed=k,
        )

        # model.hdsl:15  v ~ hurdle(lognormal(nu, sigma), q)
        Hurdle(
            "v",
            pm.LogNormal.dist(mu=nu, sigma=sigma, shape=n_row),
            pm.math.logit(q),
            dims="row",
            observed=v,
        )
    return model


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


def derived(name, draw, logp, *parameters, **options):
    """A variable drawn as `draw`, with the log density logp(value, draw, *parameters)."""
    options |= {"logp": logp, "dist": lambda draw, *_: draw, "dtype": draw.dtype}
    if name is None:
        return pm.CustomDist.dist(draw, *parameters, **options)
    return pm.CustomDist(name, draw, *parameters, **options)


def step_of(base):
    """How far apart values lie: 1 for whole numbers, 0 for a continuous distribution."""
    return 1 if base.dtype.startswith("int") else 0


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


def Hurdle(name, base, logits, **options):
    """Zero with a probability given by its log odds, else a distribution that has no zeros."""
    logits = pt.cast(logits, "float64")
    is_zero = pm.Bernoulli.dist(logit_p=logits, size=base.shape)
    draw = pt.switch(is_zero, 0, base).astype(base.dtype)
    return derived(name, draw, hurdle_logp, base, logits, **options)


def hurdle_logp(value, draw, base, logits):
    """Log density apart from zero, whose probability stands by itself."""
    log_share, log_rest = -pt.softplus(-logits), -pt.softplus(logits)
    known = pt.switch(pt.eq(value, 0), 1, value)
    return pt.switch(pt.eq(value, 0), log_share, log_rest + pm.logp(base, known))


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
