"""Draws of the hyper-parameters around their mode, and of all other numbers given them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import lgamma, log, pi
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.methods.blocks import (
    Array,
    Factor,
    Places,
    backward,
    factor,
    noise_shapes,
    solve,
)
from hdsl.fit.methods.marginal import Optimum, Outer
from hdsl.fit.methods.newton import Mode
from hdsl.fit.methods.psis import RELIABLE, smooth

FREEDOM = 10.0
"""Degrees of freedom of the hyper-parameters' t distribution: wider than what it stands for, so
that importance ratios stay bounded."""

HEAVY, WIDER = 5.0, 1.2
"""Of the second proposal, where the first was too narrow: its freedom, and how much wider than the
weighted draws it is."""

STEPS = 3
LENGTHS = (1.0, 0.5, 0.1)
BATCH_VALUES = 2_000_000
ALONG = 16
"""Draws that share a pass over the factor."""


@dataclass(frozen=True)
class Drawn:
    """Draws as whole vectors, with the logs of: the density; its proposal's; the hyper-parameters'
    approximate marginal density; their proposal's.
    """

    z: Numbers
    log_density: Numbers
    log_proposal: Numbers
    log_marginal: Numbers
    log_proposal_hyper: Numbers


@dataclass(frozen=True)
class Sampler:
    """The compiled draws of one problem."""

    outer: Outer

    @cached_property
    def anew(self) -> Callable[..., Any]:
        """A function of many hyper-parameters and noises; the mode is found for each."""
        inner = self.outer.inner

        def improved(arguments: Any, theta: Array, v: Array, places: Places) -> Array:
            gradient = jax.grad(inner.energy, argnums=2)(arguments, theta, v)
            root = factor(inner.blocks(arguments, theta, v, places), places)
            step = -solve(root, places, gradient)
            tries = v + jnp.array((*LENGTHS, 0.0))[:, None] * jnp.where(jnp.isfinite(step), step, 0)
            energies = jax.lax.map(lambda at: inner.energy(arguments, theta, at), tries)
            return tries[jnp.argmin(jnp.where(jnp.isfinite(energies), energies, jnp.inf))]

        def one(
            arguments: Any, mode: tuple[Array, Array, Factor], theta: Array, noise: Any, at: Places
        ) -> Any:
            centre, v, root = mode
            v = self.outer.moved(arguments, centre, v, theta - centre, root, at)
            v = jax.lax.fori_loop(0, STEPS, lambda _, v: improved(arguments, theta, v, at), v)
            root = factor(inner.blocks(arguments, theta, v, at), at)
            drawn = v + backward(root, at, noise, v.shape[0])
            constant = 0.5 * v.shape[0] * log(2 * pi)
            own = 0.5 * root.log_determinant - constant - 0.5 * _squares(noise)
            marginal = -inner.energy(arguments, theta, v) - 0.5 * root.log_determinant + constant
            density = -inner.energy(arguments, theta, drawn)
            return inner.join(theta, drawn), density, own, marginal

        def many(arguments: Any, mode: Any, thetas: Array, noises: Any, at: Places) -> Any:
            rows = inner.problem.structure.rows + inner.arrow.size * inner.arrow.count
            batch = max(1, min(thetas.shape[0], BATCH_VALUES // max(rows, 1)))
            return jax.lax.map(
                lambda each: one(arguments, mode, each[0], each[1], at),
                (thetas, noises),
                batch_size=batch,
            )

        return jax.jit(many)

    @cached_property
    def along(self) -> Callable[..., Any]:
        """The same with the mode moved as its response says, and one factor for all."""
        inner = self.outer.inner

        def one(mode: tuple[Array, Array, Factor], response: Array, at: Places, each: Any) -> Any:
            centre, v, root = mode
            theta, noise = each
            moved = v + response @ (theta - centre)
            return inner.join(theta, moved + backward(root, at, noise, v.shape[0]))

        def many(mode: Any, response: Array, thetas: Array, noises: Any, at: Places) -> Any:
            # a batch reads the factor once, and there are numbers enough in a draw to fill a cache
            return jax.lax.map(
                lambda each: one(mode, response, at, each),
                (thetas, noises),
                batch_size=min(ALONG, thetas.shape[0]),
            )

        return jax.jit(many)


def _squares(parts: tuple[Array, ...]) -> Array:
    return sum((part**2).sum() for part in parts)


def _noises(outer: Outer, count: int, rng: np.random.Generator) -> tuple[Numbers, ...]:
    """Standard normal noise in parts; none where a group has no number for a slot."""
    arrow = outer.inner.arrow
    found = [rng.standard_normal((count, *shape)) for shape in noise_shapes(arrow)]
    for place, tier in enumerate(arrow.tiers):
        found[place][:, tier.index == arrow.size] = 0.0
    return tuple(found)


def _mode(mode: Mode) -> tuple[Array, Array, Factor]:
    return jnp.asarray(mode.theta), mode.at, mode.factor


@dataclass(frozen=True)
class Proposal:
    """What hyper-parameters are drawn from: a centre, directions, their scales to both sides."""

    centre: Numbers
    root: Numbers
    stretch: Numbers


def proposal_of(best: Optimum) -> Proposal:
    """The distribution around the marginal's mode."""
    return Proposal(best.marginal.mode.theta, best.root, best.stretch)


