"""Draws from many small densities at once: their modes by Newton, then steps of Metropolis.

Each block of numbers has a density of its own. Its mode and the curvature there give a normal
proposal; independent proposals, taken or refused by Metropolis and Hastings' rule, make draws
of the density itself, whatever its shape. Where it is normal nothing is left to correct.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

type Density = Callable[[Any], Any]  # (block, slot) -> (block,), each block's log density

MOST_STEPS = 60
"""Of Newton; a dozen is plenty where the density is log-concave."""

TOLERANCE = 1e-3
"""Newton ends where no step raises a block's log density by more: a small part of a standard
deviation from the mode. What is left is Metropolis' to correct."""

WIDE, SHARE = 1.7, 0.15
"""So many of the proposals come from a normal so much wider: tails heavier than a normal's."""

DAMPING = (0.0, 1e-8, 1e-4, 1e-2, 0.1, 1.0, 10.0, 1e3)
"""What is added to a curvature, in its own units, until it is one."""

COLUMNS = 64
"""Columns of the curvature that are computed at once."""


class Found(NamedTuple):
    """Draws ``u`` (block, slot), and how many of each block's proposals were taken."""

    u: Any
    taken: Any


@dataclass(frozen=True)
class Blocks:
    """``valid`` (block, slot) tells the slots that a block uses: blocks differ in size."""

    valid: Any

    @property
    def size(self) -> int:
        """The number of slots."""
        return int(self.valid.shape[1])


def draw(density: Density, blocks: Blocks, start: Any, keys: Any, steps: int) -> Found:
    """One draw of every block; ``keys`` has one for each."""
    mode, curvature = climb(density, blocks, start)
    factor = _factor(-curvature, blocks)
    return _metropolis(density, blocks, mode, factor, keys, steps)


def slopes(density: Density, blocks: Blocks, u: Any) -> tuple[Any, Any, Any]:
    """Each block's log density (block,), its gradient (block, slot) and its second derivatives
    (block, slot, slot).

    Blocks do not meet, so that a column of all blocks' second derivatives is one directional
    derivative of the gradient.
    """
    valid = blocks.valid

    def total(v: Any) -> Any:
        heights = density(v)
        return heights.sum(), heights

    gradient = jax.grad(total, has_aux=True)

    def column(slot: Any) -> Any:
        direction = jax.nn.one_hot(slot, blocks.size, dtype=u.dtype) * valid
        return directional(direction) * valid

    first, directional, heights = jax.linearize(gradient, u, has_aux=True)
    slots = jnp.arange(blocks.size)
    if blocks.size <= COLUMNS:
        columns = jax.vmap(column)(slots)
    else:
        columns = jax.lax.map(column, slots, batch_size=COLUMNS)
    second = jnp.moveaxis(columns, 0, -1)
    second = (second + jnp.swapaxes(second, -1, -2)) / 2
    second = second - jnp.eye(blocks.size) * (1 - valid)[:, :, None]  # unused slots: minus one
    return heights, first * valid, second


def climb(density: Density, blocks: Blocks, start: Any) -> tuple[Any, Any]:
    """The mode of every block, by Newton's steps, damped where they would lead down; and the second
    derivatives next to it.
    """

    def going(state: Any) -> Any:
        _, _, _, gain, count = state
        return (count < MOST_STEPS) & (gain > TOLERANCE)

    def step(state: Any) -> Any:
        u, _, damping, _, count = state
        height, gradient, second = slopes(density, blocks, u)
        scale = jnp.maximum(jnp.abs(jnp.diagonal(second, axis1=1, axis2=2)), 1e-6)
        damped = -second + (damping[:, None] * scale)[:, :, None] * jnp.eye(blocks.size)
        move = _solved(damped, gradient) * blocks.valid
        there = density(u + move)
        better = jnp.isfinite(there) & ((there >= height - 1e-9) | ~jnp.isfinite(height))
        # where the step failed, how much it promised counts: the block is not at its mode
        promised = jnp.where(jnp.isfinite(move).all(axis=1), (gradient * move).sum(axis=1), 1.0)
        gain = jnp.where(better, jnp.abs(there - height), jnp.abs(promised)).max()
        damping = jnp.where(better, damping / 10, jnp.maximum(damping * 10, 1e-3))
        damping = jnp.where(damping < 1e-7, 0.0, damping)
        return jnp.where(better[:, None], u + move, u), second, damping, gain, count + 1

    count, size = blocks.valid.shape
    state = (start, jnp.zeros((count, size, size)), jnp.zeros(count), jnp.array(jnp.inf), 0)
    mode, second, _, _, _ = jax.lax.while_loop(going, step, state)
    return mode, second


