"""What a generated PyMC file holds for distributions made of others.

Each function takes variables made by ``.dist`` and makes one: named, or unnamed (the name is None)
where it stands inside another.
"""

from hdsl.families.tails import LOG_MASS, in_pytensor

DERIVED = '''\
def derived(name, draw, logp, *parameters, **options):
    """A variable drawn as `draw`, with the log density logp(value, draw, *parameters)."""
    options |= {"logp": logp, "dist": lambda draw, *_: draw, "dtype": draw.dtype}
    if name is None:
        return pm.CustomDist.dist(draw, *parameters, **options)
    return pm.CustomDist(name, draw, *parameters, **options)


def step_of(base):
    """How far apart values lie: 1 for whole numbers, 0 for a continuous distribution."""
    return 1 if base.dtype.startswith("int") else 0
'''

TRUNCATED = f'''\
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


{DERIVED}

{in_pytensor(LOG_MASS)}'''

CENSORED = f'''\
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


{DERIVED}'''

CENSORED_BY_EVENT = f'''\
def CensoredByEvent(name, base, event, above, **options):
    """A distribution of which some values, where `event` is 0, are known only to lie above.

    `above` is the log probability of that. Draws are the values themselves, whatever would have
    been known of them.
    """
    return derived(name, base, by_event_logp, event, above, **options)


def by_event_logp(value, base, event, above):
    """Log density where the event was seen, else the log probability of a larger value."""
    return pt.switch(pt.eq(event, 0), above, pm.logp(base, value))


{DERIVED}'''

ZERO_INFLATED = f'''\
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


{DERIVED}'''

HURDLE = f'''\
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


{DERIVED}'''

MIXTURE = f'''\
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


{DERIVED}'''

MIXTURE_OVER = f'''\
def MixtureOver(name, weights, base, **options):
    """One member of a distribution along its last axis, each with its weight."""
    left = pm.Uniform.dist(size=base.shape[:-1])
    reached = pt.cumsum(pt.broadcast_to(weights, base.shape), axis=-1)[..., :-1]
    member = pt.sum(left[..., None] >= reached, axis=-1)
    draw = pt.take_along_axis(base, member[..., None], axis=-1)[..., 0]
    return derived(name, draw, mixture_over_logp, base, weights, **options)


def mixture_over_logp(value, draw, base, weights):
    """Log density of a mixture of the members along the last axis."""
    parts = pt.log(weights) + pm.logp(base, value[..., None])
    return pt.logsumexp(parts, axis=-1)


{DERIVED}'''

WEIGHTED = f'''\
def Weighted(name, base, weights, **options):
    """A distribution whose log density counts `weights` times; draws do not know of it."""
    return derived(name, base, weighted_logp, weights, **options)


def weighted_logp(value, base, weights):
    """Log density, times its weight."""
    return weights * pm.logp(base, value)


{DERIVED}'''
