"""The check stage: a syntax tree becomes a typed model, or diagnostics that say why not."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hdsl.check.assemble import Assembly
from hdsl.check.declare import declare
from hdsl.check.spelling import quoted
from hdsl.diagnostics.diagnostic import Diagnostic, Severity
from hdsl.ir.model import Model
from hdsl.ir.verify import verify_model
from hdsl.source import Source
from hdsl.syntax import ast


def check(file: ast.File, source: Source) -> tuple[Model | None, tuple[Diagnostic, ...]]:
    """The model of a file and everything there is to say about it; no model where it is wrong."""
    with _deep_recursion():
        return _check(file, source)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Room for long chains of definitions: expressions are walked by recursion."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 50_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _check(file: ast.File, source: Source) -> tuple[Model | None, tuple[Diagnostic, ...]]:
    scope = declare(file, source)
    try:
        model = Assembly(scope).model()
    except RecursionError:
        deep = "definitions depend on one another more deeply than can be followed"
        scope.report("H117", deep, file.statements[0].span, help="split the chain")
        return None, tuple(scope.diagnostics)
    inferred = [d for d in scope.data.values() if d.inferred and not d.of_level]
    if inferred and not scope.declared_data:
        scope.report(
            "H216",
            f"taken for columns: {quoted(d.name for d in inferred)}",
            inferred[0].span,
            "no statement defines it, so it is a column",
            help="to be safe from slips declare them: "
            f"`data {', '.join(d.name for d in inferred)} : real`",
        )
    diagnostics = tuple(dict.fromkeys(scope.diagnostics))
    if any(d.severity is Severity.ERROR for d in diagnostics):
        return None, diagnostics
    verify_model(model)
    return model, diagnostics
