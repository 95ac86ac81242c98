"""Questions that checks and backends ask of a row: parameters, supports, the spelling of a call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf
from statistics import NormalDist

from hdsl.expr import (
    Aggregate,
    Apply,
    Block,
    Constant,
    Contraction,
    Expr,
    Label,
    Member,
    Summary,
    Value,
    apply,
    substitute,
)
from hdsl.families import ranges
from hdsl.families.family import (
    NONNEGATIVE,
    REAL,
    Family,
    FamilyParameter,
    Spelling,
    Support,
)
from hdsl.families.functions import Library, function_of
from hdsl.families.links import LINKS, Link


def parameter(family: Family, name: str) -> tuple[FamilyParameter, str | None] | None:
    """The parameter that an argument's name means and the link it is written through, if any.

    None where the family has no such parameter or linked form: ``log_mu`` of a Poisson gives
    its ``mu`` and ``"log"``.
    """
    for own in family.parameters:
        if own.name == name:
            return own, None
        for link in own.links:
            if name == f"{link}_{own.name}":
                return own, link
    return None


def argument_names(family: Family) -> tuple[str, ...]:
    """Every name that an argument may have, linked forms after their parameter."""
    return tuple(
        name
        for p in family.parameters
        for name in (p.name, *(f"{link}_{p.name}" for link in p.links))
    )


def interval(expr: Expr, supports: Callable[[str], Support]) -> Support:
    """Between which bounds an expression lies, given the supports of the quantities it uses.

    Conservative: wide where nothing is known, exact where the expression is a constant.
    """
    match expr:
        case Constant(value=value):
            return ranges.point(value)
        case Value(name=name):
            return supports(name)
        case Member(of=of):
            return interval(of, supports)
        case Summary(function=function, argument=argument):
            inner = interval(argument, supports)
            return NONNEGATIVE if function == "sd" else replace(inner, discrete=False)
        case Apply(arguments=arguments):
            return _applied(expr, tuple(interval(a, supports) for a in arguments))
        case Label() | Block() | Contraction() | Aggregate():
            return REAL


def _applied(call: Apply, arguments: tuple[Support, ...]) -> Support:
    try:
        function = function_of(call)
    except KeyError:
        return REAL  # a transform of data: nothing is promised
    if all(ranges.is_point(a) for a in arguments):
        # a function without monotone pieces is still known at a point
        try:
            return ranges.point(function.evaluate(*(a.lower for a in arguments)))
        except (ValueError, ArithmeticError):
            return REAL
    return function.range(arguments)


def support_of(
    family: Family,
    arguments: Mapping[str, Expr],
    supports: Callable[[str], Support] = lambda _: REAL,
) -> Support:
    """The support of a distribution with these arguments: bounds that are arguments are put in.

    >>> from hdsl.families import FAMILIES
    >>> support_of(FAMILIES["uniform"], {"lower": Constant(0.0), "upper": Constant(1.0)})
    Support(lower=0.0, upper=1.0, open_lower=False, open_upper=False, discrete=False)
    """
    support = family.support
    if family.lower is not None:
        lower = interval(plain_argument(family, arguments, family.lower), supports).lower
        if lower > support.lower:
            support = replace(support, lower=lower, open_lower=False)
    if family.upper is not None:
        upper = interval(plain_argument(family, arguments, family.upper), supports).upper
        if upper < support.upper:
            support = replace(support, upper=upper, open_upper=False)
    return support


def plain_argument(family: Family, arguments: Mapping[str, Expr], name: str) -> Expr:
    """The value of a parameter, whichever form it was given in."""
    for given, value in arguments.items():
        found = parameter(family, given)
        if found is not None and found[0].name == name:
            return value if found[1] is None else LINKS[found[1]].invert(value)
    raise KeyError(name)


@dataclass(frozen=True)
class Call:
    """A distribution as a backend writes it: the spelling and an expression for each slot."""

    spelling: Spelling
    slots: Mapping[str, Expr]


def called(family: Family, library: Library, arguments: Mapping[str, Expr]) -> Call:
    """How a backend writes a family with these arguments, in the most stable form that it has.

    An argument that is a link's inverse (``poisson(exp(eta))``) takes the linked form where the
    backend spells it; a linked form that it does not spell takes the inverse link.
    """
    forms = family.numpyro if library is Library.NUMPYRO else family.pymc
    linked = {_linked(family, name, value) for name, value in arguments.items()}
    by_parameter = {own.name: (own, link, value) for own, link, value in linked}
    given = [by_parameter[p.name] for p in family.parameters]
    best = max(forms, key=lambda form: _fit(form, given))
    slots: dict[str, Expr] = {}
    for slot, (own, link, value) in zip(best, given, strict=True):
        plain = slot == own.name
        slots[slot] = LINKS[link].invert(value) if plain and link is not None else value
    spelling = forms[best]
    return Call(spelling, slots | {k: substitute(e, slots) for k, e in spelling.slots.items()})


Given = tuple[FamilyParameter, str | None, Expr]


def _linked(family: Family, name: str, value: Expr) -> Given:
    """An argument, moved to the linked form where it is the inverse of one."""
    found = parameter(family, name)
    if found is None:
        raise KeyError(name)
    own, link = found
    if link is None:
        for candidate in own.links:
            inner = LINKS[candidate].inverted(value)
            if inner is not None:
                return own, candidate, inner
    return own, link, value


def _fit(form: tuple[str, ...], given: list[Given]) -> int:
    """How many linked arguments a form takes as they are; -1 if it cannot take them all."""
    taken = 0
    for slot, (own, link, _) in zip(form, given, strict=True):
        if link is not None and slot == f"{link}_{own.name}":
            taken += 1
        elif slot != own.name:
            return -1
    return taken


@dataclass(frozen=True)
class Natural:
    """The family that ``likely`` gives a support: normal after ``link``.

    ``transform``: whether the prior is one of the linked parameter (logit-normal has no family of
    its own) or the family itself takes the link (lognormal).
    """

    family: str
    link: str | None = None
    transform: bool = False


_NATURAL = {
    (-inf, inf): Natural("normal"),
    (0.0, inf): Natural("lognormal", "log"),
    (0.0, 1.0): Natural("normal", "logit", transform=True),
}


def natural_family(support: Support) -> Natural | None:
    """The natural family of a parameter's support; None where it has none.

    >>> natural_family(Support(0.0, 1.0))
    Natural(family='normal', link='logit', transform=True)
    """
    return None if support.discrete else _NATURAL.get((support.lower, support.upper))


_Z = NormalDist().inv_cdf(0.975)


def likely(natural: Natural, lower: Expr, upper: Expr) -> Mapping[str, Expr]:
    """The arguments ``mu`` and ``sigma`` that put 95% of the natural family between two values."""
    link: Link | None = None if natural.link is None else LINKS[natural.link]
    low, high = (x if link is None else link.apply(x) for x in (lower, upper))
    centre = folded(apply("/", apply("+", low, high), 2.0))
    spread = folded(apply("/", apply("-", high, low), 2 * _Z))
    return {"mu": centre, "sigma": spread}


def folded(expr: Expr) -> Expr:
    """The constant that an expression of constants comes to; any other expression as it is."""
    support = interval(expr, lambda _: REAL)
    return Constant(support.lower) if ranges.is_point(support) else expr
