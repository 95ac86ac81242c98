"""The groups that the data have at every level: their labels, their order, their rows.

The rules are those of the generated ``prepare``: labels are text, sorted naturally; a nested
group is its label within its parents, and is called ``parent:child`` where labels repeat.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from hdsl.data.table import Coded, Codes
from hdsl.ir.model import Level, LevelKind, Model

type SortKey = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Groups:
    """The groups of one level. ``codes`` gives each row's group, -1 where it has none;
    ``first`` a row of each group, from which everything constant within it can be read.
    """

    size: int
    labels: tuple[str, ...]  # none for the rows, which are called by their numbers
    codes: Codes
    first: Codes

    @property
    def counts(self) -> Codes:
        """How many rows each group has."""
        return np.bincount(self.codes[self.codes >= 0], minlength=self.size)


def natural(label: str) -> SortKey:
    """A sort key under which digits count as numbers.

    >>> sorted(["week 10", "week 9"], key=natural)
    ['week 9', 'week 10']
    """
    parts = re.split(r"([0-9]+)", label)
    pairs = zip(parts[::2], [*map(int, parts[1::2]), -1], strict=True)
    return tuple(pairs)


def in_order(labels: Sequence[str], ordered: bool = False) -> list[str]:
    """Labels as a level lists them; those of an ordered level by number, by date, or as they come.

    >>> in_order(["low", "high"], ordered=True), in_order(["-1", "-2"], ordered=True)
    (['low', 'high'], ['-2', '-1'])
    """
    if not ordered:
        return sorted(labels, key=natural)
    if all(map(_is_number, labels)):
        return sorted(labels, key=float)
    if all(map(_is_date, labels)):
        return sorted(labels)
    return list(labels)


def _is_number(label: str) -> bool:
    try:
        return float(label) == float(label)
    except ValueError:
        return False


def _is_date(label: str) -> bool:
    try:
        date.fromisoformat(label[:10])
    except ValueError:
        return False
    return label[4:5] == "-"


def group_levels(model: Model, columns: Mapping[str, Coded], height: int) -> dict[str, Groups]:
    """The groups of every level whose columns are there; ``columns`` by level name."""
    found: dict[str, Groups] = {}
    for level in model.levels.values():
        match level.kind:
            case LevelKind.ROW:
                every = np.arange(height)
                found[level.name] = Groups(height, (), every, every)
            case LevelKind.FIXED:
                none = np.full(height, -1)
                count = len(level.members)
                found[level.name] = Groups(count, level.members, none, np.zeros(count, int))
            case LevelKind.COLUMN if level.name in columns and _known(level.parents, found):
                parents = [found[parent] for parent in level.parents]
                found[level.name] = _column_groups(level, columns[level.name], parents)
            case LevelKind.CROSS if _known(level.parents, found):
                found[level.name] = _crossed([found[parent] for parent in level.parents])
            case LevelKind.COLUMN | LevelKind.CROSS:
                pass  # a column is missing, which is reported elsewhere
    return found


def _known(levels: Iterable[str], found: Mapping[str, Groups]) -> bool:
    return all(level in found for level in levels)


def _column_groups(level: Level, own: Coded, parents: Sequence[Groups]) -> Groups:
    """The groups of a column: its labels, within the parents where it has any."""
    alone = Groups(len(own.labels), own.labels, own.codes, np.zeros(len(own.labels), int))
    if not parents:
        return _arranged(list(own.labels), own.codes, in_order(own.labels, level.ordered))
    combined, members = _combinations([*parents, alone])
    children = [own.labels[member[-1]] for member in members]
    if len(set(children)) == len(children):
        return _arranged(children, combined, in_order(children, level.ordered))
    position = {label: i for i, label in enumerate(in_order(own.labels, level.ordered))}
    names = [
        ":".join([*(p.labels[i] for p, i in zip(parents, member, strict=False)), child])
        for member, child in zip(members, children, strict=True)
    ]
    if not level.ordered:
        return _arranged(names, combined, in_order(names))
    place = {
        name: (*member[:-1], position[child])
        for name, member, child in zip(names, members, children, strict=True)
    }
    return _arranged(names, combined, sorted(names, key=place.__getitem__))


def _crossed(components: Sequence[Groups]) -> Groups:
    """The combinations of levels that occur in some row."""
    combined, members = _combinations(components)
    names = [
        ":".join(c.labels[i] for c, i in zip(components, member, strict=True)) for member in members
    ]
    return _arranged(names, combined, in_order(names))


def _combinations(parts: Sequence[Groups]) -> tuple[Codes, list[tuple[int, ...]]]:
    """Each row's combination of groups as one code, and the groups that make up each."""
    joined = parts[0].codes.copy()
    for part in parts[1:]:
        absent = (joined < 0) | (part.codes < 0)
        joined = np.where(absent, -1, joined * part.size + part.codes)
    present = joined >= 0
    distinct, inverse = np.unique(joined[present], return_inverse=True)
    codes = np.full(len(joined), -1)
    codes[present] = inverse
    members: list[list[int]] = []
    rest = distinct
    for part in reversed(parts[1:]):
        rest, own = np.divmod(rest, max(part.size, 1))
        members.append(own.tolist())
    members.append(rest.tolist())
    return codes, list(zip(*reversed(members), strict=True))


def _arranged(labels: Sequence[str], codes: Codes, order: Sequence[str]) -> Groups:
    """Groups renumbered so that their labels stand in the given order."""
    position = {label: i for i, label in enumerate(order)}
    new = np.array([position[label] for label in labels] + [-1], dtype=np.int64)
    renumbered = new[codes]
    present, rows = np.unique(renumbered, return_index=True)
    first = np.zeros(len(order), dtype=np.int64)
    first[present[present >= 0]] = rows[present >= 0]
    return Groups(len(order), tuple(order), renumbered, first)
