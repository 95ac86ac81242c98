"""Counts with zeros of their own, three ways.

Written by HDSL from model.hdsl, for NumPyro:

    numpyro.enable_x64()
    data = prepare(rows)
    kernel = numpyro.infer.NUTS(model)
    mcmc = numpyro.infer.MCMC(kernel, num_warmup=1000, num_samples=1000)
    mcmc.run(jax.random.key(0), data)
"""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

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


def model(data):
    """Counts with zeros of their own, three ways."""
    n_market = len(data["coords"]["market"])
    n_row = len(data["coords"]["row"])
    mean_c = data["mean_c"]
    sd_log_where_v_is_0_mean_v_v = data["sd_log_where_v_is_0_mean_v_v"]
    mean_log_where_v_is_0_mean_v_v = data["mean_log_where_v_is_0_mean_v_v"]
    market_of_row = data["market_of_row"]
    c = data["c"]
    x = data["x"]
    k = data["k"]
    v = data["v"]

    # model.hdsl:9  alpha ~ market
    # default prior of mean(alpha): intercept: the outcome's mean, 2.5 on the link scale
    mean_alpha = numpyro.sample("mean(alpha)", dist.Normal(jnp.log(jnp.maximum(mean_c, 0.01)), 2.5))
    # default prior of sd(alpha): group sd: the scale of the intercept
    sd_alpha = numpyro.sample("sd(alpha)", dist.HalfNormal(2.5))
    with numpyro.plate("market", n_market):
        z_alpha = numpyro.sample("z(alpha)", dist.Normal(0, 1))
    dev_alpha = numpyro.deterministic("dev(alpha)", sd_alpha * z_alpha)
    alpha = numpyro.deterministic("alpha", mean_alpha + dev_alpha)

    # model.hdsl:8  log(mu) = alpha
    mu = numpyro.deterministic("mu", jnp.exp(alpha))

    # model.hdsl:11  gamma ~ market
    # default prior of mean(gamma): log odds of a share
    mean_gamma = numpyro.sample("mean(gamma)", dist.Normal(0, 1.5))
    # default prior of sd(gamma): group sd: the scale of the log odds of a share
    sd_gamma = numpyro.sample("sd(gamma)", dist.HalfNormal(1))
    with numpyro.plate("market", n_market):
        z_gamma = numpyro.sample("z(gamma)", dist.Normal(0, 1))
    dev_gamma = numpyro.deterministic("dev(gamma)", sd_gamma * z_gamma)
    gamma = numpyro.deterministic("gamma", mean_gamma + dev_gamma)

    # model.hdsl:10  logit(p) = gamma
    logit_p = gamma
    numpyro.deterministic("p", jax.nn.sigmoid(logit_p))

    # model.hdsl:12  k ~ hurdle(negbinomial(rate, phi), logit_p = delta * x)
    # default prior of phi: `phi` of `negbinomial`
    phi = numpyro.sample("phi", dist.InverseGamma(0.4, 0.3))

    # model.hdsl:13  rate ~ gamma(2, 1)
    rate = numpyro.sample("rate", dist.Gamma(2, 1))

    # model.hdsl:14  delta ~ normal(0, 1)
    delta = numpyro.sample("delta", dist.Normal(0, 1))

    # model.hdsl:15  v ~ hurdle(lognormal(nu, sigma), q)
    # default prior of sigma: residual scale of `lognormal`
    sigma = numpyro.sample(
        "sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_log_where_v_is_0_mean_v_v))
    )
    # default prior of q: `p` of `hurdle`
    q = numpyro.sample("q", dist.Beta(1, 1))

    # model.hdsl:16  nu ~ 1
    # default prior of nu: intercept: the outcome's mean, 2.5 sds of the outcome
    nu = numpyro.sample(
        "nu", dist.Normal(mean_log_where_v_is_0_mean_v_v, 2.5 * sd_log_where_v_is_0_mean_v_v)
    )

    # model.hdsl:7  c ~ zeroinflated(poisson(mu), p)
    with numpyro.plate("row", n_row):
        numpyro.sample(
            "c", ZeroInflated(dist.Poisson(mu[market_of_row]), logit_p[market_of_row]), obs=c
        )

    # model.hdsl:12  k ~ hurdle(negbinomial(rate, phi), logit_p = delta * x)
    logit_p_ = delta * x
    with numpyro.plate("row", n_row):
        numpyro.sample(
            "k",
            Hurdle(
                Truncated(
                    dist.NegativeBinomialLogits(phi, jnp.log(rate) - jnp.log(phi)),
                    partial(negbinomial_tails, mu=rate, phi=phi),
                    lower=1,
                ),
                logit_p_,
            ),
            obs=k,
        )

    # model.hdsl:15  v ~ hurdle(lognormal(nu, sigma), q)
    with numpyro.plate("row", n_row):
        numpyro.sample("v", Hurdle(dist.LogNormal(nu, sigma), jax.scipy.special.logit(q)), obs=v)


