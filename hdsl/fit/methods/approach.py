"""From where the prior is centred to the neighbourhood of the best guide, in a few dozen leaps.

A leap takes the expected curvature under the guide for the precision of the next one, and moves its
mean along the natural gradient as far as the ELBO rises (Opper and Archambeau, 2009, The
variational Gaussian approximation revisited; Khan and Rue, 2023, The Bayesian learning rule). It
is a Newton iteration on expectations: unlike the density's mode, the guide does not fall into the
pit where a scale and all that it scales are zero. On the way group effects are bent straight
(``warp``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.draws import NoStartError, Numbers
from hdsl.fit.failure import failure
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.arrow import Arrow, Tier, arrows
from hdsl.fit.methods.ascent import Climb, Machine, State, begun
from hdsl.fit.methods.blocks import Blocks
from hdsl.fit.methods.guide import Base, Noise, Parameters, noise, standard
from hdsl.fit.methods.warp import Warp, bending, no_warp, powers_of, scaled_numbers, unwarped

LENGTHS = (0.0, 1.0, 0.5, 0.25, 0.1, 0.03, 0.01, 0.001)
"""Of a leap, tried all at once; the first is to stay."""

MOST_LEAPS, ENOUGH = 60, 2
"""How many there may be, and how many in a row must gain nothing before they end."""

GAIN, GAIN_PER_NUMBER = 0.1, 1e-3
"""A leap gains nothing where the ELBO rises by less than this and so much a number, in nats."""

NARROW, NARROWEST = 0.3, 1e-4
"""How wide the first guide is, and how narrow it may become where no wider one has an ELBO, in sds
of the curvature. A narrow one is drawn to pits, as the mode is."""

CURVED_ROWS = 1_000_000
"""Rows that the draws behind an expected curvature may have in all."""

BEND, BENDS = 0.1, 2
"""By how much a scale is moved, on the log scale, to see what it stretches; and how often."""

BENT = 2
"""How often group effects are bent: at the start and near the optimum."""

BEND_SECONDS = 90.0
"""What costs more time than this stays as it is."""


@dataclass
class Approach:
    """The leaps of one problem."""

    machine: Machine
    seed: int
    say: Callable[[str], None]

    def first(self, state: State) -> State:
        """A narrow guide where the given one is, with its base in the curvature there."""
        return self._whitened(self._bent(state), 0, NARROW)

    def run(self, state: State) -> State:
        """A guide near the best, of the curvature's width, with its base there."""
        machine, width, idle, bends = self.machine, 1.0, 0, 1
        state = self._bent(state)
        least = GAIN + GAIN_PER_NUMBER * machine.problem.target.size
        for number in range(MOST_LEAPS):
            state = self._whitened(state, number, width)
            noises = self._noise(number, 1)
            direction, elbos = machine.leap(
                state, noises, machine.arguments, machine.places, np.array(LENGTHS)
            )
            elbos = np.where(np.isfinite(elbos), elbos, -np.inf)
            best = int(elbos.argmax())
            if not np.isfinite(elbos[best]):
                width *= 0.1
                if width < NARROWEST:
                    raise no_elbo(number)
                continue
            state = _moved(state, LENGTHS[best], direction)
            self.say(f"svi: leap {number + 1}, ELBO {elbos[best]:.6g}")
            width = min(1.0, 2 * width)
            idle = idle + 1 if elbos[best] - elbos[0] < least else 0
            if idle >= ENOUGH and bends >= BENT:
                break
            if idle >= ENOUGH:
                state, bends, idle = self._bent(state), bends + 1, 0
        return self._whitened(state, MOST_LEAPS, 1.0)

    def _noise(self, *of: int) -> Noise:
        rows = self.machine.problem.structure.rows
        draws = int(np.clip(CURVED_ROWS // rows, 1, 8))
        return noise(self.machine.arrow, (self.seed, 6, *of), draws)

    def _whitened(self, state: State, number: int, width: float) -> State:
        """The base in the expected curvature, mended where it is not positive."""
        machine, noises = self.machine, self._noise(number, 0)
        if number == 0:
            noises = jax.tree.map(jnp.zeros_like, noises)
        centre, blocks = machine.curvature(state, noises, machine.arguments, machine.places)
        base = state.base._replace(centre=centre)
        for mended in (False, True):
            root = machine.factor(blocks, machine.places, mended)
            if np.isfinite(float(root.log_determinant)):
                base = Base(centre, root)
                break
        return State(state.warp, base, begun(_narrowed(standard(machine.arrow), width)))

    def _bent(self, state: State) -> State:
        """The same with group effects warped by the powers of their scales.

        The mean stays where it is, as a warp does nothing where the scales are at its centre.
        """
        machine, structure = self.machine, self.machine.problem.structure
        where, numbers = bending(structure), scaled_numbers(structure)
        if not len(where) or not len(numbers):
            return state
        still = jax.tree.map(jnp.zeros_like, self._noise(0))
        centre, _ = machine.curvature(state, still, machine.arguments, machine.places)
        z, _ = unwarped(centre, state.warp)
        warp = Warp(jnp.zeros((len(z), len(where))), z[where], jnp.asarray(where))
        self._precisions(z, warp)
        began = time.perf_counter()
        self._precisions(z, warp)
        if (time.perf_counter() - began) * 2 * BENDS * len(where) > BEND_SECONDS:
            return state
        for _ in range(BENDS):
            powers = np.zeros((len(z), len(where)))
            for place, scale in enumerate(where):
                low = self._precisions(z.at[scale].add(-BEND), warp)
                high = self._precisions(z.at[scale].add(BEND), warp)
                powers[:, place] = powers_of(low, high, BEND, numbers)
            warp = warp._replace(powers=warp.powers + powers)
        # z is w where the scales are at the warp's centre
        return state._replace(warp=warp, base=state.base._replace(centre=z), climb=_still(state))

    def _precisions(self, w: Numbers, warp: Warp) -> Numbers:
        machine = self.machine
        return np.asarray(machine.precisions(w, warp, machine.arguments, machine.places))


def _still(state: State) -> Climb:
    """The climb with its guide's mean at the base's centre."""
    parts = tuple(p._replace(mean=jnp.zeros_like(p.mean)) for p in state.climb.parameters)
    return begun(parts)


def _moved(state: State, length: float, direction: list[Numbers]) -> State:
    pairs = zip(state.climb.parameters, direction, strict=True)
    return state._replace(climb=begun(tuple(p._replace(mean=length * d) for p, d in pairs)))


def _narrowed(parameters: Parameters, width: float) -> Parameters:
    return tuple(p._replace(log_diagonal=p.log_diagonal + np.log(width)) for p in parameters)


def no_elbo(steps: int) -> Exception:
    """What is said where the bound cannot be computed."""
    return failure(
        "H532",
        f"the ELBO is not finite: svi came to no end after {steps} steps",
        "`standardize` predictors on a large scale and tighten wide priors, or fit with "
        "`--method nuts`",
    )


def start_of(problem: Problem) -> Numbers:
    """The likelier of the prior's centre and zero."""
    target = problem.target
    still = np.zeros(target.size)
    points = [target.place(target.arguments, still, centre, 0.0) for centre in (1.0, 0.0)]
    potential = jax.jit(target.potential)
    energies = np.array([float(potential(target.arguments, point)) for point in points])
    if not np.isfinite(energies).any():
        raise NoStartError(at=np.asarray(points[0]))
    return np.asarray(points[int(np.argmin(np.where(np.isfinite(energies), energies, np.inf)))])


def arrow_of(problem: Problem) -> tuple[Arrow, bool]:
    """How the guide is built, and whether the curvature can be had in that form.

    Where there is no room for any hierarchy all numbers are taken to be independent.
    """
    structure = problem.structure
    found = arrows(structure, structure.sites)
    if found:
        return found[0], True
    size = problem.target.size
    alone = Tier("number", np.arange(size)[:, None], None)
    return Arrow(size, (alone,), np.arange(0)), False


def first_state(machine: Machine, start: Numbers) -> State:
    """A narrow guide around the start, before anything is known of the curvature."""
    arrow, places = machine.arrow, machine.places
    own = tuple(
        jnp.broadcast_to(jnp.eye(tier.width), (tier.groups, tier.width, tier.width))
        for tier in arrow.tiers
    )
    above = tuple(
        jnp.zeros((tier.groups, tier.width, reach))
        for tier, reach in zip(arrow.tiers, arrow.reaches, strict=True)
    )
    width = len(arrow.border)
    precision = 1 / NARROW**2
    blocks = Blocks(tuple(precision * each for each in own), above, precision * jnp.eye(width))
    base = Base(jnp.asarray(start), machine.factor(blocks, places, False))
    return State(no_warp(len(start)), base, begun(standard(arrow)))
