"""H609: a prior that is no distribution."""

from collections.abc import Iterator

from hdsl.check.spelling import quoted
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.ir.model import Model, Parameter
from hdsl.ir.wrapped import heart
from hdsl.lint.reading import warning
from hdsl.source import Span


def check(model: Model) -> Iterator[Diagnostic]:
    """A warning for each improper prior, with all parameters that a statement gives it to."""
    found: dict[Span, list[Parameter]] = {}
    for node in model.nodes:
        if isinstance(node, Parameter) and heart(node.distribution).improper:
            found.setdefault(node.distribution.span, []).append(node)
    for span, parameters in found.items():
        family = parameters[0].distribution.family
        names = quoted(parameter.name for parameter in parameters)
        yield warning(
            "H609",
            f"the prior of {names} is improper",
            span,
            f"`{family}()` gives all values the same weight, without end",
            notes=(
                "nothing can be simulated from it, and where the data say little the posterior is "
                "improper too",
            ),
            help=f"say what is plausible: `{parameters[0].name} ~ likely(lo, hi)` puts 95% "
            "between two values",
        )
