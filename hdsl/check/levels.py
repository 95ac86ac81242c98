"""The levels of a file: declared, named in formulas and indices, and their nesting."""

from dataclasses import replace
from itertools import pairwise

from hdsl.check.blocks import declare_blocks, written_members
from hdsl.check.domains import ancestors
from hdsl.check.labels import declare_axes
from hdsl.check.mentions import expressions, level_arguments, walk
from hdsl.check.scope import Scope
from hdsl.check.spelling import is_slip, nearest, quoted
from hdsl.check.targets import parse_target
from hdsl.diagnostics.diagnostic import Label
from hdsl.expr import ROW
from hdsl.ir.model import DataType, Level, LevelKind
from hdsl.source import Span
from hdsl.syntax import ast

RESERVED = ("chain", "draw")


def declare_levels(scope: Scope, file: ast.File) -> None:
    """Fill the levels table from the `level` statements and from every mention elsewhere."""
    for statement in file.statements:
        match statement:
            case ast.LevelDecl() | ast.LevelFixed() | ast.LevelCross():
                _declare(scope, statement)
            case _:
                pass
    declare_blocks(scope, file)
    declare_axes(scope, file)
    for level in tuple(scope.levels.values()):
        for parent in level.parents:
            _mention(scope, parent, level.span)
    for statement in file.statements:
        _mentions(scope, statement)


def close_levels(scope: Scope) -> None:
    """Put the levels in order once every column has its level: parents first, the rows last."""
    for name in RESERVED:
        if name in scope.levels:
            scope.report(
                "H202",
                f"`{name}` is a dimension of every posterior",
                scope.levels[name].span,
                "no level can have this name",
                help=f"write `level {name}_id from {name}` and use that name",
            )
    _attach_factors(scope)
    _refuse_circles(scope)
    _order(scope)


def _declare(scope: Scope, statement: ast.LevelDecl | ast.LevelFixed | ast.LevelCross) -> None:
    name, span = statement.name, statement.name_span
    if name in scope.levels:
        first = scope.levels[name].span
        scope.report(
            "H202",
            f"level `{name}` is declared twice",
            span,
            "declared again here",
            others=(Label(first, "first declared here"),),
            help="keep one of the two statements",
        )
        return
    if name == ROW:
        scope.report(
            "H202",
            "`row` is the built-in finest level",
            span,
            "this name is taken",
            help="give the level another name: `level line from row`",
        )
        return
    match statement:
        case ast.LevelDecl(column=column, parents=parents, ordered=ordered):
            # `in market in country`: each one lies in the next
            for child, parent in pairwise(parents):
                _nest(scope, child, parent, span)
            level = Level(
                name, LevelKind.COLUMN, column or name, parents[:1], ordered, span=statement.span
            )
        case ast.LevelFixed(members=members):
            if len(set(members)) < len(members):
                scope.report("H202", f"level `{name}` lists a member twice", span)
            level = Level(name, LevelKind.FIXED, members=members, span=statement.span)
        case ast.LevelCross(components=components, ordered=ordered):
            if len(components) < 2:
                scope.report(
                    "H205",
                    "an interaction needs two levels or more",
                    statement.span,
                    help=f"to rename a column write `level {name} from {components[0]}`",
                )
            elif len(set(components)) < len(components):
                scope.report("H401", "a level cannot cross itself", statement.span)
            level = Level(name, LevelKind.CROSS, None, components, ordered, span=statement.span)
    known = scope.levels.get(name)
    if known is not None and known.parents:  # a parent was nested before it was declared
        level = replace(level, parents=tuple(dict.fromkeys((*level.parents, *known.parents))))
    scope.levels[name] = level


def _mention(scope: Scope, name: str, span: Span) -> None:
    """A level that is only used: take it for a column of that name unless it looks misspelt."""
    if scope.axis_of(name) in scope.levels or name in scope.misspelt or name == ROW:
        return
    data = scope.data.get(name)
    if data is not None:
        _level_of_data(scope, name, span)
        return
    declared = [n for n, level in scope.levels.items() if level.span != Span(0, 0)]
    slips = [other for other in (*declared, *scope.data) if is_slip(name, other)]
    if slips:
        scope.report(
            "H203",
            f"unknown level `{name}`",
            span,
            "no level and no column has this name",
            help=f"did you mean `{nearest(name, slips) or slips[0]}`?",
        )
        meant = nearest(name, slips) or slips[0]
        if meant in scope.levels:  # go on with what was meant: one slip gives one diagnostic
            scope.misspelt[name] = meant
            return
    scope.levels[name] = Level(name, LevelKind.COLUMN, name, span=span)


def _level_of_data(scope: Scope, name: str, span: Span) -> None:
    data = scope.data[name]
    grouping = (DataType.FACTOR, DataType.ORDERED, DataType.COUNT, DataType.BINARY)
    if data.expr is not None or data.type not in grouping:
        kind = "derived" if data.expr is not None else data.type.value
        scope.report(
            "H407",
            f"`{name}` is {kind} data, not a level",
            span,
            "a level stands here",
            help=f"to regress on it put it after a bar: `~ LEVEL | {name}`; to group by it "
            f"declare `level {name}_group from {data.column or name}`",
            others=(Label(data.span, "declared here"),),
        )
    parents: tuple[str, ...] = ()
    scope.levels[name] = Level(name, LevelKind.COLUMN, data.column or name, parents, span=span)


