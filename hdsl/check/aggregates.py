"""`average(x, region)` and `total(x, region)`: sums over all groups of what a value varies over."""

from typing import TYPE_CHECKING

from hdsl.check.domains import reaching, union
from hdsl.check.mentions import level_argument
from hdsl.check.scope import text
from hdsl.check.spelling import quoted
from hdsl.expr import BROKEN, Aggregate, Domain, Expr
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver


def aggregate(resolver: "Resolver", call: ast.Call) -> Expr:
    """The typed form of `average(x, region, weight = n)`."""
    scope = resolver.scope
    if resolver.in_data:
        scope.report(
            "H207",
            f"`{call.name}` stands in definitions, not in data",
            call.span,
            help="for data write `groupmean(x, region)`"
            if call.name == "average"
            else "make it a definition: take `data` away",
        )
        return BROKEN
    plain = [arg for arg in call.args if arg.keyword is None]
    named = {arg.keyword: arg for arg in call.args if arg.keyword is not None}
    wrong = len(plain) not in (1, 2) or not named.keys() <= {"weight"} or len(call.args) > 3
    if wrong or isinstance(plain[0].value, ast.LevelName):
        help = f"write `{call.name}(x)`, `{call.name}(x, region)`, "
        help += f"`{call.name}(x, region, weight = n)`"
        scope.report("H205", f"`{call.name}` cannot be read", call.span, help=help)
        return BROKEN
    argument = resolver.resolve(plain[0].value)
    weight = None
    if "weight" in named:
        value = named["weight"].value
        if isinstance(value, ast.LevelName):
            scope.report("H205", "a weight is a number", named["weight"].span)
            return BROKEN
        weight = resolver.resolve(value)
    parts = [resolver.domain(part) for part in (argument, weight) if part is not None]
    joint = union(scope.levels, parts)
    to = _level(resolver, call, plain, joint)
    return BROKEN if to is None else Aggregate(call.name, argument, to, weight, span=call.span)


def _level(
    resolver: "Resolver", call: ast.Call, plain: list[ast.Arg], joint: Domain
) -> Domain | None:
    """The level of the result, () for one number; None where it is reported."""
    scope, what = resolver.scope, text(call)
    if not joint:
        headline = f"`{what}`: there is nothing to add up"
        scope.report("H206", headline, plain[0].span, "one number, the same everywhere")
        return None
    if len(plain) == 1:
        return ()
    level = level_argument(scope, plain[1])
    if level is None or level not in scope.levels:
        scope.report(
            "H203",
            f"`{call.name}` has a level where its result lives",
            plain[1].span,
            "no level has this name",
            help=f"its argument varies over {quoted(joint)}",
        )
        return None
    ways = reaching(scope.levels, joint, level)
    if len(ways) > 1:
        headline = f"`{level}` can be reached in two ways here"
        scope.report("H214", headline, plain[1].span, f"both {quoted(ways)} lie in `{level}`")
        return None
    if not ways:
        scope.report(
            "H206",
            f"`{what}` is one value per `{level}`, and its argument does not vary inside one",
            plain[0].span,
            f"varies over {quoted(joint)}",
            help=f"say that it lies there: `level {joint[0]} in {level}`",
        )
        return None
    return (level,)
