"""H610: a walk along numbers or dates that are not evenly spaced."""

import datetime
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.families import Along
from hdsl.ir.model import Model, Parameter
from hdsl.ir.wrapped import heart
from hdsl.lint.reading import warning

if TYPE_CHECKING:
    from hdsl.data.bind import Binding

_MARGIN = 1.5  # times the smallest step: months and leap years are no gaps


def check(model: Model, binding: "Binding") -> Iterator[Diagnostic]:
    """One warning for each level that a walk runs along and whose groups leave gaps."""
    told: set[str] = set()
    for node in model.nodes:
        level = _walked(node) if isinstance(node, Parameter) else None
        groups = binding.dataset.groups.get(level) if level is not None else None
        if level is None or groups is None or level in told:
            continue
        gaps = _gaps(groups.labels)
        if not gaps:
            continue
        told.add(level)
        before, after = gaps[0]
        many = f", the first of {len(gaps)} such gaps" if len(gaps) > 1 else ""
        yield warning(
            "H610",
            f"`{level}` is not evenly spaced: nothing lies between {before} and {after}",
            node.span,
            f"a step of `{node.name}` leads from one to the other{many}",
            notes=("a step is between neighbouring groups, however far apart they are",),
            help="give every group a row, with its outcome left empty; or let distance count: "
            f"`gp(x, alpha, rho)` with `{level}` as a number",
        )


def _walked(node: Parameter) -> str | None:
    """The level along which a parameter goes step by step."""
    structure = heart(node.distribution).structure
    by_steps = structure is not None and structure.along is Along.ORDERED
    return node.distribution.along if by_steps else None


def _gaps(labels: Sequence[str]) -> list[tuple[str, str]]:
    """The neighbours that lie further apart than a step.

    >>> _gaps(["1", "2", "5"]), _gaps(["2024-01", "2024-02", "2024-03"]), _gaps(["low", "high"])
    ([('2', '5')], [], [])
    """
    places = _places(labels)
    if places is None or len(places) < 3:
        return []
    steps = [after - before for before, after in pairwise(places)]
    usual = min(steps)
    if usual <= 0:  # written out in another order: the order is the user's
        return []
    return [
        pair for pair, step in zip(pairwise(labels), steps, strict=True) if step > _MARGIN * usual
    ]


def _places(labels: Sequence[str]) -> list[float] | None:
    """The labels as points in time or on the line; None where they are neither."""
    for read in (float, _month, _day):
        try:
            return [read(label) for label in labels]
        except ValueError:
            continue
    return None


def _month(label: str) -> float:
    found = re.fullmatch(r"(\d{4})-(\d{2})", label)
    if found is None:
        raise ValueError(label)
    return 12.0 * int(found[1]) + int(found[2])


def _day(label: str) -> float:
    moment = datetime.datetime.fromisoformat(label)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.timestamp() / 86400
