"""Statistical advice: what a careful colleague would ask about a model and its data.

Rules are ordered tables; each lives in a file of its own and gives warnings. Those that need
the data say nothing without them.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.ir.model import Model
from hdsl.lint import (
    constant_within,
    few_groups,
    gaps,
    improper,
    prior_scale,
    saturated,
    small_groups,
    two_intercepts,
    uncentred,
)

if TYPE_CHECKING:
    from hdsl.data.bind import Binding

RULES_OF_THE_TEXT: tuple[Callable[[Model], Iterator[Diagnostic]], ...] = (
    two_intercepts.check,
    improper.check,
)

RULES: "tuple[Callable[[Model, Binding | None], Iterator[Diagnostic]], ...]" = (
    constant_within.check,
)

RULES_OF_THE_DATA: "tuple[Callable[[Model, Binding], Iterator[Diagnostic]], ...]" = (
    few_groups.check,
    small_groups.check,
    saturated.check,
    prior_scale.check,
    uncentred.check,
    gaps.check,
)


def lint(model: Model, binding: "Binding | None" = None) -> tuple[Diagnostic, ...]:
    """Every warning that the rules have for a model, and for its data where they are bound."""
    found = [d for rule in RULES_OF_THE_TEXT for d in rule(model)]
    found += [d for rule in RULES for d in rule(model, binding)]
    if binding is not None:
        found += [d for rule in RULES_OF_THE_DATA for d in rule(model, binding)]
    return tuple(found)
