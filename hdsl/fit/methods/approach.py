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
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.failure import failure
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.arrow import Arrow, Tier, arrows
from hdsl.fit.methods.ascent import Climb, Machine, State, begun
from hdsl.fit.methods.blocks import (
    Array,
    Blocks,
    Places,
    multiply,
    places_of,
    product,
    read_blocks,
)
from hdsl.fit.methods.guide import Base, Noise, Parameters, noise, spread, standard, to_w
from hdsl.fit.methods.warp import Warp, bending, no_warp, powers_of, scaled_numbers, unwarped

LENGTHS = (0.0, 4.0, 1.0, 0.5, 0.25, 0.1, 0.03, 0.01, 0.001)
"""Of a leap, tried all at once; the first is to stay."""

HELD, FREE, DONE = range(3)
"""The phases: scales held, all free, and the end."""

MOST_LEAPS, ENOUGH = (20, 80), 2
"""How many there may be by the end of each phase, and how many in a row must gain nothing before
it ends."""

CERTAIN = 1e8
"""The precision of what is held."""

GAIN, GAIN_PER_NUMBER = 0.1, 1e-3
"""A leap gains nothing where the ELBO rises by less than this and so much a number, in nats."""

NARROW, NARROWEST = 0.3, 1e-4
"""How wide the first guide is, and how narrow it may become where no wider one has an ELBO, in sds
of the curvature. A narrow one is drawn to pits, as the mode is."""

CURVED_ROWS, MOST_DRAWS, CURVED_DRAWS = 1_000_000, 32, 8
"""Rows that the draws behind an expectation may have in all, and how many draws these are at most,
for ELBOs and for curvatures."""

SHARES = (1.0, 0.5, 0.2, 0.05)
"""How far the base goes towards the curvature at its new place."""

BEND, BENDS = 0.1, 2
"""By how much a scale is moved, on the log scale, to see what it stretches; and how often."""

BENT = 2
"""How often group effects are bent: at the start and near the optimum."""

BEND_SECONDS = 90.0
"""What costs more time than this stays as it is."""


@dataclass
class Course:
    """How far the leaps have come: what a checkpoint of them holds besides the state.

    ``phase`` is one of ``HELD`` to ``DONE``; ``blocks`` are the precision of the base.
    """

    phase: int = HELD
    leaps: int = 0
    bends: int = 0
    idle: int = 0
    elbo: float = -np.inf
    blocks: Any = None


