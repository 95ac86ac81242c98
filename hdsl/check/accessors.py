"""Accessors in expressions: `sd(alpha, market)`, and the summaries of data that look like them."""

from dataclasses import replace
from typing import TYPE_CHECKING

from hdsl.check.domains import grouped, is_crossing
from hdsl.check.impute import as_known
from hdsl.check.labels import cut_accessor
from hdsl.check.mentions import level_argument, strip_index
from hdsl.check.newcomers import new_accessor
from hdsl.check.scope import CoefficientSpec, Scope, spell, text
from hdsl.check.spelling import nearest, quoted
from hdsl.check.targets import ACCESSORS
from hdsl.expr import BROKEN, ROW, Expr, Summary, Value
from hdsl.ir.model import LevelKind
from hdsl.source import Span
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver

type Index = tuple[ast.LevelName | ast.Text, ...]

ANY = "*"  # any level


def accessor_or_summary(resolver: "Resolver", expr: ast.Call) -> Expr | None:
    """The quantity that `sd(b)` means, or the summary that `sd(x)` of data is; None if neither."""
    name = expr.name
    first = expr.args[0].value if expr.args else None
    if first is None or isinstance(first, ast.LevelName):
        return None
    if name == "cut":
        return cut_accessor(resolver, expr)
    if name == "new":
        return new_accessor(resolver, expr)
    bare = first.name if isinstance(first, ast.Ref) else None
    spec = resolver.scope.by_scale(text(strip_index(first)))
    if name in ACCESSORS and spec is not None:
        return _accessor(resolver, expr, spec, first)
    if name in ("mean", "sd", "min", "max") and len(expr.args) == 1:
        argument = as_known(resolver.resolve(first))
        if resolver.is_data(argument):
            return _summary(resolver, name, argument, expr.span)
        if name in ("min", "max"):
            resolver.scope.report("H205", f"`{name}` of one argument is for data", expr.span)
            return BROKEN
    if name in ACCESSORS:
        what = bare or text(first)
        inner = resolver.scope.coefficients.get(bare or _heart(first))
        resolver.scope.report(
            "H210",
            f"`{what}` is not a coefficient that varies over a level",
            first.span,
            f"`{name}` is asked of a coefficient",
            help=f"its statement names it `{inner.scale}`: write `{name}({inner.scale})`"
            if inner
            else f"give it a level: `{what} ~ region`",
        )
        return BROKEN
    return None


def _summary(resolver: "Resolver", function: str, argument: Expr, span: Span) -> Expr:
    domain = grouped(resolver.scope.levels, resolver.domain(argument))
    if is_crossing(resolver.scope.levels, domain):
        domain = (ROW,)
    return Summary(function, argument, domain, span=span)


def _accessor(resolver: "Resolver", expr: ast.Call, spec: CoefficientSpec, first: ast.Expr) -> Expr:
    arguments, column = column_of_slope(resolver.scope, expr.name, expr.args)
    found = accessor_names(resolver, expr.name, arguments, spec, expr.span)
    if not found:
        return BROKEN
    if len(found) > 1:
        resolver.scope.report(
            "H210",
            f"`{text(expr)}` is several quantities here",
            expr.span,
            f"which of {quoted(found)}?",
            help=f"write `{found[0]}`",
        )
        return BROKEN
    index = _index_of(first)
    axes = tuple(a for a in resolver.quantities.get(found[0], ()) if a in spec.axes)
    if column or (expr.name == "dev" and not spec.axes):
        axes = resolver.quantities.get(found[0], ())
    return resolver.index(Value(found[0], span=expr.span), (*index, *column), axes, expr.span)


def column_of_slope(
    scope: Scope, accessor: str | None, args: tuple[ast.Arg, ...]
) -> tuple[tuple[ast.Arg, ...], Index]:
    """The arguments of `slope(b, W[income])` without the index of the block, and that index."""
    match args:
        case (first, ast.Arg(value=ast.Ref(name=name, index=index) as column)) if (
            accessor == "slope"
            and index
            and name in scope.levels
            and scope.levels[name].kind is LevelKind.BLOCK
            and not _is_predictor(scope, first, column)
        ):
            return (first, ast.Arg(replace(column, index=()), span=args[1].span)), index
        case _:
            return args, ()


