"""The parents of groups, from what a run remembers, where new rows do not name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hdsl.data.locate import Sources
from hdsl.data.table import Table
from hdsl.data.training import Training
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.ir.model import Level, LevelKind

if TYPE_CHECKING:
    import polars


def with_parents(sources: Sources, training: Training, report: list[Diagnostic]) -> Sources:
    """The rows with a column for every level above that a level inside it leads to.

    A known group leads to the parent that it had; a new one to that which its level's table says.
    """
    for level in reversed(tuple(sources.model.levels.values())):
        column = sources.level_column(level)
        if level.kind is not LevelKind.COLUMN or column in sources.rows.columns:
            continue
        inside = _inside(sources, training, level)
        if inside is not None:
            found = _led_to(sources, training, level, inside)
            rows = sources.rows
            loaders: dict[str, Callable[[], polars.Series]] = dict(rows.loaders)
            loaders[column] = partial(_series, found)
            sources = replace(sources, rows=Table(loaders, rows.height, rows.source))
    return sources


def _inside(sources: Sources, training: Training, level: Level) -> Level | None:
    """A level directly inside, in the rows, whose groups' parents are known."""
    for other in sources.model.levels.values():
        known = training.levels.get(other.name)
        leads = known is not None and level.name in known.parents
        if leads and sources.level_column(other) in sources.rows.columns:
            return other
    return None


def _led_to(
    sources: Sources, training: Training, level: Level, inside: Level
) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    known = training.levels[inside.name]
    parent_of: dict[str | None, str | None] = dict(
        zip(known.labels, known.parents[level.name], strict=True)
    )
    parent_of |= _by_table(sources, level, inside)
    coded = sources.rows.coded(sources.level_column(inside))
    parents = np.array([*(parent_of.get(label) for label in coded.labels), None], dtype=object)
    return parents[coded.codes]


def _by_table(sources: Sources, level: Level, inside: Level) -> Mapping[str | None, str | None]:
    """The parents that the table of a level names."""
    table = sources.tables.get(inside.name)
    if table is None:
        return {}
    own = sources.key_column(inside.name, table)
    outer = sources.key_column(level.name, table)
    if own is None or outer is None:
        return {}
    return dict(zip(table.labels(own).tolist(), table.labels(outer).tolist(), strict=True))


def _series(values: np.ndarray[tuple[int], np.dtype[np.object_]]) -> polars.Series:
    import polars as pl

    return pl.Series(values.tolist(), dtype=pl.String)
