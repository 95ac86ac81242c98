"""Distributions as calls of a backend's own: the families' rows, and two that no row is for."""

from dataclasses import dataclass

from hdsl.backends.expressions import write
from hdsl.backends.program import (
    Call,
    CholeskyLkj,
    Drawn,
    Increasing,
    JointNormal,
    Number,
    Sample,
    Term,
)
from hdsl.diagnostics.diagnostic import InternalError
from hdsl.expr import Apply, Constant, Expr, Value
from hdsl.families import FAMILIES
from hdsl.families.functions import Library
from hdsl.families.lookup import called


@dataclass(frozen=True)
class Spelled:
    """A distribution as a backend writes it."""

    constructor: str
    arguments: str
    helper: str | None = None


def spell(distribution: Drawn, library: Library) -> Spelled:
    """A row of the families table with its arguments, in the most stable form the backend has."""
    terms = dict(distribution.arguments)
    call = called(FAMILIES[distribution.family], library, {name: Value(name) for name in terms})
    slots = {name: write(_term(expr, terms), library) for name, expr in call.slots.items()}
    spelling = call.spelling
    return Spelled(spelling.constructor, spelling.arguments.format(**slots), spelling.helper)


def _term(expr: Expr, terms: dict[str, Term]) -> Term:
    """A slot of a spelling, with the arguments put in."""
    match expr:
        case Constant(value=value):
            return Number(value)
        case Value(name=name):
            return terms[name]
        case Apply(function=function, arguments=arguments):
            return Call(function, tuple(_term(argument, terms) for argument in arguments))
        case _:
            raise InternalError(f"a spelling holds {expr}")


def spell_site(sample: Sample, library: Library) -> Spelled:
    """The distribution of any site."""
    match sample.distribution:
        case Drawn() as drawn:
            return spell(drawn, library)
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
        case Increasing(each=each, size=size):
            return _increasing(spell(each, library), size, library)


NUMPYRO_INCREASING = '''\
class Increasing(dist.Distribution):
    """Values in increasing order, each with the density of one distribution."""

    support = dist.constraints.ordered_vector
    pytree_data_fields = ("each",)

    def __init__(self, each, size, *, validate_args=None):
        self.each = each
        super().__init__(event_shape=(size,), validate_args=validate_args)

    def sample(self, key, sample_shape=()):
        return jnp.sort(self.each.sample(key, (*sample_shape, *self.event_shape)), axis=-1)

    def log_prob(self, value):
        return self.each.log_prob(value).sum(axis=-1)
'''


def _increasing(each: Spelled, size: str, library: Library) -> Spelled:
    if library is Library.PYMC:
        start = f"initval=np.arange({size}) - ({size} - 1) / 2"
        options = f"transform=pm.distributions.transforms.ordered, {start}"
        return Spelled(each.constructor, f"{each.arguments}, {options}", each.helper)
    helpers = [NUMPYRO_INCREASING, *([each.helper] if each.helper else [])]
    arguments = f"{each.constructor}({each.arguments}), {size}"
    return Spelled("Increasing", arguments, "\n\n".join(helpers))
