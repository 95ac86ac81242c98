"""First pass over a file: what each name is, before any expression is resolved."""

from collections.abc import Iterator
from dataclasses import replace

from hdsl.check.levels import declare_levels, use_level
from hdsl.check.scope import (
    CoefficientSpec,
    DataSpec,
    DefinitionSpec,
    ParameterSpec,
    Scope,
    Setting,
    TermSpec,
    text,
)
from hdsl.check.spelling import is_slip, nearest
from hdsl.check.targets import ACCESSORS, Target, parse_target
from hdsl.diagnostics.diagnostic import Label
from hdsl.families import FAMILIES, Role
from hdsl.families.functions import FUNCTIONS
from hdsl.ir.model import DataType, Level
from hdsl.source import Source, Span
from hdsl.syntax import ast


def declare(file: ast.File, source: Source) -> Scope:
    """The symbol tables of a file."""
    scope = Scope(source)
    for statement in file.statements:
        match statement:
            case ast.DataDecl() | ast.DataDerived():
                scope.declared_data = True
                _data(scope, statement)
            case ast.Title(text=title):
                if scope.title is not None:
                    scope.report("H202", "a file has one title", statement.span, help="drop this")
                scope.title = title
            case _:
                pass
    declare_levels(scope, file)
    _resolve_per(scope, file)
    for statement in file.statements:
        match statement:
            case ast.Tilde(right=ast.Formula()):
                _coefficients(scope, statement)
            case ast.Tilde():
                _distributions(scope, statement, _used_elsewhere(file, statement))
            case ast.Define():
                for target in _targets(scope, statement.targets):
                    _define(scope, target, statement, statement.expr)
            case ast.Report(targets=targets, expr=expr):
                scope.reports.extend(targets)
                if expr is not None:
                    for target in _targets(scope, targets):
                        _define(scope, target, statement, expr)
            case _:
                pass
    _note_spellings(scope, file)
    _infer(scope, file)
    if not scope.outcomes and not any(d.code.startswith("H1") for d in scope.diagnostics):
        _no_outcome(scope, file)
    return scope


# ---------------------------------------------------------------- data


def _data(scope: Scope, statement: ast.DataDecl | ast.DataDerived) -> None:
    match statement:
        case ast.DataDerived(name=name, expr=expr, name_span=span):
            _add_data(scope, DataSpec(name, span or statement.span, expr=expr))
        case ast.DataDecl(columns=columns, type=type_name, members=members):
            known = {kind.value: kind for kind in DataType}
            if type_name not in known:
                near = nearest(type_name, known)
                scope.report(
                    "H306",
                    f"unknown type `{type_name}`",
                    statement.type_span,
                    "not a type of data",
                    help=f"did you mean `{near}`?" if near else f"write one of {', '.join(known)}",
                )
            if statement.impute:
                unsupported(scope, statement.span, "`impute`")
            kind = known.get(type_name, DataType.REAL)
            for column in columns:
                spec = DataSpec(
                    column.name,
                    column.span,
                    column.column or column.name,
                    kind,
                    members,
                    drop=statement.drop,
                )
                _add_data(scope, spec)


def _add_data(scope: Scope, spec: DataSpec) -> None:
    if spec.name in scope.data:
        scope.report(
            "H202",
            f"`{spec.name}` is declared twice",
            spec.span,
            "declared again here",
            others=(Label(scope.data[spec.name].span, "first declared here"),),
            help="a derived column takes a new name",
        )
        return
    scope.data[spec.name] = spec


