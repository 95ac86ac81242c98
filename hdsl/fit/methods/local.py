"""A Hessian read from second derivatives of the density's single terms.

A row's likelihood depends on one number of each site: its product's quality, its category's season
of that week. Along two directions that move all numbers of two sites at once, each term's second
derivative is the one between its own two numbers, and is added where these two meet. That takes a
pass over the rows for each pair of sites, however many groups or weeks there are, where products
with the Hessian take one for each slot of a block (measured on 1.14 million rows, 23,000 numbers,
103 colours: 6 to 10 times longer).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import handlers
from numpyro.distributions import biject_to

from hdsl.fit.draws import Numbers
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.arrow import Arrow
from hdsl.fit.methods.blocks import Array, Blocks
from hdsl.fit.methods.structure import Site, Structure
from hdsl.fit.numpyro_sampler import constrained

MOST_PAIRS = 66
"""Pairs of sites whose second derivatives one program computes: of 11."""

WORTH = 20_000  # rows from which on it matters


def log_terms(problem: Problem) -> Callable[[Any, Mapping[str, Array]], dict[str, Array]]:
    """A function of the data and the unconstrained sites that gives the log density's terms by
    site, Jacobians included, each over the site's plates.
    """

    def terms(arguments: Any, z: Mapping[str, Array]) -> dict[str, Array]:
        data = problem.merged(arguments)
        placed = handlers.substitute(problem.model, substitute_fn=lambda site: constrained(site, z))
        found = {}
        for name, site in handlers.trace(placed).get_trace(data).items():
            if site["type"] != "sample":
                continue
            density = site["fn"].log_prob(site["value"])
            if name in z:
                transform = biject_to(site["fn"].support)
                jacobian = transform.log_abs_det_jacobian(z[name], site["value"])
                density += jacobian.reshape(*density.shape, -1).sum(axis=-1)
            found[name] = density
        return found

    return terms


@dataclass(frozen=True)
class Local:
    """How one problem's Hessian is read from terms: sites inside, one number each in the border.

    ``cells`` leads from a term to the number of each of its cells, by colour, where a cell has one.
    The first colours are the population's numbers, ``single`` of them, then come the sites with
    groups, of which the border may hold some: those of a factor that crosses the tiers'.
    """

    arrow: Arrow
    colour: Numbers  # of each number
    cells: Mapping[str, Mapping[int, Numbers]]
    single: int

    @property
    def colours(self) -> int:
        """How many directions there are."""
        return int(self.colour.max(initial=-1)) + 1

    @cached_property
    def home(self) -> tuple[Numbers, Numbers, Numbers]:
        """Tier (-1: the border), group and slot of each number."""
        tier = np.full(self.arrow.size, -1)
        group, slot = np.zeros((2, self.arrow.size), dtype=np.int64)
        slot[self.arrow.border] = np.arange(len(self.arrow.border))
        for number, each in enumerate(self.arrow.tiers):
            for k in range(each.width):
                inside = np.flatnonzero(each.index[:, k] < self.arrow.size)
                position = each.index[inside, k]
                tier[position], group[position], slot[position] = number, inside, k
        return tier, group, slot

    def places(self) -> dict[str, Array]:
        """The arrays that the compiled reading takes as arguments."""
        _, group, slot = self.home
        found = {"colour": self.colour, "group": group, "slot": slot}
        for term, colours in self.cells.items():
            found |= {f"{term} {c}": at for c, at in colours.items()}
        return {name: jnp.asarray(value) for name, value in found.items()}

    def is_grouped(self, colour: int) -> bool:
        """Whether a colour is that of a site with groups."""
        return colour >= self.single

    def meets(self, term: str, colour: int) -> bool:
        """Whether a term may depend on a colour's numbers."""
        return not self.is_grouped(colour) or colour in self.cells[term]

    def tier_of(self, colour: int) -> int:
        """The tier of a colour's numbers, -1 for the border."""
        return int(self.home[0][np.flatnonzero(self.colour == colour)[0]])

    def read(
        self, terms: Callable[[Array], dict[str, Array]], at: Array, places: Mapping[str, Array]
    ) -> Blocks:
        """The Hessian of minus the sum of the terms."""
        sums = self.zeros()

        def along(colour: int, of: Callable[[Array], Any]) -> Callable[[Array], Any]:
            tangent = (places["colour"] == colour).astype(at.dtype)
            return lambda v: jax.jvp(of, (v,), (tangent,))[1]

        for a, b in combinations_with_replacement(range(self.colours), 2):
            wanted = [n for n in self.cells if self.meets(n, a) and self.meets(n, b)]
            if not wanted:
                continue

            def some(v: Array, names: list[str] = wanted) -> dict[str, Array]:
                found = terms(v)
                return {name: found[name] for name in names}

            for name, second in along(a, along(b, some))(at).items():
                ends = (places.get(f"{name} {a}"), places.get(f"{name} {b}"))
                self.add(sums, -second.reshape(-1), (a, b), ends, places)
        for place, tier in enumerate(self.arrow.tiers):
            nowhere = jnp.asarray(tier.index == self.arrow.size, float)
            sums.own[place] += nowhere[:, :, None] * jnp.eye(tier.width)
        return Blocks(tuple(sums.own), tuple(sums.above), sums.border)

    def zeros(self) -> Sums:
        """Blocks to which nothing has been added."""
        tiers, border = self.arrow.tiers, len(self.arrow.border)
        own = [jnp.zeros((t.groups, t.width, t.width)) for t in tiers]
        reaches = zip(tiers, self.arrow.reaches, strict=True)
        above = [jnp.zeros((t.groups, t.width, reach)) for t, reach in reaches]
        return Sums(own, above, jnp.zeros((border, border)))

    def add(
        self,
        sums: Sums,
        second: Array,
        colours: tuple[int, int],
        numbers: tuple[Array | None, Array | None],
        places: Mapping[str, Array],
    ) -> None:
        """Adds second derivatives between two colours to where their numbers meet.

        ``numbers`` are those of each, one for each derivative; a single one is not named.
        """
        (a, b), (first, last) = colours, numbers
        if self.tier_of(b) >= 0 and not 0 <= self.tier_of(a) <= self.tier_of(b):
            a, b, first, last = b, a, last, first  # the finer of the two first, the border last
        fine, coarse = self.tier_of(a), self.tier_of(b)
        slot, other = self._slots(a, first, places), self._slots(b, last, places)
        if fine < 0:
            total = second if self.is_grouped(a) or self.is_grouped(b) else second.sum()
            sums.border = sums.border.at[slot, other].add(total)
            sums.border = sums.border if a == b else sums.border.at[other, slot].add(total)
            return
        group = places["group"][first]
        if coarse == fine:
            sums.own[fine] = sums.own[fine].at[group, slot, other].add(second)
            if a != b:
                sums.own[fine] = sums.own[fine].at[group, other, slot].add(second)
            return
        above = len(self.arrow.tiers) if coarse < 0 else coarse
        offset = sum(tier.width for tier in self.arrow.tiers[fine + 1 : above])
        sums.above[fine] = sums.above[fine].at[group, slot, offset + other].add(second)

    def _slots(self, colour: int, number: Array | None, places: Mapping[str, Array]) -> Any:
        """Where numbers of a colour stand in their block."""
        if self.is_grouped(colour):
            return places["slot"][number]
        return int(self.home[2][self.colour == colour][0])


