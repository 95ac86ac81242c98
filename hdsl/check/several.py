"""Transforms of data that give several columns: what their calls in a block mean."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from hdsl.check.of_data import as_factor
from hdsl.check.scope import text
from hdsl.expr import BROKEN, SEVERAL, Apply, Constant, Expr, Label, Value
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver

_WANTED = {
    "onehot": "onehot(weekday)",
    "dummies": 'dummies(state, baseline = "A")',
    "spline": "spline(age, 5)",
    "spread": "spread(price, brand, week)",
    "columns": 'columns("price*")',
}
_MOST_COLUMNS = 100  # of a spline: more is a slip of the finger


def resolve_several(resolver: "Resolver", call: ast.Call) -> Expr:
    """The typed form of a call that gives several columns; it may stand in a block only."""
    found = _RESOLVED[call.name](resolver, call)
    if found is None:
        resolver.scope.report(
            "H205",
            f"`{call.name}` takes other arguments",
            call.span,
            f"not `{text(call)}`",
            help=f"write it as in `{_WANTED[call.name]}`",
        )
        return BROKEN
    return found


def alone(resolver: "Resolver", call: ast.Call) -> Expr:
    """Reports that several columns stand where one number is needed, unless they are a block."""
    if text(call) in resolver.scope.data:
        return Value(text(call), span=call.span)  # it stands after a bar
    resolver.scope.report(
        "H409",
        f"`{call.name}` gives several columns",
        call.span,
        "one number is needed here",
        help=f"put them into a block, `data X = [{text(call)}]`, and sum over it: `X @ theta`",
    )
    return BROKEN


def _plain(call: ast.Call, *keywords: str) -> list[ast.Expr] | None:
    """The arguments in order; None where one is a level or has a keyword that is not known."""
    found: list[ast.Expr] = []
    for arg in call.args:
        if isinstance(arg.value, ast.LevelName) or arg.keyword not in (None, *keywords):
            return None
        found.append(arg.value)
    return found


def _factor(resolver: "Resolver", expr: ast.Expr) -> Expr | None:
    """A column of labels by name; what it is not has been reported, and stands as broken."""
    if not isinstance(expr, ast.Ref) or expr.index:
        return None
    spec = as_factor(resolver, expr)
    return BROKEN if spec is None else Value(spec.name, span=expr.span)


def _onehot(resolver: "Resolver", call: ast.Call) -> Expr | None:
    match _plain(call):
        case [ast.Ref() as ref]:
            factor = _factor(resolver, ref)
            return None if factor is None else Apply("onehot", (factor,), span=call.span)
        case _:
            return None


def _dummies(resolver: "Resolver", call: ast.Call) -> Expr | None:
    match _plain(call, "baseline"):
        case [ast.Ref() as ref]:
            baseline: tuple[Label, ...] = ()
        case [ast.Ref() as ref, ast.Text(value=label) as quoted]:
            baseline = (Label(label, span=quoted.span),)
        case _:
            return None
    factor = _factor(resolver, ref)
    return None if factor is None else Apply("dummies", (factor, *baseline), span=call.span)


def _spline(resolver: "Resolver", call: ast.Call) -> Expr | None:
    match _plain(call, "df"):
        case [x, ast.Number(value=df)] if df in range(1, _MOST_COLUMNS + 1):
            column = resolver.resolve(x)
            return Apply("spline", (column, Constant(df)), span=call.span)
        case _:
            return None


def _spread(resolver: "Resolver", call: ast.Call) -> Expr | None:
    """The levels after the first two tell which rows belong together; `a : b` stands for both."""
    found: list[ast.Expr] = []
    for arg in call.args:
        if arg.keyword not in (None, "by"):
            return None
        found += list(_apart(arg.value))
    if len(found) < 3:
        return None
    x, *labels = found
    factors = [_factor(resolver, label) for label in labels]
    if any(factor is None for factor in factors):
        return None
    known = tuple(factor for factor in factors if factor is not None)
    return Apply("spread", (resolver.resolve(x), *known), span=call.span)


def _apart(value: ast.Expr | ast.LevelName) -> Iterator[ast.Expr]:
    if isinstance(value, ast.LevelName):
        yield from (ast.Ref(name, span=value.span) for name in value.names)
    else:
        yield value


def _columns(resolver: "Resolver", call: ast.Call) -> Expr | None:
    match _plain(call):
        case [ast.Text(value=pattern)]:
            return Apply("columns", (Label(pattern),), span=call.span)
        case _:
            return None


_RESOLVED: Mapping[str, Callable[["Resolver", ast.Call], Expr | None]] = dict(
    zip(SEVERAL, (_onehot, _dummies, _spline, _spread, _columns), strict=True)
)