def _resolve_per(scope: Scope, file: ast.File) -> None:
    """Give every column its level; a name cannot be both a declared level and a column."""
    for statement in file.statements:
        if isinstance(statement, ast.DataDecl | ast.DataDerived) and statement.per is not None:
            level = use_level(scope, statement.per)
            names = (
                [c.name for c in statement.columns]
                if isinstance(statement, ast.DataDecl)
                else [statement.name]
            )
            for name in names:
                if name in scope.data:
                    scope.data[name] = replace(scope.data[name], per=level)
        elif isinstance(statement, ast.LevelDecl | ast.LevelFixed | ast.LevelCross):
            if statement.name in scope.data:
                scope.report(
                    "H202",
                    f"`{statement.name}` is a level and data at once",
                    scope.data[statement.name].span,
                    "a name has one meaning",
                    others=(Label(statement.span, "a level here"),),
                    help=f"name the column otherwise: `data {statement.name}_value from "
                    f"{statement.name} : real`",
                )


# ---------------------------------------------------------------- left sides


def _targets(scope: Scope, exprs: tuple[ast.Expr, ...]) -> Iterator[Target]:
    for expr in exprs:
        target = parse_target(expr)
        if isinstance(target, str):
            scope.report(
                "H310", f"`{text(expr)}` cannot stand left of a statement", expr.span, target
            )
        elif target.accessor in ("new", "cut"):
            unsupported(scope, expr.span, f"`{target.accessor}`")
        else:
            yield target


def _taken(scope: Scope, target: Target) -> bool:
    """Report a second statement for a name."""
    name = target.name
    for table in (scope.parameters, scope.coefficients, scope.definitions):
        if name in table:
            first = table[name]
            place = first.target.span if first.target else target.span
            scope.report(
                "H202",
                f"`{name}` is defined twice",
                target.span,
                "defined again here",
                others=(Label(place, "first defined here"),),
                help="a name has one `~` or one `=`; take one of the two away",
            )
            return True
    if name in scope.levels and name not in scope.data:
        scope.report(
            "H202",
            f"`{name}` is a level and cannot be defined",
            target.span,
            "a name has one meaning",
            help=f"give the quantity or the level another name: `level {name}_group from {name}`",
        )
        return True
    return False


def _axes(scope: Scope, target: Target) -> tuple[str, ...] | None:
    """The levels of an index, or None where a label picks one member."""
    found: list[str] = []
    for item in target.index:
        if isinstance(item, ast.Text):
            return None
        name = scope.level_name(item)
        if name not in scope.levels:
            return None  # a member of a fixed level
        found.append(name)
    return tuple(found)


def _distributions(scope: Scope, statement: ast.Tilde, used: frozenset[str]) -> None:
    assert isinstance(statement.right, ast.Call)
    for target in _targets(scope, statement.targets):
        if target.accessor is not None:
            scope.settings.append(Setting(target, statement, call=statement.right))
            continue
        name = target.name
        is_data = name in scope.data or (not scope.declared_data and name not in used)
        if is_data and not _taken(scope, target):
            if name not in scope.data:
                scope.data[name] = DataSpec(name, target.name_span, name, inferred=True)
            scope.outcomes.append((target, statement))
            continue
        axes = _axes(scope, target)
        if axes is None:
            scope.report(
                "H207",
                f"`{text(target.expr)}` is one member, and one member has no prior of its own",
                target.span,
                "set it with `=`",
                help=f"write `{text(target.expr)} = 0`, or give all members the prior",
            )
        elif not is_data and not _taken(scope, target):
            scope.parameters[name] = ParameterSpec(
                name,
                target.name_span,
                target,
                axes,
                statement.right,
                statement.option,
                statement=statement,
            )


def _define(
    scope: Scope, target: Target, statement: ast.Define | ast.Report, expr: ast.Expr
) -> None:
    if target.accessor is not None:
        if isinstance(statement, ast.Define):
            scope.settings.append(Setting(target, statement, expr=expr))
        return
    axes = _axes(scope, target)
    if axes is None:
        if isinstance(statement, ast.Define):
            pin = Setting(target, statement, expr=expr)
            scope.pins.setdefault(target.name, []).append(pin)
        return
    if target.name in scope.data:
        scope.report(
            "H202",
            f"`{target.name}` is data and cannot be defined",
            target.span,
            "a column has its values from the data",
            help=f"write `data {target.name}_new = {text(expr)}`: a derived column takes a new name",
        )
        return
    if not _taken(scope, target):
        scope.definitions[target.name] = DefinitionSpec(
            target.name,
            target.name_span,
            target,
            expr,
            axes or None,
            statement,
        )


