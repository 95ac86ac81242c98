"""Comma- and tab-separated text as a table of text columns.

Polars parses; what it would mend or drop in silence (a header given twice, a short line, a byte
that is not UTF-8) is looked for here and reported with its line.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from hdsl.data.problem import finding, listing, numbered
from hdsl.data.table import Table
from hdsl.diagnostics.diagnostic import ModelError

if TYPE_CHECKING:
    import polars

_BOM = b"\xef\xbb\xbf"


def parse_csv(text: str, source: str = "the data") -> Table:
    r"""The table that a CSV text holds.

    >>> parse_csv("site,y\n007,1.5").labels("site").tolist()
    ['007']
    """
    return read_delimited(text.encode(errors="surrogatepass"), source)


def read_delimited(content: bytes, source: str, separator: str | None = None) -> Table:
    """The table that delimited text holds; without a separator the header tells it."""
    import polars as pl

    content = content.removeprefix(_BOM)
    separator = separator or _separator(content)
    header = _header(content, source, separator)
    try:
        frame = pl.read_csv(content, separator=separator, infer_schema=False, raise_if_empty=False)
    except pl.exceptions.PolarsError as error:
        _refuse_other_encodings(content, source)
        raise _ragged(content, source, separator, len(header)) or _broken(
            source, str(error).splitlines()[0]
        ) from error
    if frame.width != len(header):
        raise _broken(source, "its header cannot be told from its rows: quotes are not balanced")
    frame.columns = header
    # A short line comes out of Polars as missing values, which are the last ones of their row.
    if frame.get_column(header[-1]).null_count():
        short = _ragged(content, source, separator, len(header))
        if short:
            raise short
    frame = _without_blank_lines(frame)
    loaders = {name: partial(frame.get_column, name) for name in header}
    return Table(loaders, frame.height, source)


def _without_blank_lines(frame: polars.DataFrame) -> polars.DataFrame:
    import polars as pl

    said = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    if said.all():
        return frame
    if frame.width > 1:
        return frame.filter(said)
    # In a single column a blank line between others is a missing value.
    last = said.arg_true().max()
    return frame.head(0 if last is None else int(str(last)) + 1)


def _refuse_other_encodings(content: bytes, source: str) -> None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        start = content.rfind(b"\n", 0, error.start) + 1
        shown = content[max(start, error.start - 10) : error.start + 10].split(b"\n")[0]
        raise ModelError(
            (
                finding(
                    "H903",
                    f"`{source}` is not UTF-8",
                    notes=[f"line {line} holds {shown.decode('latin-1')!r} if read as Latin-1"],
                    help="save the file as UTF-8",
                ),
            )
        ) from error


def _separator(content: bytes) -> str:
    """A comma, unless the header has none and has semicolons or tabs."""
    first = content.split(b"\n", 1)[0]
    return next((s for s in (",", ";", "\t") if s.encode() in first), ",")


def _records(content: bytes, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The records with the number of their last line."""
    reader = csv.reader(
        io.TextIOWrapper(io.BytesIO(content), "utf-8", "replace", newline=""), delimiter=separator
    )
    for record in reader:
        yield reader.line_num, record


def _header(content: bytes, source: str, separator: str) -> list[str]:
    try:
        _, first = next(_records(content, separator), (0, []))
    except csv.Error as error:
        raise _broken(source, str(error)) from error
    names = [name.strip() for name in first]
    if not any(names):
        raise ModelError((finding("H905", f"`{source}` is empty: it has not even a header"),))
    refuse_repeated(names, f"`{source}`")
    return names


def refuse_repeated(names: list[str], source: str) -> None:
    """Raises a ModelError where two columns have the same name."""
    repeated = [f"`{name}`" for name, count in Counter(names).items() if count > 1]
    if repeated:
        headline = f"two columns of {source} have the same name: {listing(repeated)}"
        raise ModelError((finding("H904", headline),))


def _ragged(content: bytes, source: str, separator: str, width: int) -> ModelError | None:
    """The first records that are longer or shorter than the header, as an error."""
    try:
        odd = list(_odd(_records(content, separator), width))
    except csv.Error as error:
        return _broken(source, str(error))
    if not odd:
        return None
    shown = listing(f"line {line} has {count}" for line, count in odd)
    return _broken(source, f"the header has {numbered(width, 'field')}, but {shown}")


def _odd(records: Iterable[tuple[int, list[str]]], width: int) -> Iterator[tuple[int, int]]:
    for line, record in records:
        if record and len(record) != width:
            yield line, len(record)


def _broken(source: str, note: str) -> ModelError:
    help = "a field that holds the separator or a line end must stand in double quotes"
    return ModelError(
        (finding("H903", f"`{source}` is not a whole table", notes=[note], help=help),)
    )
