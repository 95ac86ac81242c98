"""First pass over a file: what each name is, before any expression is resolved."""

from collections.abc import Iterator

from hdsl.check.columns import declare_data, resolve_per
from hdsl.check.domains import ancestors
from hdsl.check.impute import declare_imputed
from hdsl.check.infer import adopt_outcome, infer, report_no_outcome
from hdsl.check.labels import declare_cut_prior, declare_cuts, refuse_set_cuts
from hdsl.check.levels import close_levels, declare_levels
from hdsl.check.mentions import Mentions, note_spellings
from hdsl.check.scope import (
    CoefficientSpec,
    DataSpec,
    DefinitionSpec,
    ParameterSpec,
    Scope,
    Setting,
    TermSpec,
    member_with_prior,
    text,
)
from hdsl.check.targets import Target, parse_target
from hdsl.diagnostics.diagnostic import Label
from hdsl.source import Source
from hdsl.syntax import ast


def declare(file: ast.File, source: Source) -> Scope:
    """The symbol tables of a file."""
    scope = Scope(source)
    for statement in file.statements:
        _title_or_data(scope, statement)
    declare_levels(scope, file)
    resolve_per(scope, file)
    close_levels(scope)
    mentions = Mentions(file)
    _left_sides(scope, file, mentions)
    adopt_outcome(scope, mentions)
    declare_imputed(scope)
    declare_cuts(scope)
    note_spellings(scope, file)
    infer(scope, file)
    report_no_outcome(scope, file)
    return scope


def _title_or_data(scope: Scope, statement: ast.Statement) -> None:
    match statement:
        case ast.DataDecl() | ast.DataDerived():
            scope.declared_data = True
            declare_data(scope, statement)
        case ast.Title(text=title):
            if scope.title is not None:
                scope.report("H202", "a file has one title", statement.span, help="drop this")
            scope.title = title
        case _:
            pass


def _left_sides(scope: Scope, file: ast.File, mentions: Mentions) -> None:
    for statement in file.statements:
        match statement:
            case ast.Tilde(right=ast.Formula()):
                _coefficients(scope, statement)
            case ast.Tilde():
                _distributions(scope, statement, mentions)
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


# ---------------------------------------------------------------- left sides


def _targets(scope: Scope, exprs: tuple[ast.Expr, ...]) -> Iterator[Target]:
    for expr in exprs:
        target = parse_target(expr)
        if isinstance(target, str):
            scope.report(
                "H310", f"`{text(expr)}` cannot stand left of a statement", expr.span, target
            )
        elif target.accessor == "new":
            scope.report(
                "H207",
                f"`{text(expr)}` is drawn from the population, and cannot be set",
                expr.span,
                help="use it right of `=`: `hypothetical = new(b) * 1.2`",
            )
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


def _distributions(scope: Scope, statement: ast.Tilde, mentions: Mentions) -> None:
    assert isinstance(statement.right, ast.Call)
    for target in _targets(scope, statement.targets):
        if target.accessor == "cut":
            declare_cut_prior(scope, target, statement)
            continue
        if target.accessor is not None:
            scope.settings.append(Setting(target, statement, call=statement.right))
            continue
        name = target.name
        is_outcome = not scope.declared_data and mentions.is_outcome(name, statement)
        is_data = name in scope.data or is_outcome
        if is_data and not _taken(scope, target):
            if name not in scope.data:
                scope.data[name] = DataSpec(name, target.name_span, name, inferred=True)
            scope.outcomes.append((target, statement))
            continue
        axes = _axes(scope, target)
        if axes is None:
            setting = Setting(target, statement, call=statement.right)
            scope.pins.setdefault(name, []).append(member_with_prior(scope, setting))
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
    if target.accessor == "cut":
        if isinstance(statement, ast.Define):
            refuse_set_cuts(scope, target)
        return
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
            help=f"a derived column takes a new name: `data {target.name}_new = {text(expr)}`",
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
                help=f"write `{target.name} ~ normal(mu, sigma)` and "
                f"`mu ~ {scope.source.slice(formula.span)}`",
            )
        elif not _taken(scope, target):
            _add_coefficient(scope, statement, target, axes, paths, has_mean)


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
    varies = {name for term in terms for name in term.path}
    varies |= {above for name in varies for above in ancestors(scope.levels, name)}
    for level in axes:
        both = varies & {level, *ancestors(scope.levels, level)}
        if both:
            inside = "" if level in both else f", which lies in `{min(both)}`,"
            scope.report(
                "H408",
                f"`{target.name}` is indexed by `{level}`{inside} and varies over `{min(both)}`",
                target.span,
                help=f"let it vary over one of the two: `{target.name} ~ {level}`",
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
