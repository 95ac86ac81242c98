"""The mode of a hierarchy's inner numbers given its hyper-parameters, by Newton steps on blocks.

Damped where the curvature is not positive, shortened where a step overshoots: from the prior's
centre it reaches the mode wherever there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.devices import on_devices
from hdsl.fit.draws import Numbers
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.arrow import Arrow
from hdsl.fit.methods.blocks import (
    Array,
    Blocks,
    Factor,
    Places,
    factor,
    multiply,
    places_of,
    read_blocks,
    solve,
)
from hdsl.fit.methods.by_cells import ByCells
from hdsl.fit.methods.local import Local, log_terms
from hdsl.fit.methods.ordered import ORDERED, Ordered
from hdsl.fit.methods.predictors import Predictors

MOST_STEPS = 100
MOST_DAMPING = 1e8
DECREMENT = 1e-7  # of the log density, that a Newton step still promises at the mode
MOVE = 1e-3  # relative to its value, that a number may still move at the mode
HALVINGS = 12
FAR = 10.0  # of the log density, that a step promises where half of it may be the better step


class NoModeError(Exception):
    """Newton steps lead nowhere; ``position`` is the number that ran away farthest."""

    def __init__(self, position: int) -> None:
        self.position = position
        super().__init__("no mode")


@dataclass(frozen=True)
class Mode:
    """Where the density is highest given ``theta``, and the factor of its curvature there."""

    theta: Numbers
    at: Array
    energy: float
    factor: Factor
    steps: int


@dataclass(frozen=True)
class Inner:
    """The compiled pieces of one problem's Newton iteration.

    ``inner`` and ``outer`` are positions in the vector; the density is a function of both parts.
    ``rowwise`` are the outcomes whose densities are computed by way of groups' coefficients: all
    that are on rows, or none; ``quick`` is the same density with its rows in an order.
    """

    problem: Problem
    inner: Numbers
    outer: Numbers
    arrow: Arrow
    local: Local | ByCells | None = None
    rowwise: Mapping[str, Predictors] = field(default_factory=dict)
    quick: Ordered | None = None

    @cached_property
    def arguments(self) -> tuple[Any, Mapping[str, Any]]:
        """The data's arrays, those of an order, and those of the rows' layout, on the device."""
        laid_out = {name: made.arrays for name, made in self.rowwise.items()}
        given = self.problem.target.arguments if self.quick is None else self.quick.arguments
        found: tuple[Any, Mapping[str, Any]] = on_devices((dict(given), laid_out))
        return found

    @cached_property
    def places(self) -> Places:
        """The arrow's arrays, on the device."""
        return places_of(self.arrow, {} if self.local is None else self.local.places())

    @cached_property
    def _order(self) -> Numbers:
        return np.argsort(np.concatenate([self.inner, self.outer]))

    def join(self, theta: Array, v: Array) -> Array:
        """The whole vector."""
        return jnp.concatenate([v, theta])[self._order]

    @cached_property
    def energy(self) -> Any:
        """Minus the log density, a function of the data's arrays and both parts: traced once."""

        def run(arguments: Any, theta: Array, v: Array) -> Array:
            data, laid_out = arguments
            if self.quick is not None:
                return self.quick.potential(data, self.join(theta, v))
            if not self.rowwise:
                return self.problem.target.potential(data, self.join(theta, v))
            sites = self.problem.layout.split(self.join(theta, v))
            parts = (m.total(data, sites, laid_out[n]) for n, m in self.rowwise.items())
            return self._rest(arguments, theta, v) - sum(parts)

        return jax.jit(run)

    def _rest(self, arguments: Any, theta: Array, v: Array) -> Array:
        """Minus the log density without the outcomes that are computed by coefficients."""
        found = self.terms(arguments, theta, v)
        return -sum(term.sum() for name, term in found.items() if name not in self.rowwise)

    @cached_property
    def terms(self) -> Any:
        """The terms of the log density: traced once."""
        found, layout = log_terms(self.problem), self.problem.layout

        def run(arguments: Any, theta: Array, v: Array) -> dict[str, Array]:
            data = {key: arguments[0][key] for key in self.problem.target.arguments}
            return found(data, layout.split(self.join(theta, v)))

        return jax.jit(run)

    def blocks(self, arguments: Any, theta: Array, v: Array, places: Places) -> Blocks:
        """The curvature in the inner numbers: from terms where that is quicker, else by colours."""
        if self.local is not None:
            return self._blocks_by_terms(self.local, arguments, theta, v, places)
        if self.rowwise:
            return self._blocks_by_group(arguments, theta, v, places)

        def gradient(v: Array) -> Array:
            return jax.grad(self.energy, argnums=2)(arguments, theta, v)

        return read_blocks(gradient, v, places, self.problem.structure.rows)

    def _blocks_by_terms(
        self, local: Local | ByCells, arguments: Any, theta: Array, v: Array, places: Places
    ) -> Blocks:
        def terms(at: Array) -> dict[str, Array]:
            found: dict[str, Array] = self.terms(arguments, theta, at)
            return found

        if isinstance(local, Local):
            return local.read(terms, v, places.local)

        def sites(at: Array) -> dict[str, Array]:
            return self.problem.layout.split(self.join(theta, at))

        return local.read(terms, sites, v, places.local, arguments[0][ORDERED])

    def _blocks_by_group(self, arguments: Any, theta: Array, v: Array, places: Places) -> Blocks:
        """The same, of a density in which a quadratic function of each group's coefficients stands
        for the rows: with their slope and Hessian, hence with the same second derivatives here.
        """
        data, laid_out = arguments
        sites = self.problem.layout.split(self.join(theta, v))
        expansions = {n: m.expansion(data, sites, laid_out[n]) for n, m in self.rowwise.items()}

        def stand_in(at: Array) -> Array:
            energy = self._rest(arguments, theta, at)
            there = self.problem.layout.split(self.join(theta, at))
            for name, made in self.rowwise.items():
                centre, slope, hessian = expansions[name]
                away = made.coefficients(data, there) - centre
                bent = jnp.einsum("gk,gkl,gl->", away, hessian, away)
                energy -= (slope * away).sum() + 0.5 * bent
            return energy

        return read_blocks(jax.grad(stand_in), v, places, self.arrow.size)

    @cached_property
    def system(self) -> Any:
        """Energy, gradient and curvature at a point, compiled."""

        def run(arguments: Any, theta: Array, v: Array, places: Places) -> Any:
            energy, gradient = jax.value_and_grad(self.energy, argnums=2)(arguments, theta, v)
            return energy, gradient, self.blocks(arguments, theta, v, places)

        return jax.jit(run)

    @cached_property
    def direction(self) -> Any:
        """The Newton step, what it promises, how far it moves; and the factor, compiled."""

        def run(blocks: Blocks, gradient: Array, v: Array, places: Places, damping: Array) -> Any:
            root = factor(blocks, places, damping)
            step = -solve(root, places, gradient)
            move = jnp.abs(step) / (1.0 + jnp.abs(v))
            return step, -gradient @ step, move.max(initial=0.0), root

        return jax.jit(run)

    def mode(self, theta: Numbers, start: Array) -> Mode:
        """The mode given the hyper-parameters; NoModeError where steps lead nowhere."""
        at, v, damping = jnp.asarray(theta), jnp.asarray(start), 0.0
        system = self.system(self.arguments, at, v, self.places)
        for count in range(MOST_STEPS):
            energy, gradient, blocks = system
            step, promise, move, root = self.direction(blocks, gradient, v, self.places, damping)
            slack = 1e-13 * abs(float(energy))
            if not np.isfinite(float(promise)) or float(promise) < 0:
                damping = max(10 * damping, 1e-4)
            elif float(promise) <= DECREMENT + slack and float(move) < MOVE and damping == 0.0:
                return Mode(theta, v + step, float(energy), root, count + 1)
            else:
                length = self._length(at, v, step, float(energy), float(promise), slack)
                if length == 0.0:
                    damping = max(10 * damping, 1e-4)
                else:
                    v = v + length * step
                    system = self.system(self.arguments, at, v, self.places)
                    damping = 0.1 * damping if length == 1.0 and damping > 1e-6 else 0.0
            if damping > MOST_DAMPING:
                break
        raise NoModeError(int(self.inner[int(jnp.abs(v).argmax())]))

    def _length(
        self, theta: Array, v: Array, step: Array, energy: float, promise: float, slack: float
    ) -> float:
        """How much of a step to take: all of it, or half as often as it overshoots and as that
        gets further. An exponential's steps overshoot by orders of magnitude where it is small.
        """

        def energy_at(length: float) -> float:
            new = float(self.energy(self.arguments, theta, v + length * step))
            fine = new <= energy - 1e-4 * length * promise + 100 * slack
            return new if fine else np.inf

        length, best = 1.0, energy_at(1.0)
        for _ in range(HALVINGS):
            if np.isfinite(best) and promise < FAR:
                break
            new = energy_at(length / 2)
            if new >= best and np.isfinite(best):
                break
            length, best = length / 2, new
        return length if np.isfinite(best) else 0.0

    def reads_true(self, theta: Numbers, v: Array, seed: int) -> bool:
        """Whether the blocks are all of the curvature, by a product with a random vector."""
        vector = jnp.asarray(np.random.default_rng(seed).standard_normal(self.arrow.size))
        own, exact = self._products(self.arguments, jnp.asarray(theta), v, vector, self.places)
        return bool(jnp.abs(own - exact).max() <= 1e-6 * jnp.abs(exact).max())

    @cached_property
    def _products(self) -> Any:
        def run(arguments: Any, theta: Array, v: Array, vector: Array, places: Places) -> Any:
            def gradient(v: Array) -> Array:
                return jax.grad(self.energy, argnums=2)(arguments, theta, v)

            blocks = self.blocks(arguments, theta, v, places)
            return multiply(blocks, places, vector), jax.jvp(gradient, (v,), (vector,))[1]

        return jax.jit(run)
