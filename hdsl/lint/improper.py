"""H609: a prior that is no distribution."""

from collections.abc import Iterator

from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.families import FAMILIES
from hdsl.ir.model import Model, Parameter
from hdsl.lint.reading import warning


def check(model: Model) -> Iterator[Diagnostic]:
    """A warning for each parameter with an improper prior."""
    for node in model.nodes:
        if isinstance(node, Parameter) and FAMILIES[node.distribution.family].improper:
            family = node.distribution.family
            yield warning(
                "H609",
                f"the prior of `{node.name}` is improper",
                node.distribution.span,
                f"`{family}()` gives all values the same weight, without end",
                notes=(
                    "nothing can be simulated from it, and where the data say little of "
                    f"`{node.name}` the posterior is improper too",
                ),
                help=f"say what is plausible: `{node.name} ~ likely(lo, hi)` puts 95% between two "
                "values",
            )