def adapted(drawn: Drawn, theta: Numbers) -> Proposal:
    """A proposal with the moments that the weighted draws ``theta`` of an earlier one have."""
    weights, _ = smooth(drawn.log_marginal - drawn.log_proposal_hyper)
    centre = weights @ theta
    covariance = (weights[:, None] * (theta - centre)).T @ (theta - centre)
    root = np.linalg.cholesky(covariance + 1e-9 * np.eye(centre.size))
    return Proposal(centre, root, np.full((centre.size, 2), WIDER))


def hyper_draws(
    given: Proposal, count: int, rng: np.random.Generator, freedom: float
) -> tuple[Numbers, Numbers]:
    """Draws around a centre, and their log densities.

    Along each direction they are t distributed (normal for infinite freedom), each side with its
    own scale and so much of the mass that the density has no step at the mode.
    """
    size = given.root.shape[1]
    noise = np.abs(rng.standard_normal((count, size)))
    if np.isfinite(freedom):
        noise *= np.sqrt(freedom / rng.chisquare(freedom, (count, size)))
        constant = lgamma((freedom + 1) / 2) - lgamma(freedom / 2) - 0.5 * log(freedom * pi)
        logs = constant - 0.5 * (freedom + 1) * np.log1p(noise**2 / freedom)
    else:
        logs = -0.5 * log(2 * pi) - 0.5 * noise**2
    up = rng.random((count, size)) * given.stretch.sum(axis=1) < given.stretch[:, 0]
    steps = np.where(up, given.stretch[:, 0], -given.stretch[:, 1]) * noise
    density = (logs + np.log(2 / given.stretch.sum(axis=1))).sum(axis=1)
    determinant = np.linalg.slogdet(given.root)[1] if size else 0.0
    return given.centre + steps @ given.root.T, density - determinant


def draw_anew(outer: Outer, best: Optimum, count: int, seed: int) -> Drawn:
    """Draws with the mode found for each, and what importance sampling needs.

    Where their ratios are too wild, once more from a proposal that has learned from them.
    """
    sampler = Sampler(outer)
    first, theta = _drawn_from(proposal_of(best), sampler, best, count, (seed, 1), FREEDOM)
    _, khat = smooth(first.log_marginal - first.log_proposal_hyper)
    if khat < RELIABLE or not theta.shape[1] or not np.isfinite(khat):
        return first
    second, _ = _drawn_from(adapted(first, theta), sampler, best, count, (seed, 2), HEAVY)
    _, again = smooth(second.log_marginal - second.log_proposal_hyper)
    return second if again < khat else first


def _drawn_from(
    given: Proposal,
    sampler: Sampler,
    best: Optimum,
    count: int,
    seed: tuple[int, int],
    freedom: float,
) -> tuple[Drawn, Numbers]:
    """Draws from one proposal, with the hyper-parameters apart."""
    rng = np.random.default_rng(seed)
    inner = sampler.outer.inner
    thetas, proposal = hyper_draws(given, count, rng, freedom)
    noises = _noises(sampler.outer, count, rng)
    found = sampler.anew(inner.arguments, _mode(best.marginal.mode), thetas, noises, inner.places)
    z, density, own, marginal = (np.asarray(each) for each in found)
    return Drawn(z, density, proposal + own, marginal, proposal), thetas


def draw_along(outer: Outer, best: Optimum, count: int, seed: int) -> Drawn:
    """Draws with the mode followed to first order, some at a time; densities are not computed."""
    rng = np.random.default_rng((seed, 1))
    inner = outer.inner
    thetas, _ = hyper_draws(proposal_of(best), count, rng, float("inf"))
    size = max(1, min(count, 4 * BATCH_VALUES // max(inner.arrow.size, 1)))
    along, mode, parts = Sampler(outer).along, _mode(best.marginal.mode), []
    response = outer.response(best.marginal.mode)
    for begin in range(0, count, size):
        chunk = np.resize(thetas[begin : begin + size], (size, thetas.shape[1]))
        noises = _noises(outer, size, rng)
        z = along(mode, response, chunk, noises, inner.places)
        parts.append(np.asarray(z)[: count - begin])
    unknown = np.full(count, np.nan)
    return Drawn(np.concatenate(parts), unknown, unknown, unknown, unknown)
