"""H605: as many group-level predictors as there are groups to learn them from."""

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from hdsl.data.problem import numbered
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.ir.model import LevelKind, Model
from hdsl.lint.reading import parts, warning

if TYPE_CHECKING:
    from hdsl.data.bind import Binding


def check(model: Model, binding: "Binding") -> Iterator[Diagnostic]:
    """A warning for each regression of groups' values that has no groups to spare."""
    for coefficient, part in parts(model):
        groups = binding.dataset.groups.get(part.level)
        slopes = sum(_columns(model, binding, slope) for slope, _ in part.slopes)
        learned = slopes + (coefficient.mean is not None)
        if groups is None or not part.slopes or learned < groups.size:
            continue
        predictors = numbered(slopes, "predictor")
        mean = " and a mean" if coefficient.mean is not None else ""
        yield warning(
            "H605",
            f"{predictors}{mean} for {numbered(groups.size, 'group')} of `{part.level}`",
            coefficient.span,
            f"`{coefficient.name}` is regressed on them",
            notes=(
                "such a regression goes through every group's value: nothing is left for "
                f"`{part.sd}`, and the slopes mean little",
            ),
            help="keep the predictors that you would defend with so few groups, or give their "
            f"slopes narrow priors: `slope({coefficient.scale_name}) ~ normal(0, 0.1)`",
        )


def _columns(model: Model, binding: "Binding", slope: str) -> int:
    """How many numbers a slope is for each coefficient: one per column of a block."""
    blocks = [n for n in model.by_name[slope].domain if model.levels[n].kind is LevelKind.BLOCK]
    sizes = (binding.dataset.groups[name].size for name in blocks if name in binding.dataset.groups)
    return prod(sizes)
