"""The compiler: text -> syntax tree -> model -> Python source, each phase one line.

Read top to bottom it is the architecture. Pure: no file, terminal, clock or sampler.
"""

from collections.abc import Mapping

from hdsl.backends import Generated, emit
from hdsl.check import check
from hdsl.check.expand import Evaluate
from hdsl.check.expand import expand as expand_file
from hdsl.diagnostics.diagnostic import Diagnostic, ModelError, Severity
from hdsl.diagnostics.suppress import apply_ignores, in_source_order
from hdsl.ir.facts import Facts
from hdsl.ir.model import Model
from hdsl.lint import lint
from hdsl.source import Source
from hdsl.syntax import ast
from hdsl.syntax.parser import parse


def check_source(source: Source) -> tuple[Model | None, tuple[Diagnostic, ...]]:
    r"""The model of a text and its diagnostics, without data; no model where it is wrong.

    >>> model, found = check_source(Source("data y : real\ny ~ normal(mu, sigma)\nmu ~ 1"))
    >>> [parameter.name for parameter in model.nodes][1:], found
    (['mu', 'sigma', 'y'], ())
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
    text: str,
    rows: str | None = None,
    tables: Mapping[str, str] | None = None,
    name: str = "<model>",
) -> tuple[Diagnostic, ...]:
    """Everything there is to say about a text and, where given as CSV text, its data."""
    from hdsl.data.bind import bind
    from hdsl.data.read import parse_csv

    source = Source(text, name)
    model, found = check_source(source)
    if model is None:
        return found
    binding = None
    if rows is not None:
        try:
            frames = {level: parse_csv(table) for level, table in (tables or {}).items()}
            binding = bind(model, parse_csv(rows), frames)
        except ModelError as error:
            return in_source_order((*found, *error.diagnostics))
        found = (*found, *binding.diagnostics)
        if _errors(found):
            return apply_ignores(in_source_order(found), source)
    return apply_ignores(in_source_order((*found, *lint(model, binding))), source)


def compile_model(model: Model, backend: str, facts: Facts | None = None) -> Generated:
    """The model as Python source for ``numpyro`` or ``pymc``."""
    return emit(model, backend, facts)


def expand(source: Source, evaluate: Evaluate | None = None) -> str:
    """The text with every default written out and its rule as a comment.

    ``evaluate`` gives the values of the data's summaries, where there are data.
    """
    model = model_of(source)
    file, _ = parse(source)
    return expand_file(source, file, model, evaluate)


def parse_source(source: Source) -> ast.File:
    """The syntax tree of a text; raises ModelError where it cannot be read."""
    file, found = parse(source)
    if _errors(found):
        raise ModelError(found, source)
    return file


def _errors(diagnostics: tuple[Diagnostic, ...]) -> bool:
    return any(d.severity is Severity.ERROR for d in diagnostics)
