"""Predictions from a run: new rows in, a table (and a file of draws) out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdsl.data.frames import from_frame, read_table
from hdsl.data.table import Table

if TYPE_CHECKING:
    from hdsl.fit.prediction import Prediction
    from hdsl.fit.run import Run, UnseenGroups


def predict(
    run: Run,
    rows: Any,
    tables: Mapping[str, Any] | None,
    unseen: UnseenGroups,
    quantiles: Sequence[float],
    draws: bool,
    seed: int,
    out: Path | None = None,
) -> Prediction:
    """The statistics of each outcome of the rows; with ``draws`` all of them, in the file ``out``
    if it is named. Without, ``out`` holds the statistics.
    """
    from hdsl.fit.setup import prepare_jax

    if unseen not in ("draw", "mean", "error"):
        raise ValueError(f"unseen is {unseen!r}: one of draw, mean, error")
    if not all(0 <= q <= 1 for q in quantiles):
        raise ValueError("quantiles lie between 0 and 1")
    if not 0 <= seed < 2**31:
        raise ValueError("the seed lies between 0 and 2147483647")
    prepare_jax()
    from hdsl.fit import prediction_files as files
    from hdsl.fit.prediction import Predictor, refuse_unseen, summarised
    from hdsl.fit.session import open_session

    if out is not None:
        files.kind_of(out)
    by_level = {level: table_of(frame) for level, frame in (tables or {}).items()}
    session = open_session(run, table_of(rows), by_level)
    if unseen == "error":
        refuse_unseen(session)
    predictor = Predictor(session, "mean" if unseen == "mean" else "draw", seed, not draws)
    if draws:
        if out is not None:
            return files.write_draws(predictor, quantiles, out)
        return files.in_memory(predictor, quantiles)
    prediction = summarised(predictor, quantiles)
    if out is not None:
        files.write_statistics(prediction, out)
    return prediction


def table_of(data: Any) -> Table:
    """A table from a frame or the path of a file."""
    return read_table(Path(data)) if isinstance(data, str | os.PathLike) else from_frame(data)
