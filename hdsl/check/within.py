"""Transforms of data that look at groups: `groupmean(x, region)` and `center(x, region)`."""

from typing import TYPE_CHECKING

from hdsl.check.domains import reaching
from hdsl.check.mentions import level_argument
from hdsl.check.scope import text
from hdsl.check.spelling import nearest
from hdsl.expr import BROKEN, Aggregate, Apply, Expr
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver

GROUPMEAN = "groupmean"
"""The function of an ``Aggregate`` that is computed of data, and remembered for each group."""


def group_mean(resolver: "Resolver", call: ast.Call) -> Expr:
    """`groupmean(x, region)`: one value per region, as derived data."""
    found = _mean(resolver, call)
    return BROKEN if found is None else resolver.hoist(found, text(call), call.span)


def center_within(resolver: "Resolver", call: ast.Call) -> Expr:
    """`center(x, region)`: x less its mean in each region."""
    mean = _mean(resolver, call)
    if mean is None:
        return BROKEN
    centred = Apply("-", (mean.argument, mean), span=call.span)
    return resolver.hoist(centred, text(call), call.span)


def _mean(resolver: "Resolver", call: ast.Call) -> Aggregate | None:
    """The mean of data in each group of a level; None where something was reported."""
    scope = resolver.scope
    plain = [arg for arg in call.args if arg.keyword is None]
    if len(plain) != 2 or len(call.args) != 2 or isinstance(plain[0].value, ast.LevelName):
        help = f"write `{call.name}(x, region)`"
        scope.report("H205", f"`{call.name}` takes data and a level", call.span, help=help)
        return None
    level = level_argument(scope, plain[1])
    if level is None or level not in scope.levels:
        near = nearest(_written(plain[1]), scope.levels)
        scope.report(
            "H203",
            f"`{call.name}` takes the mean in each group of a level",
            plain[1].span,
            "no level has this name",
            help=f"did you mean `{near}`?" if near else f"declare it: `level {_written(plain[1])}`",
        )
        return None
    argument = resolver.resolve(plain[0].value)
    if argument is BROKEN:
        return None
    if not resolver.is_data(argument):
        scope.report("H207", f"`{call.name}` is for data", plain[0].span, "this is not data")
        return None
    domain = resolver.domain(argument)
    if len(domain) != 1 or domain == (level,) or not reaching(scope.levels, domain, level):
        varies = f"it varies over `{', '.join(domain)}`" if domain else "it is one number"
        headline = f"`{text(call)}`: several values in each `{level}` are needed"
        scope.report("H206", headline, plain[0].span, varies)
        return None
    return Aggregate(GROUPMEAN, argument, (level,), span=call.span)


def _written(arg: ast.Arg) -> str:
    return arg.value.name if isinstance(arg.value, ast.Ref) else "region"
