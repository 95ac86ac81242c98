"""The Laplace-approximated marginal density of the hyper-parameters, its mode and its curvature.

p(theta | y) is about p(y, u*, theta) (2 pi)^(n/2) / sqrt(det H), with u* the mode of all other
numbers given theta and H their curvature there (Tierney and Kadane, 1986, Accurate approximations
for posterior moments; as in TMB and INLA). The gradient is exact: u* follows theta, by implicit
differentiation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import log, pi
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.methods.blocks import Array, Factor, Places, factor, solve
from hdsl.fit.methods.frozen import FrozenRows, Tilt
from hdsl.fit.methods.newton import Inner, Mode, NoModeError

MOST_STEPS = 100
MOST_FIRST = 10
MOST_ROUNDS = 15
LONGEST = 2.0  # step of a hyper-parameter, unconstrained: a standard deviation times 7
NEAR = 0.1  # of a logarithm, that a scale's first steps still move where others take over
GAIN = 1e-3  # of the log density, that a step still promises where the mode is reached
GAP = 0.02  # between the points that curvature is measured at, unconstrained
PATIENCE = 30.0
"""Seconds that the marginal's asymmetry may take to measure; its curvature takes what it takes,
but beyond them is measured to one side only."""

STIFF = 1e-3
"""The least curvature of the marginal that is believed: an sd of about 30 on the log scale."""

STRETCH = (0.3, 3.0)


@dataclass(frozen=True)
class Marginal:
    """Minus the log marginal density at a point, its gradient, and the mode of the others."""

    energy: float
    gradient: Numbers
    mode: Mode


@dataclass(frozen=True)
class Optimum:
    """The hyper-parameters' mode, and how far they spread: the columns of ``root`` are directions
    of one standard deviation each, ``stretch`` (direction, side) what that is to be multiplied by
    on the sides towards more and less. ``flat`` counts directions whose spread is a guess.
    """

    marginal: Marginal
    root: Numbers
    stretch: Numbers
    flat: int
    evaluations: int

    @property
    def covariance(self) -> Numbers:
        """The covariance that the curvature at the mode says."""
        return self.root @ self.root.T


@dataclass(frozen=True)
class Outer:
    """The marginal density of a problem's hyper-parameters.

    ``groups`` has for each that is the logarithm of a standard deviation of how many effects it is
    that, else 0.
    """

    inner: Inner
    groups: Numbers
    near: Outer | None = None
    """Of rows that are frozen, where there are many."""
    tilts: list[Tilt] = field(default_factory=list)

    def at(self, theta: Numbers, warm: Mode | None, start: Array) -> Marginal:
        """The marginal at a point; the others' mode is looked for from a mode nearby."""
        if warm is not None:
            start = self.follow(warm, theta)
        mode = self.inner.mode(theta, start)
        inner = self.inner
        energy, gradient = self._marginal(
            inner.arguments, jnp.asarray(theta), mode.at, inner.places
        )
        energy = float(energy) + sum(tilt(theta) for tilt in self.tilts)
        return Marginal(energy, sum((t.slope for t in self.tilts), np.asarray(gradient)), mode)

    @cached_property
    def _marginal(self) -> Callable[..., Any]:
        inner = self.inner

        def run(arguments: Any, theta: Array, v: Array, places: Places) -> Any:
            def half_determinant(theta: Array, v: Array) -> tuple[Array, Factor]:
                root = factor(inner.blocks(arguments, theta, v, places), places)
                return 0.5 * root.log_determinant, root

            half, pull, root = jax.vjp(half_determinant, theta, v, has_aux=True)
            own, by_mode = pull(jnp.ones(()))
            adjoint = solve(root, places, by_mode)
            energy, direct = jax.value_and_grad(inner.energy, argnums=1)(arguments, theta, v)

            def slope(theta: Array) -> Array:
                return jax.grad(inner.energy, argnums=2)(arguments, theta, v) @ adjoint

            constant = 0.5 * v.shape[0] * log(2 * pi)
            return energy + half - constant, direct + own - jax.grad(slope)(theta)

        return jax.jit(run)

    def follow(self, mode: Mode, theta: Numbers) -> Array:
        """Where the others' mode moves, to first order, when the hyper-parameters do."""
        if not theta.size:
            return mode.at
        inner = self.inner
        change = jnp.asarray(theta - mode.theta)
        moved = self._follow(
            inner.arguments, jnp.asarray(mode.theta), mode.at, change, mode.factor, inner.places
        )
        return moved if bool(jnp.isfinite(moved).all()) else mode.at

    @cached_property
    def _follow(self) -> Callable[..., Any]:
        return jax.jit(self.moved)

    def moved(
        self,
        arguments: Any,
        theta: Array,
        v: Array,
        change: Array,
        root: Factor,
        places: Places,
    ) -> Array:
        """V - H^-1 (d gradient / d theta) change, as a traced function."""

        def gradient(theta: Array) -> Array:
            return jax.grad(self.inner.energy, argnums=2)(arguments, theta, v)

        turned = jax.jvp(gradient, (theta,), (change,))[1]
        return v - solve(root, places, turned)

    def response(self, mode: Mode) -> Array:
        """How the others' mode moves with each hyper-parameter: (number, hyper-parameter)."""
        inner = self.inner
        changes = jnp.eye(mode.theta.size)
        found = self._response(
            inner.arguments, jnp.asarray(mode.theta), mode.at, changes, mode.factor, inner.places
        )
        return jnp.where(jnp.isfinite(found), found, 0.0).T

    @cached_property
    def _response(self) -> Callable[..., Any]:
        def run(arguments: Any, theta: Array, v: Array, changes: Array, root: Any, at: Any) -> Any:
            def one(change: Array) -> Array:
                return self.moved(arguments, theta, v, change, root, at) - v

            return jax.lax.map(one, changes)

        return jax.jit(run)

    def optimum(
        self,
        theta: Numbers,
        start: Array,
        said: Callable[[str], None],
        reached: Callable[[Numbers], None] = lambda theta: None,
    ) -> Optimum:
        """The mode of the marginal and the covariance that its curvature says.

        ``reached`` is told every point that the search goes on from.

        Standard deviations first find their size by steps that suit them, then all are led by BFGS,
        at last by Newton's method with the curvature that draws need anyway.
        """
        point = self.at(theta, None, start)
        if not theta.size:
            return Optimum(point, np.zeros((0, 0)), np.zeros((0, 2)), 0, 1)
        began = time.perf_counter()
        search = self._search if self.near is None else self._search_near
        point, count = search(point, start, said, reached)
        seconds = (time.perf_counter() - began) / max(count, 1)
        said(f"how far {theta.size} hyper-parameters spread")
        both = 2 * theta.size * seconds <= PATIENCE
        near = None if self.near is None else self._near(point)
        if near is None:
            hessian = self.curvature(point, both)
            count += (4 if both else 1) * theta.size
        else:
            assert self.near is not None
            hessian, both = self.near.curvature(near, both=False), False
        root, flat = _root_of_inverse(hessian)
        if not flat:
            new = self.attempt(point, point.mode.theta - root @ root.T @ point.gradient, start)
            point = new if new is not None and new.energy < point.energy else point
        stretch = self.stretch(point, root) if both else np.ones((root.shape[1], 2))
        return Optimum(point, root, stretch, flat, count)

    def _search(
        self,
        point: Marginal,
        start: Array,
        said: Callable[[str], None],
        reached: Callable[[Numbers], None],
    ) -> tuple[Marginal, int]:
        """The mode by BFGS, and what it took."""
        point, count = self._first(point, start, said, reached)
        inverse, tries = self._first_inverse(point)
        count += 1 + tries
        for _ in range(MOST_STEPS):
            step = -inverse @ point.gradient
            if -point.gradient @ step < 2 * GAIN:
                break
            step *= min(1.0, LONGEST / np.abs(step).max())
            new, tries = self._along(point, step, start)
            count += tries
            if new is None:
                break
            inverse = _updated(inverse, new, point)
            point = new
            reached(point.mode.theta)
            said(f"{count}: log marginal density {-point.energy:.3f}")
        return point, count

    def _search_near(
        self,
        point: Marginal,
        start: Array,
        said: Callable[[str], None],
        reached: Callable[[Numbers], None],
    ) -> tuple[Marginal, int]:
        """The same by way of the density that stands for this one near each point; where that
        leads nowhere, by BFGS from there.
        """
        assert self.near is not None
        count = 1
        for _ in range(MOST_ROUNDS):
            near = self._near(point)
            if near is None:
                break
            best, _ = self.near._search(near, near.mode.at, _silent, _nothing)
            if near.energy - best.energy < GAIN:
                return point, count
            new, tries = self._along(point, best.mode.theta - point.mode.theta, start)
            count += tries
            if new is None:
                break
            point = new
            reached(point.mode.theta)
            said(f"{count}: log marginal density {-point.energy:.3f}")
        point, tries = self._search(point, start, said, reached)
        return point, count + tries

    def _near(self, point: Marginal) -> Marginal | None:
        """The point of the density that stands for this one; it has this one's slope there."""
        near = self.near
        assert near is not None and isinstance(near.inner, FrozenRows)
        theta = point.mode.theta
        near.inner.freeze(point.mode)
        near.tilts.clear()
        try:
            found = near.at(theta, None, point.mode.at)
        except NoModeError:
            return None
        near.tilts.append(Tilt(theta, point.gradient - found.gradient))
        return replace(found, gradient=point.gradient)

    def _first(
        self,
        point: Marginal,
        start: Array,
        said: Callable[[str], None],
        reached: Callable[[Numbers], None],
    ) -> tuple[Marginal, int]:
        """A point where standard deviations have about their size, and what it took.

        The slope of minus the log marginal in the log of the standard deviation s of G effects is
        G minus their expected sum of squares over s^2, which makes this the step of the EM
        algorithm (Dempster, Laird and Rubin, 1977), but for the prior of s.
        """
        count, known = 0, self.groups > 0
        while count < MOST_FIRST and known.any():
            ratio = 1 - point.gradient[known] / self.groups[known]
            step = np.zeros_like(point.gradient)
            step[known] = 0.5 * np.log(np.clip(ratio, np.exp(-2 * LONGEST), np.exp(2 * LONGEST)))
            if np.abs(step).max() < NEAR:
                break
            new = self.attempt(point, point.mode.theta + step, start)
            count += 1
            if new is None or new.energy >= point.energy:
                break
            point = new
            reached(point.mode.theta)
            said(f"{count}: log marginal density {-point.energy:.3f}")
        return point, count

    def _first_inverse(self, point: Marginal) -> tuple[Numbers, int]:
        """A diagonal to start from: 1 / (2 G) for the log of the standard deviation of G effects,
        which is its variance where these are known; for others by a difference.
        """
        variances = 1 / np.maximum(2.0 * self.groups, 1.0)
        others = np.flatnonzero(self.groups == 0)
        for k in others:
            there = self.attempt(point, point.mode.theta + GAP * np.eye(len(variances))[k], None)
            slope = 0.0 if there is None else (there.gradient[k] - point.gradient[k]) / GAP
            variances[k] = 1 / slope if slope > 1 else 1 / max(1.0, abs(point.gradient[k]))
        return np.diag(variances), len(others)

    def _along(self, point: Marginal, step: Numbers, start: Array) -> tuple[Marginal | None, int]:
        """The first point on the way, halving it, where the marginal density is higher."""
        slope = point.gradient @ step
        for tries in range(12):
            length = 0.5**tries
            new = self.attempt(point, point.mode.theta + length * step, start)
            if new is not None and new.energy <= point.energy + 1e-4 * length * slope:
                return new, tries + 1
        return None, 12

    def attempt(
        self, near: Marginal, theta: Numbers, start: Array | None = None
    ) -> Marginal | None:
        """The marginal at a point; None where there is no mode, or no number."""
        try:
            found = self.at(theta, near.mode, near.mode.at if start is None else start)
        except NoModeError:
            return None
        fine = np.isfinite(found.energy) and np.isfinite(found.gradient).all()
        return found if fine else None

    def curvature(self, point: Marginal, both: bool) -> Numbers:
        """The Hessian of the marginal energy, by differences of its slope, to one side or both."""
        columns = []
        for axis in np.eye(point.mode.theta.size):
            ends = [
                self.attempt(point, point.mode.theta + sign * GAP * axis)
                for sign in ((1.0, -1.0) if both else (1.0,))
            ]
            up, down = (
                point.gradient if end is None else end.gradient for end in (*ends, None)[:2]
            )
            known = sum(end is not None for end in ends)
            columns.append((up - down) / (max(known, 1) * GAP))
        found = np.stack(columns)
        return 0.5 * (found + found.T)

    def stretch(self, point: Marginal, root: Numbers) -> Numbers:
        """How much wider, or narrower, than normal the marginal is to either side (Martins,
        Simpson, Lindgren and Rue, 2013, Bayesian computing with INLA: new features).
        """
        found = np.ones((root.shape[1], 2))
        for number, direction in enumerate(root.T):
            for side, sign in enumerate((1.0, -1.0)):
                away = point.mode.theta + sign * np.sqrt(2.0) * direction
                there = self.attempt(point, away)
                if there is not None:
                    lost = max(there.energy - point.energy, 1e-3)  # 1 if it is normal
                    found[number, side] = np.clip(1 / np.sqrt(lost), *STRETCH)
        return found


def _silent(text: str) -> None:
    """Says nothing."""


def _nothing(theta: Numbers) -> None:
    """Takes note of nothing."""


def _updated(inverse: Numbers, new: Marginal, old: Marginal) -> Numbers:
    """The inverse Hessian after a step, by Broyden, Fletcher, Goldfarb and Shanno."""
    s, y = new.mode.theta - old.mode.theta, new.gradient - old.gradient
    curved = float(s @ y)
    if curved <= 1e-10 * float(np.linalg.norm(s) * np.linalg.norm(y)):
        return inverse
    turn = np.eye(s.size) - np.outer(s, y) / curved
    updated: Numbers = turn @ inverse @ turn.T + np.outer(s, s) / curved
    return updated


def _root_of_inverse(hessian: Numbers) -> tuple[Numbers, int]:
    """Directions of one standard deviation each, and how many of them had too little curvature."""
    values, vectors = np.linalg.eigh(hessian)
    flat = int((values < STIFF).sum())
    root: Numbers = vectors / np.sqrt(np.maximum(values, STIFF))
    return root, flat
