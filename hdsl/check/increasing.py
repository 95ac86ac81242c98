"""`increasing(d)`: values over a level that each have the distribution d and stand in order."""

from typing import TYPE_CHECKING

from hdsl.check.scope import INCREASING
from hdsl.check.structures import one_per_whole
from hdsl.expr import Domain
from hdsl.families import FAMILIES, support_of
from hdsl.families.family import NONNEGATIVE, POSITIVE, REAL
from hdsl.families.wrapper import WRAPPERS
from hdsl.ir.model import Distribution
from hdsl.ir.text import text_of_support
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver
    from hdsl.source import Span


def inside_increasing(resolver: "Resolver", call: ast.Call) -> ast.Call | None:
    """The call inside `increasing(…)`, any other call as it is; None where that was reported."""
    if call.name != INCREASING:
        return call
    inner = call.args[0].value if len(call.args) == 1 else None
    if isinstance(inner, ast.Call) and _is_of_single_values(inner.name):
        return inner
    resolver.scope.report(
        "H205",
        "`increasing` takes one distribution of single values",
        call.span,
        "not this",
        help="write `increasing(normal(0, 1))`",
    )
    return None


def _is_of_single_values(name: str) -> bool:
    """Whether a name is that of a plain distribution; an unknown one is reported elsewhere."""
    family = FAMILIES.get(name)
    known = name in WRAPPERS or name == INCREASING
    return not known and (family is None or family.structure is None)


def check_increasing(
    resolver: "Resolver", name: str, domain: Domain, distribution: Distribution, span: "Span"
) -> None:
    """Report what has no level to be in order along, or is not the same all along it."""
    if not domain:
        resolver.scope.report(
            "H410",
            f"`increasing` is of many values, and `{name}` is a single one",
            span,
            "it has no level",
            help=f"index it: `{name}[size] ~ increasing(…)`",
        )
        return
    family = FAMILIES[distribution.family]
    for argument, expr in distribution.arguments:
        one_per_whole(resolver, family, argument, expr, domain, domain[:-1])
    support = support_of(family, dict(distribution.arguments))
    if support not in (REAL, POSITIVE, NONNEGATIVE):
        resolver.scope.report(
            "H411",
            f"increasing values are any numbers, or above 0, and these are "
            f"{text_of_support(support)}",
            distribution.span,
            "bounded",
            help=f"order them on a link scale: `logit({name}[…]) ~ increasing(normal(0, 1.5))`",
        )


def refuse_elsewhere(resolver: "Resolver", call: ast.Call) -> None:
    """Report `increasing(…)` where it is not the prior of a parameter."""
    resolver.scope.report(
        "H411",
        "`increasing` is a prior of parameters over a level",
        call.name_span,
        "it cannot stand here",
        help="write `b[size] ~ increasing(normal(0, 1))`",
    )