class ZeroInflated(dist.Distribution):
    """A distribution with an extra share of zeros, given by its log odds."""

    def __init__(self, base, logits, *, validate_args=None):
        self.base, self.logits = base, jnp.asarray(logits, dtype=float)
        shape = jnp.broadcast_shapes(base.batch_shape, jnp.shape(logits))
        super().__init__(batch_shape=shape, validate_args=validate_args)

    @property
    def support(self):
        return dist.constraints.nonnegative_integer

    def log_prob(self, value):
        log_share, log_rest = -jax.nn.softplus(-self.logits), -jax.nn.softplus(self.logits)
        found = log_rest + self.base.log_prob(value)
        return jnp.where(value == 0, jnp.logaddexp(log_share, found), found)

    def sample(self, key, sample_shape=()):
        key, key_zero = jax.random.split(key)
        value = self.base.expand(self.batch_shape).sample(key, sample_shape)
        share = jax.nn.sigmoid(self.logits)
        return jnp.where(jax.random.bernoulli(key_zero, share, value.shape), 0, value)


def negbinomial_tails(x, mu, phi):
    """Log probabilities of negbinomial(mu, phi): at or below x, and above x."""
    below = log_beta_cdf(phi, x + 1, jnp.log(phi) - jnp.log(mu))
    above = log_beta_cdf(x + 1, phi, jnp.log(mu) - jnp.log(phi))
    return below, above


def log_area_below(t, f, slope, mode, sd, *parameters):
    """Log of the integral of exp(f(u, *parameters)) over u below t; f is concave.

    Gauss-Legendre on each side of the mode, out to where f has fallen by 40, the points denser near
    the mode by u = sinh: good to about 1e-8, in the far tails too. `slope` is f's derivative, `sd`
    the width of its peak.
    """
    points, weights = np.polynomial.legendre.leggauss(40)
    step = jnp.minimum(1.0, sd)
    top = jnp.minimum(t, mode)
    reach = [step * far for far in (1.0, 4.0, 16.0, 64.0)]
    left, right = reach[-1] + 1e9, reach[-1] + 1e9
    for far in reach:
        left = jnp.minimum(left, far + 40.0 / slope(top - far, *parameters))
        right = jnp.minimum(right, far - 40.0 / slope(mode + far, *parameters))
    right = jnp.minimum(right, jnp.where(t > mode, t - mode, 1.0))
    pieces = []
    for start, sign, width in ((top, -1.0, left), (mode, 1.0, right)):
        stretch = jnp.arcsinh(width / step)
        angle = stretch[..., None] * (0.5 * (points + 1.0))
        u = start[..., None] + sign * step[..., None] * jnp.sinh(angle)
        scale = jnp.log(step * stretch)[..., None] + jnp.log(jnp.cosh(angle))
        pieces.append(f(u, *(p[..., None] for p in parameters)) + scale + np.log(0.5 * weights))
    pieces[1] = jnp.where((t > mode)[..., None], pieces[1], -np.inf)
    return jax.scipy.special.logsumexp(jnp.concatenate(pieces, axis=-1), axis=-1)


def log_beta_cdf(a, b, logit):
    """Log of the regularized incomplete beta function I_x(a, b), x by its log odds.

    1 where a is 0, 0 where b is 0. The integral is over the log odds, where it is log-concave.
    """
    a, b, logit = jnp.broadcast_arrays(a, b, logit)
    p, q = jnp.where(a > 0.0, a, 1.0), jnp.where(b > 0.0, b, 1.0)
    area = log_area_below(
        jnp.clip(logit, -700.0, 700.0),
        lambda u, p, q: -p * jax.nn.softplus(-u) - q * jax.nn.softplus(u),
        lambda u, p, q: p * jax.nn.sigmoid(-u) - q * jax.nn.sigmoid(u),
        jnp.log(p) - jnp.log(q),
        jnp.sqrt(1.0 / p + 1.0 / q),
        p,
        q,
    )
    gammaln = jax.scipy.special.gammaln
    log_beta = gammaln(p) + gammaln(q) - gammaln(p + q)
    inside = jnp.minimum(area - log_beta, 0.0)
    return jnp.where(b > 0.0, jnp.where(a > 0.0, inside, 0.0), -np.inf)


