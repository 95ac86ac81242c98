"""What a distribution is, as data: the row type of the families table.

A row is the only place that knows a distribution: parameters, supports, linked forms, moments,
default priors by role, both spellings and the documentation. Nothing outside this package
may mention a distribution by name, save as a literal in a default prior.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import inf

from hdsl.expr import Expr
from hdsl.families.structure import Structure


@dataclass(frozen=True)
class Support:
    """An interval of the line, or of the integers where ``discrete``."""

    lower: float = -inf
    upper: float = inf
    open_lower: bool = True
    open_upper: bool = True
    discrete: bool = False

    def within(self, other: "Support") -> bool:
        """Whether every point of this support is one of the other; open or closed is the same."""
        return (
            self.lower >= other.lower
            and self.upper <= other.upper
            and (self.discrete or not other.discrete)
        )


REAL = Support()
POSITIVE = Support(0.0)
NONNEGATIVE = Support(0.0, open_lower=False)
UNIT = Support(0.0, 1.0)
CORRELATION = Support(-1.0, 1.0)
COUNT = Support(0.0, open_lower=False, discrete=True)
POSITIVE_COUNT = Support(1.0, open_lower=False, discrete=True)
BINARY = Support(0.0, 1.0, False, False, discrete=True)


class Categories(Enum):
    """How the labels that a distribution gives its outcome relate to one another."""

    ORDERED = "ordered"  # along an axis of cut points, one fewer than the labels
    UNORDERED = "unordered"  # along an axis of the labels, without the baseline


class Role(Enum):
    """What a parameter does in its distribution; the default priors go by it."""

    LOCATION = "location"
    SCALE = "scale"
    SHAPE = "shape"
    RATE = "rate"
    PROBABILITY = "probability"
    SIZE = "size"  # number of trials: from data, never a parameter
    BOUND = "bound"
    EVENT = "event"  # whether a value was seen: from data
    SHARE = "share"  # of zeros, or of a component of a mixture
    WEIGHT = "weight"  # how often a term counts: from data
    SETTING = "setting"  # a number written in the model, never a quantity of it
    COVARIATE = "covariate"  # data that a structure is a function of
    CUTS = "cuts"  # increasing cut points between the categories: never written


@dataclass(frozen=True)
class FamilyParameter:
    """One parameter: ``links`` names the linked forms it takes (``("log",)`` gives ``log_mu``)."""

    name: str
    support: Support
    role: Role
    doc: str
    links: tuple[str, ...] = ()
    default: str | None = None  # default prior of a bare name here, as HDSL; {y} is the outcome,
    # and of a structure {scale} the scale of what has it, {x} its covariate
    otherwise: float | None = None  # the value where it is left out


@dataclass(frozen=True)
class Spelling:
    """How a backend writes the distribution.

    ``constructor`` is the backend's class (``dist.Normal``, ``pm.Normal``); ``arguments`` a format
    string of complete call arguments (``"mu={mu}, sigma={sigma}"``), whose slots are parameters or,
    where ``slots`` has them, expressions of parameters. No slot stands beside an operator, so
    none needs brackets. ``helper`` is code that the generated file must hold for it: a complete
    top-level definition, which may use ``np``, ``jax``, ``jnp``, ``dist`` (NumPyro) and ``np``,
    ``pm``, ``pt`` (PyMC).
    """

    constructor: str
    arguments: str
    slots: Mapping[str, Expr] = field(default_factory=dict)
    helper: str | None = None


@dataclass(frozen=True)
class Family:
    """One distribution. ``numpyro`` and ``pymc`` map a form, the names of the arguments given
    (``("mu", "phi")``, ``("log_mu", "phi")``), to its spelling; the plain form must be there, a
    linked form that is missing is spelled by the plain one with the inverse link applied
    (``lookup.called`` does so). A structure that is computed from draws has no spelling.
    """

    name: str
    parameters: tuple[FamilyParameter, ...]
    support: Support
    numpyro: Mapping[tuple[str, ...], Spelling]
    pymc: Mapping[tuple[str, ...], Spelling]
    mean: Expr | None  # in terms of the parameters; None where there is no closed form
    variance: Expr | None
    doc: str
    density: str  # in the language's notation; `x` is the value
    reference: str  # where the density's formula comes from
    log_cdf: Expr | None = None  # log probability of a value at or below `x`; None: no closed form
    log_survival: Expr | None = None  # the same of a value above `x`, accurate far in the tail
    lower: str | None = None  # the parameter that bounds the support from below, if one does
    upper: str | None = None
    positional: bool = True  # False where PyMC and Stan differ in order: keywords only
    improper: bool = False  # flat, halfflat: no outcome may have it
    categories: Categories | None = None  # its values are labels, counted from 0 in the code
    folded: str | None = None  # the family of the absolute value, where the location is 0
    elsewhere: tuple[str, ...] = ()  # what other systems call it, for suggestions
    structure: Structure | None = None  # of a whole array along a level: made of several draws

    @property
    def is_location_scale(self) -> bool:
        """Whether value = mu + sigma * z, with z of the same family at mu = 0, sigma = 1."""
        roles = [(p.name, p.role) for p in self.parameters]
        return (
            self.support == REAL
            and ("mu", Role.LOCATION) in roles
            and ("sigma", Role.SCALE) in roles
        )
