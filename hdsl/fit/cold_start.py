"""Which numbers of a model belong to groups that are to be learned, and which hang together.

A number stands for a cell of a site over levels. A row touches one cell of each: cells that some
row touches together, or that are joined by a chain of such rows, are learned together; all others
are independent given the population and the known groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from hdsl.expr import ROW, Aggregate, walk
from hdsl.fit.draws import Numbers
from hdsl.fit.replay import Members, everything, new_cells
from hdsl.fit.session import Session
from hdsl.ir import model as ir
from hdsl.ir.uses import expressions

type Key = tuple[str, ...]


@dataclass(frozen=True)
class Piece:
    """The cells of one site that are learned: of all its new cells those at ``chosen``; each is in
    a block and has its first slot there. ``shape`` is that of a cell's own numbers.
    """

    site: str
    chosen: Numbers
    block: Numbers
    slot: Numbers
    shape: tuple[int, ...]

    @property
    def slots(self) -> Numbers:
        """The slots of all numbers of each cell, (cell, number)."""
        return self.slot[:, None] + np.arange(int(np.prod(self.shape)))


@dataclass(frozen=True)
class Layout:
    """The blocks: what they hold, how large they are, and the block of each row (-1: none)."""

    pieces: tuple[Piece, ...]
    sizes: Numbers
    of_row: Numbers
    names: tuple[str, ...]  # of the groups of each block, for its seed

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return len(self.sizes)

    @property
    def valid(self) -> Numbers:
        """The slots that each block uses, as ones and zeros."""
        return (np.arange(int(self.sizes.max())) < self.sizes[:, None]).astype(float)


@dataclass(frozen=True)
class _Nodes:
    """The cells of all sites that vary over the same levels, by number; -1 in rows without."""

    key: Key
    of_row: Numbers  # the number of each row's cell
    sizes: tuple[int, ...]


def layout_of(
    session: Session, members: Mapping[str, Members], shapes: Mapping[str, tuple[int, ...]]
) -> Layout:
    """The blocks of a session's new cells; ``shapes`` are the sites' own, by name."""
    generated = session.generated
    used = _informed(session)
    sites = {
        site: axes
        for site, axes in generated.site_domains.items()
        if any(axis in members and not members[axis].is_same for axis in axes)
    }
    along = _along(session.model)
    nodes: dict[Key, _Nodes] = {}
    fresh: dict[Key, set[int]] = {}
    cells_of: dict[str, tuple[tuple[Numbers, ...], Numbers]] = {}
    for site, axes in sites.items():
        own = [members.get(axis) or everything(shapes[site][i]) for i, axis in enumerate(axes)]
        cells = new_cells(own)
        key, index = _node_index(session, axes, cells, along.get(_inside(site), ()))
        if key not in nodes:
            nodes[key] = _nodes(session, key)
        number = np.ravel_multi_index(index, nodes[key].sizes)
        cells_of[site] = cells, number
        fresh.setdefault(key, set()).update(np.unique(number).tolist())
    joined = _components(session, nodes, fresh, used)
    return _laid_out(session, sites, cells_of, shapes, nodes, joined, along)


def _inside(site: str) -> str:
    """`trend` of `z(trend)`: what a site of a structure is a part of."""
    return site[site.index("(") + 1 : -1] if site.endswith(")") and "(" in site else site


def _along(model: ir.Model) -> dict[str, tuple[str, ...]]:
    """The levels along which values hang together, by parameter."""
    return {
        node.name: (node.distribution.along,)
        for node in model.nodes
        if isinstance(node, ir.Parameter) and node.distribution.along is not None
    }


def _node_index(
    session: Session, axes: tuple[str, ...], cells: tuple[Numbers, ...], along: Iterable[str]
) -> tuple[Key, tuple[Numbers, ...]]:
    """The levels by which a row finds its cell of a site, and where the new cells are on them."""
    key: list[str] = []
    index: list[Numbers] = []
    row_index = {*session.generated.row_index, ROW}
    for axis, position in zip(axes, cells, strict=True):
        for level, places in _levels_of(session, axis):
            if level in row_index and level not in along:
                key.append(level)
                index.append(position if places is None else places[position])
    if not key:  # every row takes part in it
        return (), (np.zeros(len(cells[0]), dtype=np.int64),)
    return tuple(key), tuple(index)


def _levels_of(session: Session, axis: str) -> list[tuple[str, Numbers | None]]:
    """An axis as levels; that of a parameter with set members as those that it is made of."""
    parts = session.generated.free.get(axis)
    if axis in session.generated.imputed:
        _, level, key = session.generated.imputed[axis]
        return [(level, np.asarray(session.data[key]))]
    if parts is None:
        return [(axis, None)]
    return [(level, np.asarray(session.data[name])) for level, name in parts]


def _nodes(session: Session, key: Key) -> _Nodes:
    coords, generated = session.data["coords"], session.generated
    if not key:
        return _Nodes(key, np.zeros(session.rows, dtype=np.int64), (1,))
    sizes = tuple(len(coords[level]) for level in key)
    index = [
        np.arange(session.rows)
        if level == ROW
        else np.asarray(session.data[generated.row_index[level]])
        for level in key
    ]
    return _Nodes(key, np.ravel_multi_index(index, sizes), sizes)


def _informed(session: Session) -> Numbers:
    """Whether a row has a known outcome, its own or its group's."""
    generated, rows = session.generated, session.rows
    found = np.zeros(rows, dtype=bool)
    for outcome in session.model.outcomes:
        (level,) = outcome.domain
        size = len(session.data["coords"][level])
        seen = np.ones(size, dtype=bool)
        if outcome.name in generated.seen:
            seen = np.zeros(size, dtype=bool)
            seen[np.asarray(session.data[generated.seen[outcome.name]])] = True
        of_row = np.arange(rows)
        if level != ROW:
            of_row = np.asarray(session.data[generated.row_index[level]])
        found |= seen[of_row]
    return found


