"""A table of named columns, each read as labels or as numbers only when somebody asks.

It knows nothing of models. A column keeps the text that its file holds, so that a label
``007`` stays what it is; which text means "missing" is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars

type Numbers = NDArray[np.float64]
type Codes = NDArray[np.int64]
type Labels = NDArray[np.object_]

MISSING_LABELS = ("", "NA", "NaN", "null")
MISSING_NUMBERS = ("", "NA", "NaN", "nan", "N/A", "null", "None")


class NotNumericError(Exception):
    """Raised where text stands in a column read as numbers; rows count from 0."""

    def __init__(self, column: str, rows: tuple[int, ...], values: tuple[str, ...]) -> None:
        self.column = column
        self.rows = rows
        self.values = values
        super().__init__(f"column {column!r} holds text")


@dataclass(frozen=True)
class Coded:
    """Labels as positions in a tuple of distinct ones; -1 where the label is missing."""

    codes: Codes
    labels: tuple[str, ...]

    @property
    def texts(self) -> Labels:
        """The labels row by row, None where missing."""
        return np.array([*self.labels, None], dtype=object)[self.codes]


@dataclass(frozen=True)
class Table:
    """Columns of one height. ``source`` says where they come from, for messages."""

    loaders: Mapping[str, Callable[[], polars.Series]]
    height: int
    source: str = "the data"
    _cache: dict[tuple[str, str], object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in the order of the file."""
        return tuple(self.loaders)

    def coded(self, column: str) -> Coded:
        """The labels of a column as codes; distinct labels in order of first appearance."""
        found = self._cache.get((column, "coded"))
        if not isinstance(found, Coded):
            found = _code(_texts(self.loaders[column]()))
            self._cache[column, "coded"] = found
        return found

    def labels(self, column: str) -> Labels:
        """The text of a column as the file holds it, None where missing."""
        return self.coded(column).texts

    def numbers(self, column: str) -> Numbers:
        """A column as floats, NaN where missing; true and false count as 1 and 0.

        Raises ``NotNumericError`` where any other text stands in it.
        """
        found = self._cache.get((column, "numbers"))
        if not isinstance(found, np.ndarray):
            found = _floats(column, self.loaders[column]())
            self._cache[column, "numbers"] = found
        return found


def _texts(series: polars.Series) -> polars.Series:
    """A column as text; a whole number never grows a ``.0``, however its file stored it."""
    import polars as pl

    if series.dtype == pl.String:
        return series
    if series.dtype.is_integer() or isinstance(series.dtype, pl.Categorical | pl.Enum):
        return series.cast(pl.String)
    if not len(series):
        return pl.Series([], dtype=pl.String)
    distinct = series.unique(maintain_order=True)
    texts = pl.Series([_text(value) for value in distinct.to_list()], dtype=pl.String)
    return series.replace_strict(distinct, texts, return_dtype=pl.String)


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case float():
            return None if value != value else str(int(value)) if value.is_integer() else str(value)
        case _:
            return str(value)


def _code(texts: polars.Series) -> Coded:
    import polars as pl

    stripped = texts.str.strip_chars()
    present = texts.set(stripped.is_in(MISSING_LABELS), None)
    distinct = present.drop_nulls().unique(maintain_order=True)
    codes = present.cast(pl.Enum(distinct)).to_physical().cast(pl.Int64).fill_null(-1)
    return Coded(codes.to_numpy(), tuple(distinct.to_list()))


def _floats(column: str, series: polars.Series) -> Numbers:
    import polars as pl

    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        return series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    texts = _texts(series)
    values = texts.cast(pl.Float64, strict=False)
    if not values.null_count():
        return values.to_numpy()
    texts = texts.str.strip_chars()
    missing = texts.is_null() | texts.is_in(MISSING_NUMBERS)
    present = texts.set(missing, None)
    values = present.cast(pl.Float64, strict=False)
    bad = (values.is_null() & ~missing).arg_true()
    if len(bad):
        lower = present.str.to_lowercase()
        if not lower.drop_nulls().is_in(["true", "false"]).all():
            rows = tuple(bad.to_list())
            raise NotNumericError(column, rows, tuple(texts.gather(bad).to_list()))
        values = (lower == "true").cast(pl.Float64)
    return values.fill_null(np.nan).to_numpy()
