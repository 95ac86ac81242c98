"""Levels' own tables, joined to the groups of the rows by their labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdsl.check.spelling import quoted
from hdsl.data.column import Column
from hdsl.data.dataset import Dataset, counted_places, shown
from hdsl.data.locate import Sources
from hdsl.data.problem import SHOWN, finding, listing, numbered
from hdsl.data.problem import quoted as label_text
from hdsl.data.table import Coded, Codes, Table
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import Domain
from hdsl.ir.model import Data, Level, LevelKind

type Key = tuple[str | None, ...]


@dataclass(frozen=True)
class Joined:
    """A level's table joined to the level: for each group its line of the table."""

    lines: Codes

    def over(self, domain: Domain, column: Column) -> Column:
        """A column of the table over the groups of the level; missing where it has no line."""
        missing = column.missing[self.lines] | (self.lines < 0)
        return Column(domain, column.values[self.lines], missing)


@dataclass(frozen=True)
class Joiner:
    """Joins tables to groups; ``labels`` are the levels' own labels row by row.

    A ``partial`` table need not have a line for every group.
    """

    sources: Sources
    dataset: Dataset
    labels: dict[str, Coded]
    report: list[Diagnostic]
    partial: bool = False

    def join(self, name: str, table: Table) -> Joined | None:
        """The lines of a level's table by group; None where the table cannot be joined."""
        level = self.sources.model.levels.get(name)
        if level is None or name not in self.dataset.groups or not table.height:
            return None
        keys = self._key_levels(level, table)
        columns = [self.sources.key_column(key, table) for key in keys]
        if not keys or None in columns:
            return None
        read = [table.coded(column) for column in columns if column is not None]
        lines = _first_lines(zip(*(coded.texts.tolist() for coded in read), strict=True))
        self._check_unique(level, lines)
        wanted = self._group_keys(level, keys)
        if self._ambiguous(level, table, wanted):
            return None
        found = np.array([lines.get(key, [-1])[0] for key in wanted], dtype=np.int64)
        whole = self.partial or self._is_complete(level, table, found)
        return Joined(found) if whole else None

    def _key_levels(self, level: Level, table: Table) -> tuple[str, ...]:
        """The levels whose labels tell a line of the table: the level, its parents where given."""
        if level.kind is LevelKind.CROSS:
            return level.parents
        ancestors = sorted(self.sources.model.ancestors(level.name))
        has = [a for a in ancestors if a in self.labels and self.sources.key_column(a, table)]
        return (level.name, *has)

    def _group_keys(self, level: Level, keys: Sequence[str]) -> list[Key]:
        """What a line of the table must say to be that of a group, group by group."""
        groups = self.dataset.groups[level.name]
        if level.kind is LevelKind.FIXED:
            return [(label,) for label in groups.labels]
        own = [self.labels[key] for key in keys if key in self.labels]
        texts = [[*coded.labels, None] for coded in own]
        codes = [coded.codes[groups.first].tolist() for coded in own]
        return [
            tuple(text[code] for text, code in zip(texts, group, strict=True))
            for group in zip(*codes, strict=True)
        ]

    def _check_unique(self, level: Level, lines: dict[Key, list[int]]) -> None:
        repeated = {key: found for key, found in lines.items() if len(found) > 1}
        if not repeated:
            return
        texts = [
            f"{':'.join(map(str, key))}: rows {listing(str(i + 1) for i in found)}"
            for key, found in list(repeated.items())[:SHOWN]
        ]
        self.report.append(
            finding(
                "H921",
                f"the table of `{level.name}` has several rows for "
                f"{counted_places((level.name,), len(repeated))}",
                level.span,
                "a table of its own has one row per group",
                notes=["\n".join(texts)],
                help="keep one row for each",
            )
        )

    def _is_complete(self, level: Level, table: Table, found: Codes) -> bool:
        absent = np.flatnonzero(found < 0)
        if not len(absent):
            return True
        labels = self.dataset.groups[level.name].labels
        names = listing((label_text(labels[i]) for i in absent[:SHOWN]), len(absent))
        self.report.append(
            finding(
                "H922",
                f"{counted_places((level.name,), len(absent))} of the rows "
                f"{'is' if len(absent) == 1 else 'are'} not in its table",
                level.span,
                "every group needs a line there",
                notes=[f"{level.name} {names}; {numbered(table.height, 'row')} in {table.source}"],
                help="labels must agree to the letter: look for spaces, zeros and capitals",
            )
        )
        return False

    def _ambiguous(self, level: Level, table: Table, wanted: list[Key]) -> bool:
        """Whether several groups would share a line, since the table does not name parents."""
        if len(set(wanted)) == len(wanted):
            return False
        parents = quoted(level.parents)
        self.report.append(
            finding(
                "H911",
                f"the table of `{level.name}` does not say which {parents} a line is of",
                level.span,
                f"its labels repeat across {parents}",
                help=f"give {table.source} a column with the labels of {parents}",
            )
        )
        return True

    def agree(self, data: Data, ours: Column, theirs: Column) -> None:
        """Report the groups for which rows and table say different things."""
        differ = ~ours.missing & ~theirs.missing & (ours.values != theirs.values)
        if not differ.any():
            return
        positions = np.flatnonzero(differ)
        texts = [
            f"{shown(ours.values[i])} in the rows, {shown(theirs.values[i])} in the table"
            for i in positions[:SHOWN]
        ]
        self.report.append(
            finding(
                "H923",
                f"the rows and the table of `{data.domain[0]}` disagree about `{data.name}`",
                data.span,
                f"for {counted_places(data.domain, len(positions))}",
                notes=[self.dataset.places(data.domain, positions, texts)],
                help="correct one of the two, or take the column out of one of them",
            )
        )


def _first_lines(keys: Iterator[Key]) -> dict[Key, list[int]]:
    """The lines of a table by key, from 0; those without a label are passed over."""
    lines: dict[Key, list[int]] = {}
    for i, key in enumerate(keys):
        if None not in key:
            lines.setdefault(key, []).append(i)
    return lines


def merged(ours: Column | None, theirs: Column | None) -> Column | None:
    """What rows and table say together: where one is silent the other speaks."""
    if ours is None or theirs is None:
        return ours or theirs
    values = np.where(ours.missing, theirs.values, ours.values)
    return replace(ours, values=values, missing=ours.missing & theirs.missing)
