"""Coordinates in which a large posterior looks standard normal, by Laplace's approximation of it.

The unconstrained vector z is a function of u: the hyper-parameters are their mode plus directions
of one standard deviation; all others their mode given these, to first order, plus the inverse of
the curvature's block-arrow factor times u; then group effects are measured in powers of the scales
that they share (``warp``), so that no banana is left between a standard deviation and thousands of
deviations. The map is exact whatever the approximation is worth: its log determinant is known, and
what is sampled is the posterior itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular

from hdsl.fit.draws import Numbers
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.arrangement import runs
from hdsl.fit.methods.arrow import Arrow
from hdsl.fit.methods.blocks import Array
from hdsl.fit.methods.laplace import Fitted, fitted
from hdsl.fit.methods.warp import bending, diagonal_of, powers_of, scaled_numbers
from hdsl.fit.progress import Reporter

BEND = 0.05
"""By how much a scale is moved, on the log scale, to see what it stretches."""

MOST_NUMBERS = 100_000_000
"""Of the couplings that are held: about a gigabyte."""


@dataclass(frozen=True)
class Whitening:
    """The map from u to z. ``inner`` and ``outer`` are positions in z; u has the inner numbers
    first. ``arrays`` are arguments of what is compiled.

    Of tier k: ``slots k`` (run, group, slot) positions among the inner numbers, ``own k`` the
    inverse of the factor's block, transposed, ``above k`` that times the factor's coupling, and
    ``parent k`` of each run. Groups of one parent stand in runs, so that parents are looked up by
    run. ``linear`` (inner, outer) are the slopes of warped means, ``powers`` (inner, outer).
    """

    inner: Numbers
    outer: Numbers
    tiers: int
    arrays: Mapping[str, Numbers]

    def to_z(self, arrays: Mapping[str, Array], u: Array) -> tuple[Array, Array]:
        """The unconstrained vector, and the log determinant of the map up to a constant."""
        size = len(self.inner)
        change = arrays["root"] @ u[size:]
        w = arrays["mode"] + arrays["linear"] @ change + self._spread(arrays, u[:size])
        growth = -arrays["powers"] @ change
        z = jnp.concatenate([w * jnp.exp(growth), arrays["theta"] + change])
        return z[arrays["order"]], growth.sum()

    def saved(self) -> dict[str, Numbers]:
        """The arrays that a checkpoint holds of it."""
        own = {"inner": self.inner, "outer": self.outer, "tiers": np.asarray(self.tiers)}
        return {**own, **{f"array {name}": np.asarray(a) for name, a in self.arrays.items()}}

    @classmethod
    def restored(cls, saved: Mapping[str, Numbers]) -> Whitening:
        """The map as a checkpoint has it."""
        arrays = {k.removeprefix("array "): v for k, v in saved.items() if k.startswith("array ")}
        return cls(saved["inner"], saved["outer"], int(saved["tiers"]), arrays)

    def _spread(self, arrays: Mapping[str, Array], u: Array) -> Array:
        """The transposed factor's inverse times u."""
        padded = jnp.append(u, 0.0)
        border = arrays["border"] @ u[arrays["at border"]]
        found = [border]
        known = border[None]
        for k in reversed(range(self.tiers)):
            by_run = known[arrays[f"parent {k}"]]
            noise = padded[arrays[f"slots {k}"]]
            own = jnp.einsum("rgka,rga->rgk", arrays[f"own {k}"], noise)
            own -= jnp.einsum("rgka,ra->rgk", arrays[f"above {k}"], by_run)
            found.append(own.reshape(-1))
            if k:
                flat = own.reshape(-1, own.shape[2])[arrays[f"groups {k}"]]
                above = jnp.broadcast_to(by_run[:, None], (*own.shape[:2], by_run.shape[1]))
                mine = above.reshape(-1, by_run.shape[1])[arrays[f"groups {k}"]]
                known = jnp.concatenate([flat, mine], axis=1)
        spread: Array = jnp.concatenate(found)[arrays["back"]]
        return spread


