"""In which order the numbers of a hierarchy are eliminated from its Hessian.

Groups of a level do not speak to each other but through coarser levels and the population, so that
the Hessian is a block arrow: small dense blocks by group, couplings to the ancestors, and a dense
border. A chain of levels each nested in the next is eliminated one after the other, the finest
first; what fits into no group of the chain joins the border (crossed factors do).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.methods.structure import Level, Site, Structure

MOST_LEVELS = 6
"""All chains among so many levels are considered; of more levels those with most numbers."""

MOST_NUMBERS = 120_000_000
"""Of the responses that a Hessian is read from, and of its blocks: about a gigabyte each."""

ROW_COST = 40.0
"""Operations per row of a Hessian-vector product, as the elimination's are counted."""


@dataclass(frozen=True)
class Tier:
    """One level's blocks: ``index`` (group, slot) are positions in the vector, its length where a
    group has no number for a slot; ``parent`` the group's group of the next tier, none in the last.
    """

    level: str
    index: Numbers
    parent: Numbers | None

    @property
    def groups(self) -> int:
        """How many groups it has."""
        return int(self.index.shape[0])

    @property
    def width(self) -> int:
        """How many numbers a group has at most."""
        return int(self.index.shape[1])


@dataclass(frozen=True)
class Arrow:
    """Tiers, the finest first, and the border: each of ``size`` numbers stands in one of them."""

    size: int
    tiers: tuple[Tier, ...]
    border: Numbers

    @property
    def colours(self) -> Numbers:
        """The colour of each number: one Hessian-vector product by colour gives all columns.

        A slot of a tier is a colour, all groups at once, and every number of the border is one;
        they count from the finest tier's first slot to the border's last number.
        """
        found = np.empty(self.size + 1, dtype=np.int64)
        first = 0
        for tier in self.tiers:
            found[tier.index] = first + np.arange(tier.width)
            first += tier.width
        found[self.border] = first + np.arange(len(self.border))
        return found[: self.size]

    @property
    def count(self) -> int:
        """The number of colours."""
        return sum(tier.width for tier in self.tiers) + len(self.border)

    @property
    def reaches(self) -> tuple[int, ...]:
        """How many colours stand above each tier: slots of its ancestors, then the border."""
        widths = [tier.width for tier in self.tiers]
        return tuple(self.count - sum(widths[: i + 1]) for i in range(len(widths)))

    def numbers(self) -> int:
        """How many numbers are held at once: responses, couplings, and a level's sums of blocks."""
        held = self.count * self.size + len(self.border) ** 2
        for tier, reach in zip(self.tiers, self.reaches, strict=True):
            above = 1 if tier.parent is None else int(tier.parent.max(initial=0)) + 1
            held = max(held, tier.groups * tier.width * reach, above * reach**2)
        return held

    def operations(self, rows: int) -> float:
        """About how many operations a Hessian and its factor take."""
        found = self.count * ROW_COST * (rows + self.size) + len(self.border) ** 3 / 3
        for tier, reach in zip(self.tiers, self.reaches, strict=True):
            found += tier.groups * tier.width * (tier.width + reach) ** 2
        return found


def arrows(
    structure: Structure, sites: tuple[Site, ...], rows: int | None = None
) -> tuple[Arrow, ...]:
    """The ways to eliminate the numbers of some sites that fit into memory, the cheapest first.

    Positions count from 0 along the given sites. ``rows`` that a product with the Hessian goes
    through: all, if not given. The last resort is one dense border.
    """
    rows = structure.rows if rows is None else rows
    weights = dict.fromkeys(structure.levels, 0)
    for site in sites:
        for level in site.levels:
            weights[level] += site.size
    ordered = sorted((name for name in weights if weights[name]), key=lambda name: -weights[name])
    levels = [structure.levels[name] for name in structure.levels if name in ordered[:MOST_LEVELS]]
    chains = [
        chain
        for length in range(len(levels) + 1)
        for chain in combinations(levels, length)
        if all(b.name in a.parents for a, b in combinations(chain, 2))
    ]
    found = [_arrow(structure.levels, sites, chain) for chain in chains]
    fitting = [arrow for arrow in found if arrow is not None and arrow.numbers() <= MOST_NUMBERS]
    return tuple(sorted(fitting, key=lambda arrow: arrow.operations(rows)))


def _arrow(
    levels: Mapping[str, Level], sites: tuple[Site, ...], chain: tuple[Level, ...]
) -> Arrow | None:
    """The arrow of one chain; None where one of its levels is left without a number."""
    members: dict[str, list[tuple[Numbers, Numbers]]] = {level.name: [] for level in chain}
    border: list[Numbers] = []
    start = 0
    for site in sites:
        indices = np.arange(start, start + site.size)
        start += site.size
        home = _home(site, levels, chain)
        if home is None:
            border.append(indices)
        else:
            name, group = home
            members[name].append((group, indices))
    if not all(members.values()):
        return None
    tiers = []
    for place, level in enumerate(chain):
        parent = level.parents[chain[place + 1].name] if place + 1 < len(chain) else None
        tiers.append(Tier(level.name, _slots(members[level.name], level.size, start), parent))
    return Arrow(start, tuple(tiers), np.concatenate([*border, np.arange(0)]))


def _home(
    site: Site, levels: Mapping[str, Level], chain: tuple[Level, ...]
) -> tuple[str, Numbers] | None:
    """The finest level of a chain that all of a site's numbers lie in, and each one's group."""
    for level in chain:
        for axis, own in enumerate(site.domain):
            if own == level.name:
                group = np.arange(level.size)
            elif own in levels and level.name in levels[own].parents:
                group = levels[own].parents[level.name]
            else:
                continue
            shape = [1] * len(site.shape)
            shape[axis] = -1
            return level.name, np.broadcast_to(group.reshape(shape), site.shape).reshape(-1)
    return None


def _slots(members: list[tuple[Numbers, Numbers]], groups: int, nowhere: int) -> Numbers:
    """Positions by group and slot; ``nowhere`` in the slots that a group does not use."""
    group = np.concatenate([each for each, _ in members])
    position = np.concatenate([each for _, each in members])
    order = np.argsort(group, kind="stable")
    counts = np.bincount(group, minlength=groups)
    slot = np.arange(len(group)) - np.repeat(np.cumsum(counts) - counts, counts)
    index = np.full((groups, int(counts.max(initial=0))), nowhere, dtype=np.int64)
    index[group[order], slot] = position[order]
    return index
