"""What a coefficient does in the model: intercept or slope, on which scale, of which outcome.

The default priors go by it. Definitions are looked through; whatever is not linear has no rule.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hdsl.expr import Apply, Constant, Contraction, Expr, Member, Value, names, rewrite
from hdsl.families import Role
from hdsl.families.family import FamilyParameter
from hdsl.families.links import LINKS
from hdsl.ir.model import Data, Definition, Distribution, Node, Outcome, Parameter
from hdsl.ir.wrapped import every, heart, parameter_of

NodeOf = Callable[[str], Node | None]


@dataclass(frozen=True)
class Use:
    """One linear use of a quantity in an argument of a distribution.

    ``multiplier`` is the data expression that it is multiplied with, None for an intercept;
    ``others`` are the multipliers of the other coefficients in the same sum.
    """

    user: Outcome | Parameter
    distribution: Distribution  # of the user, or one that it wraps
    parameter: FamilyParameter
    link: str | None
    multiplier: Expr | None
    others: tuple[Expr, ...]
    direct: bool  # the argument is the bare quantity itself


@dataclass(frozen=True)
class Term:
    """A summand of a predictor: data that multiply something else."""

    data: Expr | None  # the product of its data, None where it has none
    rest: tuple[Expr, ...]
    names: frozenset[str]


@dataclass(frozen=True)
class Line:
    """One argument of one distribution, written out as a sum of terms."""

    user: Outcome | Parameter
    distribution: Distribution
    parameter: FamilyParameter
    link: str | None
    whole: Expr
    terms: tuple[Term, ...]

    def use(self, name: str) -> Use | None:
        """How a quantity enters this sum; None where it is not linear in it."""
        mine = [term for term in self.terms if name in term.names]
        if len(mine) != 1 or len(mine[0].rest) != 1 or not _is(mine[0].rest[0], name):
            return None
        direct = _is(self.whole, name)
        others = self.multipliers(mine[0])
        return Use(
            self.user, self.distribution, self.parameter, self.link, mine[0].data, others, direct
        )

    def multipliers(self, besides: Term | None = None) -> tuple[Expr, ...]:
        """The data that multiply the other coefficients of the sum."""
        return tuple(
            term.data
            for term in self.terms
            if term is not besides and term.data is not None and len(term.rest) == 1
        )


class Predictors:
    """The arguments of some distributions as sums, written out once for all questions."""

    def __init__(self, users: Sequence[Outcome | Parameter], node_of: NodeOf) -> None:
        self._users = users
        self._node_of = node_of
        self._lines: dict[str, tuple[Line, ...]] = {}

    def uses(self, name: str) -> list[Use] | None:
        """All uses of a quantity by the distributions; None where one of them is not linear."""
        kept = name if isinstance(self._node_of(name), Definition) else ""
        if kept not in self._lines:
            self._lines[kept] = tuple(self._written_out(kept))
        found = [
            line.use(name)
            for line in self._lines[kept]
            if any(name in term.names for term in line.terms)
        ]
        known = [use for use in found if use is not None]
        return known if len(known) == len(found) else None

    def lines(self) -> tuple[Line, ...]:
        """Every argument of every distribution as a sum, all definitions written out."""
        self.uses("")
        return self._lines[""]

    def location(self, user: Outcome | Parameter) -> Use | None:
        """What an intercept would be in the location of a distribution."""
        for line in self.lines():
            if line.user is user and line.parameter.role is Role.LOCATION:
                others = line.multipliers()
                return Use(user, line.distribution, line.parameter, line.link, None, others, False)
        return None

    def _written_out(self, kept: str) -> Iterator[Line]:
        for user in self._users:
            for each in every(user.distribution):
                for argument, expr in each.arguments:
                    opened = look_through(expr, kept, self._node_of)
                    parameter, link, inner = _linked(each, argument, opened)
                    terms = tuple(self._term(term) for term in summands(inner, self._node_of))
                    yield Line(user, each, parameter, link, inner, terms)

    def _term(self, term: Expr) -> Term:
        factors = list(_factors(term))
        data = [f for f in factors if _is_data(f, self._node_of)]
        rest = tuple(f for f in factors if f not in data)
        product = _product([f for f in data if not isinstance(f, Constant)])
        return Term(product, rest, frozenset(names(term)))


def _linked(
    distribution: Distribution, argument: str, expr: Expr
) -> tuple[FamilyParameter, str | None, Expr]:
    parameter, link = parameter_of(distribution, argument)
    if link is not None:
        return parameter, link, expr
    for name in ("log", "logit", "probit", "cloglog"):
        inner = LINKS[name].inverted(expr)
        if inner is not None:
            return parameter, name, inner
    labelled = heart(distribution).categories is not None
    return parameter, "logit" if labelled else None, expr


def look_through(expr: Expr, name: str, node_of: NodeOf) -> Expr:
    """The expression with definitions written out, save the quantity in question.

    What would be too long written out stays as it is: no rule of a default prior fits it.
    """
    left = _MOST_DEFINITIONS

    def within(depth: int) -> Callable[[Expr], Expr | None]:
        def opened(node: Expr) -> Expr | None:
            nonlocal left
            if isinstance(node, Member):
                return node  # one member of a definition is no expression of its own
            if not isinstance(node, Value) or node.name == name:
                return None
            found = node_of(node.name)
            if not isinstance(found, Definition) or "[" in node.name:
                return None
            if depth == 0 or left == 0:
                raise _TooLongError
            left -= 1
            return rewrite(found.expr, within(depth - 1))

        return opened

    try:
        return rewrite(expr, within(_DEEPEST_DEFINITION))
    except _TooLongError:
        return expr


class _TooLongError(Exception):
    """An expression would be longer than it is worth."""


_MOST_DEFINITIONS = 1000
_DEEPEST_DEFINITION = 50
_MOST_TERMS = 1000


def summands(expr: Expr, node_of: NodeOf) -> list[Expr]:
    """The terms of a sum, products of sums multiplied out; the sign of a term does not matter.

    What is data alone stays whole: `beta * (age - 22)` is one term.
    """
    return _summands(expr, node_of) or [expr]


def _summands(expr: Expr, node_of: NodeOf) -> list[Expr] | None:
    """The terms; None for data alone. One pass from below: sums may be long."""
    match expr:
        case Value() | Member():
            return None if _is_data(expr, node_of) else [expr]
        case Apply(function=function, arguments=arguments):
            parts = [_summands(argument, node_of) for argument in arguments]
            if all(part is None for part in parts):
                return None
            lists = [part or [whole] for part, whole in zip(parts, arguments, strict=True)]
            match function:
                case "+" | "-":
                    return [term for terms in lists for term in terms]
                case "*" if len(lists[0]) * len(lists[1]) <= _MOST_TERMS:
                    return [Apply("*", (one, other)) for one in lists[0] for other in lists[1]]
                case "/" if parts[0] is not None:
                    return [Apply("/", (one, arguments[1])) for one in lists[0]]
                case _:
                    return [expr]
        case Contraction(axis=axis, argument=argument):
            inner = _summands(argument, node_of)
            return None if inner is None else [Contraction(axis, term) for term in inner]
        case _:
            return None


def _factors(expr: Expr) -> Iterator[Expr]:
    match expr:
        case Apply(function="*", arguments=arguments):
            for argument in arguments:
                yield from _factors(argument)
        case Apply(function="/", arguments=(above, below)):
            yield from _factors(above)
            yield Apply("/", (Constant(1.0), below))
        case Apply(function="-", arguments=(operand,)):
            yield from _factors(operand)
        case Contraction(argument=argument):
            yield from _factors(argument)
        case _:
            yield expr


def _product(factors: list[Expr]) -> Expr | None:
    if not factors:
        return None
    result = factors[0]
    for factor in factors[1:]:
        match factor:
            case Apply(function="/", arguments=(Constant(value=1.0), below)):
                result = Apply("/", (result, below))
            case _:
                result = Apply("*", (result, factor))
    return result


def _is(expr: Expr, name: str) -> bool:
    match expr:
        case Value(name=own):
            return own == name
        case Member(of=of):
            return _is(of, name)
        case _:
            return False


def _is_data(expr: Expr, node_of: NodeOf) -> bool:
    return all(isinstance(node_of(name), Data) for name in names(expr))


def is_location(use: Use) -> bool:
    """Whether the use moves the mean of its user."""
    return use.parameter.role in (Role.LOCATION, Role.RATE, Role.PROBABILITY)
