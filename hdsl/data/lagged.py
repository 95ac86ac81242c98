"""Columns of earlier values: made first of all, as the generated ``prepare`` does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hdsl.check.spelling import quoted
from hdsl.data.levels import in_order
from hdsl.data.problem import finding, listing, numbered
from hdsl.data.table import Codes, NotNumericError, Numbers, Table
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.ir.model import Data, Lag, Model

type Places = list[tuple[str | None, ...]]


def with_lags(
    model: Model,
    rows: Table,
    report: list[Diagnostic],
    learned: Mapping[str, Any] | None = None,
) -> Table:
    """The rows with a column for every lag; of new rows with what ``learned`` has of training."""
    for node in model.nodes:
        if not isinstance(node, Data) or node.lag is None or node.name in rows.columns:
            continue
        source = model.by_name[node.lag.of]
        columns = [model.levels[name].column or name for name in (*node.lag.within, node.lag.along)]
        if not rows.height or not isinstance(source, Data):
            continue
        present = [c for c in columns[:-1] if c in rows.columns]  # else a table has it
        if columns[-1] not in rows.columns:
            continue  # which is reported
        try:
            values = _numbers(rows, source.column or source.name)
        except NotNumericError:
            continue  # it is reported where the column is read
        texts = [rows.coded(column) for column in (*present, columns[-1])]
        if learned is None:
            complaints = list(_complaints(node, node.lag, [c.codes for c in texts], values, rows))
            report += complaints
            if complaints:
                continue
        places = list(zip(*(c.texts.tolist() for c in texts), strict=True))
        known = (learned or {}).get(node.name, {"order": [], "values": {}})
        rows = _with_column(rows, node.name, _earlier(places, values, node.lag, known))
    return rows


def _numbers(rows: Table, column: str) -> Numbers:
    """A column of the rows; nothing of it is known where they lack it."""
    return rows.numbers(column) if column in rows.columns else np.full(rows.height, np.nan)


def _with_column(rows: Table, name: str, values: Numbers) -> Table:
    import polars as pl

    return replace(rows, loaders={**rows.loaders, name: lambda: pl.Series(name, values)}, _cache={})


def _earlier(places: Places, values: Numbers, lag: Lag, known: Mapping[str, Any]) -> Numbers:
    """The value that stands so many steps before each place; nan where there is none."""
    found = [str(at) for *_, at in places if at is not None]
    order = list(known["order"])
    new = [label for label in dict.fromkeys(found) if label not in set(order)]
    order += in_order(new, ordered=True)
    before = dict(zip(order[lag.steps :], order, strict=False))
    values_at = {
        (key, at): value for key, line in known["values"].items() for at, value in line.items()
    }
    keys = [("\t".join(map(str, within)), at) for *within, at in places]
    here = zip(keys, values.tolist(), strict=True)
    values_at |= {key: value for key, value in here if not np.isnan(value)}
    return np.array([values_at.get((key, before.get(str(at))), np.nan) for key, at in keys])


def _complaints(
    node: Data, lag: Lag, codes: Sequence[Codes], values: Numbers, rows: Table
) -> Iterator[Diagnostic]:
    """What makes the row before ambiguous: several values at one place, or levels that change."""
    places = _joined([*codes])
    order = np.argsort(places, kind="stable")
    same = (places[order][1:] == places[order][:-1]) & (values[order][1:] != values[order][:-1])
    same &= ~np.isnan(values[order][1:]) & ~np.isnan(values[order][:-1])
    if same.any():
        i, j = sorted(order[np.flatnonzero(same)[0] :][:2].tolist())
        inside = f" of one {quoted(lag.within)}" if lag.within else ""
        yield finding(
            "H944",
            f"`{lag.of}` has several values in one `{lag.along}`{inside}",
            node.span,
            "which of them is the one before?",
            notes=[f"rows {i + 1} and {j + 1} of {rows.source} stand in the same place"],
            help=f"name the levels that tell them apart: `lag({lag.of}, {lag.along}, store)`",
        )
        return
    if not lag.inferred or len(codes) <= len(lag.within):
        return
    moving = [name for i, name in enumerate(lag.within) if _moves(i, codes, places)]
    if moving:
        rest = [name for name in lag.within if name not in moving]
        written = ", ".join((lag.of, lag.along, *rest))
        yield finding(
            "H944",
            f"does a series of `{lag.of}` end where {quoted(moving)} changes?",
            node.span,
            f"`{moving[0]}` changes along `{lag.along}`, and the model has it as a level",
            notes=[f"without `{moving[0]}` no two rows stand in the same place"],
            help=f"say inside what the lag runs: `lag({written})`",
        )


def _joined(codes: Sequence[Codes]) -> Codes:
    """A number for every combination of labels."""
    joined = np.zeros(len(codes[0]), dtype=np.int64)
    for each in codes:
        joined = np.unique(joined * (int(each.max()) + 2) + each + 1, return_inverse=True)[1]
    return joined


def _moves(i: int, codes: Sequence[Codes], places: Codes) -> bool:
    """Whether a level is not needed to tell rows apart and changes inside what the rest do."""
    rest = [c for j, c in enumerate(codes[:-1]) if j != i]
    series = _joined(rest) if rest else np.zeros(len(codes[0]), dtype=np.int64)
    without = len(np.unique(_joined([series, codes[-1]])))
    if without < len(np.unique(places)):
        return False
    return len(np.unique(_joined([series, codes[i]]))) > len(np.unique(series))


def left_out(node: Data, lag: Lag, gone: Sequence[str], count: int, height: int) -> Diagnostic:
    """The note of the rows that have no earlier value; an error where none has one."""
    inside = f" inside {quoted(lag.within)}" if lag.within else ""
    if count == height:
        return finding(
            "H944",
            f"no row has an earlier `{lag.of}`",
            node.span,
            f"one step before along `{lag.along}`{inside}",
            help="the lag needs rows at neighbouring steps, of the same labels else",
        )
    return finding(
        "H916",
        f"{numbered(count, 'row')} without an earlier `{lag.of}` "
        f"{'is' if count == 1 else 'are'} left out",
        node.span,
        f"{'one step' if lag.steps == 1 else f'{lag.steps} steps'} before along "
        f"`{lag.along}`{inside}",
        notes=[f"{'row' if count == 1 else 'rows'} {listing(gone, count)} of {height:,}"],
    )
