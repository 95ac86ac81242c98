"""Where a chain begins: the likeliest of some candidates with as much noise as the data bear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.draws import Numbers, Settings

if TYPE_CHECKING:
    from numpyro.infer.util import ParamInfo

    from hdsl.fit.nuts import Arrays, Target

STARTS = (
    *((1.0, 0.3), (0.0, 0.3)),
    *((1.0, 0.1), (0.0, 0.1)),
    *((1.0, 0.01), (0.0, 0.01)),
    *((0.0, 1.0), (0.0, 3.0)),  # where the prior's centre is out of the world
)
"""Candidates for a start: the weight of the prior's centre against 0, and that of the noise."""

SLACK = 10.0
"""How much less likely, per dimension, a start with more noise may be and still be taken. Groups
that start alike are likely a priori whatever the data say, and a centred chain may stay there."""


def noise_of(target: Target, settings: Settings, chain: int) -> Numbers:
    """Standard normal noise for each candidate of a chain's start."""
    shape = (len(STARTS), target.size)
    return np.random.default_rng((settings.seed, chain)).standard_normal(shape)


def best_start(target: Target, arguments: Arrays, noise: Any) -> tuple[ParamInfo, Any]:
    """The candidate with the most noise that is not out of the world, the likelier of the two
    centres; and whether its density and gradient are finite.
    """
    from numpyro.infer.util import ParamInfo

    centre, spread = jnp.array(STARTS).T
    points = jax.vmap(target.place, in_axes=(None, 0, 0, 0))(arguments, noise, centre, spread)
    density = jax.value_and_grad(lambda z: target.potential(arguments, z))
    energies, gradients = jax.lax.map(density, points)  # one after the other: half to compile
    fine = jnp.isfinite(energies) & jnp.isfinite(gradients).all(axis=1)
    energies = jnp.where(fine, energies, jnp.inf)
    likely = energies <= energies.min() + SLACK * target.size
    pair = jnp.argmax((fine & likely).reshape(-1, 2).any(axis=1))
    best = 2 * pair + jnp.argmin(energies.reshape(-1, 2)[pair])
    return ParamInfo(points[best], energies[best], gradients[best]), fine[best]
