"""Bends a hierarchy straight: group effects measured in powers of the sds that they share.

Where data inform a group effect z well, and it enters as `sd * z`, z and `sd` make a banana: only
their product is known. Where data are sparse, `z ~ normal(0, sd)` makes a funnel. No normal guide
fits either. With `z = w * sd^-p` both become nearly normal at the right power p, which is found
from the density itself: if the precision of z given all else goes with `sd^(2 p)`, that of w does
not depend on `sd`. For a normal likelihood p is one minus the prior's share in the precision
(Papaspiliopoulos, Roberts and Sköld, 2007, A general framework for the parametrization of
hierarchical models); Gorinova, Moore and Hoffman (2020) learn it by gradients.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.methods.blocks import Array, Blocks, Places
from hdsl.fit.methods.structure import Structure

LARGEST = 1.5
"""A power beyond is none that a scale can have."""

MOST_SCALES = 40
MOST_NUMBERS = 20_000_000


class Warp(NamedTuple):
    """``powers`` (number, scale) of the scales at ``where``, which are 0 at their ``centre``."""

    powers: Array
    centre: Array
    where: Array


def no_warp(size: int) -> Warp:
    """The warp that changes nothing."""
    return Warp(jnp.zeros((size, 0)), jnp.zeros(0), jnp.zeros(0, int))


def unwarped(w: Array, warp: Warp) -> tuple[Array, Array]:
    """The unconstrained vector z, and the log of dz/dw for each of its numbers."""
    growth = -warp.powers @ (w[warp.where] - warp.centre)
    return w * jnp.exp(growth), growth


def bending(structure: Structure) -> Numbers:
    """The positions of the scales that may bend what they scale; none where they are too many."""
    found = [site.indices.reshape(-1) for site in structure.population if site.is_scale]
    size = sum(site.size for site in structure.sites)
    where = np.concatenate(found) if found else np.arange(0)
    fits = len(where) <= MOST_SCALES and len(where) * size <= MOST_NUMBERS
    return where if fits and structure.grouped else np.arange(0)


def scaled_numbers(structure: Structure) -> Numbers:
    """The positions of the numbers that a scale may stretch: those of groups."""
    found = [site.indices.reshape(-1) for site in structure.grouped if site.real]
    return np.concatenate(found) if found else np.arange(0)


def diagonal_of(blocks: Blocks, places: Places, size: int) -> Array:
    """The diagonal of a block arrow."""
    found = jnp.zeros(size + 1).at[places.border].set(jnp.diagonal(blocks.border))
    for own, index in zip(blocks.own, places.slots, strict=True):
        found = found.at[index].set(jnp.diagonal(own, axis1=1, axis2=2))
    return found[:size]


def powers_of(low: Numbers, high: Numbers, step: float, numbers: Numbers) -> Any:
    """Each number's power of a scale, from its precision where the scale is lower and higher."""
    known = (low > 0) & (high > 0)
    ratio = np.where(known, high, 1.0) / np.where(known, low, 1.0)
    power = np.clip(0.5 * np.log(ratio) / (2 * step), -LARGEST, LARGEST)
    found = np.zeros(len(low))
    found[numbers] = power[numbers]
    return found
