"""Draws from a guide, and how far they can stand for the posterior's: Pareto k-hat.

The importance ratios of a whole vector of thousands of numbers always scatter, however good each
group's approximation is. So where the joint k-hat says no, a hierarchy is looked at part by part:
each group of the finest level given all above it; and what is above it, with the groups'
likelihoods integrated out by importance sampling, group by group, each time along the same draws.
Where the ratios are tame, the draws are weighted by them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp

from hdsl.fit.devices import on_devices
from hdsl.fit.draws import Numbers
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.ascent import Machine, State
from hdsl.fit.methods.blocks import Array, Places
from hdsl.fit.methods.guide import Noise, log_density_of, noise, spread, to_w
from hdsl.fit.methods.psis import RELIABLE, effective, figure, resample, smooth
from hdsl.fit.methods.terms import Terms, terms_of
from hdsl.fit.methods.warp import unwarped

DRAWN_AT_ONCE = 20_000_000
PATIENCE = 60.0
"""Seconds that one check may take."""

FEWEST, MOST = 100, 400
"""Draws of a check by parts."""

WITHIN = 12
"""Draws of each group that its likelihood is integrated with."""

FREEDOM = 7.0
"""Degrees of freedom of the t distribution from which the population's numbers are drawn."""

FEW_BAD = 0.01
"""The share of the groups whose own approximation may be off."""

EVEN = 0.95
"""Ratios hardly differ where the draws weighted by them are worth so much of their number."""

AT_ONCE = 20
CHECKED = 400
"""So many groups are looked at."""


@dataclass(frozen=True)
class Trust:
    """Draws, weighted where that is possible, their log densities, and the verdict's figures."""

    z: Numbers
    lp: Numbers
    khat: float | None
    trusted: bool
    notes: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)


