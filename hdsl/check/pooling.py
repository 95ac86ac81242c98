"""A model without pooling, and with complete pooling: its formulas rewritten, as HDSL.

Without pooling every group has coefficients of its own, which know nothing of the others; with
complete pooling all groups share one. What the formulas implied (`sd(b)`, `cor(a, b)`) goes, with
the statements that are about it alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from hdsl.check import check
from hdsl.check.rewriting import Dead, Rewriter, prune, spelled
from hdsl.check.targets import Target, parse_target
from hdsl.diagnostics.diagnostic import Diagnostic, Label, ModelError, Severity
from hdsl.expr import Constant
from hdsl.ir.levels import above
from hdsl.ir.model import Model, Parameter
from hdsl.ir.text import text_of
from hdsl.source import Source, Span
from hdsl.syntax import ast
from hdsl.syntax.parser import parse
from hdsl.syntax.printer import print_expr, print_file


class Pooling(Enum):
    """How much the groups share."""

    NONE = "no pooling"
    COMPLETE = "complete pooling"


@dataclass(frozen=True)
class Pooled:
    """A coefficient statement whose levels are pooled otherwise."""

    statement: ast.Tilde
    targets: tuple[Target, ...]
    terms: tuple[ast.Term, ...]
    has_mean: bool


def pooled(source: Source, model: Model, how: Pooling, levels: frozenset[str] = frozenset()) -> str:
    r"""The text of a model with other pooling; only that of ``levels``, if there are any.

    Raises ModelError where there is nothing to pool, or no such model can be written.

    >>> source = Source("level g\ndata y : real\ny ~ normal(a, s)\na ~ g\nsd(a) ~ halfnormal(1)")
    >>> model, _ = check(parse(source)[0], source)
    >>> print(pooled(source, model, Pooling.NONE), end="")
    level g
    data y : real
    y ~ normal(a, s)
    a[g] ~ 1
    """
    file, _ = parse(source)
    chosen = _chosen(file, model, levels)
    if not chosen:
        raise _refused(model, "it has no coefficient that varies by a level" + _of(levels))
    rewriter = Rewriter(model, {t.name: t for p in chosen for t in p.targets}, how is Pooling.NONE)
    by_statement = {id(p.statement): p for p in chosen}
    means = rewriter.means(file.statements)
    statements: list[ast.Statement] = []
    try:
        for statement in file.statements:
            found = by_statement.get(id(statement))
            if found is None:
                statements += rewriter.kept(statement)
            elif how is Pooling.COMPLETE:
                statements += _complete(found, model, levels, means)
            else:
                statements += _none(found, model, levels)
        kept = prune([*_nesting(file, chosen), *statements], model)
    except Dead as dead:
        raise _refused(model, f"`{dead.name}` is used in `{dead.user}`", dead.span) from dead
    text = print_file(ast.File(tuple(kept)))
    return _sound(_around_zero(text, chosen, model), model, how)


def _chosen(file: ast.File, model: Model, levels: frozenset[str]) -> list[Pooled]:
    """The coefficient statements that have one of the levels, or any."""
    found = []
    for statement in file.statements:
        match statement:
            case ast.Tilde(targets=targets, right=ast.Formula(terms=terms)):
                parsed = tuple(t for e in targets if not isinstance(t := parse_target(e), str))
                varying = tuple(t for t in terms if isinstance(t, ast.Term))
                here = {spelled(level) for term in varying for level in term.path}
                if varying and (not levels or here & levels):
                    fixed = any(
                        isinstance(t, ast.ConstantTerm) and t.number.value == 0 for t in terms
                    )
                    found.append(Pooled(statement, parsed, varying, not fixed))
    known = {name for name in model.levels if name != "row"}
    for level in levels - known:
        raise _refused(model, f"it has no level `{level}`")
    return found


def _of(levels: frozenset[str]) -> str:
    return f" {' or '.join(f'`{level}`' for level in sorted(levels))}" if levels else ""


def _complete(
    found: Pooled, model: Model, levels: frozenset[str], means: frozenset[str]
) -> Iterator[ast.Statement]:
    """The statement with its levels, or the chosen ones, taken out."""
    left = [t for term in found.terms if (t := _without(term, model, found, levels)) is not None]
    if left:
        constants = tuple(t for t in _formula(found).terms if isinstance(t, ast.ConstantTerm))
        yield replace(found.statement, right=ast.Formula((*constants, *left)), option=None)
        return
    if not found.has_mean:
        yield ast.Define(found.statement.targets, ast.Number(0.0, "0"))
        return
    own = tuple(
        expr
        for expr, target in zip(found.statement.targets, found.targets, strict=True)
        if target.name not in means  # what was the prior of its mean is now its own
    )
    if own:
        one = ast.Formula((ast.ConstantTerm(ast.Number(1.0, "1")),))
        yield ast.Tilde(own, one)


def _formula(found: Pooled) -> ast.Formula:
    assert isinstance(found.statement.right, ast.Formula)
    return found.statement.right


def _without(
    term: ast.Term, model: Model, found: Pooled, levels: frozenset[str]
) -> ast.Term | None:
    """A term without the chosen levels, and without the predictors that live on them."""
    path = tuple(level for level in term.path if levels and spelled(level) not in levels)
    if not path:
        return None
    names = {spelled(level) for level in path}
    kept = {
        text_of(predictor)
        for c in model.coefficients
        if c.name in {t.name for t in found.targets}
        for part in c.parts
        if part.level in names
        for _, predictor in part.slopes
    }
    predictors = tuple(p for p in term.predictors if print_expr(p) in kept)
    return ast.Term(path, predictors)


def _none(found: Pooled, model: Model, levels: frozenset[str]) -> Iterator[ast.Statement]:
    """The statement with coefficients of each group's own, at the finest of its levels."""
    finest = [term.path[-1] for term in found.terms]
    every = {spelled(level) for term in found.terms for level in term.path}
    swallowed = all(not levels or spelled(level) in levels for level in finest)
    if not swallowed:
        some = ", ".join(f"`{name}`" for name in sorted(every - levels))
        raise _refused(model, f"{some} would stay pooled beside it", found.statement.span)
    one = ast.Formula((ast.ConstantTerm(ast.Number(1.0, "1")),))
    if len(finest) == 1 or _is_chain(model, [spelled(level) for level in finest]):
        deepest = finest[-1]
        targets = tuple(_indexed(expr, deepest) for expr in found.statement.targets)
        yield ast.Tilde(targets, one)
        return
    for expr, target in zip(found.statement.targets, found.targets, strict=True):
        names = [_part_name(model, target.name, spelled(level)) for level in finest]
        total: ast.Expr = ast.Ref(names[0])
        for name in names[1:]:
            total = ast.Binary("+", total, ast.Ref(name))
        yield ast.Define((_bare(expr),), total)
        for name, level in zip(names, finest, strict=True):
            yield ast.Tilde((ast.Ref(name, (*target.index, level)),), one)