def _solved(matrix: Any, vector: Any) -> Any:
    """The solution of each block's equations; not a number where its matrix is not positive."""
    factor = jnp.linalg.cholesky(matrix)
    half = jax.scipy.linalg.solve_triangular(factor, vector[..., None], lower=True)
    return jax.scipy.linalg.solve_triangular(factor, half, lower=True, trans=1)[..., 0]


def _factor(precision: Any, blocks: Blocks) -> Any:
    """The Cholesky factor of each block's precision, with the least damping that makes it one."""
    scale = jnp.maximum(jnp.abs(jnp.diagonal(precision, axis1=1, axis2=2)), 1e-6)
    diagonal = scale[:, :, None] * jnp.eye(blocks.size)

    def failing(state: Any) -> Any:
        factor, level = state
        return (level < len(DAMPING)) & ~jnp.isfinite(factor).all()

    def damp(state: Any) -> Any:
        factor, level = state
        fine = jnp.isfinite(factor).all(axis=(1, 2), keepdims=True)
        tried = jnp.linalg.cholesky(precision + jnp.array(DAMPING)[level] * diagonal)
        return jnp.where(fine, factor, tried), level + 1

    factor, _ = jax.lax.while_loop(failing, damp, (jnp.full(precision.shape, jnp.nan), 0))
    return jnp.where(jnp.isfinite(factor), factor, jnp.sqrt(diagonal))


def _metropolis(
    density: Density, blocks: Blocks, mode: Any, factor: Any, keys: Any, steps: int
) -> Found:
    """A chain of independent proposals in every block, begun with the first of them."""
    valid = blocks.valid

    def propose(i: Any) -> tuple[Any, Any, Any]:
        own = jax.vmap(lambda key: jax.random.split(jax.random.fold_in(key, i), 3))(keys)
        noise = jax.vmap(lambda k: jax.random.normal(k, (blocks.size,)))(own[:, 0]) * valid
        wide = jax.vmap(jax.random.uniform)(own[:, 1]) < SHARE
        noise = jnp.where(wide[:, None], WIDE, 1.0) * noise
        move = jax.scipy.linalg.solve_triangular(factor, noise[..., None], lower=True, trans=1)
        u = mode + move[..., 0] * valid
        weight = density(u) - _proposal(noise, valid.sum(axis=1))
        weight = jnp.where(jnp.isfinite(weight), weight, -jnp.inf)
        return u, weight, jnp.log(jax.vmap(jax.random.uniform)(own[:, 2]))

    def step(i: Any, state: Any) -> Any:
        u, weight, taken = state
        proposed, other, chance = propose(i)
        accept = (chance < other - weight) | jnp.isneginf(weight)
        u = jnp.where(accept[:, None], proposed, u)
        return u, jnp.where(accept, other, weight), taken + accept

    count = len(keys)  # the first proposal is always taken, and does not count
    state = (mode, jnp.full(count, -jnp.inf), jnp.full(count, -1, dtype=jnp.int32))
    u, _, taken = jax.lax.fori_loop(0, steps + 1, step, state)
    return Found(u, taken)


def _proposal(noise: Any, size: Any) -> Any:
    """The log density of what the proposals are made of, up to the factor's determinant."""
    squares = (noise**2).sum(axis=1)
    narrow = jnp.log(1 - SHARE) - squares / 2
    wide = jnp.log(SHARE) - squares / (2 * WIDE**2) - size * jnp.log(WIDE)
    return jnp.logaddexp(narrow, wide)