def _coefficients(scope: Scope, statement: ast.Tilde) -> None:
    formula = statement.right
    assert isinstance(formula, ast.Formula)
    constants = [t for t in formula.terms if isinstance(t, ast.ConstantTerm)]
    terms = [t for t in formula.terms if isinstance(t, ast.Term)]
    has_mean = _constant_terms(scope, constants, formula)
    paths = tuple(
        TermSpec(tuple(scope.level_name(n) for n in t.path), t.predictors, t.span) for t in terms
    )
    _levels_once(scope, terms, paths)
    for target in _targets(scope, statement.targets):
        axes = _axes(scope, target)
        if target.accessor is not None or axes is None:
            scope.report(
                "H207",
                f"`{text(target.expr)}` cannot vary over a level",
                target.span,
                "a coefficient statement is about a whole name",
                help="give it a distribution (`~ normal(0, 1)`) or a value (`= 0`)",
            )
        elif target.transform is not None and target.transform.link == "power":
            scope.report("H310", "a formula holds on a link scale, not on a power", target.span)
        elif target.name in scope.data:
            scope.report(
                "H207",
                f"`{target.name}` is data; an outcome has a distribution",
                target.span,
                "a column",
                help=f"write `{target.name} ~ normal(mu, sigma)` and `mu ~ {text_of(formula, scope)}`",
            )
        elif not _taken(scope, target):
            _add_coefficient(scope, statement, target, axes, paths, has_mean)


def text_of(formula: ast.Formula, scope: Scope) -> str:
    """The text that a formula was written as."""
    return scope.source.slice(formula.span)


def _add_coefficient(
    scope: Scope,
    statement: ast.Tilde,
    target: Target,
    axes: tuple[str, ...],
    terms: tuple[TermSpec, ...],
    has_mean: bool,
) -> None:
    if not terms:
        scope.parameters[target.name] = ParameterSpec(
            target.name,
            target.name_span,
            target,
            axes,
            None,
            statement.option,
            statement=statement,
        )
        return
    bare = ast.Ref(target.name)
    subject: ast.Expr = bare
    if target.transform is not None:
        inner: ast.Expr = ast.Unary("-", bare) if target.transform.negated else bare
        subject = ast.Call(target.transform.link, (ast.Arg(inner),))
    for level in axes:
        if level in {name for term in terms for name in term.path}:
            scope.report(
                "H408", f"`{target.name}` is indexed by `{level}` and varies over it", target.span
            )
    scope.coefficients[target.name] = CoefficientSpec(
        target.name,
        text(subject),
        subject,
        target.transform,
        axes,
        terms,
        has_mean,
        statement,
        target,
    )


def _constant_terms(scope: Scope, constants: list[ast.ConstantTerm], formula: ast.Formula) -> bool:
    for term in constants:
        if term.predictors:
            predictors = ", ".join(scope.source.slice(p.span) for p in term.predictors)
            scope.report(
                "H402",
                "the group stands before the bar, its predictors behind it",
                term.span,
                "in HDSL a bar is followed by group-level predictors",
                help=f"write `~ {predictors}` for a coefficient that varies by `{predictors}`; the "
                "intercept comes with it",
            )
        elif term.number.value not in (0.0, 1.0):
            scope.report(
                "H403",
                f"`{term.number.text}` means nothing in a formula",
                term.span,
                "only 1 (a mean) and 0 (no mean) do",
                help="write the level alone: `~ region`",
            )
    values = {term.number.value for term in constants if not term.predictors}
    if values == {0.0, 1.0}:
        scope.report("H403", "a formula has a mean or it has none", formula.span, "both 0 and 1")
    if values == {0.0} and len(constants) == len(formula.terms):
        scope.report(
            "H403", "nothing is left of this formula", formula.span, help="write `= 0` instead"
        )
    return 0.0 not in values


