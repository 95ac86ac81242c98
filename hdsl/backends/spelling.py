"""Distributions as calls of a backend's own: the families' rows, and two that no row is for."""

from hdsl.backends.expressions import write
from hdsl.backends.program import CholeskyLkj, Drawn, Increasing, JointNormal, Sample
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
