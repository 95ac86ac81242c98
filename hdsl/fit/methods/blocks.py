"""The Hessian of a hierarchy as blocks: read off, factored, solved with, drawn from.

Never dense: memory is the groups times what each speaks to. All functions are pure and traced by
JAX; the arrays of an ``Arrow`` are arguments (``places``), so that they are not written into
compiled code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular

from hdsl.fit.methods.arrangement import runs
from hdsl.fit.methods.arrow import Arrow

type Array = Any  # of JAX, traced or not

RESPONSES = 4_000_000
"""Numbers of the rows that Hessian-vector products in one batch may hold."""

OUTER = 4_000_000
"""Numbers that the products of one batch of groups' couplings may hold."""


LEAST = 1e-9
"""Of the eigenvalues of a mended block, in units of its diagonal."""


class Places(NamedTuple):
    """Where blocks stand in the vector: an arrow's arrays."""

    colours: Array
    slots: tuple[Array, ...]
    parent: tuple[Array, ...]  # of all tiers but the last
    together: tuple[Array, ...]  # of these the groups, in runs of one parent; their number: none
    border: Array
    local: Mapping[str, Array] = {}  # for a reading by terms


class Blocks(NamedTuple):
    """A symmetric matrix: by tier the groups' own blocks and their couplings to all above."""

    own: tuple[Array, ...]  # (group, slot, slot)
    above: tuple[Array, ...]  # (group, slot, ancestors' slots and border)
    border: Array


class Factor(NamedTuple):
    """The Cholesky factor of ``Blocks``, of the same shapes, and the log determinant of these."""

    own: tuple[Array, ...]
    above: tuple[Array, ...]
    border: Array
    log_determinant: Array


def places_of(arrow: Arrow, local: Mapping[str, Array]) -> Places:
    """The arrays of an arrow, and of the reading by terms if there is one."""
    parents = [tier.parent for tier in arrow.tiers if tier.parent is not None]
    together = []
    for parent in parents:
        run, group = runs(parent)
        together.append(np.where(group < 0, len(parent), group).reshape(-1, run))
    return Places(
        jnp.asarray(arrow.colours),
        tuple(jnp.asarray(tier.index) for tier in arrow.tiers),
        tuple(jnp.asarray(parent) for parent in parents),
        tuple(jnp.asarray(each) for each in together),
        jnp.asarray(arrow.border),
        local,
    )