def whitening(problem: Problem, reporter: Reporter) -> Whitening | None:
    """The map of a problem; None where its couplings take too much room.

    ModelError where Laplace's approximation has no mode, or is too large.
    """
    found = fitted(problem, reporter)
    inner, best = found.outer.inner, found.best
    mode, root = best.marginal.mode, best.marginal.mode.factor
    arrow = inner.arrow
    held = sum(
        t.groups * t.width * (t.width + reach)
        for t, reach in zip(arrow.tiers, arrow.reaches, strict=True)
    )
    if held > MOST_NUMBERS:
        return None
    reporter.stage("nuts: which scales stretch what")
    powers = _powers(problem, found)
    response = np.asarray(found.outer.response(mode)).reshape(len(inner.inner), -1)
    v = np.asarray(mode.at)
    arrays = {
        "theta": mode.theta,
        "mode": v,
        "root": best.root,
        "linear": response + powers * v[:, None],
        "powers": powers,
        "order": np.argsort(np.concatenate([inner.inner, inner.outer])),
        "border": _inverse(np.asarray(root.border)[None])[0],
        "at border": arrow.border,
    }
    for k, (own, above) in enumerate(zip(root.own, root.above, strict=True)):
        arrays |= _tier(arrow, k, np.asarray(own), np.asarray(above))
    arrays["back"] = _back(arrow, arrays)
    return Whitening(inner.inner, inner.outer, len(arrow.tiers), arrays)


def _tier(arrow: Arrow, k: int, own: Numbers, above: Numbers) -> dict[str, Numbers]:
    """The arrays of one tier, its groups in runs of one parent each."""
    tier = arrow.tiers[k]
    parent = np.zeros(tier.groups, dtype=np.int64) if tier.parent is None else tier.parent
    run, group = runs(parent)
    at, empty = np.maximum(group, 0), group < 0
    inverse = _inverse(own)
    coupled = np.einsum("gka,gab->gkb", inverse, above)
    found = {
        "slots": np.where(empty[:, None], arrow.size, tier.index[at]),
        "own": np.where(empty[:, None, None], 0.0, inverse[at]),
        "above": np.where(empty[:, None, None], 0.0, coupled[at]),
    }
    shaped = {f"{name} {k}": a.reshape(-1, run, *a.shape[1:]) for name, a in found.items()}
    places = np.empty(tier.groups, dtype=np.int64)
    places[group[~empty]] = np.flatnonzero(~empty)
    return {**shaped, f"parent {k}": parent[group[::run]], f"groups {k}": places}


def _inverse(root: Numbers) -> Numbers:
    """The transposed inverses of lower factors."""
    eye = jnp.broadcast_to(jnp.eye(root.shape[-1]), root.shape)
    return np.asarray(solve_triangular(jnp.asarray(root), eye, lower=True)).transpose(0, 2, 1)


def _back(arrow: Arrow, arrays: Mapping[str, Numbers]) -> Numbers:
    """Where each inner number stands among the parts: the border, then the coarsest tier first."""
    parts = [arrow.border]
    parts += [arrays[f"slots {k}"].reshape(-1) for k in reversed(range(len(arrow.tiers)))]
    joined = np.concatenate(parts)
    found = np.empty(arrow.size + 1, dtype=np.int64)
    found[joined] = np.arange(len(joined))
    return found[: arrow.size]


def _powers(problem: Problem, found: Fitted) -> Numbers:
    """The power of each scale in each inner number (inner, outer), read from the curvature: how
    the precision of a number given all others goes with the scale (``warp``), the mode along.
    """
    inner, mode = found.outer.inner, found.best.marginal.mode
    powers = np.zeros((len(inner.inner), len(inner.outer)))
    scales = np.flatnonzero(np.isin(inner.outer, bending(problem.structure)))
    numbers = np.flatnonzero(np.isin(inner.inner, scaled_numbers(problem.structure)))
    for k in scales if len(numbers) else ():
        ends = []
        for sign in (-1, 1):
            theta = mode.theta + sign * BEND * (np.arange(len(mode.theta)) == k)
            v = found.outer.follow(mode, theta)
            blocks = inner.system(inner.arguments, jnp.asarray(theta), v, inner.places)[2]
            ends.append(np.asarray(diagonal_of(blocks, inner.places, len(v))))
        powers[:, k] = powers_of(ends[0], ends[1], BEND, numbers)
    return powers
