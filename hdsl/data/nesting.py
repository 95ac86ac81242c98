"""Whether the groups of the data stand as the model says: nesting, and labels fit to be groups."""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from hdsl.data.dataset import Dataset
from hdsl.data.problem import SHOWN, finding, listing, number, quoted
from hdsl.data.table import Coded
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.ir.model import Data, Level, LevelKind, Model

_NAME = r'(?:\w+|"(?:[^"\\]|\\.)*")'


def check_nesting(dataset: Dataset, labels: Mapping[str, Coded]) -> Iterator[Diagnostic]:
    """The children with several parents, where nothing says that labels repeat across parents."""
    model = dataset.model
    for child in model.levels.values():
        if child.kind is not LevelKind.COLUMN or child.name not in labels:
            continue
        for parent in child.parents:
            if parent in dataset.groups and not _repeats(model, child, parent):
                yield from _several_parents(dataset, child, parent, labels[child.name])


def _repeats(model: Model, child: Level, parent: str) -> bool:
    """Whether the model says that a child's labels are its own only within a parent.

    `level child in parent` says so, and so does `parent / child` of a child never declared.
    """
    by_factor = model.by_name.get(parent)
    if isinstance(by_factor, Data) and by_factor.domain == (child.name,):
        return False  # `data parent : factor per child`: one parent for each child
    if not is_declared(model, child):
        return True
    pattern = rf"\b{re.escape(child.name)}(?:\s+from\s+{_NAME})?\s+in\s+{re.escape(parent)}\b"
    return re.search(pattern, model.source.text) is not None


def is_declared(model: Model, level: Level) -> bool:
    """Whether a `level` statement made a level, rather than a mention in a formula."""
    return re.match(r"level\s+\w", model.source.slice(level.span)) is not None


def _several_parents(
    dataset: Dataset, child: Level, parent: str, own: Coded
) -> Iterator[Diagnostic]:
    above = dataset.groups[parent]
    present = (own.codes >= 0) & (above.codes >= 0)
    pairs = np.unique(np.stack([own.codes[present], above.codes[present]]), axis=1)
    children, counts = np.unique(pairs[0], return_counts=True)
    torn = children[counts > 1]
    if not len(torn):
        return
    lines = []
    for i in torn[:SHOWN]:
        parents = [quoted(above.labels[j]) for j in pairs[1][pairs[0] == i]]
        lines.append(f"{child.name} {quoted(own.labels[i])} is in {parent} {listing(parents)}")
    if len(torn) > SHOWN:
        lines.append(f"and {len(torn) - SHOWN:,} more")
    source = f" from {child.column}" if child.column != child.name else ""
    yield finding(
        "H924",
        f"the same `{child.name}` lies in more than one `{parent}`",
        child.span,
        f"it is nested in `{parent}`",
        notes=["\n".join(lines)],
        help=f"if labels are reused, so that these are different groups, write "
        f"`level {child.name}{source} in {parent}`; if not, correct the rows, or let the two "
        f"cross: `~ {parent} + {child.name}`",
    )


def check_labels(dataset: Dataset, labels: Mapping[str, Coded]) -> Iterator[Diagnostic]:
    """The columns that only a formula takes for levels and that hold measurements."""
    for name, coded in labels.items():
        level = dataset.model.levels[name]
        if is_declared(dataset.model, level):
            continue
        values = _measurements(coded.labels)
        if values:
            yield finding(
                "H925",
                f"column `{level.column}` holds numbers with decimals, and is used as a level",
                level.span,
                f"each of its {len(coded.labels):,} distinct values would be a group",
                notes=[f"its values are {listing(map(number, values), len(coded.labels))}"],
                help=f"did you mean `~ LEVEL | {name}`, a regression on it? if its values are "
                f"groups, say so: `level {name}_group from {level.column}`",
            )


def _measurements(labels: tuple[str, ...]) -> list[float]:
    """The numbers that labels are, if all are numbers and some are not whole; else none."""
    try:
        values = [float(label) for label in labels]
    except ValueError:
        return []
    return values if any(np.isfinite(v) and v != int(v) for v in values) else []
