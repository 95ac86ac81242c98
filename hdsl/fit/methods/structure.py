"""Which numbers of an unconstrained vector belong to which groups, and which group lies in which.

Made of the domains of the generated file's sites and of the index arrays of the prepared data;
methods that exploit a hierarchy read it here and need not know the language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from hdsl.expr import ROW, Domain
from hdsl.fit.draws import Numbers
from hdsl.fit.layout import Layout

if TYPE_CHECKING:
    from hdsl.backends import Generated


@dataclass(frozen=True)
class Site:
    """A sampled site: its numbers are ``vector[start : start + size]``, shaped as ``shape``.

    ``domain`` names the level or axis of each leading axis of ``shape``; what follows them are
    axes without a name (those of a joint normal, of a Cholesky factor's numbers). ``levels`` are
    those of the domain whose groups come from the data: () for population-level numbers. ``real``:
    it is not transformed, any number may be its value. ``is_scale``: the spread of other quantities
    depends on it (a standard deviation, a correlation, the coefficients of ``log(sigma)``).
    """

    name: str
    start: int
    shape: tuple[int, ...]
    domain: Domain
    levels: Domain
    real: bool = True
    is_scale: bool = False

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return prod(self.shape)

    @property
    def level(self) -> str | None:
        """The level that its leading axis runs over; None where that is no level of the data."""
        return self.domain[0] if self.domain and self.domain[0] in self.levels else None

    @property
    def indices(self) -> Numbers:
        """The positions of its numbers in the vector, shaped as the site."""
        return np.arange(self.start, self.start + self.size).reshape(self.shape)


@dataclass(frozen=True)
class Level:
    """A level of the data: how many groups, and the group of each row.

    ``parents`` are the coarser levels that it lies in (all of them, not only the next), each with
    the number of the coarser group of every group. They are found in the data: an interaction
    lies in its components, and a level that happens to be nested in another does too.
    """

    name: str
    size: int
    of_row: Numbers
    parents: Mapping[str, Numbers]


@dataclass(frozen=True)
class Structure:
    """The sites of a vector in its order, and the levels that they vary over, finest first.

    ``outcome_rows`` are the rows that each outcome on rows is observed on, by its site.
    """

    sites: tuple[Site, ...]
    levels: Mapping[str, Level]
    rows: int
    outcome_rows: Mapping[str, Numbers] = field(default_factory=dict)

    @property
    def population(self) -> tuple[Site, ...]:
        """The sites that vary over no level of the data."""
        return tuple(site for site in self.sites if not site.levels)

    @property
    def grouped(self) -> tuple[Site, ...]:
        """The sites that vary over a level of the data."""
        return tuple(site for site in self.sites if site.levels)


def structure_of(
    generated: Generated,
    data: Mapping[str, Any],
    layout: Layout,
    rows: int,
    real: frozenset[str] = frozenset(),
    scales: frozenset[str] = frozenset(),
) -> Structure:
    """The structure of a generated model on prepared data.

    ``real`` and ``scales`` are the names of the sites that are.
    """
    of_row = {level: np.asarray(data[key]) for level, key in generated.row_index.items()}
    of_row[ROW] = np.arange(rows)
    sites, start = [], 0
    for name, shape in layout.shapes.items():
        domain = generated.site_domains.get(name, ())[: len(shape)]
        own = tuple(level for level in domain if level in of_row)
        sites.append(Site(name, start, tuple(shape), domain, own, name in real, name in scales))
        start += prod(shape)
    sizes = {
        level: rows if level == ROW else len(data["coords"].get(level, ()))
        for site in sites
        for level in site.levels
    }
    order = sorted(sizes, key=lambda level: -sizes[level])
    levels = {}
    for place, level in enumerate(order):
        coarser = {other: of_row[other] for other in order[place + 1 :]}
        parents = _parents(of_row[level], sizes[level], coarser)
        levels[level] = Level(level, sizes[level], of_row[level], parents)
    seen = {
        site: np.asarray(data[generated.seen[name]]) if name in generated.seen else np.arange(rows)
        for name, site in generated.sites.items()
        if generated.dims[site] == (ROW,)
    }
    return Structure(tuple(sites), levels, rows, seen)


def _parents(group: Numbers, size: int, others: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Those levels of which every group of a level meets one group only, and which that is."""
    found = {}
    for name, other in others.items():
        parent = np.zeros(size, dtype=np.int64)
        parent[group] = other
        if np.array_equal(parent[group], other):
            found[name] = parent
    return found
