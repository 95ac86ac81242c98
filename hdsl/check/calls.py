"""Calls in expressions: accessors, rows of the functions' table, calls with rules of their own."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from hdsl.check.accessors import accessor_or_summary
from hdsl.check.aggregates import aggregate
from hdsl.check.lagged import LAG, lagged
from hdsl.check.mentions import AGGREGATES
from hdsl.check.of_data import learned
from hdsl.check.scope import is_distribution
from hdsl.check.several import alone
from hdsl.check.spelling import nearest
from hdsl.check.targets import ACCESSORS
from hdsl.check.within import GROUPMEAN, group_mean
from hdsl.expr import BROKEN, SEVERAL, Apply, Expr
from hdsl.families.functions import FUNCTIONS
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver

SPECIAL: Mapping[str, Callable[["Resolver", ast.Call], Expr]] = {
    "standardize": learned,
    "center": learned,
    GROUPMEAN: group_mean,
    LAG: lagged,
    **dict.fromkeys(SEVERAL, alone),
    **dict.fromkeys(AGGREGATES, aggregate),
}
"""The functions that are no rows of the functions' table, and what resolves a call of each."""


def resolve_call(resolver: "Resolver", expr: ast.Call) -> Expr:
    """The typed form of a call of a function, an accessor or a transform of data."""
    name = expr.name
    if name in ACCESSORS or name in ("min", "max"):
        found = accessor_or_summary(resolver, expr)
        if found is not None:
            return found
    if name in SPECIAL:
        return SPECIAL[name](resolver, expr)
    if is_distribution(name):
        resolver.scope.report(
            "H207",
            f"`{name}` is a distribution, not a function",
            expr.name_span,
            "a distribution stands right of `~` only",
            help=f"name the quantity: `x ~ {resolver.scope.source.slice(expr.span)}`",
        )
        return BROKEN
    function = FUNCTIONS.get(name)
    if function is None or function.internal or function.is_operator:
        near = nearest(name, (*FUNCTIONS, *ACCESSORS, *SPECIAL))
        resolver.scope.report(
            "H204",
            f"unknown function `{name}`",
            expr.name_span,
            "no function has this name",
            help=f"did you mean `{near}`?" if near else None,
        )
        return BROKEN
    arguments = resolver.plain_arguments(expr)
    if arguments is None:
        return BROKEN
    count = len(arguments)
    if count != function.arity and (function.arity is not None or count < 2):
        wants = "two or more" if function.arity is None else str(function.arity)
        resolver.scope.report(
            "H205",
            f"`{name}` takes {wants} argument{'' if wants == '1' else 's'}, not {count}",
            expr.span,
            function.doc,
        )
        return BROKEN
    return Apply(name, arguments, span=expr.span)
