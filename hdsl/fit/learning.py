"""New groups learned draw by draw: for each draw of the population, theirs given their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import biject_to

from hdsl.expr import ROW
from hdsl.fit.cold_start import Layout, Piece, layout_of
from hdsl.fit.conditional import COLUMNS, Blocks, Found, draw
from hdsl.fit.draws import Numbers
from hdsl.fit.new_cells import hashed, keys_of
from hdsl.fit.numpyro_sampler import model_of, split_data
from hdsl.fit.replay import Given, Members, Replay, everything, new_cells
from hdsl.fit.row_keys import row_hashes
from hdsl.fit.session import Session

STEPS = 8
"""Steps of Metropolis at least; so many that a block that takes half of its proposals forgets the
first one up to a few in a thousand."""

MOST = 200
CALL_VALUES = 10_000_000
"""So many numbers one call has at hand."""


@dataclass(frozen=True)
class Learned:
    """The learned numbers of every draw, (draw, block, slot); ``taken`` is the share of each
    block's proposals that were taken, over all draws.
    """

    u: Numbers
    taken: Numbers
    steps: int


@dataclass(frozen=True)
class Learner:
    """Learns the new groups of a session. ``members`` tell which are new."""

    session: Session
    members: Mapping[str, Members]
    seed: int = 0

    @cached_property
    def replay(self) -> Replay:
        """The model, its population as it was drawn."""
        session = self.session
        rows = np.full(session.rows, -1)
        row = Members(rows, row_hashes({ROW: np.arange(session.rows, dtype=float)}, session.rows))
        domains = session.generated.site_domains
        return Replay(model_of(session.loaded), domains, {**self.members, ROW: row})

    @cached_property
    def layout(self) -> Layout:
        """Which numbers are learned."""
        return layout_of(self.session, self.replay.members, self._shapes)

    @cached_property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every site's numbers, free of constraints."""
        values = {site: value[0] for site, value in self.session.draws.items()}

        def shapes(values: Any) -> dict[str, Any]:
            trace = self.replay.trace(self.session.data, values, jax.random.key(0))
            return {
                name: jnp.zeros(biject_to(site["fn"].support).inverse_shape(site["fn"].shape()))
                for name, site in trace.items()
                if site["type"] == "sample" and not site["is_observed"]
            }

        return {k: v.shape for k, v in jax.eval_shape(shapes, values).items()}

    def axes_of(self, site: str) -> list[Members]:
        """The members of a site's axes."""
        axes, shape = self.replay.axes[site], self._shapes[site]
        known = self.replay.members
        return [known.get(axis) or everything(shape[i]) for i, axis in enumerate(axes)]

    @cached_property
    def _blocks(self) -> Blocks:
        return Blocks(jnp.asarray(self.layout.valid))

    @cached_property
    def _observed(self) -> dict[str, Numbers]:
        """The block of every observed value, by outcome; -1 where it is of no group to learn."""
        session, found = self.session, {}
        for outcome in session.model.outcomes:
            (level,) = outcome.domain
            block = self.layout.of_row
            if level != ROW:
                of_row = np.asarray(session.data[session.generated.row_index[level]])
                block = np.full(len(session.data["coords"][level]), -1)
                block[of_row] = self.layout.of_row
            seen = session.generated.seen.get(outcome.name)
            found[outcome.name] = block if seen is None else block[np.asarray(session.data[seen])]
        return found

    def density(self, values: Any, key: Any, arrays: Any, u: Any) -> Any:
        """The log density of every block, (block,): of its numbers, and of its rows given them."""
        data = split_data(self.session.data).merged(arrays)
        trace = self.replay.trace(data, values, key, given=given(self.layout.pieces, u))
        total = jnp.zeros(self.layout.count)
        for piece in self.layout.pieces:
            site = trace[piece.site]
            cells = _chosen(piece, self.replay, trace)
            each = jnp.broadcast_to(site["fn"].log_prob(site["value"]), site["fn"].batch_shape)
            each = each[cells] + _jacobian(piece, site["fn"], u)
            total = total.at[piece.block].add(each)
        for outcome in self.session.model.outcomes:
            site = trace[self.session.generated.sites[outcome.name]]
            block = self._observed[outcome.name]
            inside = np.flatnonzero(block >= 0)
            total = total.at[block[inside]].add(site["fn"].log_prob(site["value"])[inside])
        return total

    def start(self, values: Any, arrays: Any) -> Any:
        """Where the climb begins: at what one draw expects of the groups."""
        data = split_data(self.session.data).merged(arrays)
        middle = Replay(self.replay.model, self.replay.axes, self.replay.members, "mean")
        found = jnp.zeros((self.layout.count, self._blocks.size))
        trace = middle.trace(data, values, jax.random.key(0))
        for piece in self.layout.pieces:
            site = trace[piece.site]
            free = biject_to(site["fn"].support).inv(site["value"])
            here = free[_chosen(piece, self.replay, trace)].reshape(len(piece.chosen), -1)
            found = found.at[piece.block[:, None], piece.slots].set(here)
        return jnp.where(jnp.isfinite(found), found, 0.0)

    def learn(self) -> Learned:
        """All draws, some at a time; more steps where a block takes few of its proposals."""
        session = self.session
        arrays = jax.device_put(split_data(session.data).arrays)
        size = int(np.clip(CALL_VALUES // self._work, 1, session.count))
        call = jax.jit(jax.vmap(self._one, in_axes=(0, 0, None, None, None)))
        first = _padded(session.draws, 0, size, session.count)
        start = jax.jit(self.start)({k: v[0] for k, v in session.draws.items()}, arrays)
        found = call(*first, arrays, start, STEPS)
        share = float(np.asarray(found.taken).mean(axis=0).min()) / STEPS
        steps = int(np.clip(np.ceil(5 / max(share, 1e-3)), STEPS, MOST))
        start = found.u.mean(axis=0)  # nearer to every mode than what is expected of the groups
        parts = []
        for begin in range(0, session.count, size):
            if begin or steps > STEPS:
                some = _padded(session.draws, begin, size, session.count)
                found = call(*some, arrays, start, steps)
            kept = min(size, session.count - begin)
            parts.append(Found(*(np.asarray(leaf)[:kept] for leaf in found)))
        u = np.concatenate([part.u for part in parts])
        taken = np.concatenate([part.taken for part in parts]).mean(axis=0) / steps
        return Learned(u, taken, steps)

    @property
    def _work(self) -> int:
        """About how many numbers are at hand at once for a draw: curvatures take the most."""
        width = self._blocks.size
        cells = self.session.rows * width + self.layout.count * width
        return max(1, min(width, COLUMNS) * cells)

    def _one(self, values: Any, number: Any, arrays: Any, start: Any, steps: Any) -> Found:
        key = jax.random.fold_in(jax.random.key(self.seed), number)
        names = np.array([hashed(name) for name in self.layout.names])
        keys = keys_of(jax.random.fold_in(key, 1), [jnp.asarray(names)])

        def density(u: Any) -> Any:
            return self.density(values, key, arrays, u)

        return draw(density, self._blocks, start, keys, steps)


def given(pieces: Sequence[Piece], u: Any) -> dict[str, Given]:
    """The learned cells of each site, made of the blocks' numbers."""
    return {piece.site: _given(piece, u) for piece in pieces}


def carried(learner: Learner, other: Learner) -> tuple[Piece, ...]:
    """The pieces of a learner as those of one with more groups: cells go by their labels."""
    found = []
    for piece in learner.layout.pieces:
        here, there = learner.axes_of(piece.site), other.axes_of(piece.site)
        own = new_cells(here)
        at = {tuple(place): i for i, place in enumerate(zip(*new_cells(there), strict=True))}
        moved = [
            _moved(learner.session, other.session, axis, index[piece.chosen])
            for axis, index in zip(learner.replay.axes[piece.site], own, strict=True)
        ]
        chosen = np.array([at[place] for place in zip(*moved, strict=True)], dtype=np.int64)
        found.append(replace(piece, chosen=chosen))
    return tuple(found)


def _moved(here: Session, there: Session, axis: str, places: Numbers) -> Numbers:
    """The places of an axis' members in another session."""
    if axis not in here.training.levels:  # those of set members have all groups in both
        return places
    labels = there.data["coords"][axis]
    at = {label: i for i, label in enumerate(labels)}
    return np.array([at[here.data["coords"][axis][i]] for i in places], dtype=np.int64)


def _given(piece: Piece, u: Any) -> Given:
    def made(law: Any, cells: tuple[Numbers, ...], fresh: Callable[[], Any]) -> Any:
        values = _values(piece, law, u)
        if len(piece.chosen) == len(cells[0]):
            return jnp.zeros_like(values).at[piece.chosen].set(values)
        return fresh().at[piece.chosen].set(values)

    return made


def _free(piece: Piece, u: Any) -> Any:
    return u[piece.block[:, None], piece.slots].reshape(len(piece.chosen), *piece.shape)


def _values(piece: Piece, law: Any, u: Any) -> Any:
    """The cells' values, of numbers without constraints."""
    return biject_to(law.support)(_free(piece, u))


def _jacobian(piece: Piece, law: Any, u: Any) -> Any:
    transform = biject_to(law.support)
    free = _free(piece, u)
    found = transform.log_abs_det_jacobian(free, transform(free))
    return found.reshape(len(piece.chosen), -1).sum(axis=1)


def _chosen(piece: Piece, replay: Replay, trace: Any) -> tuple[Numbers, ...]:
    """The positions of a piece's cells in its site."""
    cells = replay.cells(piece.site, trace[piece.site]["fn"])
    return tuple(index[piece.chosen] for index in cells)


def _padded(
    draws: Mapping[str, Numbers], begin: int, size: int, count: int
) -> tuple[dict[str, Numbers], Numbers]:
    """Some draws with their numbers; the last one repeated where there are no more."""
    numbers = np.minimum(np.arange(begin, begin + size), count - 1)
    return {site: value[numbers] for site, value in draws.items()}, numbers.astype(np.uint32)