def read_blocks(gradient: Callable[[Array], Array], at: Array, places: Places, rows: int) -> Blocks:
    """The Hessian whose gradient is given, at a point, by one product a colour."""
    widths = [index.shape[1] for index in places.slots]
    count = sum(widths) + places.border.shape[0]

    @jax.checkpoint  # so that its derivative does not keep the rows of every colour
    def response(colour: Array) -> Array:
        tangent = (places.colours == colour).astype(at.dtype)
        return jax.jvp(gradient, (at,), (tangent,))[1]

    batch = max(1, min(count, RESPONSES // max(rows, 1)))
    responses = jax.lax.map(response, jnp.arange(count), batch_size=batch)
    return _as_blocks(responses, places, widths)


def _as_blocks(responses: Array, places: Places, widths: list[int]) -> Blocks:
    """Columns summed by colour, told apart by where they are read."""
    padded = jnp.pad(responses, ((0, 0), (0, 1)))
    size = responses.shape[1]
    own, above, first = [], [], 0
    for index, width in zip(places.slots, widths, strict=True):
        read = jnp.moveaxis(padded[first:][:, index], 0, 2)  # (group, slot, colours from its own)
        nowhere = (index == size).astype(responses.dtype)
        block = read[:, :, :width] * (1 - nowhere)[:, None, :]
        own.append(block + nowhere[:, :, None] * jnp.eye(width))
        above.append(read[:, :, width:])
        first += width
    return Blocks(tuple(own), tuple(above), responses[first:][:, places.border].T)


def factor(blocks: Blocks, places: Places, damping: Array = 0.0, mended: bool = False) -> Factor:
    """The Cholesky factor, the finest tier eliminated first; not a number where there is none.

    ``damping`` is added to the diagonal, relative to its size. ``mended`` turns the sign of the
    curvatures that are negative, block by block, and leaves all others as they are.
    """
    own = [_damped(block, damping) for block in blocks.own]
    border = _damped(blocks.border[None], damping)[0]
    above = list(blocks.above)
    lower: list[Array] = []
    coupled: list[Array] = []
    carried: Array | None = None
    rest: Array | None = None
    half = jnp.zeros(())
    for place in range(len(own)):
        if carried is not None:
            width = own[place].shape[1]
            own[place] = own[place] - carried[:, :width, :width]
            above[place] = above[place] - carried[:, :width, width:]
        root = jnp.linalg.cholesky(_mended(own[place]) if mended else own[place])
        half += jnp.log(jnp.diagonal(root, axis1=1, axis2=2)).sum()
        x = solve_triangular(root, above[place], lower=True)
        lower.append(root)
        coupled.append(x)
        rest = None if carried is None else carried[:, width:, width:]
        if place < len(places.parent):
            carried = _gathered(
                x, rest, places.parent[place], places.together[place], own[place + 1].shape[0]
            )
        else:
            carried = jnp.einsum("gnb,gnc->bc", x, x)  # a border of no width has no -1 to reshape
            border = border - carried - (0.0 if rest is None else rest.sum(axis=0))
    root = jnp.linalg.cholesky(_mended(border[None])[0] if mended else border)
    half += jnp.log(jnp.diagonal(root)).sum()
    return Factor(tuple(lower), tuple(coupled), root, 2 * half)


def product(root: Factor, places: Places) -> Blocks:
    """The matrix of a factor, where its blocks stand."""
    own = [jnp.einsum("gab,gcb->gac", each, each) for each in root.own]
    above = [jnp.einsum("gab,gbc->gac", a, b) for a, b in zip(root.own, root.above, strict=True)]
    border = root.border @ root.border.T
    carried: Array | None = None
    rest: Array | None = None
    for place, x in enumerate(root.above):
        if carried is not None:
            width = own[place].shape[1]
            own[place] = own[place] + carried[:, :width, :width]
            above[place] = above[place] + carried[:, :width, width:]
        rest = None if carried is None else carried[:, width:, width:]
        if place < len(places.parent):
            carried = _gathered(
                x, rest, places.parent[place], places.together[place], own[place + 1].shape[0]
            )
        else:
            flat = x.reshape(-1, x.shape[2])
            border = border + flat.T @ flat + (0.0 if rest is None else rest.sum(axis=0))
    return Blocks(tuple(own), tuple(above), border)


def _mended(block: Array) -> Array:
    """The block with the absolute values of its eigenvalues, each number on its own scale."""
    scale = jnp.sqrt(jnp.maximum(jnp.abs(jnp.diagonal(block, axis1=1, axis2=2)), 1e-12))
    both = scale[:, :, None] * scale[:, None, :]
    values, vectors = jnp.linalg.eigh(block / both)
    values = jnp.maximum(jnp.abs(values), LEAST)
    return both * jnp.einsum("gab,gb,gcb->gac", vectors, values, vectors)


def _damped(block: Array, damping: Array) -> Array:
    diagonal = jnp.abs(jnp.diagonal(block, axis1=1, axis2=2))
    return block + damping * jnp.maximum(diagonal, 1e-8)[:, :, None] * jnp.eye(block.shape[1])


def _gathered(x: Array, rest: Array | None, parent: Array, together: Array, groups: int) -> Array:
    """The sums by parent of the groups' X'X (and of what they carry), some runs at a time.

    All groups of a run have one parent, so that theirs is one product of matrices.
    """
    reach = x.shape[2]
    total = jnp.zeros((groups, reach, reach), x.dtype)
    if rest is not None:
        total = total.at[parent].add(rest)
    runs, run = together.shape
    padded = jnp.pad(x, ((0, 1), (0, 0), (0, 0)))  # after the last group one of zeros
    size = max(1, min(runs, OUTER // max(reach**2, run * x.shape[1] * reach, 1)))
    chunks = -(-runs // size)
    filled = jnp.pad(together, ((0, chunks * size - runs), (0, 0)), constant_values=x.shape[0])
    to = parent[jnp.minimum(filled[:, 0], x.shape[0] - 1)]

    @jax.checkpoint
    def add(total: Array, chunk: tuple[Array, Array]) -> tuple[Array, None]:
        members, to = chunk
        each = padded[members].reshape(size, -1, reach)
        return total.at[to].add(jnp.einsum("rna,rnb->rab", each, each)), None

    given = (filled.reshape(chunks, size, run), to.reshape(chunks, size))
    return jax.lax.scan(add, total, given)[0]


def forward(root: Factor, places: Places, vector: Array) -> tuple[Array, ...]:
    """The lower factor's inverse times a vector: by tier (group, slot), then the border."""
    padded = jnp.append(vector, 0.0)
    found, border, carried = [], vector[places.border], None
    for place, (lower, x) in enumerate(zip(root.own, root.above, strict=True)):
        own = padded[places.slots[place]]
        width = own.shape[1]
        if carried is not None:
            own = own - carried[:, :width]
        y = solve_triangular(lower, own[:, :, None], lower=True)[:, :, 0]
        found.append(y)
        up = jnp.einsum("gka,gk->ga", x, y)
        if carried is not None:
            up = up + carried[:, width:]
        if place < len(places.parent):
            groups = root.own[place + 1].shape[0]
            carried = jax.ops.segment_sum(up, places.parent[place], groups)
        else:
            border = border - up.sum(axis=0)
    return (*found, solve_triangular(root.border, border, lower=True))


def backward(root: Factor, places: Places, parts: tuple[Array, ...], size: int) -> Array:
    """The upper factor's inverse times a vector in parts: with noise, a draw from N(0, H^-1)."""
    border = solve_triangular(root.border, parts[-1], lower=True, trans=1)
    vector = jnp.zeros(size + 1, border.dtype).at[places.border].set(border)
    ancestors = border[None]  # of each group of the tier above: its own slots, then the rest
    for place in reversed(range(len(root.own))):
        lower, x = root.own[place], root.above[place]
        if place < len(places.parent):
            known = ancestors[places.parent[place]]
        else:
            known = jnp.broadcast_to(border, (lower.shape[0], border.shape[0]))
        right = parts[place] - jnp.einsum("gka,ga->gk", x, known)
        own = solve_triangular(lower, right[:, :, None], lower=True, trans=1)[:, :, 0]
        vector = vector.at[places.slots[place]].set(own)
        ancestors = jnp.concatenate([own, known], axis=1)
    return vector[:size]


def solve(root: Factor, places: Places, vector: Array) -> Array:
    """The matrix's inverse times a vector."""
    return backward(root, places, forward(root, places, vector), vector.shape[0])


def noise_shapes(arrow: Arrow) -> tuple[tuple[int, ...], ...]:
    """The shapes of the parts that ``backward`` takes."""
    return (*((tier.groups, tier.width) for tier in arrow.tiers), (len(arrow.border),))


def multiply(blocks: Blocks, places: Places, vector: Array) -> Array:
    """The matrix times a vector."""
    size = vector.shape[0]
    padded = jnp.append(vector, 0.0)
    border = vector[places.border]
    total = jnp.zeros(size + 1).at[places.border].set(blocks.border @ border)
    ancestors = _ancestors(padded, places, border)
    for place, (own, above) in enumerate(zip(blocks.own, blocks.above, strict=True)):
        index, known = places.slots[place], ancestors[place]
        mine = padded[index]
        total = total.at[index].add(
            jnp.einsum("gab,gb->ga", own, mine) + jnp.einsum("gka,ga->gk", above, known)
        )
        up = jnp.einsum("gka,gk->ga", above, mine)
        total = _spread_up(total, up, place, places)
    return total[:size]


def _ancestors(padded: Array, places: Places, border: Array) -> list[Array]:
    """What each group of each tier speaks to: the ancestors' numbers and the border's."""
    found: list[Array] = []
    for place in reversed(range(len(places.slots))):
        groups = places.slots[place].shape[0]
        if place < len(places.parent):
            above = jnp.concatenate([padded[places.slots[place + 1]], found[0]], axis=1)
            known = above[places.parent[place]]
        else:
            known = jnp.broadcast_to(border, (groups, border.shape[0]))
        found.insert(0, known)
    return found


def _spread_up(total: Array, up: Array, place: int, places: Places) -> Array:
    """Adds what a tier's groups send to their ancestors and to the border."""
    for parent, index in zip(places.parent[place:], places.slots[place + 1 :], strict=True):
        up = jax.ops.segment_sum(up, parent, index.shape[0])
        width = index.shape[1]
        total = total.at[index].add(up[:, :width])
        up = up[:, width:]
    return total.at[places.border].add(up.sum(axis=0))
