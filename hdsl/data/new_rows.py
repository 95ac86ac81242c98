"""New rows bound to what a run remembers: which groups are known, which are new, what each has.

All findings come at once. What comes out is what the generated ``prepare`` takes: group-level data
in tables that hold every group, and what was learned, cut down to the groups that are needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hdsl.data.bind import Prepared, prepared, read_column
from hdsl.data.cells import Reader, is_labelled
from hdsl.data.column import Column, of_labels, of_numbers
from hdsl.data.dataset import Dataset
from hdsl.data.join import Joiner
from hdsl.data.lagged import with_lags
from hdsl.data.levels import Naming, group_levels
from hdsl.data.locate import Sources
from hdsl.data.nesting import check_nesting
from hdsl.data.new_checks import (
    check_factors,
    check_moved,
    check_new_columns,
    check_new_data,
    check_order,
    check_present,
    check_types,
)
from hdsl.data.observing import with_observed
from hdsl.data.outcomes import check_arguments, check_outcomes
from hdsl.data.parents import with_parents
from hdsl.data.patterns import with_matched
from hdsl.data.problem import finding
from hdsl.data.promises import check_promises
from hdsl.data.steps import between
from hdsl.data.table import Coded, Table
from hdsl.data.training import IN_DATA, KnownLevel, Training
from hdsl.diagnostics.diagnostic import Diagnostic, Severity
from hdsl.expr import ROW, Aggregate, Member, walk
from hdsl.families import Along
from hdsl.ir.closed import closed_levels
from hdsl.ir.model import Correlation, Data, LevelKind, Model, Parameter
from hdsl.ir.uses import expressions, outcome_data, predictor_data
from hdsl.ir.wrapped import heart


@dataclass(frozen=True)
class NewRows:
    """New rows of a run. ``rows``, ``tables`` and ``learned`` are what ``prepare`` takes; ``new``
    are the groups that training did not have. With errors among the ``diagnostics`` the rest is
    only as complete as the rows allow.
    """

    diagnostics: tuple[Diagnostic, ...]
    rows: Prepared
    tables: Mapping[str, Prepared]
    learned: Mapping[str, Any]
    dataset: Dataset
    new: Mapping[str, tuple[str, ...]]

    @property
    def sound(self) -> bool:
        """Whether predictions can be made for the rows."""
        return all(d.severity is not Severity.ERROR for d in self.diagnostics)


@dataclass(frozen=True)
class Remembered:
    """What a run knows of its training data; ``learned`` is as ``prepare`` gave it."""

    training: Training
    learned: Mapping[str, Any]


def bind_new(
    model: Model,
    rows: Table,
    tables: Mapping[str, Table],
    known: Remembered,
    with_outcomes: bool = False,
    whole: bool = False,
) -> NewRows:
    """The rows bound to a run; their outcomes must be there only ``with_outcomes``.

    ``whole`` keeps all groups of training, also those that the rows do not have.
    """
    report: list[Diagnostic] = []
    model = with_matched(model, rows, tables, report, known.learned)
    sources = Sources(model, with_lags(model, rows, report, known.learned), tables)
    if rows.height:
        sources = with_parents(sources, known.training, report)
        sources = sources if with_outcomes else with_observed(sources)
        report += check_new_columns(sources, known.training, with_outcomes)
    else:
        report.append(finding("H906", f"there are no rows in {rows.source}"))
    dataset = _read(sources, known, report)
    new = {
        level: tuple(g for g in dataset.groups[level].labels if g not in set(found.labels))
        for level, found in known.training.levels.items()
        if level in dataset.groups
    }
    if rows.height:
        report += check_promises(dataset)
        report += check_moved(dataset, known.training)
        report += check_types(dataset, known.training, new)
        report += check_order(model, known.training, new)
        report += check_factors(dataset, known.training, new)
        report += check_present(dataset, with_outcomes)
        report += check_new_data(dataset, known.training, new)
        report += check_arguments(dataset)
        if with_outcomes:
            report += check_outcomes(dataset)
    kept = frozenset(known.training.levels) if whole else _whole_levels(model)
    ahead = _ahead(model, known.training, new)
    return NewRows(
        tuple(report),
        prepared(sources, sources.rows, ROW),
        _tables(dataset, known.training, kept, ahead),
        {**_cut(known.learned, known.training, dataset, kept), **_with(known.learned, ahead)},
        dataset,
        {level: labels for level, labels in new.items() if labels},
    )


def _read(sources: Sources, known: Remembered, report: list[Diagnostic]) -> Dataset:
    """The groups of the new rows, under the names that training would give them, and the data."""
    model = sources.model
    reader = Reader(sources, report)
    kept = reader.kept_rows()
    labels: dict[str, Coded] = {}
    for level in model.levels.values():
        coded = reader.level_labels(level, kept)
        if coded is not None:
            labels[level.name] = coded
    naming = {
        name: Naming(known.learned.get(f"{name} by label alone", True), frozenset(found.labels))
        for name, found in known.training.levels.items()
    }
    groups = group_levels(model, labels, len(kept), naming)
    dataset = Dataset(model, kept, groups, {})
    report += check_nesting(dataset, labels)
    joiner = Joiner(sources, dataset, labels, report, partial=True)
    joined = {name: joiner.join(name, table) for name, table in sources.tables.items()}
    needed = predictor_data(model) | outcome_data(model)
    columns: dict[str, Column] = {}
    for node in model.nodes:
        if isinstance(node, Data) and node.expr is None and node.name in needed:
            column = read_column(reader, joiner, node, joined)
            if node.domain != (ROW,):
                column = _recalled(dataset, node, column, known.training)
            if column is not None:
                columns[node.name] = column
    return replace(dataset, columns=columns)


def _recalled(
    dataset: Dataset, node: Data, column: Column | None, training: Training
) -> Column | None:
    """Group-level data with what is remembered of the known groups where the new rows are silent;
    None where nothing is said of any group.
    """
    level = node.domain[0]
    found, groups = training.levels.get(level), dataset.groups.get(level)
    if found is None or groups is None or node.name not in found.data:
        return column
    by_label = dict(zip(found.labels, found.data[node.name], strict=True))
    values = [by_label.get(label) for label in groups.labels]
    recalled = _column(node, values)
    if column is None:
        return recalled
    merged = np.where(column.missing, recalled.values, column.values)
    return Column(node.domain, merged, column.missing & recalled.missing)


def _column(node: Data, values: list[Any]) -> Column:
    if is_labelled(node):
        return of_labels(node.domain, np.array(values, dtype=object))
    return of_numbers(node.domain, np.array(values, dtype=float))  # None becomes nan


# ---------------------------------------------------------------- what `prepare` takes


def _whole_levels(model: Model) -> frozenset[str]:
    """The levels whose groups have to be there all of them, whatever rows are predicted: a label
    picks one out, a constant is set for one, or all of them come together in some number.
    """
    found: set[str] = set()
    for node in model.nodes:
        if isinstance(node, Correlation | Parameter):
            found |= set(closed_levels(node))
        if isinstance(node, Parameter):
            structure = heart(node.distribution).structure
            if node.pinned or node.baseline or structure is not None:
                found |= set(node.domain)
        for _, expr in expressions(node):
            for part in walk(expr):
                match part:
                    case Member(level=level):
                        found.add(level)
                    case Aggregate(to=to):
                        found |= {*to, *(level for level in model.levels if level != ROW)}
                    case _:
                        pass
    above = frozenset[str]().union(*(model.ancestors(lv) for lv in found if lv in model.levels))
    return (above | found) - {ROW}


def _ahead(
    model: Model, training: Training, new: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """The groups after the end of training, by level that something walks along: the new ones and
    those between.
    """
    found: dict[str, tuple[str, ...]] = {}
    for node in model.nodes:
        if not isinstance(node, Parameter) or node.distribution.along not in training.levels:
            continue
        structure, level = heart(node.distribution).structure, node.distribution.along
        if structure is None or structure.along is not Along.ORDERED or level is None:
            continue
        labels = between(training.levels[level].labels, new.get(level, ()))
        if labels is not None and not training.levels[level].parents:
            found[level] = labels
    return found


def _with(learned: Mapping[str, Any], ahead: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {level: [*learned[level], *labels] for level, labels in ahead.items()}


def _extended(
    dataset: Dataset,
    training: Training,
    level: str,
    kept: frozenset[str],
    ahead: Mapping[str, tuple[str, ...]],
) -> list[str]:
    """The groups that ``prepare`` will have: those of training that are kept, then new ones."""
    found = training.levels.get(level, KnownLevel(()))
    here = dataset.groups[level].labels if level in dataset.groups else ()
    present = set(here)
    old = [label for label in found.labels if level in kept or label in present]
    known = set(found.labels)
    return [*old, *ahead.get(level, (label for label in here if label not in known))]


def _tables(
    dataset: Dataset,
    training: Training,
    kept: frozenset[str],
    ahead: Mapping[str, tuple[str, ...]],
) -> dict[str, dict[str, Any]]:
    """A table for each level with data of its own: a line for every group, called as the groups."""
    model = dataset.model
    needed = predictor_data(model) | outcome_data(model)
    found: dict[str, dict[str, Any]] = {}
    for node in model.nodes:
        if not isinstance(node, Data) or node.expr is not None or node.name not in needed:
            continue
        level = node.domain[0] if len(node.domain) == 1 else ROW
        if level == ROW or level not in training.levels:
            continue
        labels = _extended(dataset, training, level, kept, ahead)
        table = found.setdefault(level, {_key(model, level): np.array(labels, dtype=object)})
        table[node.column or node.name] = _values(dataset, training, node, labels)
    return found


def _key(model: Model, level: str) -> str:
    """The column by which ``prepare`` finds the lines of a level's table."""
    found = model.levels[level]
    if found.kind is LevelKind.CROSS:
        return _key(model, found.parents[-1])
    return found.column or found.name


