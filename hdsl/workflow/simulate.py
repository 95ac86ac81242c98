"""Prior predictive rows: the user's own design with outcomes drawn from the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hdsl.check.fixed import fix
from hdsl.data.cells import is_labelled
from hdsl.data.table import Numbers, Table
from hdsl.data.write import frame_of
from hdsl.expr import ROW, Expr
from hdsl.fit.draws import OutcomeRows
from hdsl.fit.inverse import invert
from hdsl.fit.labels import labels_of
from hdsl.ir.model import Model
from hdsl.workflow.carriers import Carrier
from hdsl.workflow.design import Design, column_of, design
from hdsl.workflow.prior import Prepared, Prior, PriorDraws, check_finite, check_proper, prepare
from hdsl.workflow.truth import Truth

if TYPE_CHECKING:
    import polars

REPLICATE = "replicate"


@dataclass(frozen=True)
class Simulation:
    """Simulated rows and what is true of them.

    ``rows`` is a polars frame: the rows as they were given, their outcomes drawn; with several
    replicates one after the other, counted from 1 in a first column ``replicate``. ``tables`` are
    the levels' own tables that hold an outcome. ``truth`` is that of each replicate.
    """

    rows: polars.DataFrame
    tables: Mapping[str, polars.DataFrame]
    truth: tuple[Truth, ...]


def simulate(
    model: Model,
    rows: Table,
    tables: Mapping[str, Table] | None = None,
    *,
    times: int = 1,
    seed: int = 0,
    settings: Iterable[str] = (),
) -> Simulation:
    """Outcomes on the design of some rows, drawn from the model with its parameters from the prior.

    ``settings`` such as ``"sd(beta) = 0.3"`` set parameters to numbers. An outcome that the rows
    have keeps its missing values, and scales the default priors; one that they lack is drawn for
    every row. Raises ModelError where that cannot be done.
    """
    if times < 1:
        raise ValueError("times is 1 or more")
    fixed = fix(model, settings)
    check_proper(fixed)
    ready = design(fixed, rows, tables)
    prepared = prepare(ready)
    drawn = Prior(prepared).draw(times, seed)
    check_finite(prepared, drawn)
    frames = [_written(ready, prepared, drawn.one(number)) for number in range(times)]
    dims, labels = prepared.dims, prepared.labels
    truth = tuple(Truth(drawn.one(number).values, dims, labels) for number in range(times))
    holders = frames[0]
    joined = {holder: _stacked([frame[holder] for frame in frames]) for holder in holders}
    return Simulation(joined.pop(ROW), joined, truth)


def _stacked(frames: list[polars.DataFrame]) -> polars.DataFrame:
    """Replicates one after the other, counted in a first column where there are several."""
    import polars as pl

    if len(frames) == 1:
        return frames[0]
    name = REPLICATE
    while name in frames[0].columns:
        name += "_"
    counted = (
        frame.select(pl.lit(number).alias(name), pl.all())
        for number, frame in enumerate(frames, start=1)
    )
    return pl.concat(counted)


def _written(ready: Design, prepared: Prepared, drawn: PriorDraws) -> dict[str, polars.DataFrame]:
    """The rows, and the tables that hold an outcome, with one replicate's outcomes."""
    by_name = {outcome.name: outcome for outcome in prepared.outcomes}
    columns: dict[str, dict[str, polars.Series]] = {ROW: {}}
    for carrier in ready.carriers:
        outcome = by_name[carrier.outcome]
        holder = ready.holder(carrier)
        values = _of_column(ready, carrier, outcome, drawn.outcomes[outcome.site])
        series = _series(ready, prepared, carrier, holder, values)
        columns.setdefault(holder, {})[column_of(carrier.data)] = series
    tables = {ROW: ready.rows, **ready.tables}
    return {holder: frame_of(tables[holder], found) for holder, found in columns.items()}


def _of_column(ready: Design, carrier: Carrier, outcome: OutcomeRows, drawn: Numbers) -> Numbers:
    """The column's values over the outcome's domain; not a number where it is missing."""
    node = next(o for o in ready.model.outcomes if o.name == outcome.name)
    seen = np.arange(outcome.length) if outcome.seen is None else outcome.seen
    values = np.full(outcome.length, np.nan)
    values[seen] = drawn if node.transform is None else invert(node.transform, drawn)
    evaluator = ready.binding.dataset.evaluator

    def known(expr: Expr) -> Numbers:
        return evaluator.at(expr, node.domain).numbers

    with np.errstate(all="ignore"):
        return carrier.column(values, known)


def _series(
    ready: Design, prepared: Prepared, carrier: Carrier, holder: str, values: Numbers
) -> polars.Series:
    """The column as its table has it: a value a line, whole numbers whole, labels as text."""
    import polars as pl

    lines = _lines(ready, carrier, holder, values)
    labels = labels_of(prepared.data["learned"], carrier.outcome)
    if labels is not None:
        texts = [None if np.isnan(code) else labels[int(code)] for code in lines]
        series = pl.Series(texts, dtype=pl.String)
        return series if is_labelled(carrier.data) else series.cast(pl.Float64).cast(pl.Int64)
    series = pl.Series(lines).fill_nan(None)
    whole = np.isnan(lines) | (lines == np.floor(lines))
    return series.cast(pl.Int64) if whole.all() else series


def _lines(ready: Design, carrier: Carrier, holder: str, values: Numbers) -> Numbers:
    """The values of an outcome on the lines of the table that holds its column."""
    dataset = ready.binding.dataset
    (level,) = carrier.data.domain
    if holder == ROW:
        lines = np.full(ready.rows.height, np.nan)
        lines[dataset.kept] = values if level == ROW else values[dataset.groups[level].codes]
        return lines
    table = ready.tables[holder]
    position = {label: i for i, label in enumerate(dataset.groups[level].labels)}
    keys = table.labels(_key(ready, level))
    return np.array([values[position[k]] if k in position else np.nan for k in keys])


def _key(ready: Design, level: str) -> str:
    from hdsl.data.locate import Sources

    sources = Sources(ready.model, ready.rows, ready.tables)
    key = sources.key_column(level, ready.tables[level])
    assert key is not None  # or the tables could not have been bound
    return key