def _levels_once(scope: Scope, terms: list[ast.Term], paths: tuple[TermSpec, ...]) -> None:
    seen: set[str] = set()
    for term, path in zip(terms, paths, strict=True):
        for name, place in zip(path.path, term.path, strict=True):
            if name in seen:
                scope.report(
                    "H408",
                    f"level `{name}` stands twice in this formula",
                    place.span,
                    "its deviations are already there",
                    help="name each level once",
                )
            seen.add(name)


# ---------------------------------------------------------------- names that no statement defines


def _expressions(statement: ast.Statement) -> Iterator[ast.Expr]:
    """The expressions of a statement that use names, its targets aside."""
    match statement:
        case ast.Tilde(right=ast.Formula(terms=terms)):
            for term in terms:
                if isinstance(term, ast.Term):  # `1 | region` is taught, not read
                    yield from term.predictors
        case ast.Tilde(right=right):
            assert isinstance(right, ast.Call)
            yield right
        case ast.Define(expr=expr) | ast.DataDerived(expr=expr):
            yield expr
        case ast.Report(expr=expr):
            if expr is not None:
                yield expr
        case _:
            pass


def walk(expr: ast.Expr | ast.LevelName) -> Iterator[ast.Expr]:
    """An expression and all below it, in order of appearance, without recursion."""
    pending: list[ast.Expr | ast.LevelName] = [expr]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.LevelName):
            continue
        yield node
        match node:
            case ast.Call(args=args) | ast.Block(items=args):
                pending.extend(reversed([a.value for a in args]))
            case ast.Unary(operand=operand):
                pending.append(operand)
            case ast.Binary(left=left, right=right):
                pending.extend((right, left))
            case ast.Number() | ast.Text() | ast.Ref():
                pass


def _used_elsewhere(file: ast.File, statement: ast.Tilde) -> frozenset[str]:
    """Names that other statements use: none of them is an outcome where nothing is declared."""
    used: set[str] = set()
    for other in file.statements:
        if other is statement:
            continue
        exprs = list(_expressions(other))
        if isinstance(other, ast.Tilde | ast.Define | ast.Report):
            exprs += [t for t in other.targets if isinstance(t, ast.Call | ast.Binary)]
            exprs += [t for t in other.targets if isinstance(t, ast.Ref) and t.index]
        used |= {n.name for e in exprs for n in walk(e) if isinstance(n, ast.Ref)}
    return frozenset(used)


def _note_spellings(scope: Scope, file: ast.File) -> None:
    """Remember accessors written with a level: the results keep the spelling of the file."""
    for statement in file.statements:
        exprs = list(_expressions(statement))
        if isinstance(statement, ast.Tilde | ast.Define | ast.Report):
            exprs += statement.targets
        for expr in exprs:
            for node in walk(expr):
                match node:
                    case ast.Call(name=name, args=(first, *_, last)) if name in ACCESSORS:
                        level = level_argument(scope, last)
                        if level is not None and not isinstance(first.value, ast.LevelName):
                            scope.spelled_with_level.add((name, text(first.value), level))
                    case _:
                        pass


def level_argument(scope: Scope, arg: ast.Arg) -> str | None:
    """The level that the last argument of an accessor names, if it names one."""
    match arg.value:
        case ast.LevelName():
            return scope.level_name(arg.value)
        case ast.Ref(name=name, index=()):
            known = name in scope.levels and name not in scope.coefficients
            return name if known else None
        case _:
            return None