def _is_chain(model: Model, levels: list[str]) -> bool:
    return all(coarse in above(model, fine) for coarse, fine in pairwise(levels))


def _part_name(model: Model, name: str, level: str) -> str:
    """The name of a crossed coefficient's part, one that the model does not have."""
    found = f"{name}_{level.replace(':', '_')}"
    while found in model.by_name or found in model.levels:
        found += "_"
    return found


def _indexed(expr: ast.Expr, level: ast.LevelName) -> ast.Expr:
    """A target over a level: `log(sigma)` becomes `log(sigma[region])`."""
    match expr:
        case ast.Ref(name=name, index=index):
            return ast.Ref(name, (*index, level))
        case ast.Call(args=(arg,)) if not isinstance(arg.value, ast.LevelName):
            return replace(expr, args=(replace(arg, value=_indexed(arg.value, level)),))
        case ast.Unary(operand=operand):
            return replace(expr, operand=_indexed(operand, level))
        case ast.Binary(left=left):
            return replace(expr, left=_indexed(left, level))
        case _:
            return expr


def _bare(expr: ast.Expr) -> ast.Expr:
    """A target without its index, which a sum of parts has by itself."""
    match expr:
        case ast.Ref(name=name):
            return ast.Ref(name)
        case ast.Call(args=(arg,)) if not isinstance(arg.value, ast.LevelName):
            return replace(expr, args=(replace(arg, value=_bare(arg.value)),))
        case ast.Unary(operand=operand):
            return replace(expr, operand=_bare(operand))
        case ast.Binary(left=left):
            return replace(expr, left=_bare(left))
        case _:
            return expr