def _components(
    session: Session, nodes: Mapping[Key, _Nodes], fresh: Mapping[Key, set[int]], used: Numbers
) -> tuple[dict[Key, dict[int, int]], Numbers]:
    """The component of each new cell that a row with an outcome touches, and of each row."""
    rows = session.rows
    row_of, node_of = [], []
    offset, offsets = rows, {}
    for key, found in nodes.items():
        new = np.isin(found.of_row, list(fresh[key])) & used
        touched, inverse = np.unique(found.of_row[new], return_inverse=True)
        offsets[key] = offset, touched
        row_of.append(np.flatnonzero(new))
        node_of.append(offset + inverse)
        offset += len(touched)
    row, node = np.concatenate([*row_of, []]), np.concatenate([*node_of, []])
    if _everything_meets(session.model) and len(row):
        row, node = np.append(row, np.full(len(node), row[0])), np.append(node, node)
    graph = coo_matrix((np.ones(len(row)), (row, node)), shape=(offset, offset))
    _, label = connected_components(graph, directed=False)
    linked = np.unique(row.astype(np.int64))
    number = {int(c): i for i, c in enumerate(np.unique(label[linked]))}
    of_row = np.full(rows, -1)
    of_row[linked] = [number[int(c)] for c in label[linked]]
    of_cell = {
        key: {int(cell): number[int(label[begin + i])] for i, cell in enumerate(touched.tolist())}
        for key, (begin, touched) in offsets.items()
    }
    return of_cell, of_row


def _everything_meets(model: ir.Model) -> bool:
    """Whether an outcome depends on a sum or a mean over groups, so that no group is by itself."""
    pending = [part for outcome in model.outcomes for _, part in expressions(outcome)]
    seen: set[str] = set()
    while pending:
        for part in walk(pending.pop()):
            if isinstance(part, Aggregate):
                return True
            name = getattr(part, "name", None)
            node = model.by_name.get(name) if isinstance(name, str) else None
            if node is not None and not isinstance(node, ir.Data) and name not in seen:
                seen.add(str(name))
                pending += [inner for _, inner in expressions(node)]
    return False


def _laid_out(
    session: Session,
    sites: Mapping[str, tuple[str, ...]],
    cells_of: Mapping[str, tuple[tuple[Numbers, ...], Numbers]],
    shapes: Mapping[str, tuple[int, ...]],
    nodes: Mapping[Key, _Nodes],
    joined: tuple[dict[Key, dict[int, int]], Numbers],
    along: Mapping[str, tuple[str, ...]],
) -> Layout:
    of_cell, of_row = joined
    count = int(of_row.max(initial=-1)) + 1
    sizes = np.zeros(count, dtype=np.int64)
    names: list[set[str]] = [set() for _ in range(count)]
    pieces = []
    for site, axes in sites.items():
        cells, number = cells_of[site]
        key, _ = _node_index(session, axes, cells, along.get(_inside(site), ()))
        block = np.array([of_cell[key].get(int(n), -1) for n in number], dtype=np.int64)
        chosen = np.flatnonzero(block >= 0)
        shape = shapes[site][len(axes) :]
        width = int(np.prod(shape))
        slot = np.empty(len(chosen), dtype=np.int64)
        for i, b in enumerate(block[chosen]):
            slot[i] = sizes[b]
            sizes[b] += width
        pieces.append(Piece(site, chosen, block[chosen], slot, shape))
        for n, b in {(int(n), int(b)) for n, b in zip(number[chosen], block[chosen], strict=True)}:
            names[b].add(_name(session, nodes[key], n))
    texts = tuple("\n".join(sorted(found)) for found in names)
    return Layout(tuple(p for p in pieces if len(p.chosen)), sizes, of_row, texts)


def _name(session: Session, nodes: _Nodes, number: int) -> str:
    if not nodes.key:
        return ""
    place = np.unravel_index(number, nodes.sizes)
    coords: Any = session.data["coords"]
    return "\0".join(f"{lv}={coords[lv][int(i)]}" for lv, i in zip(nodes.key, place, strict=True))
