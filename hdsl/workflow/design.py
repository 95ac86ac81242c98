"""The user's own rows as a design: bound to a model whether or not they have outcomes yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdsl.compiler import bind_data
from hdsl.data.bind import Binding
from hdsl.data.cells import is_labelled
from hdsl.data.problem import finding
from hdsl.data.table import NotNumericError, Table
from hdsl.diagnostics.diagnostic import Diagnostic, ModelError, Severity
from hdsl.expr import ROW
from hdsl.ir.model import Data, Model
from hdsl.workflow.carriers import Carrier, carriers, learns_from

PLACEHOLDERS = ((1.0, 0.0), (1.0,), (0.0,), (0.5,), (1e-6,), (1e6,))
"""What stands for an outcome that is not there; the first that the model takes. It is never read:
what a model learns from an outcome must come from one that is there."""


@dataclass(frozen=True)
class Design:
    """Rows and tables bound to a model. ``rows`` and ``tables`` hold a placeholder where an outcome
    is ``absent``.
    """

    model: Model
    rows: Table
    tables: Mapping[str, Table]
    binding: Binding
    carriers: tuple[Carrier, ...]
    absent: frozenset[str]  # columns that the data do not have, or have not a value of

    def holder(self, carrier: Carrier) -> str:
        """The level whose own table holds an outcome's column; the rows otherwise."""
        return _holder(carrier, self.rows, self.tables)


def design(model: Model, rows: Table, tables: Mapping[str, Table] | None = None) -> Design:
    """The design of some rows; raises ModelError where they cannot be one."""
    tables = tables or {}
    found = carriers(model)
    absent = tuple(c for c in found if _is_absent(c, rows, tables))
    lacking = {name: column_of(c.data) for c in absent for name in sorted(c.made_of)}
    needs = tuple(learns_from(model, lacking))
    if needs:
        raise ModelError(needs, model.source)
    names = frozenset(column_of(c.data) for c in absent)
    if not absent:
        return Design(model, rows, tables, _sound(model, rows, tables), found, names)
    designs, wrong = [], []
    for pattern in PLACEHOLDERS:
        filled = _with_placeholders(model, rows, tables, absent, pattern)
        others = {name: table for name, table in filled.items() if name != ROW}
        binding = bind_data(model, filled[ROW], others)
        designs.append(Design(model, filled[ROW], others, binding, found, names))
        wrong.append({d for d in binding.diagnostics if d.severity is Severity.ERROR})
        if not wrong[-1]:
            return designs[-1]
    always = set.intersection(*wrong)
    if always:
        raise ModelError(tuple(d for d in binding.diagnostics if d in always), model.source)
    return designs[0]  # no value will do, by a bound that differs from row to row, and none is read


def _with_placeholders(
    model: Model,
    rows: Table,
    tables: Mapping[str, Table],
    absent: tuple[Carrier, ...],
    pattern: tuple[float, ...],
) -> dict[str, Table]:
    """The rows and the levels' tables with a placeholder for each outcome that is not there."""
    filled = {ROW: rows, **tables}
    for carrier in absent:
        holder = _holder(carrier, rows, tables)
        filled[holder] = _filled(filled[holder], carrier, pattern, model)
    return filled


def column_of(data: Data) -> str:
    """The column that data are read from."""
    return data.column or data.name


def _holder(carrier: Carrier, rows: Table, tables: Mapping[str, Table]) -> str:
    column = column_of(carrier.data)
    domain = carrier.data.domain
    if column not in rows.columns and len(domain) == 1 and domain[0] in tables:
        return domain[0]
    return ROW


def _is_absent(carrier: Carrier, rows: Table, tables: Mapping[str, Table]) -> bool:
    """Whether there is no value of an outcome, in the rows or in the table that may hold it."""
    column = column_of(carrier.data)
    holder = _holder(carrier, rows, tables)
    table = rows if holder == ROW else tables[holder]
    if column not in table.columns:
        return True
    try:
        return table.height > 0 and bool(np.isnan(table.numbers(column)).all())
    except NotNumericError:
        return False


def _sound(model: Model, rows: Table, tables: Mapping[str, Table]) -> Binding:
    binding = bind_data(model, rows, tables)
    if not binding.sound:
        raise ModelError(binding.diagnostics, model.source)
    return binding


def _filled(table: Table, carrier: Carrier, pattern: tuple[float, ...], model: Model) -> Table:
    """A table with a placeholder in the column of an outcome."""
    import polars as pl

    data = carrier.data
    if is_labelled(data):
        if not data.members:
            raise ModelError(tuple(_unguessed(model, (carrier,))), model.source)
        series = pl.Series(np.resize(np.array(data.members, dtype=object), table.height).tolist())
    else:
        series = pl.Series(np.resize(np.array(pattern), table.height))

    def load(series: pl.Series = series) -> pl.Series:
        return series

    loaders: dict[str, Callable[[], pl.Series]] = {**table.loaders, column_of(data): load}
    return replace(table, loaders=loaders, _cache={})


def _unguessed(model: Model, absent: tuple[Carrier, ...]) -> Iterator[Diagnostic]:
    for carrier in absent:
        yield finding(
            "H553",
            f"`{carrier.outcome}` cannot be simulated without a column `{column_of(carrier.data)}`",
            next(o.span for o in model.outcomes if o.name == carrier.outcome),
            "which values it may take cannot be told from the model alone",
            help="give the rows that column with any values that it may have",
        )