def _infer(scope: Scope, file: ast.File) -> None:
    """Give a meaning to each name that no statement defines: column, scale parameter or slip."""
    members = {m for level in scope.levels.values() for m in level.members}
    for outcome in _outcome_calls(scope):
        for name, span in _bare_scales(outcome):
            if _known(scope, name):
                continue
            slip = next((n for n in scope.all_names() if is_slip(name, n)), None)
            if slip is not None:
                _unknown(scope, name, span, f"did you mean `{slip}`?")
                scope.data[name] = DataSpec(name, span, name, inferred=True)
            else:
                scope.parameters[name] = ParameterSpec(name, span, implied=True)
    for statement in file.statements:
        per = _predictor_levels(scope, statement)
        for expr in _expressions(statement):
            for node in walk(expr):
                if not isinstance(node, ast.Ref) or _known(scope, node.name):
                    continue
                if node.name in members or node.name == "missing" or node.name in scope.levels:
                    continue
                if scope.declared_data:
                    _unknown(scope, node.name, node.span, scope.suggestion(node.name))
                scope.data[node.name] = DataSpec(
                    node.name, node.span, node.name, per=per.get(id(expr)), inferred=True
                )


def _predictor_levels(scope: Scope, statement: ast.Statement) -> dict[int, str]:
    """By predictor, the finest level of its term: there an inferred column lives."""
    if isinstance(statement, ast.Tilde) and isinstance(statement.right, ast.Formula):
        return {
            id(predictor): scope.level_name(term.path[-1])
            for term in statement.right.terms
            if isinstance(term, ast.Term)
            for predictor in term.predictors
        }
    return {}


def _outcome_calls(scope: Scope) -> Iterator[ast.Call]:
    for _, statement in scope.outcomes:
        if isinstance(statement.right, ast.Call):
            yield statement.right


def _bare_scales(call: ast.Call) -> Iterator[tuple[str, Span]]:
    """Bare names that stand as a scale or shape of an outcome's distribution."""
    family = FAMILIES.get(call.name)
    if family is None:  # reported elsewhere; its bare names are given the benefit of the doubt
        yield from ((a.value.name, a.span) for a in call.args if isinstance(a.value, ast.Ref))
        return
    roles = {p.name: p.role for p in family.parameters}
    for position, arg in enumerate(call.args):
        name = arg.keyword or (
            family.parameters[position].name if position < len(family.parameters) else None
        )
        if isinstance(arg.value, ast.Ref) and not arg.value.index:
            if name is not None and roles.get(name) in (Role.SCALE, Role.SHAPE):
                yield arg.value.name, arg.value.span


def _known(scope: Scope, name: str) -> bool:
    tables = (scope.data, scope.parameters, scope.definitions, scope.coefficients)
    return any(name in table for table in tables)


def _unknown(scope: Scope, name: str, span: Span, help: str | None) -> None:
    notes: tuple[str, ...] = ()
    if name in FUNCTIONS or name in FAMILIES:
        notes = (f"`{name}` is a function: it is followed by `(`",)
    scope.report(
        "H201",
        f"unknown name `{name}`",
        span,
        "no statement defines it",
        help=help or f"if it is a column, declare it: `data {name} : real`",
        notes=notes,
    )


def _no_outcome(scope: Scope, file: ast.File) -> None:
    place = file.statements[-1].span if file.statements else Span(0, 0)
    scope.report(
        "H211",
        "the model has no outcome",
        place,
        "nothing says how the data arise",
        help="add the likelihood: `y ~ normal(mu, sigma)`, where `y` is a column",
    )


def unsupported(scope: Scope, span: Span, what: str) -> None:
    """Say of a construct of the language that this version does not have it yet."""
    scope.report("H510", f"{what} is not in this version of HDSL", span, "not supported yet")


def level_data(scope: Scope, level: Level) -> str:
    """The name of the data that hold a level's labels, made if an expression compares them."""
    if level.name not in scope.data:
        per = level.name
        scope.data[level.name] = DataSpec(
            level.name,
            level.span,
            level.column,
            DataType.FACTOR,
            per=per,
            inferred=True,
            of_level=True,
        )
    return level.name
