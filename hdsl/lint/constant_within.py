"""H606: a slope that varies by group, on a predictor that does not vary within any."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import ROW, Expr
from hdsl.ir.levels import is_coarser
from hdsl.ir.model import Model
from hdsl.ir.text import text_of
from hdsl.lint.reading import data_domain, located, parts, warning

if TYPE_CHECKING:
    from hdsl.data.bind import Binding


def check(model: Model, binding: "Binding | None") -> Iterator[Diagnostic]:
    """A warning for each such slope, whether the declarations or the data show it."""
    for coefficient, part in parts(model):
        for use in located(model, coefficient.name):
            if use.multiplier is None or not _is_constant(
                model, binding, use.multiplier, part.level
            ):
                continue
            predictor = text_of(use.multiplier)
            yield warning(
                "H606",
                f"`{predictor}` is the same throughout each `{part.level}`, and its slope varies "
                "by it",
                coefficient.span,
                f"a slope on `{predictor}` for every `{part.level}`",
                notes=(
                    f"no group shows how its rows respond to `{predictor}`, so that groups' slopes "
                    "cannot be told from groups' intercepts",
                ),
                help=f"make it one slope, `{coefficient.name} ~ 1`, or a predictor of the "
                f"intercept: `~ {part.level} | {predictor}`",
            )
            break


def _is_constant(model: Model, binding: "Binding | None", expr: Expr, level: str) -> bool:
    domain = data_domain(model, expr)
    if domain and is_coarser(model, domain, (level,)):
        return True
    return binding is not None and _never_varies(binding, expr, level)


def _never_varies(binding: "Binding", expr: Expr, level: str) -> bool:
    """Whether no group holds two different values, and some group has two rows to show it."""
    from hdsl.data.evaluate import NotDataError

    groups = binding.dataset.groups.get(level)
    if groups is None or not groups.size or int(groups.counts.max()) < 2:
        return False
    try:
        column = binding.dataset.evaluator.at(expr, (ROW,))
    except NotDataError:
        return False
    same = (column.values == column.values[groups.first][groups.codes]) | column.missing
    outside = groups.codes < 0
    return bool((same.T | outside).all())
