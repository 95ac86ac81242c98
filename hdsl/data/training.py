"""What a run keeps of its training data so that new rows can be understood without them.

Of every level the groups, their parents and their group-level data; of every factor its labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hdsl.data.dataset import Dataset
from hdsl.expr import ROW
from hdsl.ir.model import Data, LevelKind

IN_DATA = (LevelKind.COLUMN, LevelKind.CROSS)


@dataclass(frozen=True)
class KnownLevel:
    """The groups of a level in training: labels, their parents' labels, their data by name."""

    labels: tuple[str, ...]
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    data: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # None where missing


@dataclass(frozen=True)
class Training:
    """What is remembered. ``missing`` are the outcomes that lacked values, ``rows`` how many."""

    rows: int
    missing: frozenset[str]
    levels: Mapping[str, KnownLevel]
    factors: Mapping[str, tuple[str, ...]]

    def as_json(self) -> dict[str, Any]:
        """Plain values, of which ``from_json`` makes the same again."""
        return {
            "rows": self.rows,
            "missing": sorted(self.missing),
            "levels": {
                name: {
                    "labels": list(level.labels),
                    "parents": {p: list(labels) for p, labels in level.parents.items()},
                    "data": {d: list(values) for d, values in level.data.items()},
                }
                for name, level in self.levels.items()
            },
            "factors": {name: list(labels) for name, labels in self.factors.items()},
        }


def from_json(value: Mapping[str, Any]) -> Training:
    """What a run remembers, from its file; raises ValueError where that is damaged."""
    try:
        return _from_json(value)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not what a run remembers: {error!r}") from error


def _from_json(value: Mapping[str, Any]) -> Training:
    if not isinstance(value["rows"], int) or not isinstance(value["missing"], list):
        raise TypeError("rows or missing")
    return Training(
        value["rows"],
        frozenset(value["missing"]),
        {
            name: KnownLevel(
                tuple(level["labels"]),
                {p: tuple(labels) for p, labels in level["parents"].items()},
                {d: tuple(values) for d, values in level["data"].items()},
            )
            for name, level in value["levels"].items()
        },
        {name: tuple(labels) for name, labels in value["factors"].items()},
    )


def remember(dataset: Dataset, missing: frozenset[str]) -> Training:
    """What is to be remembered of a data set."""
    factors = {
        data.name: tuple(sorted({str(v) for v in column.values[~column.missing].tolist()}))
        for data, column in dataset.base_columns()
        if column.values.dtype == object
    }
    levels = {
        name: _level(dataset, name)
        for name, level in dataset.model.levels.items()
        if level.kind in IN_DATA and name in dataset.groups
    }
    return Training(len(dataset.kept), missing, levels, factors)


def _level(dataset: Dataset, name: str) -> KnownLevel:
    groups = dataset.groups[name]
    parents = {}
    for parent in dataset.model.levels[name].parents:
        above = dataset.groups.get(parent)
        if above is not None and dataset.model.levels[parent].kind in IN_DATA:
            parents[parent] = tuple(above.labels[i] for i in above.codes[groups.first])
    data = {
        node.name: tuple(
            None if gone else value
            for value, gone in zip(column.values.tolist(), column.missing.tolist(), strict=True)
        )
        for node, column in dataset.base_columns()
        if node.domain == (name,) and name != ROW and not _is_outcome(dataset, node)
    }
    return KnownLevel(groups.labels, parents, data)


def _is_outcome(dataset: Dataset, node: Data) -> bool:
    return any(outcome.name == node.name for outcome in dataset.model.outcomes)
