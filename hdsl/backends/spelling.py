"""Distributions as calls of a backend's own: the families' rows, and two that no row is for."""

from collections.abc import Mapping

from hdsl.backends.expressions import write
from hdsl.backends.program import CholeskyLkj, Drawn, Increasing, JointNormal, Sample, Scored
from hdsl.backends.wrapping import Spelled, Wrapping
from hdsl.families.functions import Library


def spell_site(sample: Sample, wrapping: Wrapping) -> Spelled:
    """The distribution of any site; ``wrapping`` says how those made of others are written."""
    library = wrapping.library
    match sample.distribution:
        case Drawn() as drawn:
            return wrapping.spelled(drawn)
        case CholeskyLkj(size=size, concentration=concentration):
            eta = write(concentration, library)
            if library is Library.PYMC:
                return Spelled("pm.LKJCorr", f"n={size}, eta={eta}")
            return Spelled("dist.LKJCholesky", f"{size}, {eta}")
        case JointNormal(location=location, factor=factor):
            mu, chol = write(location, library), write(factor, library)
            if library is Library.PYMC:
                return Spelled("pm.MvNormal", f"mu={mu}, chol={chol}")
            return Spelled("dist.MultivariateNormal", f"{mu}, scale_tril={chol}")
        case Increasing(each=each) as prior:
            return _increasing(wrapping.spelled(each), prior, library)
        case Scored(each=each, typical=typical):
            return _scored(wrapping.spelled(each), write(typical, library), library)


NUMPYRO_INCREASING = '''\
class Increasing(dist.Distribution):
    """Values in increasing order, each with the density of one distribution."""

    support = dist.constraints.ordered_vector
    pytree_data_fields = ("each",)

    def __init__(self, each, size, *, validate_args=None):
        shape = each.batch_shape[:-1]
        self.each = each.expand((*shape, size))
        super().__init__(shape, (size,), validate_args=validate_args)

    def sample(self, key, sample_shape=()):
        return jnp.sort(self.each.sample(key, sample_shape), axis=-1)

    def log_prob(self, value):
        return self.each.log_prob(value).sum(axis=-1)
'''

NUMPYRO_INCREASING_POSITIVE = '''\
class IncreasingPositive(Increasing):
    """The same of values above zero."""

    support = dist.constraints.positive_ordered_vector
'''


def _increasing(each: Spelled, prior: Increasing, library: Library) -> Spelled:
    size = prior.sizes[-1]
    if library is Library.PYMC:
        start = f"np.arange({size}) - ({size} - 1) / 2"
        if prior.positive:  # PyMC puts them in order on its own log scale
            start = f"np.arange(1.0, {size} + 1)"
        if len(prior.sizes) > 1:
            start = f"np.full(({', '.join(prior.sizes)}), {start})"
        options = f"transform=pm.distributions.transforms.ordered, initval={start}"
        return Spelled(each.constructor, f"{each.arguments}, {options}", each.helpers)
    helpers = (NUMPYRO_INCREASING, *each.helpers)
    if prior.positive:
        helpers = (*helpers, NUMPYRO_INCREASING_POSITIVE)
    name = "IncreasingPositive" if prior.positive else "Increasing"
    return Spelled(name, f"{each.call}, {size}", helpers)


NUMPYRO_SCORE = '''\
class Score(dist.transforms.Transform):
    """x = typical exp(z sqrt(1 + z^2 / 4)): log x with the tails of a normal, not long ones."""

    domain = dist.constraints.real
    codomain = dist.constraints.positive

    def __init__(self, typical):
        self.typical = typical

    def __call__(self, z):
        return self.typical * jnp.exp(z * jnp.sqrt(1 + z**2 / 4))

    def _inverse(self, x):
        log = jnp.log(x / self.typical)
        return log * jnp.sqrt(2 / (1 + jnp.sqrt(1 + log**2)))

    def log_abs_det_jacobian(self, z, x, intermediates=None):
        root = jnp.sqrt(1 + z**2 / 4)
        return jnp.log(self.typical * (1 + z**2 / 2) / root) + z * root

    def tree_flatten(self):
        return (self.typical,), (("typical",), {})
'''

NUMPYRO_POSITIVE_BY_SCORE = '''\
class PositiveByScore(dist.constraints.Constraint):
    """Positive values that are sampled by their score."""

    def __init__(self, typical):
        self.typical = typical

    def __call__(self, x):
        return x > 0

    def feasible_like(self, prototype):
        return jnp.broadcast_to(self.typical, jnp.shape(prototype))

    def tree_flatten(self):
        return (self.typical,), (("typical",), {})


dist.biject_to.register(PositiveByScore, lambda constraint: Score(constraint.typical))
'''

NUMPYRO_BY_SCORE = '''\
class ByScore(dist.Distribution):
    """A distribution of positive values that are sampled by their score."""

    pytree_data_fields = ("each", "typical")

    def __init__(self, each, typical, *, validate_args=None):
        self.each, self.typical = each, typical
        super().__init__(each.batch_shape, validate_args=validate_args)

    @dist.constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return PositiveByScore(self.typical)

    @property
    def mean(self):
        return self.each.mean

    def sample(self, key, sample_shape=()):
        return self.each.sample(key, sample_shape)

    def log_prob(self, value):
        return self.each.log_prob(value)
'''

PYMC_SCORE = '''\
class Score(pm.distributions.transforms.Transform):
    """x = typical exp(z sqrt(1 + z^2 / 4)): log x with the tails of a normal, not long ones."""

    name = "score"
    ndim_supp = 0

    def __init__(self, typical):
        self.typical = typical

    def backward(self, value, *inputs):
        return self.typical * pt.exp(value * pt.sqrt(1 + value**2 / 4))

    def forward(self, value, *inputs):
        log = pt.log(value / self.typical)
        return log * pt.sqrt(2 / (1 + pt.sqrt(1 + log**2)))

    def log_jac_det(self, value, *inputs):
        root = pt.sqrt(1 + value**2 / 4)
        return pt.log(self.typical * (1 + value**2 / 2) / root) + value * root
'''


def _scored(each: Spelled, typical: str, library: Library) -> Spelled:
    if library is Library.PYMC:
        options = f"default_transform=Score({typical})"
        helpers = (*each.helpers, PYMC_SCORE)
        return Spelled(each.constructor, f"{each.arguments}, {options}", helpers)
    helpers = (*each.helpers, NUMPYRO_BY_SCORE, NUMPYRO_POSITIVE_BY_SCORE, NUMPYRO_SCORE)
    return Spelled("ByScore", f"{each.call}, {typical}", helpers)


SITE_HELPERS: Mapping[Library, tuple[str, ...]] = {
    Library.NUMPYRO: (
        *(NUMPYRO_INCREASING, NUMPYRO_INCREASING_POSITIVE),
        *(NUMPYRO_BY_SCORE, NUMPYRO_POSITIVE_BY_SCORE, NUMPYRO_SCORE),
    ),
    Library.PYMC: (PYMC_SCORE,),
}
"""All that a file may have to define for these distributions, by library."""