@dataclass
class Approach:
    """The leaps of one problem."""

    machine: Machine
    seed: int
    say: Callable[[str], None]
    course: Course = field(default_factory=Course)

    def first(self, state: State) -> State:
        """A narrow guide where the given one is, with its base in the curvature there."""
        return self._whitened(self._bent(state), NARROW)

    def run(self, state: State, leapt: Callable[[State], None]) -> State:
        """A guide near the best, its base in the curvature there; ``leapt`` hears of each leap.

        Scales are held where the prior has them until all else has come near: before, they would
        be stretched after numbers that are far off, and come back slowly.
        """
        course = self.course
        if course.phase == HELD and not self._scales.any():
            course.phase = FREE
        while course.phase != DONE:
            if course.leaps == 0 or course.idle >= ENOUGH:
                state, gained = self._next(state), np.inf
            else:
                before = course.elbo
                state, course.elbo = self._leapt(self._refined(state))
                gained = course.elbo - before
            course.leaps += 1
            course.idle = course.idle + 1 if gained < self._least else 0
            self.say(f"svi: leap {course.leaps}, ELBO {course.elbo:.6g}")
            if course.phase != DONE and course.leaps >= MOST_LEAPS[course.phase]:
                course.idle = ENOUGH
            leapt(state)
        return state

    def _next(self, state: State) -> State:
        """The beginning of what comes next."""
        course = self.course
        if course.leaps and course.phase == HELD:
            course.phase = FREE
        elif course.leaps and (course.bends >= self._bends or course.leaps >= MOST_LEAPS[FREE]):
            course.phase = DONE
            return state
        if course.phase == FREE:
            course.bends += 1
            state = self._bent(state)
        state, course.elbo = self._leapt(self._bounded(self._whitened(state, 1.0)))
        return state

    @property
    def _bends(self) -> int:
        """How often group effects are bent."""
        return BENT if len(bending(self.machine.problem.structure)) else 1

    @property
    def _least(self) -> float:
        return GAIN + GAIN_PER_NUMBER * self.machine.problem.target.size

    @cached_property
    def _scales(self) -> Numbers:
        """Which numbers of the border say how far others spread."""
        sites = [s for s in self.machine.problem.structure.population if s.is_scale]
        found = [site.indices.reshape(-1) for site in sites]
        return np.isin(self.machine.arrow.border, np.concatenate([*found, np.arange(0)]))

    def _leapt(self, state: State) -> tuple[State, float]:
        """The mean moved along the natural direction as far as the ELBO rises, and the ELBO."""
        direction, elbos = self._leap(state)
        best = int(elbos.argmax())
        pairs = zip(state.climb.parameters, direction, strict=True)
        moved = tuple(p._replace(mean=p.mean + LENGTHS[best] * d) for p, d in pairs)
        return state._replace(climb=begun(moved)), float(elbos[best])

    def _leap(self, state: State) -> tuple[list[Numbers], Numbers]:
        """The direction, and the ELBO along it: the same noise each time, so that they compare."""
        machine, noises = self.machine, self._noise(self.draws, 1)
        direction, elbos = machine.leap(
            state, noises, machine.arguments, machine.places, np.array(LENGTHS)
        )
        return direction, np.where(np.isfinite(elbos), elbos, -np.inf)

    def _bounded(self, state: State) -> State:
        """The same, as narrow as it must be for a finite ELBO."""
        width = 1.0
        while not np.isfinite(self._leap(state)[1]).any():
            width *= 0.1
            if width < NARROWEST:
                raise no_elbo(0)
            parameters = _narrowed(standard(self.machine.arrow), width)
            state = state._replace(climb=begun(parameters))
        return state

    def _refined(self, state: State) -> State:
        """The base moved towards the curvature here, as far as the ELBO does not fall.

        A mean of two positive curvatures is one, so that some way towards it always is.
        """
        course, machine = self.course, self.machine
        centre, blocks = self._curvature(state, CURVED_DRAWS)
        for share in SHARES:
            mixed = jax.tree.map(lambda a, b, s=share: s * a + (1 - s) * b, blocks, course.blocks)
            root = machine.factor(self._held(mixed), machine.places, False)
            if not np.isfinite(float(root.log_determinant)):
                continue
            new = State(state.warp, Base(centre, root), begun(standard(machine.arrow)))
            if self._leap(new)[1][0] >= course.elbo - self._least:
                course.blocks = mixed
                return new
        return state

    def _held(self, blocks: Blocks) -> Blocks:
        """The same, before all are free with scales so certain that they stay where they are."""
        if self.course.phase >= FREE:
            return blocks
        return blocks._replace(border=blocks.border + np.diag(CERTAIN * self._scales))

    @property
    def draws(self) -> int:
        """How many draws an expectation is made of."""
        draws = np.clip(CURVED_ROWS // self.machine.problem.structure.rows, 2, MOST_DRAWS)
        return int(draws) // 2 * 2

    def _noise(self, draws: int, *of: int) -> Noise:
        """Noise in pairs of opposite sign: by its mean, which is 0, no slope is off."""
        half = noise(self.machine.arrow, (self.seed, 6, *of), draws // 2)
        return tuple(np.concatenate([each, -each]) for each in half)

    def _curvature(self, state: State, draws: int) -> tuple[Array, Blocks]:
        """The guide's mean and the expected curvature; that at the mean for no draw, and in the
        first phase.
        """
        machine, count = self.machine, min(self.draws, CURVED_DRAWS)
        noises = self._noise(count, 0, self.course.leaps)
        if not draws or self.course.phase == HELD:
            noises, count = jax.tree.map(jnp.zeros_like, noises), 1
        found: tuple[Array, Blocks] = machine.curvature(
            state, noises, machine.arguments, machine.places, count
        )
        return found

    def _whitened(self, state: State, width: float) -> State:
        """The base in the curvature at the mean, mended where it is not positive."""
        machine = self.machine
        centre, blocks = self._curvature(state, 0)
        base = state.base._replace(centre=centre)
        for mended in (False, True):
            root = machine.factor(self._held(blocks), machine.places, mended)
            if np.isfinite(float(root.log_determinant)):
                base = Base(centre, root)
                self.course.blocks = product(root, machine.places) if mended else blocks
                break
        return State(state.warp, base, begun(_narrowed(standard(machine.arrow), width)))

    def _bent(self, state: State) -> State:
        """The same with group effects warped by the powers of their scales.

        The mean stays where it is, as a warp does nothing where the scales are at its centre.
        """
        structure = self.machine.problem.structure
        where, numbers = bending(structure), scaled_numbers(structure)
        if not len(where) or not len(numbers):
            return state
        places, parameters = self.machine.places, state.climb.parameters
        still = tuple(jnp.zeros(part.mean.shape) for part in parameters)
        z, _ = unwarped(to_w(state.base, spread(parameters, still, places), places), state.warp)
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


def arrow_of(problem: Problem, at: Numbers | None = None) -> tuple[Arrow, bool]:
    """How the guide is built, and whether the curvature can be had in that form.

    ``at`` is a point where it is tried whether the curvature stands where the arrow has it: the
    weeks of a random walk do not speak to each other through the population alone. Where no form
    fits, or there is no room for it, all numbers are taken to be independent.
    """
    structure = problem.structure
    for arrow in arrows(structure, structure.sites):
        if at is None or _reads_true(problem, arrow, at):
            return arrow, True
    size = problem.target.size
    alone = Tier("number", np.arange(size)[:, None], None)
    return Arrow(size, (alone,), np.arange(0)), False


def _reads_true(problem: Problem, arrow: Arrow, at: Numbers) -> bool:
    """Whether the blocks of an arrow are all of the curvature, by a product with a vector."""
    rng = np.random.default_rng(1)
    near, vector = at + 0.01 * rng.standard_normal(at.shape), rng.standard_normal(at.shape)

    @jax.jit
    def products(arguments: Any, near: Array, vector: Array, places: Places) -> tuple[Array, Array]:
        def gradient(z: Array) -> Array:
            return jax.grad(problem.target.potential, argnums=1)(arguments, z)

        blocks = read_blocks(gradient, near, places, problem.structure.rows)
        return multiply(blocks, places, vector), jax.jvp(gradient, (near,), (vector,))[1]

    own, exact = products(problem.target.arguments, near, vector, places_of(arrow, {}))
    return bool(jnp.abs(own - exact).max() <= 1e-6 * jnp.abs(exact).max())


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
