"""The compiled pieces of variational inference: the ELBO, Adam's steps up, the curvature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import log, pi
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from hdsl.fit.devices import on_devices
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.arrow import Arrow
from hdsl.fit.methods.blocks import (
    Array,
    Blocks,
    Factor,
    Places,
    factor,
    places_of,
    product,
    read_blocks,
)
from hdsl.fit.methods.guide import Base, Noise, Parameters, log_density_of_draw, spread, to_w
from hdsl.fit.methods.objective import Batches, device_arguments
from hdsl.fit.methods.ordered import ORDERED, Ordered
from hdsl.fit.methods.warp import Warp, diagonal_of, unwarped


class Climb(NamedTuple):
    """The guide's parameters, two moments of their slopes, and the steps since these began."""

    parameters: Parameters
    first: Parameters
    second: Parameters
    count: Array


class State(NamedTuple):
    """Where the optimisation stands: from z by the warp to w, by the base to u, where it climbs."""

    warp: Warp
    base: Base
    climb: Climb


@dataclass(frozen=True)
class Machine:
    """The compiled pieces of one problem's optimisation."""

    problem: Problem
    arrow: Arrow
    whitens: bool  # whether the curvature can be read as blocks
    batches: Batches | None
    quick: Ordered | None = None
    """The density of all rows in an order of theirs."""

    @cached_property
    def arguments(self) -> Any:
        """The data's arrays, on the device."""
        found = device_arguments(self.problem, self.batches)
        return found if self.quick is None else {**found, ORDERED: on_devices(self.quick.arrays)}

    @cached_property
    def places(self) -> Places:
        """The arrow's arrays, on the device."""
        return places_of(self.arrow, {})

    def potential(self, arguments: Any, w: Array, warp: Warp, rows: Any = None) -> Array:
        """Minus the log density of the warped numbers: of all rows, or estimated from some."""
        z, growth = unwarped(w, warp)
        if rows is None or self.batches is None:
            quick, target = self.quick, self.problem.target
            known, density = target.arguments, target.potential
            if quick is not None:
                known, density = quick.arguments, quick.potential
            energy = density({key: arguments[key] for key in known}, z)
        else:
            share = self.batches.rows / rows.shape[0]
            own = {key: value for key, value in arguments.items() if key != ORDERED}
            energy = self.batches.potential(own, z, rows, share)
        return energy - growth.sum()

    def elbo(
        self, parameters: Parameters, state: State, arguments: Any, places: Places, given: Any
    ) -> Array:
        """The ELBO as one set of draws has it; ``given`` are their noise and the batch's rows."""
        noises, rows = given

        def one(each: Noise) -> Array:
            u = spread(parameters, each, places)
            energy = self.potential(arguments, to_w(state.base, u, places), state.warp, rows)
            return -energy - log_density_of_draw(parameters, each, u, places)

        constant = 0.5 * state.base.centre.shape[0] * log(2 * pi)
        # rows in an order are many: the arrays of several draws side by side would fill no cache
        in_turn = self.quick is not None and rows is None
        each = jax.lax.map(one, noises) if in_turn else jax.vmap(one)(noises)
        return each.mean() - 0.5 * state.base.root.log_determinant + constant

    @cached_property
    def steps(self) -> Callable[..., Any]:
        """A chunk of steps, compiled: the new state, the ELBO of each, how many were void.

        A step is void where the ELBO or its slope is not finite: nothing moves then.
        """

        def run(
            state: State, arguments: Any, places: Places, noises: Noise, rows: Any, rate: Array
        ) -> Any:
            def one(climb: Climb, given: Any) -> Any:
                elbo, slope = jax.value_and_grad(self.elbo)(
                    climb.parameters, state, arguments, places, given
                )
                fine = jnp.isfinite(elbo)
                for leaf in jax.tree.leaves(slope):
                    fine &= jnp.isfinite(leaf).all()
                new = jax.tree.map(
                    lambda a, b: jnp.where(fine, a, b), _adam(climb, slope, rate), climb
                )
                return new, (jnp.where(fine, elbo, jnp.nan), ~fine)

            climb, (elbos, void) = jax.lax.scan(one, state.climb, (noises, rows))
            return state._replace(climb=climb), elbos, void.sum()

        return jax.jit(run)

    @cached_property
    def leap(self) -> Callable[..., Any]:
        """Of a guide with its base in the curvature: the natural direction for its mean, and the
        ELBO at each of some lengths of it; compiled.
        """

        def run(state: State, noises: Noise, arguments: Any, places: Places, lengths: Array) -> Any:
            parameters = state.climb.parameters

            def elbo(parameters: Parameters) -> Array:
                return self.elbo(parameters, state, arguments, places, (noises, None))

            direction = [part.mean for part in jax.grad(elbo)(parameters)]

            def moved(length: Array) -> Parameters:
                pairs = zip(parameters, direction, strict=True)
                return tuple(p._replace(mean=p.mean + length * d) for p, d in pairs)

            return direction, jax.lax.map(lambda length: elbo(moved(length)), lengths)

        return jax.jit(run)

    @cached_property
    def curvature(self) -> Callable[..., tuple[Array, Blocks]]:
        """The mean of the guide, and the expected curvature under it by the first few of some
        draws; compiled.
        """

        def run(state: State, noises: Noise, arguments: Any, places: Places, count: Array) -> Any:
            def at(each: Noise) -> Array:
                return to_w(state.base, spread(state.climb.parameters, each, places), places)

            centre = at(tuple(jnp.zeros_like(each[0]) for each in noises))
            points = jax.vmap(at)(noises)
            return centre, self._blocks(points, count, state.warp, arguments, places)

        return jax.jit(run)

    @cached_property
    def precisions(self) -> Callable[..., Array]:
        """The precision of each number given all others, at a point; compiled."""

        def run(w: Array, warp: Warp, arguments: Any, places: Places) -> Array:
            blocks = self._blocks(w[None], 1, warp, arguments, places)
            return diagonal_of(blocks, places, w.shape[0])

        return jax.jit(run)

    def _blocks(
        self, points: Array, count: Array, warp: Warp, arguments: Any, places: Places
    ) -> Blocks:
        """The mean curvature at the first few of some points."""

        def gradient(shift: Array) -> Array:
            def more(number: Array, total: Array) -> Array:
                w = points[number] + shift
                return total + jax.grad(self.potential, argnums=1)(arguments, w, warp)

            return jax.lax.fori_loop(0, count, more, jnp.zeros_like(shift)) / count

        rows = self.problem.structure.rows
        return read_blocks(gradient, jnp.zeros_like(points[0]), places, rows)

    @cached_property
    def factor(self) -> Callable[..., Factor]:
        """The factor of blocks, mended or not; compiled."""

        def run(blocks: Blocks, places: Places, mended: bool) -> Factor:
            return factor(blocks, places, 0.0, mended)

        return jax.jit(run, static_argnums=2)

    def blocks_of(self, state: State) -> Blocks:
        """The precision of a state's base."""
        return product(state.base.root, self.places)


def begun(parameters: Parameters) -> Climb:
    """Parameters of whose slopes nothing is known yet."""
    zero = jax.tree.map(jnp.zeros_like, parameters)
    return Climb(parameters, zero, zero, jnp.zeros((), int))


def _adam(climb: Climb, slope: Parameters, rate: Array) -> Climb:
    """One step up (Kingma and Ba, 2015), with second moments that forget faster than usual, as the
    slopes shrink by orders of magnitude on the way.

    Slopes below 1 are not made larger: of whitened numbers they are natural gradients, and near the
    optimum chance, by which a large triangle of weights would wander off.
    """
    count = climb.count + 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, climb.first, slope)
    second = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, climb.second, slope)

    def moved(value: Array, m: Array, v: Array) -> Array:
        # weights by as much less as there are of them, so that u moves no further by all together
        own = rate / value.shape[2] if value.ndim == 3 else rate
        return value + own * (m / (1 - 0.9**count)) / (jnp.sqrt(v / (1 - 0.99**count)) + 1.0)

    return Climb(jax.tree.map(moved, climb.parameters, first, second), first, second, count)
