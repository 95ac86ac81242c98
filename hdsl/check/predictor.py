"""What a coefficient does in the model: intercept or slope, on which scale, of which outcome.

The default priors go by it. Definitions are looked through; whatever is not linear has no rule.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hdsl.expr import Apply, Constant, Expr, Member, Value, names
from hdsl.families import FAMILIES, Role
from hdsl.families.family import FamilyParameter
from hdsl.families.links import LINKS
from hdsl.ir.model import Data, Definition, Distribution, Node, Outcome, Parameter

NodeOf = Callable[[str], Node | None]


@dataclass(frozen=True)
class Use:
    """One linear use of a quantity in an argument of a distribution.

    ``multiplier`` is the data expression that it is multiplied with, None for an intercept;
    ``others`` are the multipliers of the other coefficients in the same sum.
    """

    user: Outcome | Parameter
    parameter: FamilyParameter
    link: str | None
    multiplier: Expr | None
    others: tuple[Expr, ...]
    direct: bool  # the argument is the bare quantity itself


def uses(name: str, users: tuple[Outcome | Parameter, ...], node_of: NodeOf) -> list[Use] | None:
    """All uses of a quantity by distributions; None where one of them is not linear."""
    found: list[Use] = []
    for user in users:
        for argument, expr in user.distribution.arguments:
            opened = look_through(expr, name, node_of)
            if name not in names(opened):
                continue
            use = _use(name, user, argument, opened, node_of)
            if use is None:
                return None
            found.append(use)
    return found


def _use(
    name: str, user: Outcome | Parameter, argument: str, expr: Expr, node_of: NodeOf
) -> Use | None:
    parameter, link, inner = _linked(user.distribution, argument, expr)
    multiplier: Expr | None = None
    others: list[Expr] = []
    hits = 0
    for term in summands(inner, node_of):
        factors = list(_factors(term))
        mine = [f for f in factors if _is(f, name)]
        data = [f for f in factors if _is_data(f, node_of)]
        rest = [f for f in factors if f not in mine and f not in data]
        product = _product([f for f in data if not isinstance(f, Constant)])
        if name in names(term):
            if len(mine) != 1 or rest:
                return None
            hits += 1
            multiplier = product
        elif product is not None and len(rest) == 1:
            others.append(product)
    if hits != 1:
        return None
    return Use(user, parameter, link, multiplier, tuple(others), _is(inner, name))


def _linked(
    distribution: Distribution, argument: str, expr: Expr
) -> tuple[FamilyParameter, str | None, Expr]:
    from hdsl.check.distributions import form_of

    parameter, link = form_of(FAMILIES[distribution.family], argument)
    if link is not None:
        return parameter, link, expr
    for name in ("log", "logit", "probit", "cloglog"):
        inner = LINKS[name].inverted(expr)
        if inner is not None:
            return parameter, name, inner
    return parameter, None, expr


def look_through(expr: Expr, name: str, node_of: NodeOf) -> Expr:
    """The expression with definitions written out, save the quantity in question and totals."""
    from hdsl.expr import rewrite

    def opened(node: Expr) -> Expr | None:
        if not isinstance(node, Value) or node.name == name:
            return None
        found = node_of(node.name)
        if isinstance(found, Definition) and "[" not in node.name:
            return rewrite(found.expr, opened)
        return None

    return rewrite(expr, opened)


def summands(expr: Expr, node_of: NodeOf) -> Iterator[Expr]:
    """The terms of a sum, products of sums multiplied out; the sign of a term does not matter here.

    What is data alone stays whole: `beta * (age - 22)` is one term.
    """
    if _is_data(expr, node_of):
        yield expr
        return
    match expr:
        case Apply(function="+" | "-", arguments=arguments):
            for argument in arguments:
                yield from summands(argument, node_of)
        case Apply(function="*", arguments=(left, right)):
            lefts, rights = list(summands(left, node_of)), list(summands(right, node_of))
            for one in lefts:
                for other in rights:
                    yield Apply("*", (one, other))
        case Apply(function="/", arguments=(above, below)):
            for one in summands(above, node_of):
                yield Apply("/", (one, below))
        case _:
            yield expr


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