def draw(machine: Machine, state: State, seed: int, draws: int) -> tuple[Numbers, Numbers]:
    """Unconstrained draws of the guide (draw, number), and its log density of each."""
    size = machine.problem.target.size
    chunk = int(np.clip(DRAWN_AT_ONCE // max(size, 1), 1, draws))

    @jax.jit
    def some(state: State, noises: Noise, places: Places) -> Any:
        return jax.vmap(lambda each: _drawn(state, each, places))(noises)

    vectors, densities = [], []
    for number, begin in enumerate(range(0, draws, chunk)):
        noises = noise(machine.arrow, (seed, number, 3), chunk)
        z, parts, growth = some(state, noises, machine.places)
        vectors.append(np.asarray(z)[: draws - begin])
        total = np.sum([np.asarray(part).sum(axis=1) for part in parts], axis=0)
        total -= np.asarray(growth).sum(axis=1)
        densities.append(total[: draws - begin])
    constant = 0.5 * float(state.base.root.log_determinant) - 0.5 * size * np.log(2 * np.pi)
    return np.concatenate(vectors), np.concatenate(densities) + constant


def _drawn(state: State, each: Noise, places: Places) -> tuple[Array, Noise, Array]:
    """A draw z, the log density of its u by part, and the log of dz/dw by number."""
    parameters = state.climb.parameters
    u = spread(parameters, each, places)
    z, growth = unwarped(to_w(state.base, u, places), state.warp)
    return z, log_density_of(parameters, u, places), growth


def examine(machine: Machine, state: State, draws: int, seed: int) -> Trust:
    """Draws that stand for the posterior as well as a guide's can, and how well that is."""
    z, log_guide = draw(machine, state, seed, draws)
    lp = densities(machine.problem, z)
    weights, joint = smooth(np.where(np.isnan(lp), -np.inf, lp - log_guide)[~_unknown(lp)])
    figures: dict[str, Any] = {"khat_joint": figure(joint)}
    if joint < RELIABLE:
        if len(weights) == draws:
            chosen = resample(weights, draws, seed)
            z, lp = z[chosen], lp[chosen]
            figures["weighted"] = True
        return Trust(z, lp, figure(joint), True, (), figures)
    terms = terms_of(machine.problem, machine.arrow)
    if terms is None:
        return Trust(z, lp, figure(joint), False, (), figures)
    return _by_parts(Check(machine, state, terms, seed), Trust(z, lp, None, False, (), figures))


def _shape_that_matters(log_ratios: Numbers) -> float:
    """The k-hat of some ratios; 0 where they hardly differ, for it is the shape of their tail
    however small that is.
    """
    weights, khat = smooth(log_ratios)
    return khat if effective(weights) < EVEN * len(weights) else 0.0


def _unknown(lp: Numbers) -> Numbers:
    """The draws at the end whose density was not computed, for want of time."""
    known = np.flatnonzero(~np.isnan(lp))
    return np.arange(len(lp)) > (known[-1] if len(known) else -1)


def _by_parts(check: Check, raw: Trust) -> Trust:
    groups, above = check.groups(), check.above(len(raw.z))
    if groups is None or above is None:
        note = "so many rows take too long to check"
        figures = {**raw.figures, "checked": False}
        return replace(raw, trusted=True, notes=(note,), figures=figures)
    weights, khat = smooth(above.log_weights)
    bad = float((groups > RELIABLE).mean())
    notes = (
        f"checked in parts: k-hat {khat:.2f} for all above the level {check.terms.level}, and "
        f"above {RELIABLE} in {100 * bad:.2g}% of its groups",
    )
    figures = {**raw.figures, "khat_above": figure(khat), "groups_off": bad}
    found = replace(raw, khat=figure(khat), notes=notes, figures=figures)
    if bad > FEW_BAD:
        found = replace(found, khat=raw.figures["khat_joint"])
    if khat >= RELIABLE or bad > FEW_BAD:
        return found
    z, lp = raw.z, raw.lp
    if len(above.z) >= len(z):
        z = above.z[resample(weights, len(z), check.seed)]
        lp = densities(check.machine.problem, z)
        figures["weighted"] = True
    return replace(found, z=z, lp=lp, trusted=True)


def densities(problem: Problem, z: Numbers) -> Numbers:
    """The log density of each draw; not a number beyond as many as there is time for."""
    target = problem.target
    known = on_devices(target.arguments)

    @jax.jit
    def many(arguments: Any, some: Array) -> Array:
        return jax.lax.map(lambda one: target.potential(arguments, one), some)

    few = z[: min(FEWEST, len(z))]
    first = np.asarray(many(known, few))
    began = time.perf_counter()
    first = np.asarray(many(known, few))
    each = (time.perf_counter() - began) / len(few)
    count = int(np.clip(PATIENCE / max(each, 1e-9), len(few), len(z)))
    found = np.full(len(z), np.nan)
    found[: len(few)] = -first
    found[len(few) : count] = -np.asarray(many(known, z[len(few) : count]))
    return found


class Above(NamedTuple):
    """Draws of the guide with each group's own numbers drawn anew by weight, and the log weights
    of all above the groups.
    """

    log_weights: Numbers
    z: Numbers


@dataclass(frozen=True)
class Check:
    """The two checks by parts."""

    machine: Machine
    state: State
    terms: Terms
    seed: int

    def _noise(self, draws: int, *of: int) -> Noise:
        return noise(self.machine.arrow, (self.seed, *of, 4), draws)

    def groups(self) -> Numbers | None:
        """Each group's k-hat given the mean of all above it; 0 where the ratios hardly differ."""
        own = self._noise(MOST, 0)

        def one(state: State, each: Array, arguments: Any, places: Places) -> Array:
            still = tuple(jnp.zeros_like(part[0]) for part in own[1:])
            z, parts, growth = _drawn(state, (each, *still), places)
            return self.terms.split(arguments, z, growth)[0] - parts[0]

        found = self._all(one, lambda _: own[0], MOST)
        if found is None:
            return None
        chosen = np.linspace(0, found.shape[1] - 1, min(CHECKED, found.shape[1])).astype(int)
        return np.array([_shape_that_matters(found[:, group]) for group in chosen])

    def above(self, wanted: int) -> Above | None:
        """Draws of all above the finest level with their weights: the groups' numbers integrated
        out along the same draws each time, so that what is left of chance cancels.

        Those of the population are drawn with the tails of a t distribution, as a guide's own are
        too short.
        """
        inner = jnp.asarray(self._noise(WITHIN, 1)[0])

        def one(state: State, each: Any, arguments: Any, places: Places) -> Any:
            outer, chance = each

            def at(local: Array) -> tuple[Array, Noise, Array]:
                return _drawn(state, (local, *outer), places)

            def within(local: Array) -> tuple[Array, Array, Array]:
                z, parts, growth = at(local)
                groups, rest = self.terms.split(arguments, z, growth)
                return groups - parts[0], rest, sum(part.sum() for part in parts[1:])

            ratios, rest, guide = jax.lax.map(within, inner)
            chosen = (ratios + chance).argmax(axis=0)  # of each group, by weight (Gumbel)
            z, _, _ = at(inner[chosen, jnp.arange(ratios.shape[1])])
            squares, count = (outer[-1] ** 2).sum(), outer[-1].size
            tails = 0.5 * squares - 0.5 * (FREEDOM + count) * jnp.log1p(squares / FREEDOM)
            return logsumexp(ratios, axis=0).sum() + rest[0] - guide[0] - tails, z

        def noises(number: int) -> Any:
            rng = np.random.default_rng((self.seed, number, 5))
            chance = rng.gumbel(size=(AT_ONCE, WITHIN, self.terms.groups))
            stretch = np.sqrt(FREEDOM / rng.chisquare(FREEDOM, AT_ONCE))[:, None, None]
            *tiers, border = self._noise(AT_ONCE, number, 2)[1:]
            return (*tiers, border * stretch), chance

        found = self._all(one, noises, max(wanted, MOST))
        return None if found is None else Above(*found)

    def _all(self, one: Any, noises: Any, wanted: int) -> Any:
        """A function of noise for as many draws as are wanted; fewer where time is short, None
        for too few. ``noises(number)`` is that of the given batch of draws.
        """
        machine = self.machine

        @jax.jit
        def many(state: State, some: Any, arguments: Any, places: Places) -> Any:
            return jax.lax.map(lambda each: one(state, each, arguments, places), some)

        def run(number: int) -> Any:
            found = many(self.state, noises(number), machine.arguments, machine.places)
            return jax.tree.map(np.asarray, found)

        run(0)
        began = time.perf_counter()
        found = [run(0)]
        size = len(jax.tree.leaves(found[0])[0])
        each = (time.perf_counter() - began) / size
        affordable = int(PATIENCE / max(each, 1e-9))
        if affordable < FEWEST:
            return None
        wanted = wanted if affordable >= wanted else min(MOST, affordable)
        found += [run(number) for number in range(1, -(-wanted // size))]
        return jax.tree.map(lambda *parts: np.concatenate(parts), *found)
