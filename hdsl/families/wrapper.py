"""Distributions made of others, as data: what each takes, and how both backends write it.

A row is to a wrapper what a ``Family`` is to a distribution. Its numerics are in
``wrapped_numpyro`` and ``wrapped_pymc``; what may stand inside it is said here, by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hdsl.families import tails, wrapped_numpyro, wrapped_pymc
from hdsl.families.family import BINARY, NONNEGATIVE, REAL, UNIT, FamilyParameter, Role, Support
from hdsl.families.functions import Library
from hdsl.families.links import UNIT_LINKS


@dataclass(frozen=True)
class Helper:
    """The name by which a generated file calls a wrapper, and its definitions for each library."""

    name: str
    numpyro: str
    pymc: str
    tails: str | None = None  # of its own distribution function, in JAX's words

    def source(self, library: Library) -> str:
        """The definitions for a library."""
        return self.numpyro if library is Library.NUMPYRO else self.pymc


@dataclass(frozen=True)
class Wrapper:
    """One wrapper. ``takes`` names the wrappers that may stand directly inside it; distributions
    of the families table always may, as far as their support does.
    """

    name: str
    parameters: tuple[FamilyParameter, ...]
    takes: frozenset[str]
    signatures: tuple[str, ...]
    doc: str
    density: str  # in the language's notation; `d` is the density inside, `x` the value
    reference: str
    helper: Helper
    by_name: bool = False  # arguments are given by name only, and may be left out
    needs_tails: bool = False  # of what stands inside: only what has a distribution function may
    for_parameters: bool = False  # a prior may have it
    several: bool = False  # wraps several distributions


_CLOSED_UNIT = Support(0.0, 1.0, False, False)
_LOWER = FamilyParameter("lower", REAL, Role.BOUND, "the smallest value that there can be")
_UPPER = FamilyParameter("upper", REAL, Role.BOUND, "the largest value that there can be")
_SHARE = FamilyParameter(
    "p", UNIT, Role.SHARE, "the extra share of zeros", UNIT_LINKS, "beta(1, 1)"
)

TRUNCATED = Wrapper(
    name="truncated",
    parameters=(_LOWER, _UPPER),
    takes=frozenset({"mixture", "zeroinflated"}),
    signatures=("truncated(d, lower = 0, upper = 1)",),
    doc="A distribution cut off at one or two bounds, which belong to it: values beyond them "
    "cannot arise, and those inside are the more likely.",
    density="d(x) / P(lower <= x <= upper), 0 beyond the bounds",
    reference="Stan User's Guide, Truncated or censored data",
    helper=Helper(
        "Truncated", wrapped_numpyro.TRUNCATED, wrapped_pymc.TRUNCATED, tails.TRUNCATED_TAILS
    ),
    by_name=True,
    needs_tails=True,
    for_parameters=True,
)

CENSORED = Wrapper(
    name="censored",
    parameters=(
        FamilyParameter("lower", REAL, Role.BOUND, "a value there lies at it or below"),
        FamilyParameter("upper", REAL, Role.BOUND, "a value there lies at it or above"),
        FamilyParameter("event", BINARY, Role.EVENT, "0: the value is known only to lie above"),
    ),
    takes=frozenset({"truncated", "zeroinflated", "hurdle", "mixture"}),
    signatures=("censored(d, lower = 0, upper = 1)", "censored(d, event = e)"),
    doc="A distribution whose values are seen only inside bounds: at a bound the value is known "
    "to lie there or beyond. With `event` (0 or 1), a value without its event is known only to lie "
    "above what is recorded: survival times.",
    density="d(x) inside, P(x >= upper) at the upper bound, P(x <= lower) at the lower; "
    "d(x)^event * P(X > x)^(1 - event)",
    reference="Stan User's Guide, Truncated or censored data",
    helper=Helper("Censored", wrapped_numpyro.CENSORED, wrapped_pymc.CENSORED),
    by_name=True,
    needs_tails=True,
)

ZEROINFLATED = Wrapper(
    name="zeroinflated",
    parameters=(_SHARE,),
    takes=frozenset({"truncated", "mixture", "censored"}),
    signatures=("zeroinflated(d, p)",),
    doc="A distribution of counts with more zeros: a share `p` of zeros besides those of the "
    "distribution itself.",
    density="p * (x == 0) + (1 - p) * d(x)",
    reference="Lambert (1992), Zero-inflated Poisson regression; PyMC `ZeroInflatedPoisson`",
    helper=Helper(
        "ZeroInflated",
        wrapped_numpyro.ZERO_INFLATED,
        wrapped_pymc.ZERO_INFLATED,
        tails.ZERO_TAILS,
    ),
)

HURDLE = Wrapper(
    name="hurdle",
    parameters=(
        FamilyParameter("p", UNIT, Role.SHARE, "the share of zeros", UNIT_LINKS, "beta(1, 1)"),
    ),
    takes=frozenset({"truncated", "mixture", "censored"}),
    signatures=("hurdle(d, p)",),
    doc="Zero with probability `p`, and else a value of the distribution that is not zero: of "
    "counts, without their own zeros; of a continuous one, as it is.",
    density="p where x is 0, else (1 - p) * d(x) / (1 - d(0)), d(0) being 0 if d is continuous",
    reference="Mullahy (1986), Specification and testing of some modified count data models; "
    "PyMC `HurdlePoisson`",
    helper=Helper("Hurdle", wrapped_numpyro.HURDLE, wrapped_pymc.HURDLE, tails.ZERO_TAILS),
)

MIXTURE = Wrapper(
    name="mixture",
    parameters=(
        FamilyParameter("weights", _CLOSED_UNIT, Role.SHARE, "the share of each component"),
    ),
    takes=frozenset({"truncated", "censored", "zeroinflated", "hurdle"}),
    signatures=("mixture([w1, w2], d1, d2)", "mixture(w, d)"),
    doc="One of several distributions, all of counts or all continuous: each value comes from one "
    "of them, with its weight. The weights add up to 1. Over a level (`level component = "
    "{low, high}`) the weights and the arguments vary over its members.",
    density="w1 * d1(x) + w2 * d2(x) + ...",
    reference="Stan User's Guide, Finite mixtures",
    helper=Helper("Mixture", wrapped_numpyro.MIXTURE, wrapped_pymc.MIXTURE, tails.MIXTURE_TAILS),
    for_parameters=True,
    several=True,
)

WEIGHTED = Wrapper(
    name="weighted",
    parameters=(FamilyParameter("w", NONNEGATIVE, Role.WEIGHT, "how many times the value counts"),),
    takes=frozenset({"truncated", "censored", "zeroinflated", "hurdle", "mixture"}),
    signatures=("weighted(d, w)",),
    doc="A likelihood term that counts `w` times, as if the row stood `w` times in the data: "
    "frequency or survey weights. Weights never are below 0. Predictions know nothing of them.",
    density="d(x)^w",
    reference="brms, additional response information `weights`",
    helper=Helper("Weighted", wrapped_numpyro.WEIGHTED, wrapped_pymc.WEIGHTED),
)

MIXTURE_OVER = Helper("MixtureOver", wrapped_numpyro.MIXTURE_OVER, wrapped_pymc.MIXTURE_OVER)
"""A mixture over a level of components."""

BY_EVENT = Helper(
    "CensoredByEvent", wrapped_numpyro.CENSORED_BY_EVENT, wrapped_pymc.CENSORED_BY_EVENT
)
"""Censoring by an event."""

WRAPPERS: Mapping[str, Wrapper] = {
    row.name: row for row in (TRUNCATED, CENSORED, ZEROINFLATED, HURDLE, MIXTURE, WEIGHTED)
}
"""Every distribution that is made of others, by name."""


WEIGHT = "weight "
"""How the argument of one component's weight begins, before its number: ``weight 1``."""


def argument(wrapper: Wrapper, name: str) -> tuple[FamilyParameter, str | None]:
    """The parameter that an argument of a wrapper means, and the link it is written through.

    >>> argument(WRAPPERS["zeroinflated"], "logit_p")[1]
    'logit'
    """
    if name.startswith(WEIGHT):
        return wrapper.parameters[0], None
    for own in wrapper.parameters:
        for link in (None, *own.links):
            if name == (own.name if link is None else f"{link}_{own.name}"):
                return own, link
    raise KeyError(name)
