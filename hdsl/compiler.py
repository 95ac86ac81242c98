"""The compiler: text -> syntax tree -> model -> Python source, each phase one line.

Read top to bottom it is the architecture. Pure: no file, terminal, clock or sampler.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from hdsl.check import check
from hdsl.check.expand import expand as expand_file
from hdsl.check.renamed import renamed
from hdsl.diagnostics.diagnostic import Diagnostic, ModelError, Severity
from hdsl.diagnostics.suppress import apply_ignores, in_source_order
from hdsl.expr import Expr
from hdsl.ir.arranged import Arranged
from hdsl.ir.facts import Facts
from hdsl.ir.model import Model
from hdsl.lint import lint
from hdsl.source import Source
from hdsl.syntax import ast
from hdsl.syntax.parser import parse

if TYPE_CHECKING:
    from hdsl.backends import Generated
    from hdsl.data.bind import Binding
    from hdsl.data.table import Table
    from hdsl.ir.compare.difference import Difference


def check_source(source: Source) -> tuple[Model | None, tuple[Diagnostic, ...]]:
    r"""The model of a text and its diagnostics, without data; no model where it is wrong.

    >>> model, found = check_source(Source("data y : real\ny ~ normal(mu, sigma)\nmu ~ 1"))
    >>> [parameter.name for parameter in model.nodes][1:], found
    (['sigma', 'mu', 'y'], ())
    """
    file, syntax = parse(source)
    if _errors(syntax):
        return None, in_source_order(syntax)
    model, found = check(file, source)
    return model, apply_ignores(in_source_order((*syntax, *found)), source)


def model_of(source: Source) -> Model:
    """The model of a text; raises ModelError with all diagnostics where it is wrong."""
    model, found = check_source(source)
    if model is None:
        raise ModelError(found, source)
    return model


def diagnose(
    source: Source | str,
    rows: Table | str | None = None,
    tables: Mapping[str, Table | str] | None = None,
) -> tuple[Diagnostic, ...]:
    """Everything there is to say about a model and its data: syntax, names, data, advice.

    Rows and tables given as text are read as CSV.
    """
    source = Source(source) if isinstance(source, str) else source
    model, found = check_source(source)
    if model is None:
        return found
    binding = None
    if rows is not None:
        try:
            binding = bind_data(model, rows, tables)
        except ModelError as error:
            return in_source_order((*found, *error.diagnostics))
        found = (*found, *binding.diagnostics)
        if _errors(found):
            return apply_ignores(in_source_order(found), source)
    return apply_ignores(in_source_order((*found, *lint(model, binding))), source)


def bind_data(
    model: Model, rows: Table | str, tables: Mapping[str, Table | str] | None = None
) -> Binding:
    """The data bound to a model, with everything that is wrong with them."""
    from hdsl.data.bind import bind
    from hdsl.data.read import parse_csv

    def table(given: Table | str) -> Table:
        return parse_csv(given) if isinstance(given, str) else given

    return bind(model, table(rows), {level: table(t) for level, t in (tables or {}).items()})


def compile_model(
    model: Model,
    backend: str,
    facts: Facts | None = None,
    level: int = 0,
    without: Collection[str] = (),
) -> Generated:
    """The model as Python source for ``numpyro`` or ``pymc``.

    At level 1 it has the posterior besides as the passes arrange it, but those ``without``.
    """
    from hdsl.backends import emit  # here, so that `check` does not wait for it

    passed = arranged(model, facts, without) if level else None
    return emit(model, backend, facts, passed)


def arranged(model: Model, facts: Facts | None = None, without: Collection[str] = ()) -> Arranged:
    """The model as the passes arrange it, and what each of them says."""
    from hdsl.passes import arrange

    return arrange(model, facts, without)


def expand(
    source: Source,
    rows: Table | None = None,
    tables: Mapping[str, Table] | None = None,
) -> str:
    """The text with every default written out and its rule as a comment.

    With data each rule is followed by its numbers; raises ModelError where the data are wrong.
    """
    model = model_of(source)
    evaluate = None
    if rows is not None:
        binding = bind_data(model, rows, tables)
        if not binding.sound:
            raise ModelError(binding.diagnostics, source)
        evaluate = _evaluator(binding)
    return expand_file(source, parse(source)[0], model, evaluate)


def _evaluator(binding: Binding) -> Callable[[Expr], float | None]:
    from hdsl.data.evaluate import NotDataError

    def evaluate(expr: Expr) -> float | None:
        try:
            return float(binding.dataset.evaluator.at(expr, ()).numbers)
        except NotDataError:
            return None

    return evaluate


def difference(before: Source, after: Source) -> Difference:
    r"""What changed in meaning from one text to another; raises ModelError where one is wrong.

    >>> old = Source("data y : real\ny ~ normal(mu, s)\nmu ~ 1")
    >>> new = Source("data y : real\nmu ~ g  # by group\ny ~ normal(mu, s)")
    >>> [change.says for change in difference(old, new).changes]
    ['`mu` was one value, and now varies by `g`', 'the level `g` is new: column g']
    """
    from hdsl.ir.compare.difference import difference as compare
    from hdsl.ir.compare.renaming import renaming

    old, new = model_of(before), model_of(after)
    names = renaming(old, new)
    if names:
        called = {ours: given for given, ours in names.items()}
        file = renamed(parse(after)[0], called)
        as_before, _ = check(file, after)
        if as_before is not None:
            return compare(old, as_before, names)
    return compare(old, new)


def parse_source(source: Source) -> ast.File:
    """The syntax tree of a text; raises ModelError where it cannot be read."""
    file, found = parse(source)
    if _errors(found):
        raise ModelError(found, source)
    return file


def _errors(diagnostics: tuple[Diagnostic, ...]) -> bool:
    return any(d.severity is Severity.ERROR for d in diagnostics)
