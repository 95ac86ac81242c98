"""Two components, written out.

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


def model(data):
    """Two components, written out."""
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    y = data["y"]

    # model.hdsl:4  y ~ mixture([share, 1 - share], normal(low, sigma), studentt(4, low + gap,
    #     sigma))
    # default prior of share: a probability: every value as likely
    share = numpyro.sample("share", dist.Beta(1, 1))
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_y)))

    # model.hdsl:5  low ~ normal(0, 3)
    low = numpyro.sample("low", dist.Normal(0, 3))

    # model.hdsl:6  gap ~ truncated(normal(0, 2), lower = 0)
    gap = numpyro.sample(
        "gap", Truncated(dist.Normal(0, 2), partial(normal_tails, mu=0, sigma=2), lower=0)
    )

    # model.hdsl:4  y ~ mixture([share, 1 - share], normal(low, sigma), studentt(4, low + gap,
    #     sigma))
    with numpyro.plate("row", n_row):
        numpyro.sample(
            "y",
            Mixture(
                [share, 1 - share], [dist.Normal(low, sigma), dist.StudentT(4, low + gap, sigma)]
            ),
            obs=y,
        )


def normal_tails(x, mu, sigma):
    """Log probabilities of normal(mu, sigma): at or below x, and above x."""
    below = jax.scipy.special.log_ndtr((x - mu) / sigma)
    above = jax.scipy.special.log_ndtr((mu - x) / sigma)
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
