"""Tables from files and from data frames of any make.

A CSV is read as text, whatever it looks like; Parquet and Feather keep their types. Every way in
which a file can be wrong ends in a ``ModelError`` that says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hdsl.data.problem import finding, listing
from hdsl.data.read import read_delimited, refuse_repeated
from hdsl.data.table import Table
from hdsl.diagnostics.diagnostic import ModelError

if TYPE_CHECKING:
    import narwhals
    import polars

_PARQUET = (".parquet", ".pq")
_ARROW = (".feather", ".arrow", ".ipc")
_SEPARATORS = {".csv": None, ".tsv": "\t", ".tab": "\t"}  # None: a comma, or what the header has


def read_table(path: str | Path) -> Table:
    """The table that a file holds; its kind goes by the file's extension."""
    path = Path(path)
    suffix = path.suffix.lower()
    if not path.exists():
        raise _failure("H901", f"there is no file `{path}`")
    if path.is_dir():
        raise _failure("H901", f"`{path}` is a folder, not a file")
    try:
        if suffix in _SEPARATORS:
            return read_delimited(path.read_bytes(), str(path), _SEPARATORS[suffix])
        if suffix in (*_PARQUET, *_ARROW):
            return _typed(_read_typed(path, suffix), str(path))
    except OSError as error:
        raise _failure("H901", f"cannot read `{path}`: {error.strerror or error}") from error
    known = ", ".join([*_SEPARATORS, *_PARQUET, *_ARROW])
    raise _failure(
        "H902",
        f"cannot tell what kind of table `{path}` is",
        f"its extension, {suffix!r}, is none of {known}" if suffix else f"it has none of {known}",
    )


def from_frame(frame: Any, source: str = "the data") -> Table:
    """A table from a pandas, polars or pyarrow frame, or from a mapping of sequences.

    >>> from_frame({"y": [1.0, 2.5]}).labels("y").tolist()
    ['1', '2.5']
    """
    import narwhals as nw

    if isinstance(frame, Table):
        return frame
    if isinstance(frame, Mapping):
        return _from_mapping(frame, source)
    try:
        native = nw.from_native(frame)
    except TypeError as error:
        kind = type(frame).__name__
        raise _failure(
            "H902",
            f"cannot read a `{kind}` as a table",
            "give a pandas, polars or pyarrow frame, or a mapping of column names to sequences",
        ) from error
    eager = native.collect() if isinstance(native, nw.LazyFrame) else native
    refuse_repeated([str(name) for name in eager.columns], source)
    loaders: dict[str, Callable[[], polars.Series]] = {
        str(name): partial(_from_series, eager[name]) for name in eager.columns
    }
    return Table(loaders, len(eager), source)


def _read_typed(path: Path, suffix: str) -> polars.DataFrame:
    import polars as pl

    # From memory: a file that is mapped would change under us when it is written again.
    content = path.read_bytes()
    try:
        return pl.read_parquet(content) if suffix in _PARQUET else pl.read_ipc(content)
    except (pl.exceptions.PolarsError, ValueError, OSError) as error:
        kind = "Parquet" if suffix in _PARQUET else "Feather"
        raise _failure(
            "H903", f"`{path}` is not a whole {kind} file", str(error).splitlines()[0]
        ) from error


def _typed(frame: polars.DataFrame, source: str) -> Table:
    loaders = {name: partial(frame.get_column, name) for name in frame.columns}
    return Table(loaders, frame.height, source)


def _from_mapping(frame: Mapping[Any, Any], source: str) -> Table:
    heights = {str(name): len(values) for name, values in frame.items()}
    refuse_repeated([str(name) for name in frame], source)
    if len(set(heights.values())) > 1:
        lengths = listing(f"`{name}` has {height}" for name, height in heights.items())
        raise _failure("H903", f"the columns of {source} have different lengths", lengths)
    loaders = {str(name): partial(_from_values, values) for name, values in frame.items()}
    return Table(loaders, next(iter(heights.values()), 0), source)


def _from_series(series: narwhals.Series[Any]) -> polars.Series:
    import polars as pl

    native = series.to_native()
    return native if isinstance(native, pl.Series) else _from_values(series.to_numpy())


def _from_values(values: Any) -> polars.Series:
    import polars as pl

    array = values if isinstance(values, np.ndarray) else np.asarray(values)
    if array.dtype.kind in "biufM" and array.ndim == 1:
        return pl.Series(array)
    return pl.Series([_cell(value) for value in values], dtype=pl.String)


def _cell(value: object) -> str | None:
    """The text of a cell of a column of mixed or unknown make."""
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return None
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _failure(code: str, headline: str, note: str = "") -> ModelError:
    return ModelError((finding(code, headline, notes=(note,)),))
