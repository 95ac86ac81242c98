"""What each row's linear predictors are made of: which entries of which coefficients, times what.

Found by trying, as a predictor is linear in them: an array of ones gives a row's factor, an array
of its own positions the entry. What comes out must hold at random values, or there is no column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from hdsl.fit.draws import Numbers

MOST_SLOTS = 60
"""Entries of a group that a row may use at once."""

SAME = 1e-9  # relative to the largest
WHOLE = 1e-12  # so near a whole number a factor is one

type Linear = Callable[[Sequence[Numbers]], Sequence[Numbers]]
"""From the coefficients' values to the predictors, each with a number a term."""


@dataclass(frozen=True)
class Column:
    """What one array of coefficients adds to one predictor.

    The array is seen as (group, slot): a row adds up the entries of its group (``index``) times the
    row's ``factors`` (slot used, term), which are None for one slot and a factor of 1 throughout.
    ``index`` is -1 where all factors are 0, as any group will do. ``last`` is the length of the
    groups' last axis.
    """

    predictor: int
    coefficient: int
    groups: int
    last: int
    slots: Numbers
    index: Numbers
    factors: Numbers | None


def columns_of(
    linear: Linear, shapes: Sequence[tuple[int, ...]]
) -> tuple[list[Numbers], list[Column]] | None:
    """The predictors where all coefficients are 0, and the columns; None where there are none."""
    zeros = [np.zeros(shape) for shape in shapes]
    offsets = [np.asarray(each) for each in linear(zeros)]

    def away(number: int, value: Numbers) -> list[Numbers]:
        given = [*zeros[:number], value.reshape(shapes[number]), *zeros[number + 1 :]]
        return [np.asarray(p) - o for p, o in zip(linear(given), offsets, strict=True)]

    found: list[Column] = []
    for number, shape in enumerate(shapes):
        own = _columns(number, shape, away)
        if own is None:
            return None
        found += own
    return offsets, found


def _columns(
    number: int, shape: tuple[int, ...], away: Callable[[int, Numbers], list[Numbers]]
) -> list[Column] | None:
    """The columns of one array, with as many of its axes for groups as hold."""
    rng = np.random.default_rng(number)
    noise = rng.standard_normal(prod(shape))
    exact = away(number, noise)
    for axes in range(len(shape), -1, -1):
        groups, slots = prod(shape[:axes]), prod(shape[axes:])
        if slots > MOST_SLOTS:
            break
        last = shape[axes - 1] if axes else 1
        tried = [_factors(number, groups, slots, slot, away) for slot in range(slots)]
        found = [
            column
            for k in range(len(exact))
            if (column := _column(number, k, groups, last, [each[k] for each in tried])) is not None
        ]
        if all(_holds(found, k, noise.reshape(groups, slots), exact[k]) for k in range(len(exact))):
            return found
    return None


def _factors(
    number: int,
    groups: int,
    slots: int,
    slot: int,
    away: Callable[[int, Numbers], list[Numbers]],
) -> list[tuple[Numbers, Numbers]]:
    """By predictor the factor of one slot's entries, and the entry (-1: none)."""
    value = np.zeros((groups, slots))
    value[:, slot] = 1.0
    factors = away(number, value)
    value[:, slot] = np.arange(groups)
    found = []
    for factor, at in zip(factors, away(number, value), strict=True):
        whole = np.round(factor)
        factor = np.where(np.abs(factor - whole) < WHOLE, whole, factor)
        used = factor != 0
        ratio = np.clip(np.round(at / np.where(used, factor, 1.0)), 0, groups - 1)
        found.append((factor, np.where(used, ratio, -1).astype(np.int64)))
    return found


def _column(
    number: int, predictor: int, groups: int, last: int, tried: list[tuple[Numbers, Numbers]]
) -> Column | None:
    used = [slot for slot, (factor, _) in enumerate(tried) if factor.any()]
    if not used:
        return None
    index = np.max([tried[slot][1] for slot in used], axis=0)
    factors: Numbers | None = np.stack([tried[slot][0] for slot in used])
    if len(used) == 1 and len(tried) == 1 and (tried[0][0] == 1.0).all():
        factors = None
    return Column(predictor, number, groups, last, np.array(used), index, factors)


def _holds(columns: list[Column], predictor: int, value: Numbers, exact: Numbers) -> bool:
    own = sum((added(c, value) for c in columns if c.predictor == predictor), np.zeros(()))
    scale = np.abs(exact).max(initial=0.0)
    return bool(np.isfinite(scale) and np.abs(own - exact).max(initial=0.0) <= SAME * (1 + scale))


def added(column: Column, value: Numbers) -> Numbers:
    """What a column adds to its predictor where its array has a value (group, slot)."""
    if column.factors is None:
        found: Numbers = value[column.index, column.slots[0]]
        return found
    return sum(
        (f * value[column.index, s] for f, s in zip(column.factors, column.slots, strict=True)),
        np.zeros(()),
    )
