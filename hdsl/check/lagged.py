"""`lag(x, week)`: the value of a column one step earlier, inside the other levels of the row."""

from typing import TYPE_CHECKING

from hdsl.check.domains import ancestors
from hdsl.check.mentions import level_argument
from hdsl.check.scope import DataSpec, text
from hdsl.check.spelling import nearest
from hdsl.expr import (
    BROKEN,
    ROW,
    SEVERAL,
    Aggregate,
    Apply,
    Constant,
    Domain,
    Expr,
    Label,
    Summary,
    Value,
)
from hdsl.ir.model import DataType, Lag, LevelKind
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver

LAG = "lag"


def lagged(resolver: "Resolver", call: ast.Call) -> Expr:
    """`lag(x, week)` and `lag(x, week, store)`, as a column that leaves rows without one out.

    A function of data is lagged by lagging the columns that it is made of.
    """
    scope = resolver.scope
    plain = [arg for arg in call.args if arg.keyword is None]
    if len(plain) < 2 or len(plain) < len(call.args) or isinstance(plain[0].value, ast.LevelName):
        help = "write `lag(x, week)`, or `lag(x, week, store)` to say inside what"
        scope.report("H205", "`lag` takes data and an ordered level", call.span, help=help)
        return BROKEN
    levels = [_level(resolver, call, arg) for arg in plain[1:]]
    known = tuple(level for level in levels if level is not None)
    if len(known) < len(levels) or not _is_line(resolver, known[0], plain[1]):
        return BROKEN
    along, within = known[0], known[1:]
    argument = resolver.resolve(plain[0].value)
    if argument is BROKEN:
        return BROKEN
    if not resolver.is_data(argument):
        scope.report("H207", "`lag` is for data", plain[0].span, "this is not data")
        return BROKEN
    earlier = _earlier(resolver, argument, along, within, call)
    if earlier is None:
        return BROKEN
    return earlier if isinstance(earlier, Value) else resolver.hoist(earlier, text(call), call.span)


def _level(resolver: "Resolver", call: ast.Call, arg: ast.Arg) -> str | None:
    scope = resolver.scope
    level = level_argument(scope, arg)
    if level is not None and level in scope.levels:
        return level
    written = arg.value.name if isinstance(arg.value, ast.Ref) else "week"
    near = nearest(written, scope.levels)
    scope.report(
        "H203",
        f"`{call.name}` runs along a level, inside others",
        arg.span,
        "no level has this name",
        help=f"did you mean `{near}`?" if near else f"declare it: `level {written} ordered`",
    )
    return None


def _is_line(resolver: "Resolver", level: str, arg: ast.Arg) -> bool:
    """Whether a level has an order and a column of its own; reports it where not."""
    found = resolver.scope.levels[level]
    line = found.kind is LevelKind.COLUMN and not found.parents
    if line and found.ordered:
        return True
    resolver.scope.report(
        "H410",
        "`lag` runs along an ordered level, and here is none",
        arg.span,
        f"`{level}` is not ordered" if line else f"`{level}` is a level inside or across others",
        help=f"declare `level {level} ordered`"
        if line
        else "declare a level that counts the steps: `level week ordered`",
    )
    return False


def _earlier(
    resolver: "Resolver", expr: Expr, along: str, within: Domain, call: ast.Call
) -> Expr | None:
    """The expression one step earlier; None where something was reported."""

    def inside(part: Expr) -> Expr | None:
        return _earlier(resolver, part, along, within, call)

    match expr:
        case Constant() | Summary():
            return expr
        case Value(name=name) if name in resolver.derived:
            return inside(resolver.derived[name][0])
        case Value(name=name) if resolver.scope.data[name].expr is not None:
            return inside(resolver.derived_expr(name, call.span))
        case Value():
            return _column(resolver, expr, along, within, call)
        case Aggregate(to=(level,)) if not _follows(resolver, level, along):
            return expr
        case Apply(function="standardize" | "center" as function, arguments=(argument,)):
            scale = [Summary(f, argument, resolver.domain(argument)) for f in ("mean", "sd")]
            earlier = inside(argument)
            if earlier is None:
                return None
            centred = Apply("-", (earlier, scale[0]))
            return centred if function == "center" else Apply("/", (centred, scale[1]))
        case Apply(function=function, arguments=arguments) if function not in SEVERAL and not any(
            isinstance(argument, Label) for argument in arguments
        ):
            parts = [inside(argument) for argument in arguments]
            known = tuple(part for part in parts if part is not None)
            return Apply(function, known, span=expr.span) if len(known) == len(parts) else None
        case _:
            _refuse(resolver, call)
            return None


def _refuse(resolver: "Resolver", call: ast.Call) -> None:
    resolver.scope.report(
        "H207",
        "`lag` is for numbers, one for each row",
        call.span,
        "labels, blocks and means of groups have no earlier value",
        help="lag the column that it is made of",
    )


def _column(
    resolver: "Resolver", value: Value, along: str, within: Domain, call: ast.Call
) -> Expr | None:
    """A column one step earlier: data of their own, and the same where they do not change."""
    scope = resolver.scope
    spec = scope.data[value.name]
    if spec.type in (DataType.FACTOR, DataType.ORDERED) or spec.impute:
        _refuse(resolver, call)
        return None
    own, steps, of = spec.per or ROW, 1, value.name
    if spec.lag is not None:
        if spec.lag.along != along or (within and spec.lag.within != within):
            headline = "a lag of a lag runs along the same level"
            scope.report("H207", headline, call.span, f"inside it is `{spec.name}`")
            return None
        steps, of, within = spec.lag.steps + 1, spec.lag.of, spec.lag.within
    elif own != ROW:
        if not _follows(resolver, own, along):
            return value  # it does not change along the level
        level = scope.levels[own]
        inner = level.parents if level.kind is LevelKind.CROSS else ()
        within = tuple(name for name in inner if name != along)
    named = tuple(a.value.name for a in call.args[2:] if isinstance(a.value, ast.Ref))
    name = f"lag({', '.join((value.name, along, *named))})"
    if name not in scope.data:
        asked = not within and own == ROW and spec.lag is None
        found = _others(resolver, along) if asked else within
        lag = Lag(of, along, found, steps, asked or (spec.lag is not None and spec.lag.inferred))
        scope.data[name] = DataSpec(name, call.span, name, drop=True, lag=lag)
    return Value(name, span=call.span)


def _follows(resolver: "Resolver", level: str, along: str) -> bool:
    """Whether each group of a level stands at one step, so that its data change along it."""
    return level == along or along in ancestors(resolver.scope.levels, level)


def _others(resolver: "Resolver", along: str) -> Domain:
    """The levels whose labels tell one series from another, where the model does not say."""
    levels = resolver.scope.levels
    return tuple(
        name
        for name, level in levels.items()
        if level.kind is LevelKind.COLUMN and name != along and along not in ancestors(levels, name)
    )
