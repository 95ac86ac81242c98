"""The columns of a model out of its tables, with what is wrong in the cells themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hdsl.data.column import Column, Mask, of_labels, of_numbers
from hdsl.data.dataset import Dataset, counted_places, shown
from hdsl.data.lagged import left_out
from hdsl.data.locate import Sources
from hdsl.data.problem import finding, listing, numbered, quoted, rows_note
from hdsl.data.table import Coded, Codes, NotNumericError, Table
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.ir.model import Data, DataType, Level, LevelKind

_LABELLED = (DataType.FACTOR, DataType.ORDERED)


def is_labelled(data: Data) -> bool:
    """Whether data are labels rather than numbers."""
    return data.type in _LABELLED


@dataclass(frozen=True)
class Reader:
    """Reads columns over the rows that are kept; what it finds wrong goes into ``report``."""

    sources: Sources
    report: list[Diagnostic]

    def kept_rows(self) -> Codes:
        """The rows where nothing that is to be dropped when missing is missing."""
        rows = self.sources.rows
        keep = np.ones(rows.height, dtype=bool)
        for node in self.sources.model.nodes:
            if not isinstance(node, Data) or not node.drop or node.column not in rows.columns:
                continue
            missing = self._missing(node, rows)
            if missing.any():
                count = int(missing.sum())
                gone = [f"{i + 1}" for i in np.flatnonzero(missing)[:6]]
                if node.lag is not None:
                    self.report.append(left_out(node, node.lag, gone, count, rows.height))
                    keep &= ~missing
                    continue
                self.report.append(
                    finding(
                        "H916",
                        f"{numbered(count, 'row')} without `{node.name}` "
                        f"{'is' if count == 1 else 'are'} left out",
                        node.span,
                        "`drop` asks for it",
                        notes=[
                            f"{'row' if count == 1 else 'rows'} {listing(gone, count)} "
                            f"of {rows.height:,}"
                        ],
                    )
                )
            keep &= ~missing
        return np.flatnonzero(keep)

    def level_labels(self, level: Level, kept: Codes) -> Coded | None:
        """The labels of a level row by row; None where no table has them."""
        if level.kind is not LevelKind.COLUMN:
            return None
        column = self.sources.level_column(level)
        if column not in self.sources.rows.columns:
            return self._carried_labels(level, kept)
        coded = self.sources.rows.coded(column)
        coded = _used(Coded(coded.codes[kept], coded.labels))
        absent = np.flatnonzero(coded.codes < 0)
        if len(absent):
            self.report.append(_unlabelled(level, kept[absent]))
        return coded

    def _carried_labels(self, level: Level, kept: Codes) -> Coded | None:
        """The labels of a level that only the table of a level inside it has."""
        carrier = self.sources.carrier(level)
        if carrier is None:
            return None
        table = self.sources.tables[carrier]
        own = self.sources.key_column(carrier, table)
        outer = self.sources.key_column(level.name, table)
        assert own is not None and outer is not None
        inside = self.sources.level_column(self.sources.model.levels[carrier])
        rows = self.sources.rows.coded(inside)
        groups, names = table.coded(own), table.coded(outer)
        found = dict(zip(groups.texts.tolist(), names.codes.tolist(), strict=True))
        lookup = np.array([*(found.get(label, -1) for label in rows.labels), -1], dtype=np.int64)
        return _used(Coded(lookup[rows.codes[kept]], names.labels))

    def row_column(self, data: Data, kept: Codes) -> Column | None:
        """Data as the rows hold them, one value per row; None if they cannot be read."""
        assert data.column is not None
        values = self.values(data, self.sources.rows)
        if values is None or len(kept) == self.sources.rows.height:
            return values
        return Column(("row",), values.values[kept], values.missing[kept])

    def values(self, data: Data, table: Table) -> Column | None:
        """The whole column of data in some table; None if text stands where numbers should."""
        assert data.column is not None
        if is_labelled(data):
            return of_labels(("row",), table.labels(data.column))
        try:
            return of_numbers(("row",), table.numbers(data.column))
        except NotNumericError as error:
            self.report.append(_text_found(data, table, error))
            return None

    def _missing(self, data: Data, table: Table) -> Mask:
        assert data.column is not None
        if is_labelled(data):
            return np.asarray(table.coded(data.column).codes < 0)
        try:
            return np.isnan(table.numbers(data.column))
        except NotNumericError:
            return np.zeros(table.height, dtype=bool)  # it is reported where the column is read


def _used(coded: Coded) -> Coded:
    """The labels with those that no kept row has left out, still in order of appearance."""
    present = np.bincount(coded.codes[coded.codes >= 0], minlength=len(coded.labels)) > 0
    if present.all():
        return coded
    new = np.where(present, np.cumsum(present) - 1, -1)
    labels = tuple(label for label, there in zip(coded.labels, present, strict=True) if there)
    return Coded(np.append(new, -1)[coded.codes], labels)


def _unlabelled(level: Level, rows: Codes) -> Diagnostic:
    count = len(rows)
    shown = listing((f"{row + 1}" for row in rows[:6]), count)
    return finding(
        "H915",
        f"{numbered(count, 'row')} {'has' if count == 1 else 'have'} no `{level.name}`",
        level.span,
        "every row must belong to a group",
        notes=[
            f"{'row' if count == 1 else 'rows'} {shown}",
            "an empty cell, NA, NaN and null all mean that a label is missing",
        ],
        help="give these rows a group or take them out of the data; "
        'where "NA" is a label, spell it otherwise',
    )


def _text_found(data: Data, table: Table, error: NotNumericError) -> Diagnostic:
    values = [quoted(value) for value in error.values]
    return finding(
        "H912",
        f"column `{data.column}` holds text where numbers are needed",
        data.span,
        f"`{data.name}` is taken for numbers"
        if data.inferred
        else f"it is declared `{data.type.value}`",
        notes=[
            rows_note(error.rows, values),
            f"in {table.source}" if "row" not in data.domain else "",
        ],
        help=_number_help(data, error.values),
    )


def _number_help(data: Data, values: Sequence[str]) -> str:
    """What to do about text among numbers, going by what the text looks like."""

    def all_numbers(texts: Iterator[str]) -> bool:
        try:
            return all(np.isfinite(float(text)) for text in texts)
        except ValueError:
            return False

    if all_numbers(value.replace(",", ".", 1) for value in values):
        if all(len(value.partition(",")[2]) == 3 for value in values):
            return "take the separators of thousands out of the file"
        return "write numbers with a decimal point, not a comma"
    if all_numbers(value.replace(",", "") for value in values):
        return "take the separators of thousands out of the file"
    if all_numbers(value.strip("%$€£ ") for value in values):
        return "take the signs and units out of the cells: a cell holds a number alone"
    suffix = "" if "row" in data.domain else f" per {data.domain[0]}"
    return (
        f"if they are labels declare `data {data.name} : factor{suffix}` and compare them: "
        f"`{data.name} == {quoted(values[0])}`; what is missing is an empty cell or NA"
    )


def group_column(dataset: Dataset, data: Data, column: Column) -> tuple[Column, Diagnostic | None]:
    """Data of a level out of their values by row, and a complaint where a group has several."""
    [level] = data.domain
    groups = dataset.groups[level]
    values, missing = column.values[groups.first], column.missing[groups.first]
    found = Column(data.domain, values, missing)
    if not groups.size:
        return found, None
    of_row = groups.codes
    same = (column.values == values[of_row]) & ~column.missing & ~missing[of_row]
    same |= (column.missing & missing[of_row]) | (of_row < 0)
    if same.all():
        return found, None
    varying = np.unique(of_row[~same])
    lines = [_variation(dataset, column, level, int(group)) for group in varying[:3]]
    count = len(varying)
    where = counted_places(data.domain, count)
    if data.inferred:
        help = f"a group-level predictor has one value in each `{level}`; what varies from row to "
        help += "row belongs into the outcome's formula"
    else:
        declared = f"data {data.name} : {data.type.value}"
        help = f"correct the rows, or let it vary from row to row: `{declared}`"
    return found, finding(
        "H920",
        f"`{data.name}` varies within {where}",
        data.span,
        f"it is one value per `{level}`",
        notes=["\n".join([*lines, f"and {count - 3:,} more groups"] if count > 3 else lines)],
        help=help,
    )


def _variation(dataset: Dataset, column: Column, level: str, group: int) -> str:
    """The first values that stand in one group, each with a row where it stands."""
    rows = np.flatnonzero(dataset.groups[level].codes == group)
    seen: dict[str, int] = {}
    for row in rows[:10_000].tolist():
        seen.setdefault("missing" if column.missing[row] else shown(column.values[row]), row)
    pairs = list(seen.items())
    texts = [f"{value} (row {dataset.kept[row] + 1})" for value, row in pairs[:3]]
    more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
    return f"{level} {quoted(dataset.groups[level].labels[group])}: {', '.join(texts)}{more}"