def _values(dataset: Dataset, training: Training, node: Data, labels: list[str]) -> Any:
    """Data of a level, group by group; what is said now goes before what is remembered."""
    level = node.domain[0]
    found = training.levels[level]
    empty: Any = None if is_labelled(node) else np.nan
    by_label = dict(zip(found.labels, found.data.get(node.name, ()), strict=False))
    column = dataset.columns.get(node.name)
    if column is not None:
        here = zip(column.values.tolist(), column.missing.tolist(), strict=True)
        now = zip(dataset.groups[level].labels, here, strict=True)
        by_label |= {label: value for label, (value, gone) in now if not gone}
    present = set(dataset.groups[level].labels if level in dataset.groups else ())
    last = by_label.get(found.labels[-1]) if found.labels else None
    values = [  # of a step between, which no row asks for, nothing need be known
        by_label.get(label, None if label in present else last) for label in labels
    ]
    return np.array(
        [empty if v is None else v for v in values], dtype=object if empty is None else float
    )


def _cut(
    learned: Mapping[str, Any], training: Training, dataset: Dataset, kept: frozenset[str]
) -> dict[str, Any]:
    """What was learned, with the groups that are needed only; parents are then read from rows."""
    found = dict(learned)
    levels = [name for name, lv in dataset.model.levels.items() if lv.kind in IN_DATA]
    for level in levels:
        if level in kept or level not in found:
            continue
        present = set(dataset.groups[level].labels) if level in dataset.groups else set()
        found[level] = [label for label in found[level] if label in present]
        for coarse in levels:
            found.pop(f"{coarse} of {level}", None)
    return found
