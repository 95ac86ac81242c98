"""Outcomes that are labels: which labels there are, in what order, and whether they will do.

The rules are those of the generated ``prepare``: labels that a model lists stand as listed, others
sorted naturally; a baseline comes first.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from hdsl.check.spelling import nearest
from hdsl.data.column import Column
from hdsl.data.dataset import Dataset
from hdsl.data.levels import Groups, natural
from hdsl.data.problem import finding, listing, quoted
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.families import FAMILIES, Categories
from hdsl.ir.imputed import missing_level
from hdsl.ir.model import Data, Level, LevelKind, Outcome


def labels_of(dataset: Dataset, axis: Level) -> tuple[str, ...] | None:
    """The labels of an outcome in the order of their codes; None where it was not read."""
    data = dataset.model.by_name.get(axis.of or "")
    column = dataset.columns.get(axis.of or "")
    if not isinstance(data, Data) or column is None:
        return None
    found = data.members or tuple(sorted(set(_texts(column)), key=natural))
    return tuple(sorted(found, key=lambda label: label != axis.baseline))


def _texts(column: Column) -> list[str]:
    """The labels that occur, row by row; numbers as they are written."""
    values = column.values[~column.missing].tolist()
    return [value if isinstance(value, str) else f"{value:g}" for value in values]


def with_label_axes(dataset: Dataset) -> Dataset:
    """The data set with the axes of outcomes' labels and of missing values among its groups."""
    groups = dict(dataset.groups)
    for level in dataset.model.levels.values():
        labels = None if level.of is None else labels_of(dataset, level)
        if labels is None:
            continue
        if level.kind is LevelKind.CUT:
            labels = tuple(f"{low}|{high}" for low, high in pairwise(labels))
        else:
            labels = labels[1:]
        none = np.full(len(dataset.kept), -1)
        groups[level.name] = Groups(len(labels), labels, none, np.zeros(len(labels), int))
    for outcome in dataset.model.likelihoods:
        column = dataset.columns.get(outcome.name)
        if outcome.imputed and column is not None:
            axis = missing_level(outcome.name, outcome.domain[0])
            count = int(column.missing.sum())
            none = np.full(len(dataset.kept), -1)
            groups[axis] = Groups(count, (), none, np.zeros(count, int))
    return replace(dataset, groups=groups)


def check_labelled(dataset: Dataset, outcome: Outcome, axis: Level) -> Iterator[Diagnostic]:
    """What is wrong with the labels of an outcome."""
    labels, column = labels_of(dataset, axis), dataset.columns[outcome.name]
    data = dataset.model.by_name[outcome.name]
    assert isinstance(data, Data) and labels is not None
    occurring = sorted(set(_texts(column)), key=natural)
    if len(occurring) < 2:
        yield finding(
            "H980",
            f"`{outcome.name}` has one label only, {quoted(occurring[0])}",
            outcome.span,
            "there is nothing to tell apart",
            help="is this the right column?",
        )
        return
    if axis.baseline is not None and axis.baseline not in labels:
        near = nearest(axis.baseline, labels)
        yield finding(
            "H934",
            f"no row has {quoted(axis.baseline)} as `{outcome.name}`",
            outcome.distribution.span,
            "this baseline does not occur",
            notes=[f"its labels are {listing(map(quoted, occurring))}"],
            help=f"did you mean {quoted(near)}?" if near else None,
        )
    ordered = _categories(outcome) is Categories.ORDERED
    if ordered and not data.members and not all(map(_is_number, labels)):
        names = ", ".join(_spelled(label) for label in occurring[:8])
        more = ", …" if len(occurring) > 8 else ""
        yield finding(
            "H981",
            f"nothing says in which order the labels of `{outcome.name}` stand",
            data.span,
            "labels that are numbers have an order of their own, and these are not",
            notes=[f"its labels are {listing(map(quoted, occurring))}"],
            help=f"list them in their order: `data {data.name} : ordered {{{names}{more}}}`",
        )


def _categories(outcome: Outcome) -> Categories | None:
    """How the labels of the outcome's distribution, or of one that it wraps, are related."""
    pending = [outcome.distribution]
    while pending:
        distribution = pending.pop()
        family = FAMILIES.get(distribution.family)
        if family is not None and family.categories is not None:
            return family.categories
        pending.extend(distribution.inner)
    return None


def _is_number(label: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", label) is not None


def _spelled(label: str) -> str:
    return label if label.isidentifier() or _is_number(label) else quoted(label)
