"""The groups that the data have at every level: their labels, their order, their rows.

The rules are those of the generated ``prepare``: labels are text, sorted naturally; a nested
group is its label within its parents, and is called ``parent:child`` where labels repeat.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hdsl.data.table import Coded, Codes
from hdsl.ir.model import Level, LevelKind, Model


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


def natural(label: str) -> list[str | float]:
    """A sort key that puts numbers in their order.

    >>> sorted(["week 10", "week 9"], key=natural), sorted(["1", "-2"], key=natural)
    (['week 9', 'week 10'], ['-2', '1'])
    """
    parts = re.split(r"(^-?\d+(?:\.\d+)?|\d+)", label)
    return [float(part) if i % 2 else part for i, part in enumerate(parts)]


def in_order(labels: Sequence[str], ordered: bool = False) -> list[str]:
    """Labels as a level lists them; those of an ordered one by number or date, or as they come.

    >>> in_order(["low", "high"], ordered=True), in_order(["10", "9"], ordered=True)
    (['low', 'high'], ['9', '10'])
    """
    counted = all(re.match(r"-?\d", label) for label in labels)
    return list(labels) if ordered and not counted else sorted(labels, key=natural)


@dataclass(frozen=True)
class Naming:
    """How training called a level's groups: by their labels alone, or `parent:child`."""

    alone: bool
    known: frozenset[str]


def group_levels(
    model: Model,
    columns: Mapping[str, Coded],
    height: int,
    naming: Mapping[str, Naming] | None = None,
) -> dict[str, Groups]:
    """The groups of every level whose columns are there; ``columns`` by level name.

    ``naming`` says how groups are called in a RUN that has seen others of them before.
    """
    naming = naming or {}
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
                named = naming.get(level.name)
                found[level.name] = _column_groups(level, columns[level.name], parents, named)
            case LevelKind.CROSS if _known(level.parents, found):
                found[level.name] = _crossed(level, [found[p] for p in level.parents])
            case LevelKind.COLUMN | LevelKind.CROSS:
                pass  # a column is missing, which is reported elsewhere
    return found


def _known(levels: Iterable[str], found: Mapping[str, Groups]) -> bool:
    return all(level in found for level in levels)


def _column_groups(
    level: Level, own: Coded, parents: Sequence[Groups], naming: Naming | None
) -> Groups:
    """The groups of a column: its labels, within the parents where it has any."""
    alone = Groups(len(own.labels), own.labels, own.codes, np.zeros(len(own.labels), int))
    if not parents:
        return _arranged(list(own.labels), own.codes, in_order(own.labels, level.ordered))
    combined, members = _combinations([*parents, alone])
    children = [own.labels[member[-1]] for member in members]
    long = _with_parents(children, naming)
    children = [
        ":".join([*(p.labels[i] for p, i in zip(parents, member, strict=False)), child])
        if child in long
        else child
        for member, child in zip(members, children, strict=True)
    ]
    return _arranged(children, combined, in_order(children, level.ordered))


def _with_parents(children: Sequence[str], naming: Naming | None) -> frozenset[str]:
    """The labels that do not stand alone: all or none in training, later new ones that repeat."""
    repeated = frozenset(label for label, count in Counter(children).items() if count > 1)
    alone = not repeated if naming is None else naming.alone
    known = naming.known if naming is not None else frozenset[str]()
    return repeated - known if alone else frozenset(children)


def _crossed(level: Level, components: Sequence[Groups]) -> Groups:
    """The combinations of levels that occur in some row."""
    combined, members = _combinations(components)
    names = [
        ":".join(c.labels[i] for c, i in zip(components, member, strict=True)) for member in members
    ]
    return _arranged(names, combined, in_order(names, level.ordered))


def _combinations(parts: Sequence[Groups]) -> tuple[Codes, list[tuple[int, ...]]]:
    """Each row's combination of groups as one code, and the groups that make up each.

    Codes count combinations in the order in which the rows bring them.
    """
    joined = parts[0].codes.copy()
    for part in parts[1:]:
        absent = (joined < 0) | (part.codes < 0)
        joined = np.where(absent, -1, joined * part.size + part.codes)
    codes = np.full(len(joined), -1)
    present = joined >= 0
    distinct, first, inverse = np.unique(joined[present], return_index=True, return_inverse=True)
    as_they_come = np.argsort(first)
    codes[present] = np.argsort(as_they_come)[inverse]
    members: list[list[int]] = []
    rest = distinct[as_they_come]
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
