"""An order of the rows in which what they share lies still: pieces of one group, of one length.

Where a coefficient of two axes (a category's season of that week) meets each row of a group at a
place of its own, the places are those of its last axis: a grid of groups and weeks. Pieces that
share its first axis stand together, so that little is looked up and the rest repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.methods.columns import Column

LENGTHS = tuple(8 * 2**k for k in range(9))
"""Of a piece, to choose from."""

FULL = 0.6
"""So much of a grid must be used at least."""

RUNS, EVEN = (64, 32, 16, 8, 4, 2), 1.05
"""How many pieces may stand together that share an entry, and how many more pieces than there are
that may make, as the last run of each entry is filled up.
"""


@dataclass(frozen=True)
class Arrangement:
    """Where each term stands among cells (piece, place).

    ``term`` (piece, place) is -1 in empty cells. ``grid`` are the columns whose entry is a place's,
    by their number, with the entry of the first axis for each ``run`` of so many pieces. ``index``
    has by column the group of each piece, for those columns of which a piece has one.
    """

    term: Numbers
    index: Mapping[int, Numbers]
    grid: Mapping[int, Numbers]
    run: int = 1

    @property
    def still(self) -> int:
        """Of how many columns nothing is looked up row by row."""
        return len(self.index) + len(self.grid)


def arranged(columns: Sequence[Column], groupings: Sequence[Numbers]) -> Arrangement:
    """The best of the arrangements by some groupings of the terms: one with the fewest columns
    looked up row by row, and of these with the fewest cells.
    """
    found = [_by(columns, group) for group in groupings]
    return min(found, key=lambda each: (-each.still, each.term.size))


def _by(columns: Sequence[Column], group: Numbers) -> Arrangement:
    groups = int(group.max()) + 1
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(groups))
    index = {}
    for number, column in enumerate(columns):
        own = _constant(column.index, order, first)
        if own is not None:
            index[number] = own
    rest = [number for number in range(len(columns)) if number not in index]
    for number in rest:
        made = _on_grid(columns, rest, number, group, order, first, index)
        if made is not None:
            return made
    counts = np.bincount(group, minlength=groups)
    length = min(reversed(LENGTHS), key=lambda n: (-(-counts // n)).sum() * n)
    pieces = -(-counts // length)
    start = np.cumsum(pieces) - pieces
    within = np.arange(len(group)) - np.repeat(np.cumsum(counts) - counts, counts)
    term = np.full(int(pieces.sum()) * length, -1, dtype=np.int64)
    term[start[group[order]] * length + within] = order
    owner = np.repeat(np.arange(groups), pieces)
    return Arrangement(
        term.reshape(-1, length), {number: own[owner] for number, own in index.items()}, {}
    )


def _constant(index: Numbers, order: Numbers, first: Numbers) -> Numbers | None:
    """The one entry of each group's terms; None where some group has several."""
    ordered = index[order]
    most = np.maximum.reduceat(ordered, first)
    known = ordered >= 0
    least = np.minimum.reduceat(np.where(known, ordered, np.iinfo(np.int64).max), first)
    if (least < most).any():
        return None
    found: Numbers = np.maximum(most, 0)
    return found


def _on_grid(
    columns: Sequence[Column],
    rest: Sequence[int],
    number: int,
    group: Numbers,
    order: Numbers,
    first: Numbers,
    index: Mapping[int, Numbers],
) -> Arrangement | None:
    """Places by the last axis of one column's array; None where that does not do."""
    column, groups, length = columns[number], len(first), columns[number].last
    if len(group) < FULL * groups * length or (column.index < 0).any():
        return None
    place = column.index % length
    cell = group * length + place
    leads: dict[int, Numbers] = {}
    for other in rest:
        each = columns[other]
        if len(each.slots) == 1 and each.last == length and (each.index % length == place).all():
            lead = _constant(each.index // length, order, first)
            leads |= {} if lead is None else {other: lead}
    if number not in leads or np.bincount(cell).max() > 1:
        return None
    term = np.full(groups * length, -1, dtype=np.int64)
    term[cell] = np.arange(len(group))
    return _evened(term.reshape(groups, length), index, leads, leads[number])


def _evened(
    term: Numbers, index: Mapping[int, Numbers], grid: Mapping[int, Numbers], lead: Numbers
) -> Arrangement:
    """The same with pieces that share an entry in runs, filled up with empty ones."""
    if any(not np.array_equal(other, lead) for other in grid.values()):
        return Arrangement(term, index, grid)
    run, piece = runs(lead)
    at = np.maximum(piece, 0)
    return Arrangement(
        np.where(piece[:, None] < 0, -1, term[at]),
        {number: own[at] for number, own in index.items()},
        dict.fromkeys(grid, lead[piece[::run]]),
        run,
    )


def runs(parent: Numbers) -> tuple[int, Numbers]:
    """Things of some parents in runs of equal length, of one parent each: that length, and which
    thing stands where, -1 for none. The first of a run is always one.
    """
    counts = np.bincount(parent)
    for run in (*RUNS, 1):
        own = -(-counts // run)
        if own.sum() * run <= EVEN * len(parent) or run == 1:
            break
    start = (np.cumsum(own) - own) * run
    order = np.argsort(parent, kind="stable")
    within = np.arange(len(parent)) - np.repeat(np.cumsum(counts) - counts, counts)
    found = np.full(int(own.sum()) * run, -1, dtype=np.int64)
    found[start[parent[order]] + within] = order
    return run, found
