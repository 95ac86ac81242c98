"""Statistical advice: what a careful colleague would ask about a model and its data.

Rules are an ordered table; each lives in a file of its own and gives warnings. What needs the
data says nothing without them.
"""

from collections.abc import Callable, Iterator

from hdsl.data.bind import Binding
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.ir.model import Model

type Rule = Callable[[Model, Binding | None], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = ()


def lint(model: Model, binding: Binding | None = None) -> tuple[Diagnostic, ...]:
    """Every warning that the rules have for a model, and for its data where they are bound."""
    return tuple(found for rule in RULES for found in rule(model, binding))
