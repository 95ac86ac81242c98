"""The columns that say how an outcome was observed, which new rows need not have.

Whether a death was seen (`event`), how much a row counts (`weighted`), where counting stopped (the
bounds of `censored`). Without them a prediction is of the value itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from hdsl.data.locate import Sources
from hdsl.data.table import Table
from hdsl.data.wrapped import chain
from hdsl.expr import ROW, Value
from hdsl.ir.model import Data, DataType, Model
from hdsl.ir.uses import expressions, values

if TYPE_CHECKING:
    import polars

BOUNDS: Mapping[DataType, Mapping[str, float]] = {
    DataType.REAL: {"lower": -1e300, "upper": 1e300},
    DataType.POSITIVE: {"lower": 1e-300, "upper": 1e300},
    DataType.COUNT: {"lower": 0.0, "upper": 2.0**53},
}
"""Bounds that no value reaches."""


def with_observed(sources: Sources) -> Sources:
    """The rows with a column for each of them that is not there, such that everything is seen."""
    rows = sources.rows
    loaders: dict[str, Callable[[], polars.Series]] = dict(rows.loaders)
    for node, value in _of_observing(sources.model):
        if node.column is not None and node.column not in loaders:
            loaders[node.column] = partial(_constant, value, rows.height)
    if len(loaders) == len(rows.loaders):
        return sources
    return replace(sources, rows=Table(loaders, rows.height, rows.source))


def _of_observing(model: Model) -> Iterator[tuple[Data, float]]:
    """The columns that serve for nothing else, and the value with which everything is seen."""
    uses: dict[str, int] = {}
    for node in model.nodes:
        for _, expr in expressions(node):
            for name in values(expr):
                uses[name] = uses.get(name, 0) + 1
    for outcome in model.outcomes:
        for wrapper in chain(outcome.distribution):
            for argument, expr in wrapper.arguments:
                found = model.by_name.get(expr.name) if isinstance(expr, Value) else None
                if not isinstance(found, Data) or found.domain != (ROW,) or found.expr is not None:
                    continue
                value = _seen(wrapper.family, argument, found)
                if value is not None and uses[found.name] == 1:
                    yield found, value


def _seen(wrapper: str, argument: str, node: Data) -> float | None:
    """What an argument is where an outcome is seen in full; None where it is more than that."""
    match wrapper, argument:
        case ("censored", "event") | ("weighted", _):
            return 1.0
        case ("censored", "upper" | "lower"):
            return BOUNDS.get(node.type, {}).get(argument)
    return None


def _constant(value: float, height: int) -> polars.Series:
    import polars as pl

    return pl.Series([value] * height)
