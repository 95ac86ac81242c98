"""Data bound to a model: every check that only the data can fail, and what the compiler may know.

All findings come at once. The columns are handed on in the form that the generated ``prepare``
takes: labels as text, numbers as floats, in all rows of the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdsl.data.cells import Reader, group_column, is_labelled
from hdsl.data.collinear import check_collinear
from hdsl.data.column import Column
from hdsl.data.dataset import Dataset
from hdsl.data.derived import check_constants, check_free_members, check_labels_used, derive
from hdsl.data.join import Joined, Joiner, merged
from hdsl.data.labelled import with_label_axes
from hdsl.data.lagged import with_lags
from hdsl.data.levels import group_levels
from hdsl.data.locate import Sources, check_columns, check_implied
from hdsl.data.nesting import check_labels, check_nesting
from hdsl.data.outcomes import check_arguments, check_outcomes
from hdsl.data.patterns import with_matched
from hdsl.data.problem import finding
from hdsl.data.promises import check_missing, check_promises
from hdsl.data.smooth import check_covariates
from hdsl.data.table import Coded, Labels, NotNumericError, Numbers, Table
from hdsl.diagnostics.diagnostic import Diagnostic, Severity
from hdsl.expr import ROW
from hdsl.ir.facts import Facts
from hdsl.ir.model import Data, Model

type Prepared = Mapping[str, Labels | Numbers]


@dataclass(frozen=True)
class Binding:
    """One data set bound to one model. ``rows`` and ``tables`` are what ``prepare`` takes;
    ``dataset`` has the values by the model's own names. With errors among the ``diagnostics``
    the rest is only as complete as the data allow.
    """

    facts: Facts
    diagnostics: tuple[Diagnostic, ...]
    rows: Prepared
    tables: Mapping[str, Prepared]
    dataset: Dataset

    @property
    def sound(self) -> bool:
        """Whether the data keep every promise, so that the model can be fitted to them."""
        return all(d.severity is not Severity.ERROR for d in self.diagnostics)


def bind(model: Model, rows: Table, tables: Mapping[str, Table] | None = None) -> Binding:
    """The binding of a model and its data, with everything that is wrong with them."""
    report: list[Diagnostic] = []
    model = with_matched(model, rows, tables or {}, report)
    sources = Sources(model, with_lags(model, rows, report), tables or {})
    if rows.height:
        report += check_columns(sources)
        report += check_implied(sources)
    else:
        headline = f"there are no rows in {rows.source}"
        report.append(finding("H906", headline, help="is this the right file?"))
    dataset = _read(sources, report)
    if rows.height:
        report += check_promises(dataset)
        dataset = with_label_axes(derive(dataset, report))
        strange = tuple(check_labels_used(dataset))
        report += strange
        report += check_free_members(dataset)
        report += check_missing(dataset)
        if not strange:  # a comparison with a label that does not occur never varies
            report += check_constants(dataset)
            report += check_covariates(dataset)
        if all(d.severity is not Severity.ERROR for d in report):
            report += check_collinear(dataset)
        report += check_outcomes(dataset)
        report += check_arguments(dataset)
    tabled = {name: prepared(sources, table, name) for name, table in sources.tables.items()}
    taken = prepared(sources, sources.rows, ROW)
    return Binding(_facts(dataset), tuple(report), taken, tabled, dataset)


def _read(sources: Sources, report: list[Diagnostic]) -> Dataset:
    """The groups and the columns that are read, before any is derived."""
    model = sources.model
    reader = Reader(sources, report)
    kept = reader.kept_rows()
    labels: dict[str, Coded] = {}
    for level in model.levels.values():
        coded = reader.level_labels(level, kept)
        if coded is not None:
            labels[level.name] = coded
    groups = group_levels(model, labels, len(kept))
    dataset = Dataset(model, kept, groups, {})
    report += check_nesting(dataset, labels)
    report += check_labels(dataset, labels)
    joiner = Joiner(sources, dataset, labels, report)
    joined = {name: joiner.join(name, table) for name, table in sources.tables.items()}
    columns: dict[str, Column] = {}
    for node in model.nodes:
        if isinstance(node, Data) and node.expr is None:
            column = read_column(reader, joiner, node, joined)
            if column is not None:
                columns[node.name] = column
    return replace(dataset, columns=columns)


def read_column(
    reader: Reader, joiner: Joiner, data: Data, joined: Mapping[str, Joined | None]
) -> Column | None:
    """Data over their own domain, from the rows, from the level's table, or from both."""
    dataset, sources = joiner.dataset, reader.sources
    ours = theirs = None
    if data.column in sources.rows.columns:
        ours = reader.row_column(data, dataset.kept)
    if data.domain == (ROW,):
        return ours
    level = data.domain[0]
    if level not in dataset.groups:
        return None
    if ours is not None:
        if data.column == sources.level_column(sources.model.levels[level]) and is_labelled(data):
            ours = _own_labels(dataset, level, ours)
        else:
            ours, complaint = group_column(dataset, data, ours)
            reader.report.extend([complaint] if complaint else [])
    table = sources.in_tables(data)
    join = joined.get(level)
    if table is not None and join is not None:
        read = reader.values(data, table)
        theirs = join.over(data.domain, read) if read is not None else None
    if ours is not None and theirs is not None:
        joiner.agree(data, ours, theirs)
    return merged(ours, theirs)


def _own_labels(dataset: Dataset, level: str, column: Column) -> Column:
    """A level's labels as data of the level: each group's own label."""
    rows = dataset.groups[level].first
    return Column((level,), column.values[rows], column.missing[rows])


def _facts(dataset: Dataset) -> Facts:
    outcomes = {outcome.name for outcome in dataset.model.outcomes}
    return Facts(
        rows=len(dataset.kept),
        sizes={name: groups.size for name, groups in dataset.groups.items()},
        labels={name: groups.labels for name, groups in dataset.groups.items() if name != ROW},
        missing=frozenset(
            name
            for name in outcomes
            if name in dataset.columns and dataset.columns[name].missing.any()
        ),
        typical={
            name: float(np.median(groups.counts))
            for name, groups in dataset.groups.items()
            if name != ROW
        },
    )


def prepared(sources: Sources, table: Table, of: str) -> Prepared:
    """The columns of a table that the model uses, as the generated code takes them.

    A column that serves as labels and as numbers goes as text, which holds both.
    """
    keys = {sources.key_column(level, table) for level in sources.model.levels if level != ROW}
    found: dict[str, Labels | Numbers] = {c: table.labels(c) for c in keys if c is not None}
    for node in sources.model.nodes:
        if not isinstance(node, Data) or node.column not in table.columns or node.lag is not None:
            continue
        if node.column in found or (of not in (ROW, *node.domain)):
            continue
        if is_labelled(node):
            found[node.column] = table.labels(node.column)
            continue
        try:
            found[node.column] = table.numbers(node.column)
        except NotNumericError:
            found[node.column] = table.labels(node.column)  # reported where it was read
    return found