@dataclass
class Sums:
    """Blocks while they are added up."""

    own: list[Array]
    above: list[Array]
    border: Array


def local_reading(
    problem: Problem, sites: tuple[Site, ...], arrow: Arrow, always: bool = False
) -> Local | None:
    """The reading of a problem's Hessian by terms; None where it is not worth it or cannot be.

    Sites must vary over levels only, not over axes. ``always``: worth it or not.
    """
    structure = problem.structure
    grouped = [s for s in sites if s.levels]
    alone = [s for s in sites if not s.levels]
    count = len(alone) + len(grouped)
    pairs = count * (count + 1) // 2
    worth = always or (pairs < 2 * arrow.count and structure.rows >= WORTH)
    single = all(s.size == 1 for s in alone)
    over_levels = all(s.levels == s.domain and len(s.domain) == len(s.shape) for s in grouped)
    starts = dict(zip(sites, np.cumsum([0, *(s.size for s in sites)]).tolist(), strict=False))
    settled = set(arrow.border.tolist()) >= {starts[s] for s in alone}
    if not (worth and pairs <= MOST_PAIRS and single and over_levels and settled):
        return None
    colour = np.empty(arrow.size, dtype=np.int64)
    for number, site in enumerate((*alone, *grouped)):
        colour[starts[site] : starts[site] + site.size] = number
    target, cells = problem.target, {}
    vector = jax.ShapeDtypeStruct((target.size,), np.float64)
    shapes = jax.eval_shape(
        lambda a, z: log_terms(problem)(a, problem.layout.split(z)), target.arguments, vector
    )
    for term, leaf in shapes.items():
        found = _cells(term, tuple(leaf.shape), structure, grouped, starts)
        if found is None:
            return None
        cells[term] = {len(alone) + number: at for number, at in found.items()}
    return Local(arrow, colour, cells, len(alone))


def _cells(
    term: str,
    shape: tuple[int, ...],
    structure: Structure,
    grouped: list[Site],
    starts: Mapping[Site, int],
) -> dict[int, Numbers] | None:
    """The number of each site that each cell of a term depends on, by site's place."""
    groups = _groups(term, shape, structure)
    if groups is None:
        return None
    found = {}
    for number, site in enumerate(grouped):
        if set(site.levels) <= set(groups):
            axes = [np.broadcast_to(groups[level], shape).reshape(-1) for level in site.domain]
            found[number] = starts[site] + np.ravel_multi_index(axes, site.shape)
    return found


def _groups(term: str, shape: tuple[int, ...], structure: Structure) -> dict[str, Numbers] | None:
    """The group of each level that a term's cells lie in, shaped to go with the term's axes."""
    own = next((site for site in structure.sites if site.name == term), None)
    if own is None:  # an outcome: on its rows
        rows = structure.outcome_rows.get(term)
        if rows is None or shape != rows.shape:
            return None
        return {name: level.of_row[rows] for name, level in structure.levels.items()}
    if not own.levels:
        return {}
    if len(shape) != len(own.domain) or own.levels != own.domain:
        return None
    found = {}
    for axis, name in enumerate(own.domain):
        along = [1] * len(shape)
        along[axis] = -1
        level = structure.levels[name]
        found[name] = np.arange(level.size).reshape(along)
        found |= {above: parent.reshape(along) for above, parent in level.parents.items()}
    return found
