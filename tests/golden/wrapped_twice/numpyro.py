"""Wrappers inside wrappers.

Written by HDSL from model.hdsl, for NumPyro:

    numpyro.enable_x64()
    data = prepare(rows)
    kernel = numpyro.infer.NUTS(model)
    mcmc = numpyro.infer.MCMC(kernel, num_warmup=1000, num_samples=1000)
    mcmc.run(jax.random.key(0), data)
"""

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


def model(data):
    """Wrappers inside wrappers."""
    n_row = len(data["coords"]["row"])
    sd_seen = data["sd_seen"]
    k = data["k"]
    w = data["w"]
    limit = data["limit"]
    seen = data["seen"]

    # model.hdsl:7  limit ~ weighted(censored(zeroinflated(poisson(mu), p), upper = 4), w)
    # default prior of p: `p` of `zeroinflated`
    p = numpyro.sample("p", dist.Beta(1, 1))

    # model.hdsl:8  mu ~ gamma(2, 1)
    mu = numpyro.sample("mu", dist.Gamma(2, 1))

    # model.hdsl:9  seen ~ censored(mixture([q, 1 - q], normal(a, s), truncated(normal(a, 1), lower
    #     = -5)), upper = 1)
    # default prior of q: a probability: every value as likely
    q = numpyro.sample("q", dist.Beta(1, 1))
    # default prior of s: residual scale of `normal`
    s = numpyro.sample("s", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_seen)))

    # model.hdsl:10  a ~ normal(0, 1)
    a = numpyro.sample("a", dist.Normal(0, 1))

    # model.hdsl:11  k ~ zeroinflated(truncated(negbinomial(mu, phi), upper = 8), p)
    # default prior of phi: `phi` of `negbinomial`
    phi = numpyro.sample("phi", dist.InverseGamma(0.4, 0.3))
    with numpyro.plate("row", n_row):
        numpyro.sample(
            "k",
            ZeroInflated(
                Truncated(
                    dist.NegativeBinomialLogits(phi, jnp.log(mu) - jnp.log(phi)),
                    partial(negbinomial_tails, mu=mu, phi=phi),
                    upper=8,
                ),
                jax.scipy.special.logit(p),
            ),
            obs=k,
        )

    # model.hdsl:7  limit ~ weighted(censored(zeroinflated(poisson(mu), p), upper = 4), w)
    with numpyro.plate("row", n_row):
        numpyro.sample(
            "limit",
            Weighted(
                Censored(
                    ZeroInflated(dist.Poisson(mu), jax.scipy.special.logit(p)),
                    partial(
                        zero_tails,
                        tails=partial(poisson_tails, mu=mu),
                        logits=jax.scipy.special.logit(p),
                    ),
                    upper=4,
                ),
                w,
            ),
            obs=limit,
        )

    # model.hdsl:9  seen ~ censored(mixture([q, 1 - q], normal(a, s), truncated(normal(a, 1), lower
    #     = -5)), upper = 1)
    with numpyro.plate("row", n_row):
        numpyro.sample(
            "seen",
            Censored(
                Mixture(
                    [q, 1 - q],
                    [
                        dist.Normal(a, s),
                        Truncated(
                            dist.Normal(a, 1), partial(normal_tails, mu=a, sigma=1), lower=-5
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
            ),
            obs=seen,
        )


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


def zero_tails(x, tails, logits):
    """Log probabilities with an extra share of zeros: at or below x, and above x."""
    x, logits = jnp.asarray(x), 1.0 * jnp.asarray(logits)
    log_share, log_rest = -jax.nn.softplus(-logits), -jax.nn.softplus(logits)
    below, above = tails(x)
    return (
        jnp.logaddexp(log_rest + below, jnp.where(x >= 0, log_share, -1e300)),
        jnp.logaddexp(log_rest + above, jnp.where(x >= 0, -1e300, log_share)),
    )


def poisson_tails(x, mu):
    """Log probabilities of poisson(mu): at or below x, and above x."""
    below = log_gamma_survival(x + 1, mu)
    above = log_gamma_cdf(x + 1, mu)
    return below, above


def log_gamma_cdf(a, x):
    """Log of the regularized lower incomplete gamma function P(a, x); 1 where a is 0.

    The integral is over log x, where it is log-concave.
    """
    a, x = jnp.broadcast_arrays(a, x)
    p = jnp.where(a > 0.0, a, 1.0)
    area = log_area_below(
        jnp.log(jnp.maximum(x, 1e-300)),
        lambda u, p: p * u - jnp.exp(jnp.minimum(u, 300.0)),
        lambda u, p: p - jnp.exp(jnp.minimum(u, 300.0)),
        jnp.log(p),
        1.0 / jnp.sqrt(p),
        p,
    )
    inside = jnp.minimum(area - jax.scipy.special.gammaln(p), 0.0)
    return jnp.where(a > 0.0, inside, 0.0)


def log_gamma_survival(a, x):
    """Log of the regularized upper incomplete gamma function Q(a, x); 0 where a is 0."""
    a, x = jnp.broadcast_arrays(a, x)
    p = jnp.where(a > 0.0, a, 1.0)
    area = log_area_below(
        -jnp.log(jnp.maximum(x, 1e-300)),
        lambda u, p: -p * u - jnp.exp(jnp.minimum(-u, 300.0)),
        lambda u, p: jnp.exp(jnp.minimum(-u, 300.0)) - p,
        -jnp.log(p),
        1.0 / jnp.sqrt(p),
        p,
    )
    inside = jnp.minimum(area - jax.scipy.special.gammaln(p), 0.0)
    return jnp.where(a > 0.0, inside, -np.inf)


class Censored(dist.Distribution):
    """A distribution seen only inside bounds: a value at a bound lies at it or beyond.

    `tails(x)` gives the log probabilities of a value at or below x, and above x.
    """

    def __init__(self, base, tails, lower=None, upper=None, *, validate_args=None):
        self.base, self.tails, self.lower, self.upper = base, tails, lower, upper
        bounds = [jnp.shape(bound) for bound in (lower, upper) if bound is not None]
        shape = jnp.broadcast_shapes(base.batch_shape, *bounds)
        super().__init__(batch_shape=shape, validate_args=validate_args)

    @property
    def support(self):
        return self.base.support

    def log_prob(self, value):
        found = self.base.log_prob(value)
        if self.lower is not None:
            at = jnp.maximum(self.lower, -1e15)  # no bound at all is an infinite one
            found = jnp.where(value > self.lower, found, self.tails(at)[0])
        if self.upper is not None:
            at = jnp.minimum(self.upper, 1e15) - step_of(self.base)
            found = jnp.where(value < self.upper, found, self.tails(at)[1])
        return found

    def sample(self, key, sample_shape=()):
        value = self.base.expand(self.batch_shape).sample(key, sample_shape)
        return jnp.clip(value, self.lower, self.upper)


class Weighted(dist.Distribution):
    """A distribution whose log density counts `weights` times; samples do not know of it."""

    def __init__(self, base, weights, *, validate_args=None):
        self.base, self.weights = base, weights
        shape = jnp.broadcast_shapes(base.batch_shape, jnp.shape(weights))
        super().__init__(batch_shape=shape, validate_args=validate_args)

    @property
    def support(self):
        return self.base.support

    def log_prob(self, value):
        return self.weights * self.base.log_prob(value)

    def sample(self, key, sample_shape=()):
        return self.base.expand(self.batch_shape).sample(key, sample_shape)


def normal_tails(x, mu, sigma):
    """Log probabilities of normal(mu, sigma): at or below x, and above x."""
    below = jax.scipy.special.log_ndtr((x - mu) / sigma)
    above = jax.scipy.special.log_ndtr((mu - x) / sigma)
    return below, above


class Mixture(dist.Distribution):
    """One of several distributions, each with its weight; the weights add up to 1."""

    def __init__(self, weights, components, *, validate_args=None):
        self.weights, self.components = weights, components
        shapes = [*(jnp.shape(w) for w in weights), *(c.batch_shape for c in components)]
        shape = jnp.broadcast_shapes(*shapes)
        super().__init__(batch_shape=shape, validate_args=validate_args)

    @property
    def support(self):
        return self.components[0].support

    def log_prob(self, value):
        parts = []
        for weight, component in zip(self.weights, self.components):
            inside = component.support(value)
            known = jnp.where(inside, value, component.support.feasible_like(value))
            part = jnp.log(weight) + component.log_prob(known)
            parts.append(jnp.where(inside, part, -jnp.inf))
        parts = jnp.stack(jnp.broadcast_arrays(*parts), axis=-1)
        return jax.scipy.special.logsumexp(parts, axis=-1)

    def sample(self, key, sample_shape=()):
        key, *keys = jax.random.split(key, 1 + len(self.components))
        left = jax.random.uniform(key, (*sample_shape, *self.batch_shape))
        found = 0
        for weight, component, own in zip(self.weights, self.components, keys):
            value = component.expand(self.batch_shape).sample(own, sample_shape)
            is_here = (left >= 0.0) & ((left < weight) | (component is self.components[-1]))
            found = jnp.where(is_here, value, found)
            left = jnp.where(is_here, -1.0, left - weight)
        return found


def mixture_tails(x, weights, tails):
    """Log probabilities of a mixture: at or below x, and above x."""
    below, above = -1e300, -1e300
    for weight, own in zip(weights, tails):
        own_below, own_above = own(x)
        below = jnp.logaddexp(below, jnp.log(weight) + own_below)
        above = jnp.logaddexp(above, jnp.log(weight) + own_above)
    return below, above


def truncated_tails(x, tails, lower, upper, step):
    """Log probabilities of a truncated distribution: at or below x, and above x."""
    mass = log_mass(tails, lower, upper, step)
    if lower is not None:
        x = jnp.maximum(x, lower - step)
    if upper is not None:
        x = jnp.minimum(x, upper)
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
