"""Predictions in files: statistics as CSV, Parquet or netCDF, and all draws as they are made.

A file is there whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hdsl.expr import ROW
from hdsl.fit.draft import SUFFIX as PART
from hdsl.fit.draft import locked, part_of
from hdsl.fit.failure import failure
from hdsl.fit.naming import tree_name
from hdsl.fit.netcdf import encode_name
from hdsl.fit.prediction import Chunk, Prediction, Predictor, summarised

if TYPE_CHECKING:
    import polars
    import xarray

KINDS = (".csv", ".parquet", ".nc")
MOST_LINES = 20_000_000
"""A CSV of draws has a line for every row and draw: up to so many."""


def kind_of(path: Path) -> str:
    """The extension of a file of predictions; an error where it is none of ``KINDS``."""
    suffix = path.suffix.lower()
    if suffix not in KINDS:
        known = ", ".join(KINDS)
        raise failure("H902", f"cannot tell what to write to `{path}`: it ends in none of {known}")
    return suffix


def frame_of(columns: Mapping[str, Any]) -> polars.DataFrame:
    """Columns as a table of Polars."""
    import polars as pl

    return pl.DataFrame(
        {
            name: pl.Series(name, values.tolist() if values.dtype == object else values)
            for name, values in columns.items()
        }
    )


def csv_of(columns: Mapping[str, Any]) -> str:
    """Columns as CSV text."""
    return frame_of(columns).write_csv()


def write_statistics(prediction: Prediction, path: Path) -> None:
    """The statistics of every row in a file."""
    with _draft(path) as draft:
        match kind_of(path):
            case ".csv":
                frame_of(prediction.columns).write_csv(draft)
            case ".parquet":
                frame_of(prediction.columns).write_parquet(draft)
            case _:
                _statistics_set(prediction).to_netcdf(draft, engine="netcdf4")


def _statistics_set(prediction: Prediction) -> xarray.Dataset:
    import xarray as xr

    rows = prediction.columns[ROW]
    return xr.Dataset(
        {encode_name(tree_name(n)): (ROW, v) for n, v in prediction.columns.items() if n != ROW},
        {ROW: rows},
    )


class Sink(Protocol):
    """Takes the draws of all rows, chunk by chunk."""

    def take(self, chunk: Chunk) -> None:
        """Keep the draws of some rows."""

    def close(self) -> None:
        """Nothing more comes."""


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A file in a folder beside the one to write, which takes its place at the end, or goes.

    The folder is called `FILE.part`: what a kill leaves of it is cleared away by the next command
    that writes the file.
    """
    folder = part_of(path)
    try:
        if folder.exists():
            _verify_left_over(folder, path)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise failure(
            "H524", f"cannot write to {path.parent}: {error.strerror}", "name another file with -o"
        ) from error
    with locked(folder, path, "prediction"):
        try:
            _clear(folder)
            draft = folder / path.name
            yield draft
            draft.replace(path)
        finally:
            _clear(folder)
            folder.rmdir()


def _verify_left_over(folder: Path, path: Path) -> None:
    """Nothing where a folder holds what a prediction writes and no more, otherwise an error."""
    known = not folder.is_symlink() and folder.is_dir()
    if not known or any(p.name != path.name and p.suffix != PART for p in folder.iterdir()):
        raise failure(
            "H523",
            f"{folder} is in the way: predictions are written there until they are whole",
            "move it, or name another file with -o",
        )


def _clear(folder: Path) -> None:
    for left in folder.iterdir():
        left.unlink()


def write_draws(predictor: Predictor, quantiles: Sequence[float], path: Path) -> Prediction:
    """The statistics of every row; all draws are in the file."""
    kind, session = kind_of(path), predictor.session
    lines = session.rows * session.count
    if kind == ".csv" and lines > MOST_LINES:
        raise failure(
            "H524",
            f"a CSV of {session.rows:,} rows × {session.count:,} draws would have {lines:,} lines",
            "write `-o FILE.nc` or `-o FILE.parquet`, or leave `--draws` out",
        )
    labels = session.labels()
    with _draft(path) as draft:
        sink: Sink
        if kind == ".nc":
            sink = _NetCdf(draft, labels, session.chains)
        else:
            sink = _Lines(draft, labels, session.chains, kind)
        prediction = summarised(predictor, quantiles, sink.take)
        sink.close()
    return prediction


@dataclass
class _Lines:
    """A line for every row and draw, in parts that are joined at the end."""

    path: Path
    labels: Mapping[str, Any]
    chains: int
    kind: str
    parts: list[Path] = field(default_factory=list)

    def take(self, chunk: Chunk) -> None:
        """Keep the draws of some rows, those of a row one after the other."""
        count, rows = next(iter(chunk.values.values())).shape
        draws = count // self.chains
        columns = {name: np.repeat(v[chunk.rows], count) for name, v in self.labels.items()}
        columns["chain"] = np.tile(np.repeat(np.arange(self.chains), draws), rows)
        columns["draw"] = np.tile(np.arange(draws), rows * self.chains)
        columns |= {name: value.T.reshape(-1) for name, value in chunk.values.items()}
        frame = frame_of(columns)
        if self.kind == ".csv":
            with self.path.open("ab") as file:
                frame.write_csv(file, include_header=file.tell() == 0)
            return
        part = self.path.with_name(f"{len(self.parts)}{PART}")
        frame.write_parquet(part)
        self.parts.append(part)

    def close(self) -> None:
        """Join the parts."""
        import polars as pl

        if self.kind == ".parquet":
            pl.scan_parquet(self.parts).sink_parquet(self.path)


class _NetCdf:
    """Each outcome as (chain, draw, row), written as it comes."""

    def __init__(self, path: Path, labels: Mapping[str, Any], chains: int) -> None:
        import netCDF4

        self._file = netCDF4.Dataset(path, "w")
        self._chains = chains
        rows = len(labels[ROW])
        self._file.createDimension(ROW, rows)
        self._file.createVariable(ROW, "i8", (ROW,))[:] = labels[ROW]
        for level, names in labels.items():
            if level != ROW:
                variable = self._file.createVariable(encode_name(tree_name(level)), str, (ROW,))
                variable[:] = np.asarray(names, dtype=object)

    def take(self, chunk: Chunk) -> None:
        """Write the draws of some rows."""
        for name, value in chunk.values.items():
            shaped = value.reshape(self._chains, -1, value.shape[1])
            if "chain" not in self._file.dimensions:
                self._file.createDimension("chain", self._chains)
                self._file.createDimension("draw", shaped.shape[1])
            key = encode_name(tree_name(name))
            if key not in self._file.variables:
                self._file.createVariable(key, "f8", ("chain", "draw", ROW))
            self._file.variables[key][:, :, chunk.rows] = shaped

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def in_memory(predictor: Predictor, quantiles: Sequence[float]) -> Prediction:
    """The statistics of every row and all draws, as a dataset over (chain, draw, row)."""
    import xarray as xr

    chunks: list[Chunk] = []
    found = summarised(predictor, quantiles, chunks.append)
    session = predictor.session
    variables = {
        tree_name(name): (
            ("chain", "draw", ROW),
            np.concatenate([chunk.values[name] for chunk in chunks], axis=1).reshape(
                session.chains, -1, session.rows
            ),
        )
        for name in chunks[0].values
    }
    labels = session.labels()
    coords = {name: (ROW, values) for name, values in labels.items()}
    return replace(found, draws=xr.Dataset(variables, coords))
