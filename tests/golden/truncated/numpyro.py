"""Truncated outcomes and priors.

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


def model(data):
    """Truncated outcomes and priors."""
    n_market = len(data["coords"]["market"])
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    w = data["w"]
    y = data["y"]
    market_of_row = data["market_of_row"]
    n = data["n"]
    k = data["k"]

    # model.hdsl:7  w ~ truncated(gamma(a, rate), lower = 1, upper = 2)
    # default prior of a: `alpha` of `gamma`
    a = numpyro.sample("a", dist.InverseGamma(0.4, 0.3))

    # model.hdsl:14  tau ~ mixture([0.3, 0.7], gamma(2, 1), halfnormal(1))
    tau = numpyro.sample("tau", Mixture([0.3, 0.7], [dist.Gamma(2, 1), dist.HalfNormal(1)]))

    # model.hdsl:8  rate ~ truncated(cauchy(0, tau), lower = 0.5, upper = 20)
    rate = numpyro.sample(
        "rate",
        Truncated(dist.Cauchy(0, tau), partial(cauchy_tails, mu=0, sigma=tau), lower=0.5, upper=20),
    )

    # model.hdsl:9  y ~ truncated(normal(mu, sigma), lower = floor(y))
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_y)))

    # model.hdsl:11  m ~ normal(0, 1)
    m = numpyro.sample("m", dist.Normal(0, 1))

    # model.hdsl:10  mu[market] ~ truncated(normal(m, 1), upper = m + 2)
    with numpyro.plate("market", n_market):
        mu = numpyro.sample(
            "mu", Truncated(dist.Normal(m, 1), partial(normal_tails, mu=m, sigma=1), upper=m + 2)
        )

    # model.hdsl:13  lambda ~ truncated(gamma(2, 1), upper = 9)
    lambda_ = numpyro.sample(
        "lambda",
        Truncated(dist.Gamma(2, 1), partial(gamma_tails, alpha=2, beta=1), lower=0, upper=9),
    )

    # model.hdsl:7  w ~ truncated(gamma(a, rate), lower = 1, upper = 2)
    with numpyro.plate("row", n_row):
        numpyro.sample(
            "w",
            Truncated(
                dist.Gamma(a, rate), partial(gamma_tails, alpha=a, beta=rate), lower=1, upper=2
            ),
            obs=w,
        )

    # model.hdsl:9  y ~ truncated(normal(mu, sigma), lower = floor(y))
    lower = jnp.floor(y)
    with numpyro.plate("row", n_row):
        numpyro.sample(
            "y",
            Truncated(
                dist.Normal(mu[market_of_row], sigma),
                partial(normal_tails, mu=mu[market_of_row], sigma=sigma),
                lower=lower,
            ),
            obs=y,
        )

    # model.hdsl:12  k ~ truncated(poisson(lambda), upper = n)
    with numpyro.plate("row", n_row):
        numpyro.sample(
            "k",
            Truncated(dist.Poisson(lambda_), partial(poisson_tails, mu=lambda_), upper=n),
            obs=k,
        )


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


def cauchy_tails(x, mu, sigma):
    """Log probabilities of cauchy(mu, sigma): at or below x, and above x."""
    below = jnp.log(jnp.arctan2(sigma, mu - x) / np.pi)
    above = jnp.log(jnp.arctan2(sigma, x - mu) / np.pi)
    return below, above


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


def normal_tails(x, mu, sigma):
    """Log probabilities of normal(mu, sigma): at or below x, and above x."""
    below = jax.scipy.special.log_ndtr((x - mu) / sigma)
    above = jax.scipy.special.log_ndtr((mu - x) / sigma)
    return below, above


def gamma_tails(x, alpha, beta):
    """Log probabilities of gamma(alpha, beta): at or below x, and above x."""
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


def poisson_tails(x, mu):
    """Log probabilities of poisson(mu): at or below x, and above x."""
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
