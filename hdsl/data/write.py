"""Tables written to files: CSV, Parquet or Feather, by the file's extension."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hdsl.data.problem import finding
from hdsl.diagnostics.diagnostic import ModelError

if TYPE_CHECKING:
    import polars

    from hdsl.data.table import Table

FORMS = (".csv", ".tsv", ".parquet", ".pq", ".feather", ".arrow", ".ipc")
"""The extensions that are written."""


def frame_of(table: Table, columns: Mapping[str, polars.Series] | None = None) -> polars.DataFrame:
    """A table as a frame, some of its columns replaced; new ones stand last."""
    import polars as pl

    columns = columns or {}
    own = {name: columns.get(name, load()) for name, load in table.loaders.items()}
    all_columns = {**own, **columns}
    return pl.DataFrame([series.alias(name) for name, series in all_columns.items()])


def written(frame: polars.DataFrame, path: str | Path) -> bytes:
    """What a file of this name holds of a frame; raises ModelError for an unknown extension."""
    suffix = Path(path).suffix.lower()
    out = io.BytesIO()
    match suffix:
        case ".csv":
            frame.write_csv(out)
        case ".tsv":
            frame.write_csv(out, separator="\t")
        case ".parquet" | ".pq":
            frame.write_parquet(out)
        case ".feather" | ".arrow" | ".ipc":
            frame.write_ipc(out)
        case _:
            known = ", ".join(FORMS)
            raise ModelError(
                (finding("H902", f"`{path}` ends in none of {known}", help="name it `… .csv`"),)
            )
    return out.getvalue()