def _nest(scope: Scope, child: str, parent: str, span: Span) -> None:
    known = scope.levels.get(child)
    if known is None:
        _mention(scope, child, span)
        known = scope.levels[child]
    if parent not in (*known.parents, *ancestors(scope.levels, child)):
        scope.levels[child] = replace(known, parents=(*known.parents, parent))


def _mentions(scope: Scope, statement: ast.Statement) -> None:
    match statement:
        case ast.Tilde(targets=targets, right=right):
            for target in targets:
                _of_target(scope, target)
            if isinstance(right, ast.Formula):
                for term in right.terms:
                    if isinstance(term, ast.Term):
                        _of_path(scope, term)
                        _of_factors(scope, term)
        case ast.Define(targets=targets) | ast.Report(targets=targets):
            for target in targets:
                _of_target(scope, target)
        case ast.DataDecl(per=per) | ast.DataDerived(per=per):
            if per is not None:
                use_level(scope, per)
        case ast.Title() | ast.LevelDecl() | ast.LevelFixed() | ast.LevelCross():
            pass
    for expr in expressions(statement):
        _of_expression(scope, expr)


def _of_expression(scope: Scope, expr: ast.Expr) -> None:
    """The levels that `average(x, region)` and its like name."""
    for node in walk(expr):
        for named in level_arguments(node) if isinstance(node, ast.Call) else ():
            if isinstance(named, ast.Ref) and not named.index:
                use_level(scope, ast.LevelName((named.name,), span=named.span))
            elif isinstance(named, ast.LevelName):
                use_level(scope, named)


def _of_target(scope: Scope, expr: ast.Expr) -> None:
    target = parse_target(expr)
    if isinstance(target, str):
        return
    fixed = {m for level in scope.levels.values() for m in level.members} | written_members(scope)
    if target.accessor is None:
        for item in target.index:
            if isinstance(item, ast.LevelName) and not set(item.names) <= fixed:
                use_level(scope, item)
    for argument in target.arguments[1:]:
        if isinstance(argument.value, ast.LevelName):
            use_level(scope, argument.value)


def use_level(scope: Scope, name: ast.LevelName) -> str:
    """The canonical name of a level that a statement mentions, made known if it was not."""
    for part in name.names:
        _mention(scope, part, name.span)
    canonical = scope.level_name(name)
    if len(name.names) > 1 and canonical not in scope.levels:
        parts = set(name.names)
        if len(parts) < len(name.names):
            scope.report("H401", "a level cannot cross itself", name.span)
        scope.levels[canonical] = Level(
            canonical, LevelKind.CROSS, None, tuple(dict.fromkeys(name.names)), span=name.span
        )
    return canonical


def _of_path(scope: Scope, term: ast.Term) -> None:
    path = [use_level(scope, name) for name in term.path]
    for parent, child, place in zip(path, path[1:], term.path[1:], strict=False):
        if ROW in (parent, child) and parent == ROW:
            scope.report("H401", "nothing can be nested in the rows", place.span)
        elif parent == child:
            scope.report(
                "H401",
                f"level `{child}` is nested in itself",
                place.span,
                help=f"write each level once: `~ {child}`",
            )
        elif child != ROW:
            _nest(scope, child, parent, place.span)


def _of_factors(scope: Scope, term: ast.Term) -> None:
    """A factor after a bar has one slope per label: its labels are a level."""
    for predictor in term.predictors:
        data = scope.data.get(predictor.name) if isinstance(predictor, ast.Ref) else None
        if data is not None and data.type in (DataType.FACTOR, DataType.ORDERED):
            _mention(scope, data.name, predictor.span)


def _attach_factors(scope: Scope) -> None:
    """A factor that serves as a level and is constant per region has the regions inside it."""
    for name, data in scope.data.items():
        is_group = name in scope.levels and not scope.levels[name].kind.is_axis
        if is_group and data.per is not None and data.per in scope.levels:
            _nest(scope, data.per, name, data.span)


def _refuse_circles(scope: Scope) -> None:
    for level in tuple(scope.levels.values()):
        above: list[str] = [level.name]
        pending = list(level.parents)
        while pending:
            name = pending.pop()
            if name == level.name:
                loop = quoted(dict.fromkeys((*above, name)))
                scope.report(
                    "H401",
                    f"level `{level.name}` is nested in itself",
                    level.span,
                    f"through {loop}" if len(above) > 1 else "",
                    help="a level lies in coarser levels only; take one `in` or `/` away",
                )
                scope.levels[level.name] = replace(level, parents=())
                break
            if name not in above:
                above.append(name)
                pending.extend(scope.levels[name].parents if name in scope.levels else ())


def _order(scope: Scope) -> None:
    """Parents before children, the rows last."""
    ordered: dict[str, Level] = {}

    def place(name: str) -> None:
        if name in ordered or name not in scope.levels:
            return
        for parent in scope.levels[name].parents:
            place(parent)
        ordered[name] = scope.levels[name]

    for name in scope.levels:
        place(name)
    carried = tuple(n for n, level in ordered.items() if not level.kind.is_axis)
    ordered[ROW] = Level(ROW, LevelKind.ROW, None, carried)
    scope.levels = ordered
