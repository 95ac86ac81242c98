"""What a generated NumPyro file holds for distributions made of others.

Each class composes: it takes distributions, is one, and hands over to those inside.
"""

from hdsl.families.tails import LOG_MASS

STEP = '''\
def step_of(base):
    """How far apart values lie: 1 for whole numbers, 0 for a continuous distribution."""
    return 1 if base.support.is_discrete else 0
'''

TRUNCATED = f'''\
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


{STEP}

{LOG_MASS}'''

CENSORED = f'''\
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


{STEP}'''

CENSORED_BY_EVENT = '''\
class CensoredByEvent(dist.Distribution):
    """A distribution of which some values, where `event` is 0, are known only to lie above.

    `tails(x)` gives the log probabilities of a value at or below x, and above x. Samples are
    the values themselves, whatever would have been known of them.
    """

    def __init__(self, base, tails, event, *, validate_args=None):
        self.base, self.tails, self.event = base, tails, event
        shape = jnp.broadcast_shapes(base.batch_shape, jnp.shape(event))
        super().__init__(batch_shape=shape, validate_args=validate_args)

    @property
    def support(self):
        return self.base.support

    def log_prob(self, value):
        return jnp.where(self.event == 0, self.tails(value)[1], self.base.log_prob(value))

    def sample(self, key, sample_shape=()):
        return self.base.expand(self.batch_shape).sample(key, sample_shape)
'''

ZERO_INFLATED = '''\
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
'''

HURDLE = '''\
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
'''

MIXTURE = '''\
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
'''

MIXTURE_OVER = '''\
class MixtureOver(dist.Distribution):
    """One member of a distribution along its last axis, each with its weight."""

    def __init__(self, weights, base, *, validate_args=None):
        shape = jnp.broadcast_shapes(base.batch_shape, jnp.shape(weights))
        self.weights, self.base = jnp.broadcast_to(weights, shape), base.expand(shape)
        super().__init__(batch_shape=shape[:-1], validate_args=validate_args)

    @property
    def support(self):
        return self.base.support

    def log_prob(self, value):
        parts = jnp.log(self.weights) + self.base.log_prob(value[..., None])
        return jax.scipy.special.logsumexp(parts, axis=-1)

    def sample(self, key, sample_shape=()):
        key, key_member = jax.random.split(key)
        value = self.base.sample(key, sample_shape)
        member = jax.random.categorical(key_member, jnp.log(self.weights), shape=value.shape[:-1])
        return jnp.take_along_axis(value, member[..., None], axis=-1)[..., 0]
'''

WEIGHTED = '''\
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
'''