def _nesting(file: ast.File, chosen: list[Pooled]) -> Iterator[ast.Statement]:
    """Declarations of the nesting that only a formula told, and that goes with it."""
    declared = {s.name for s in file.statements if isinstance(s, ast.LevelDecl | ast.LevelCross)}
    for found in chosen:
        for term in found.terms:
            for coarse, fine in pairwise(term.path):
                if len(fine.names) == len(coarse.names) == 1 and fine.names[0] not in declared:
                    declared.add(fine.names[0])
                    yield ast.LevelDecl(fine.names[0], parents=coarse.names)


def _around_zero(text: str, chosen: list[Pooled], model: Model) -> str:
    """The text where parts that are added to something else are expected around 0, as deviations
    are: the first part of a crossed coefficient holds its mean, as does what stands beside `0 +`.
    """
    source = Source(text, model.source.name)
    file, _ = parse(source)
    variant, _ = check(file, source)
    if variant is None:
        return text
    beside = {t.name for p in chosen if not p.has_mean for t in p.targets}
    later = {
        _part_name(model, t.name, spelled(term.path[-1]))
        for p in chosen
        for t in p.targets
        for term in p.terms[1 if p.has_mean else 0 :]
    }
    statements = [_centred(statement, variant, beside | later) for statement in file.statements]
    return print_file(ast.File(tuple(s for each in statements for s in each)))


def _centred(
    statement: ast.Statement, variant: Model, names: set[str]
) -> tuple[ast.Statement, ...]:
    match statement:
        case ast.Tilde(targets=targets, right=ast.Formula()):
            pass
        case _:
            return (statement,)
    found: list[ast.Statement] = []
    for expr in targets:
        target = parse_target(expr)
        node = variant.by_name.get(target.name) if not isinstance(target, str) else None
        if isinstance(node, Parameter) and node.name in names and node.rule is not None:
            scale = dict(node.distribution.arguments).get("sigma", Constant(1.0))
            prior, _ = parse(Source(f"x ~ normal(0, {text_of(scale)})"))
            (only,) = prior.statements
            assert isinstance(only, ast.Tilde)
            found.append(ast.Tilde((expr,), only.right))
        else:
            found.append(ast.Tilde((expr,), statement.right))
    together = all(isinstance(s, ast.Tilde) and s.right is statement.right for s in found)
    return (statement,) if together else tuple(found)


def _sound(text: str, model: Model, how: Pooling) -> str:
    """The text, if it is a model."""
    source = Source(text, model.source.name)
    file, syntax = parse(source)
    variant, found = (None, ()) if syntax else check(file, source)
    if variant is not None:
        return text
    wrong = next((d for d in (*syntax, *found) if d.severity is Severity.ERROR), None)
    reason = wrong.headline if wrong is not None else "it is no model"
    raise _refused(model, f"with {how.value}, {reason}")


def _refused(model: Model, reason: str, span: Span | None = None) -> ModelError:
    label = None if span is None else Label(span)
    advice = "compare it with a model of your own: `hdsl fit` both"
    headline = f"the model cannot be pooled otherwise: {reason}"
    return ModelError((Diagnostic("H556", headline, label, help=advice),), model.source)
