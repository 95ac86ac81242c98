"""H602 and H603: groups so small that they cannot be told from the rows."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import ROW
from hdsl.families import Role
from hdsl.families.family import BINARY
from hdsl.ir.model import Coefficient, Model, Outcome, Part
from hdsl.ir.wrapped import heart
from hdsl.lint.reading import has_free_scale, located, parts, warning

if TYPE_CHECKING:
    from hdsl.data.bind import Binding

_MOSTLY = 0.5  # the share of groups with one row from which it is worth a word


def check(model: Model, binding: "Binding") -> Iterator[Diagnostic]:
    """A warning where every row is a group of its own, or most groups have one row."""
    for coefficient, part in parts(model):
        groups = binding.dataset.groups.get(part.level)
        outcomes = [
            use.user
            for use in located(model, coefficient.name)
            if isinstance(use.user, Outcome) and _is_confounded(model, use.user)
        ]
        if groups is None or groups.size < 2 or not outcomes:
            continue
        if outcomes[0].domain == (part.level,):
            yield _every_row(coefficient, part, groups.size)
            continue
        single = int((groups.counts == 1).sum())
        if outcomes[0].domain != (ROW,):
            continue
        if single == groups.size:
            yield _every_row(coefficient, part, groups.size)
        elif single > _MOSTLY * groups.size:
            yield _mostly(coefficient, part, single, groups.size)


def _is_confounded(model: Model, outcome: Outcome) -> bool:
    """Whether a deviation per row looks just like what the distribution itself does.

    A Poisson or binomial outcome with one is a known way to say that it is overdispersed.
    """
    family = heart(outcome.distribution)
    trials = any(parameter.role is Role.SIZE for parameter in family.parameters)
    return has_free_scale(model, outcome) or (family.support == BINARY and not trials)


def _every_row(coefficient: Coefficient, part: Part, count: int) -> Diagnostic:
    return warning(
        "H603",
        f"every `{part.level}` has a single row",
        coefficient.span,
        f"{count:,} groups in {count:,} rows",
        notes=(
            f"`{part.deviation}` and the scatter of the rows are the same thing here: the data "
            f"cannot tell `{part.sd}` from it",
        ),
        help=f"take `{part.level}` out of the formula of `{coefficient.name}`, or group by "
        "something coarser",
    )


def _mostly(coefficient: Coefficient, part: Part, single: int, count: int) -> Diagnostic:
    return warning(
        "H602",
        f"{single:,} of {count:,} groups of `{part.level}` have a single row",
        coefficient.span,
        f"`{coefficient.name}` varies over `{part.level}`",
        notes=(
            f"only the other groups tell `{part.sd}` from the scatter of the rows, so both will be "
            "known badly",
        ),
        help=f"look at the posterior of `{part.sd}` together with that of the residual scale; a "
        f"coarser level than `{part.level}` would be surer",
    )