class Truncated(dist.Distribution):
    """A distribution without its values below `lower` and above `upper`; the bounds belong to it.

    `tails(x)` gives the log probabilities of a value at or below x, and above x.
    """

    def __init__(self, base, tails, lower=None, upper=None, *, validate_args=None):
        self.base, self.tails, self.lower, self.upper = base, tails, lower, upper
        self.log_mass = log_mass(tails, lower, upper, step_of(base))
        shape = jnp.broadcast_shapes(base.batch_shape, jnp.shape(self.log_mass))
        super().__init__(batch_shape=shape, validate_args=validate_args)

    @property
    def support(self):
        own = self.base.support
        if own.is_discrete:
            lower = getattr(own, "lower_bound", 0) if self.lower is None else self.lower
            if self.upper is None:
                return dist.constraints.integer_greater_than(lower)
            return dist.constraints.integer_interval(lower, self.upper)
        if self.upper is None:
            return dist.constraints.greater_than(self.lower)
        if self.lower is None:
            return dist.constraints.less_than(self.upper)
        return dist.constraints.interval(self.lower, self.upper)

    def log_prob(self, value):
        inside = jnp.full(jnp.shape(value), True)
        if self.lower is not None:
            inside &= value >= self.lower
        if self.upper is not None:
            inside &= value <= self.upper
        return jnp.where(inside, self.base.log_prob(value) - self.log_mass, -jnp.inf)

    def sample(self, key, sample_shape=()):
        """By inversion: bisects the x above which a uniform share of the mass lies."""
        shape, step = (*sample_shape, *self.batch_shape), step_of(self.base)
        log_share = jnp.log(jax.random.uniform(key, shape, minval=1e-300))

        def at(place):
            x = jnp.sinh(place)  # so that a few steps reach any size
            return jnp.floor(x + 1e-6) if step else x

        def halve(_, ends):
            low, high = ends
            middle = 0.5 * (low + high)
            above = log_mass(self.tails, at(middle) + step, self.upper, step) - self.log_mass
            is_beyond = above > log_share
            return jnp.where(is_beyond, middle, low), jnp.where(is_beyond, high, middle)

        low = -70.0 if self.lower is None else jnp.arcsinh(self.lower - 0.5 * step)
        high = 70.0 if self.upper is None else jnp.arcsinh(self.upper)
        ends = jnp.broadcast_to(low, shape), jnp.broadcast_to(high, shape)
        return at(jax.lax.fori_loop(0, 80, halve, ends)[1])


def step_of(base):
    """How far apart values lie: 1 for whole numbers, 0 for a continuous distribution."""
    return 1 if base.support.is_discrete else 0


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
    larger = jnp.where(is_right, above_lower, below_upper)
    smaller = jnp.where(is_right, above_upper, below_lower)
    return larger + log1mexp(smaller - larger)


def log1mexp(x):
    """log(1 - exp(x)) of a negative x, accurate near 0 and far from it."""
    near = x > -0.7
    small = jnp.log(-jnp.expm1(jnp.where(near, jnp.minimum(x, -1e-300), -1.0)))
    return jnp.where(near, small, jnp.log1p(-jnp.exp(jnp.where(near, -1.0, x))))


class Hurdle(dist.Distribution):
    """Zero with a probability given by its log odds, else a distribution that has no zeros."""

    def __init__(self, base, logits, *, validate_args=None):
        self.base, self.logits = base, jnp.asarray(logits, dtype=float)
        shape = jnp.broadcast_shapes(base.batch_shape, jnp.shape(logits))
        super().__init__(batch_shape=shape, validate_args=validate_args)

    @property
    def support(self):
        is_discrete = self.base.support.is_discrete
        return dist.constraints.nonnegative_integer if is_discrete else dist.constraints.real

    def log_prob(self, value):
        log_share, log_rest = -jax.nn.softplus(-self.logits), -jax.nn.softplus(self.logits)
        known = jnp.where(value == 0, self.base.support.feasible_like(value), value)
        return jnp.where(value == 0, log_share, log_rest + self.base.log_prob(known))

    def sample(self, key, sample_shape=()):
        key, key_zero = jax.random.split(key)
        value = self.base.expand(self.batch_shape).sample(key, sample_shape)
        share = jax.nn.sigmoid(self.logits)
        return jnp.where(jax.random.bernoulli(key_zero, share, value.shape), 0, value)


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
