"""Names that no statement defines: columns, implied scale parameters, or slips of the finger."""

from collections.abc import Iterator

from hdsl.check.mentions import Mentions, expressions, walk
from hdsl.check.scope import DataSpec, ParameterSpec, Scope
from hdsl.check.spelling import Slips, nearest
from hdsl.expr import ROW
from hdsl.families import FAMILIES, Role
from hdsl.families.functions import FUNCTIONS
from hdsl.families.wrapper import WRAPPERS
from hdsl.source import Span
from hdsl.syntax import ast


def adopt_outcome(scope: Scope, mentions: Mentions) -> None:
    """Report an outcome that is not declared among the data, and go on as if it were."""
    if scope.outcomes or not scope.declared_data:
        return
    for name, spec in tuple(scope.parameters.items()):
        assert spec.target is not None and isinstance(spec.statement, ast.Tilde)
        if spec.axes or spec.call is None or not mentions.is_outcome(name, spec.statement):
            continue
        near = nearest(name, scope.data)
        scope.report(
            "H211",
            f"the outcome `{name}` is not declared, and other data are",
            spec.span,
            "nothing else uses it, and no statement says that it is data",
            help=f"did you mean `{near}`?" if near else f"declare it too: `data {name} : real`",
        )
        scope.data[name] = DataSpec(name, spec.span, name, inferred=True)
        scope.outcomes.append((spec.target, spec.statement))
        del scope.parameters[name]


def infer(scope: Scope, file: ast.File) -> None:
    """Give a meaning to each name that no statement defines: column, scale parameter or slip."""
    slips = Slips(scope.all_names())
    members = {m for lv in scope.levels.values() if lv.of is None for m in lv.members}
    for call in (*_outcome_calls(scope), *_structure_calls(scope)):
        for name, span in _bare_scales(call):
            if _known(scope, name):
                continue
            slip = _slip(slips, name)
            if slip is not None:
                _unknown(scope, name, span, slip)
                scope.data[name] = DataSpec(name, span, name, inferred=True)
            else:
                scope.parameters[name] = ParameterSpec(name, span, implied=True)
            slips.add(name)
    covariates = _covariate_levels(scope)
    for statement in file.statements:
        per = _predictor_levels(scope, statement)
        for expr in expressions(statement):
            for node in walk(expr):
                if not isinstance(node, ast.Ref) or _known(scope, node.name):
                    continue
                if node.name in members or node.name == "missing" or node.name in scope.levels:
                    continue
                if scope.declared_data:
                    _unknown(scope, node.name, node.span, _slip(slips, node.name))
                level = per.get(id(expr)) or covariates.get(node.name)
                scope.data[node.name] = DataSpec(
                    node.name, node.span, node.name, per=level, inferred=True
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


def _structure_calls(scope: Scope) -> Iterator[ast.Call]:
    """The structures that are priors: their scales and shapes may be bare names as well."""
    calls = [spec.call for spec in scope.parameters.values()]
    calls += [setting.call for setting in scope.settings]
    for call in calls:
        family = FAMILIES.get(call.name) if call is not None else None
        if call is not None and family is not None and family.structure is not None:
            yield call


def _covariate_levels(scope: Scope) -> dict[str, str]:
    """By column that a smooth function is of, the last level of the function's index."""
    found: dict[str, str] = {}
    for spec in scope.parameters.values():
        family = FAMILIES.get(spec.call.name) if spec.call is not None else None
        if family is None or spec.call is None or not spec.axes or spec.axes[-1] == ROW:
            continue
        for parameter, arg in zip(family.parameters, spec.call.args, strict=False):
            if parameter.role is Role.COVARIATE:
                found |= {
                    node.name: spec.axes[-1]
                    for node in walk(arg.value)
                    if isinstance(node, ast.Ref)
                }
    return found


def _bare_scales(call: ast.Call) -> Iterator[tuple[str, Span]]:
    """Bare names that stand as a scale or shape of an outcome's distribution."""
    if call.name in WRAPPERS:
        yield from _bare_in_wrapper(call)
        return
    family = FAMILIES.get(call.name)
    if family is None:  # reported elsewhere; its bare names are given the benefit of the doubt
        yield from ((a.value.name, a.span) for a in call.args if isinstance(a.value, ast.Ref))
        return
    roles = {p.name: p.role for p in family.parameters}
    for position, arg in enumerate(call.args):
        name = arg.keyword or (
            family.parameters[position].name if position < len(family.parameters) else None
        )
        bare = isinstance(arg.value, ast.Ref) and not arg.value.index
        if bare and name is not None and roles.get(name) in (Role.SCALE, Role.SHAPE):
            assert isinstance(arg.value, ast.Ref)
            yield arg.value.name, arg.value.span


def _bare_in_wrapper(call: ast.Call) -> Iterator[tuple[str, Span]]:
    """Bare names that stand as a share of zeros or of a component, and those further inside."""
    wrapper = WRAPPERS[call.name]
    shares = {p.name for p in wrapper.parameters if p.role is Role.SHARE}
    for arg in call.args:
        match arg.value:
            case ast.Call():
                yield from _bare_scales(arg.value)
            case ast.Block(items=items) if wrapper.several:
                bare = (item.value for item in items if isinstance(item.value, ast.Ref))
                yield from ((ref.name, ref.span) for ref in bare if not ref.index)
            case ast.Ref(name=name, index=()) if shares and not wrapper.several:
                if arg.keyword is None or arg.keyword in shares:
                    yield name, arg.span
            case _:
                pass


def _known(scope: Scope, name: str) -> bool:
    tables = (scope.data, scope.parameters, scope.definitions, scope.coefficients)
    return any(name in table for table in tables)


def _slip(slips: Slips, name: str) -> str | None:
    """`did you mean …?` where a name differs from another by one slip of the finger."""
    slip = slips.of(name)
    return f"did you mean `{slip}`?" if slip else None


def _unknown(scope: Scope, name: str, span: Span, help: str | None) -> None:
    notes: tuple[str, ...] = ()
    if name in FUNCTIONS or name in FAMILIES:
        notes = (f"`{name}` is a function: it is followed by `(`",)
    scope.report(
        "H201",
        f"unknown name `{name}`",
        span,
        "no statement defines it",
        help=help
        or f"a coefficient: `{name} ~ 1`, or `{name} ~ region` if it varies; "
        f"a column: `data {name} : real`",
        notes=notes,
    )


def report_no_outcome(scope: Scope, file: ast.File) -> None:
    """Report that nothing in the file is a likelihood, where it is so."""
    if any(not scope.data[target.name].impute for target, _ in scope.outcomes):
        return
    place = file.statements[-1].span if file.statements else Span(0, 0)
    drawn = next((name for name, spec in scope.parameters.items() if spec.call), None)
    scope.report(
        "H211",
        "the model has no outcome",
        place,
        "nothing says how the data arise",
        help="add the likelihood: `y ~ normal(mu, sigma)`, where `y` is a column"
        if drawn is None or scope.declared_data
        else f"data that other statements use must be declared: `data {drawn} : real`",
    )