def _is_predictor(scope: Scope, first: ast.Arg, column: ast.Ref) -> bool:
    """Whether a column of a block stands behind the bar by itself."""
    assert not isinstance(first.value, ast.LevelName)
    spec = scope.by_scale(text(strip_index(first.value)))
    terms = () if spec is None else spec.terms
    return any(text(column) == text(p) for term in terms for p in term.predictors)


def accessor_names(
    resolver: "Resolver",
    accessor: str,
    args: tuple[ast.Arg, ...],
    spec: CoefficientSpec,
    span: Span,
) -> tuple[str, ...]:
    """The canonical names of the quantities that an accessor stands for; () if reported."""
    scope = resolver.scope
    level = level_argument(scope, args[-1]) if len(args) > 1 else None
    if level is not None and level not in spec.levels and accessor != "slope":
        near = quoted(spec.levels)
        scope.report(
            "H210",
            f"`{spec.scale}` does not vary over `{level}`",
            args[-1].span,
            f"it varies over {near}",
        )
        return ()
    match accessor:
        case "mean":
            if not spec.has_mean:
                scope.report(
                    "H210",
                    f"`{spec.scale}` has no mean: its formula begins with 0",
                    span,
                    help="take `0 +` out of the formula",
                )
                return ()
            return (spell("mean", (spec.scale,), None),)
        case "sd" | "dev":
            wanted = (level,) if level else spec.levels
            return tuple(scope.quantity(accessor, spec, name) for name in wanted)
        case "slope":
            return _slopes(resolver, args, spec, span)
        case _:
            return _correlation(resolver, args, spec, level, span)


def _slopes(
    resolver: "Resolver", args: tuple[ast.Arg, ...], spec: CoefficientSpec, span: Span
) -> tuple[str, ...]:
    known = [text(p) for term in spec.terms for p in term.predictors]
    if len(args) > 1 and not isinstance(args[1].value, ast.LevelName):
        wanted = text(args[1].value)
        if wanted not in known:
            near = nearest(wanted, known)
            resolver.scope.report(
                "H210",
                f"`{spec.scale}` is not regressed on `{wanted}`",
                args[1].span,
                f"its predictors: {quoted(known)}" if known else "it has no predictors",
                help=f"did you mean `{near}`?" if near else None,
            )
            return ()
        known = [wanted]
    if not known:
        resolver.scope.report("H210", f"`{spec.scale}` has no group-level predictors", span)
    return tuple(spell("slope", (spec.scale, predictor), None) for predictor in known)


def _correlation(
    resolver: "Resolver",
    args: tuple[ast.Arg, ...],
    spec: CoefficientSpec,
    level: str | None,
    span: Span,
) -> tuple[str, ...]:
    subjects = [text(a.value) for a in args if not isinstance(a.value, ast.LevelName)]
    if level is not None and not isinstance(args[-1].value, ast.LevelName):
        subjects = subjects[:-1]
    for name in resolver.quantities:
        if name.startswith("cor(") and _same_pair(name, subjects, level):
            return (name,)
    matches = tuple(
        name
        for name in resolver.quantities
        if name.startswith("cor(") and level is None and _same_pair(name, subjects, ANY)
    )
    if not matches:
        resolver.scope.report(
            "H210",
            f"{quoted(subjects)} have no correlation",
            span,
            "they do not vary jointly over a level",
            help=f"write them in one statement: `{', '.join(subjects)} ~ region`",
        )
    return matches


def _same_pair(name: str, subjects: list[str], level: str | None) -> bool:
    """Whether a canonical `cor(a, b[, level])` is about these subjects at this level."""
    parts = name[4:-1].split(", ")
    if level is None:
        return sorted(parts) == sorted(subjects)
    if level == ANY:
        return sorted(parts[: len(subjects)]) == sorted(subjects)
    return parts[-1] == level and sorted(parts[:-1]) == sorted(subjects)


def _index_of(expr: ast.Expr) -> Index:
    match expr:
        case ast.Ref(index=index):
            return index
        case ast.Unary(operand=operand):
            return _index_of(operand)
        case ast.Call(args=(arg,)) if not isinstance(arg.value, ast.LevelName):
            return _index_of(arg.value)
        case _:
            return ()


def _heart(expr: ast.Expr) -> str:
    match expr:
        case ast.Ref(name=name):
            return name
        case ast.Unary(operand=operand):
            return _heart(operand)
        case ast.Call(args=(arg, *_)) if not isinstance(arg.value, ast.LevelName):
            return _heart(arg.value)
        case _:
            return ""
