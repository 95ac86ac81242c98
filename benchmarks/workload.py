"""What a workload is: data, a model in HDSL, and the same model as people write it by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

type Numbers = NDArray[Any]
type Draws = Mapping[str, Numbers]
"""Draws by name, first axes (chain, draw)."""

type Columns = Mapping[str, Any]
"""What a hand-written model reads: arrays of numbers, and counts of groups as ``int``."""

ROOT = Path(__file__).parents[1]
MODELS = Path(__file__).parent / "models"


@dataclass(frozen=True)
class Files:
    """Where the data lie: the rows, and group-level tables by level."""

    rows: Path
    tables: Mapping[str, Path]


@dataclass(frozen=True)
class Sides:
    """The two ways to write one NumPyro model by hand."""

    plain: Callable[[Columns], None]
    tuned: Callable[[Columns], None]


@dataclass(frozen=True)
class BambiSide:
    """A Bambi model of the rows' file, and its draws by the names of ``Workload.quantities``."""

    build: Callable[[Files], Any]
    quantities: Callable[[Any], dict[str, Numbers]]


@dataclass(frozen=True)
class Workload:
    """One posterior, and everybody's way to it.

    ``make(folder)`` writes the data into a folder, or names those that are there. ``read`` gives
    what the hand-written models read. ``quantities`` turns draws of a hand-written model, whose
    sites have the same names in NumPyro and PyMC, into what all contestants are compared by, under
    the names that HDSL gives it; ``shared`` are these names. ``stages``, where given, are those of
    a workload too large to be sampled by everybody.
    """

    name: str
    title: str
    model: Path
    shared: tuple[str, ...]
    make: Callable[[Path], Files]
    read: Callable[[Files], Columns]
    quantities: Callable[[Draws], dict[str, Numbers]]
    numpyro: Sides
    pymc: Callable[[Columns], Any] | None = None
    bambi: BambiSide | None = None
    stages: tuple[str, ...] = ("cold", "warm", "gradient")
    large: bool = False


def line_up(codes: Numbers, count: int) -> tuple[Numbers, Numbers]:
    """Rows sorted by group and padded to the longest: indices (group, place) and which are rows.

    >>> line_up(np.array([1, 0, 1]), 2)[0].tolist()
    [[1, 1], [0, 2]]
    >>> line_up(np.array([1, 0, 1]), 2)[1].tolist()
    [[True, False], [True, True]]
    """
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes, minlength=count)
    place = np.arange(sizes.max())
    begins = np.cumsum(sizes) - sizes
    within = np.minimum(place, np.maximum(sizes - 1, 0)[:, None])
    return order[begins[:, None] + within], place < sizes[:, None]


def pair(effects: Numbers) -> tuple[Numbers, Numbers]:
    """Two quantities from their common array, whose last axis tells them apart."""
    return effects[..., 0], effects[..., 1]
