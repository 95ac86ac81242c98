"""Blocks of columns in the data's values: matrices with an axis for the columns.

A column over ``(level, axis)`` has an array of two dimensions, one over ``(axis,)`` a number for
each column of the block.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hdsl.check.domains import block_axes, grouped
from hdsl.data.column import Column
from hdsl.data.several import is_several, several
from hdsl.expr import Block, Domain
from hdsl.ir.blocks import prefixed
from hdsl.ir.model import Level

if TYPE_CHECKING:
    from hdsl.data.evaluate import Evaluator


def stack(evaluator: "Evaluator", block: Block, domain: Domain) -> tuple[tuple[str, ...], Column]:
    """The columns of a block side by side over a level, and what they are called."""
    size = evaluator.groups[domain[0]].size
    labels: list[str] = []
    parts: list[Column] = []
    for label, item in block.items:
        if is_several(item):
            names, column = several(evaluator, (label, item), block.axis, domain)
            labels += names
            parts.append(column)
            continue
        column = evaluator.at(item, domain)
        parts.append(_matrix(column, size))
        if column.values.ndim == 2:
            labels += prefixed(label, evaluator.groups[column.domain[-1]].labels)
        else:
            labels.append(label)
    values = np.concatenate([part.numbers for part in parts], axis=1)
    missing = np.concatenate([part.missing for part in parts], axis=1)
    return tuple(labels), Column((*domain, block.axis), values, missing)


def _matrix(column: Column, size: int) -> Column:
    """A column as a matrix of one."""
    if column.values.ndim == 2:
        return column
    shape = (size, 1)
    return Column((), column.values.reshape(shape), column.missing.reshape(shape))


def columns_of(column: Column) -> Iterator[Column]:
    """The columns of a matrix, each by itself."""
    for i in range(column.values.shape[-1]):
        yield Column(column.domain[:-1], column.values[..., i], column.missing[..., i])


def contracted(column: Column, axis: str) -> Column:
    """The sum over the last axis, which must be this one; missing where one of its terms is."""
    assert column.domain[-1] == axis
    missing = np.asarray(column.missing.any(axis=-1))
    return Column(column.domain[:-1], np.asarray(column.numbers.sum(axis=-1)), missing)


def side_by_side(
    columns: Sequence[Column], levels: Mapping[str, Level]
) -> tuple[list[Column], Domain]:
    """Columns that broadcast, and the domain of what is computed from them.

    Where a block stands among them, what lives on a level alone stands upright.
    """
    along = tuple(dict.fromkeys(name for column in columns for name in column.domain))
    domain = (*grouped(levels, along), *block_axes(levels, along))
    if len(domain) < 2:
        return list(columns), domain
    return [_upright(c) if c.domain == domain[:1] else c for c in columns], domain


def _upright(column: Column) -> Column:
    values, missing = column.values[:, np.newaxis], column.missing[:, np.newaxis]
    return replace(column, values=values, missing=missing)
