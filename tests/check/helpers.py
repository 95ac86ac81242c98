"""Shorthand for tests of the check stage: a text checked, its diagnostics, its priors."""

from hdsl.compiler import check_source
from hdsl.diagnostics.diagnostic import Diagnostic, Severity
from hdsl.ir.model import Correlation, Model, Parameter
from hdsl.ir.text import text_of, text_of_distribution, text_of_target
from hdsl.source import Source


def checked(text: str) -> Model:
    """The model of a text that must have no error."""
    model, found = check_source(Source(text))
    assert model is not None, [(d.code, d.headline) for d in found]
    return model


def errors(text: str) -> list[tuple[str, str]]:
    """Code and blamed text of every error and warning, in source order."""
    source = Source(text)
    _, found = check_source(source)
    return [(d.code, blamed(d, source)) for d in found if d.severity is not Severity.NOTE]


def blamed(diagnostic: Diagnostic, source: Source) -> str:
    """The text that a diagnostic points at."""
    assert diagnostic.label is not None
    return source.slice(diagnostic.label.span)


def found(text: str) -> Diagnostic:
    """The one error of a text."""
    _, diagnostics = check_source(Source(text))
    [error] = [d for d in diagnostics if d.severity is Severity.ERROR]
    return error


def priors(model: Model) -> dict[str, str]:
    """Every prior as HDSL, by what stands left of its `~`."""
    written = {
        text_of_target(n.name, n.transform): text_of_distribution(n.distribution)
        for n in model.nodes
        if isinstance(n, Parameter)
    }
    matrices = {
        n.name: f"lkj({text_of(n.concentration)})"
        for n in model.nodes
        if isinstance(n, Correlation)
    }
    return written | matrices
