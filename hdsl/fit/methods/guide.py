"""The normal distribution that variational inference fits, shaped by the graph of the model.

It is a distribution of whitened numbers u, carried by a fixed affine map, the *base*, to the
unconstrained numbers (as ``warp`` has bent them): a centre and the factor of a block-arrow
precision (``blocks``). In u the population's numbers have a full covariance; those of a group, all
its coefficients at once, have one of their own and a mean that is linear in their ancestors' and
the population's numbers. Where the base is the posterior's own curvature, u is standard normal, and
little is left to learn.

All functions are pure and traced by JAX. Parts are by tier, the finest first, the border last.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jax.scipy.linalg import solve_triangular

from hdsl.fit.methods.arrow import Arrow
from hdsl.fit.methods.blocks import Array, Factor, Places, backward, noise_shapes

MOST_NUMBERS = 30_000_000
"""Of the parameters of a guide, which the optimiser holds three times over."""


class Part(NamedTuple):
    """The parameters of one tier (group, slot, …), or of the border, which is one group.

    ``lower`` stands strictly below the diagonal of the Cholesky factor, ``log_diagonal`` on it;
    ``linear`` are the weights of the ancestors' numbers. None where there is no room for them: the
    base's own stand then.
    """

    mean: Array
    log_diagonal: Array
    lower: Array | None
    linear: Array | None


class Base(NamedTuple):
    """The affine map from u to w: w = centre + root^-T u."""

    centre: Array
    root: Factor


type Parameters = tuple[Part, ...]
type Noise = tuple[Array, ...]


def standard(arrow: Arrow) -> Parameters:
    """The parameters of a standard normal distribution, as many as there is room for."""
    shapes = [(*shape, reach) for shape, reach in zip(_shapes(arrow), _reaches(arrow), strict=True)]
    with_lower = sum(g * w * w for g, w, _ in shapes) <= MOST_NUMBERS
    with_linear = with_lower and sum(g * w * (w + r) for g, w, r in shapes) <= MOST_NUMBERS
    return tuple(
        Part(
            mean=jnp.zeros((groups, width)),
            log_diagonal=jnp.zeros((groups, width)),
            lower=jnp.zeros((groups, width, width)) if with_lower else None,
            linear=jnp.zeros((groups, width, reach)) if with_linear and reach else None,
        )
        for groups, width, reach in shapes
    )


def _shapes(arrow: Arrow) -> list[tuple[int, int]]:
    *tiers, border = noise_shapes(arrow)
    return [*((groups, width) for groups, width in tiers), (1, prod(border))]


def _reaches(arrow: Arrow) -> list[int]:
    return [*arrow.reaches, 0]


def noise(arrow: Arrow, seed: tuple[int, ...], draws: int) -> Noise:
    """Standard normal numbers for some draws, (draw, group, slot) by part."""
    rng = np.random.default_rng(seed)
    return tuple(rng.standard_normal((draws, *shape)) for shape in _shapes(arrow))


def spread(parameters: Parameters, noise: Noise, places: Places) -> tuple[Array, ...]:
    """The whitened numbers u of one draw, by part."""
    found: list[Array] = []
    above: Array = jnp.zeros((1, 0))
    for place in reversed(range(len(parameters))):
        part = parameters[place]
        known = above[places.parent[place]] if place < len(places.parent) else above
        u = _mean(part, known) + jnp.exp(part.log_diagonal) * noise[place]
        if part.lower is not None:
            u += jnp.einsum("gab,gb->ga", jnp.tril(part.lower, -1), noise[place])
        found.insert(0, u)
        above = _stacked(u, known)
    return tuple(found)


def _mean(part: Part, known: Array) -> Array:
    if part.linear is None:
        return part.mean
    if known.shape[0] == 1:
        return part.mean + jnp.einsum("gka,a->gk", part.linear, known[0])
    return part.mean + jnp.einsum("gka,ga->gk", part.linear, known)


def log_density_of(parameters: Parameters, u: tuple[Array, ...], places: Places) -> Noise:
    """The guide's log density of u by part and group, up to a constant.

    Its parameters are taken as given, so that the gradient sticks to the landing (Roeder, Wu and
    Duvenaud, 2017, Sticking the landing).
    """
    found: list[Array] = []
    above: Array = jnp.zeros((1, 0))
    for place in reversed(range(len(parameters))):
        part = Part(*(None if each is None else stop_gradient(each) for each in parameters[place]))
        known = above[places.parent[place]] if place < len(places.parent) else above
        away = u[place] - _mean(part, known)
        diagonal = jnp.exp(part.log_diagonal)
        if part.lower is None:
            away = away / diagonal
        else:
            width = diagonal.shape[1]
            root = jnp.tril(part.lower, -1) + diagonal[:, :, None] * jnp.eye(width)
            away = solve_triangular(root, away[:, :, None], lower=True)[:, :, 0]
        density = -0.5 * (away**2).sum(axis=1) - part.log_diagonal.sum(axis=1)
        if place < len(places.slots):  # what stands for numbers that a group lacks is left out
            lacks = places.slots[place] == places.colours.shape[0]
            density += 0.5 * jnp.where(lacks, u[place] ** 2, 0.0).sum(axis=1)
        found.insert(0, density)
        above = _stacked(u[place], known)
    return tuple(found)


def log_density_of_draw(
    parameters: Parameters, noise: Noise, u: tuple[Array, ...], places: Places
) -> Array:
    """The same in all, with the value that the noise of the draw says: it is exact where the
    triangular solve is not.
    """
    climbed = sum(part.sum() for part in log_density_of(parameters, u, places))
    value = -sum(
        0.5 * (each**2).sum() + part.log_diagonal.sum()
        for part, each in zip(parameters, noise, strict=True)
    )
    for own, index in zip(u, places.slots, strict=False):
        lacks = index == places.colours.shape[0]
        value += 0.5 * jnp.where(lacks, own**2, 0.0).sum()
    return climbed + stop_gradient(value - climbed)


def _stacked(own: Array, known: Array) -> Array:
    """A tier's numbers followed by those above it, by group."""
    return jnp.concatenate([own, jnp.broadcast_to(known, (own.shape[0], known.shape[1]))], axis=1)


def to_w(base: Base, u: tuple[Array, ...], places: Places) -> Array:
    """The vector of whitened numbers, before it is unwarped."""
    *tiers, border = u
    size = base.centre.shape[0]
    return base.centre + backward(base.root, places, (*tiers, border[0]), size)
