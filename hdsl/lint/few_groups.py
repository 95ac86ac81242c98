"""H601: an sd between groups, learned from fewer than five of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hdsl.data.problem import numbered
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.ir.model import Model
from hdsl.lint.reading import is_default, parts, warning

if TYPE_CHECKING:
    from hdsl.data.bind import Binding

_ENOUGH = 5


def check(model: Model, binding: "Binding") -> Iterator[Diagnostic]:
    """A warning for each sd with a default prior between too few groups."""
    for coefficient, part in parts(model):
        groups = binding.dataset.groups.get(part.level)
        if groups is None or groups.size >= _ENOUGH or not is_default(model, part.sd):
            continue
        count = numbered(groups.size, "group")
        yield warning(
            "H601",
            f"`{part.sd}` is to be learned from {count} of `{part.level}`",
            coefficient.span,
            f"`{coefficient.name}` varies over `{part.level}`",
            notes=(
                "nothing differs between groups where there is one"
                if groups.size == 1
                else "so few groups say little of how much groups differ: the prior will decide",
            ),
            help=f"give it a prior from what you know, such as `{part.sd} ~ halfnormal(1)` on the "
            f"scale of `{coefficient.scale_name}`; or let the groups be estimated apart: "
            f"`{coefficient.name}[{part.level}] ~ 1`",
        )
