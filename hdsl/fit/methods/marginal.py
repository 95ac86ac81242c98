"""The Laplace-approximated marginal density of the hyper-parameters, its mode and its curvature.

p(theta | y) is about p(y, u*, theta) (2 pi)^(n/2) / sqrt(det H), with u* the mode of all other
numbers given theta and H their curvature there (Tierney and Kadane, 1986, Accurate approximations
for posterior moments; as in TMB and INLA). The gradient is exact: u* follows theta, by implicit
differentiation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import log, pi
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.methods.blocks import Array, Factor, Places, factor, solve
from hdsl.fit.methods.newton import Inner, Mode, NoModeError

MOST_STEPS = 100
LONGEST = 2.0  # step of a hyper-parameter, unconstrained: a standard deviation times 7
FLAT = 1e-4  # the gradient, in standard deviations, at which the mode is reached
GAP = 0.02  # between the points that curvature is measured at, unconstrained
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
    """The marginal density of a problem's hyper-parameters."""

    inner: Inner

    def at(self, theta: Numbers, warm: Mode | None, start: Array) -> Marginal:
        """The marginal at a point; the others' mode is looked for from a mode nearby."""
        if warm is not None:
            start = self.follow(warm, theta)
        mode = self.inner.mode(theta, start)
        inner = self.inner
        energy, gradient = self._marginal(
            inner.arguments, jnp.asarray(theta), mode.at, inner.places
        )
        return Marginal(float(energy), np.asarray(gradient), mode)

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

    def optimum(self, theta: Numbers, start: Array, said: Callable[[str], None]) -> Optimum:
        """The mode of the marginal, by BFGS, and the covariance that its curvature says."""
        point = self.at(theta, None, start)
        count = 1
        if not theta.size:
            return Optimum(point, np.zeros((0, 0)), np.zeros((0, 2)), 0, count)
        inverse = np.eye(theta.size) / max(1.0, float(np.abs(point.gradient).max()))
        for number in range(MOST_STEPS):
            step = -inverse @ point.gradient
            if -point.gradient @ step < 0.5 * FLAT**2 and number:
                break
            step *= min(1.0, LONGEST / np.abs(step).max())
            new, tries = self._along(point, step, start)
            count += tries
            if new is None:
                break
            inverse = _updated(inverse, new, point, first=number == 0)
            point = new
            said(f"{number + 1}: log marginal density {-point.energy:.3f}")
        root, flat = _root_of_inverse(self.curvature(point))
        said(f"how far {theta.size} hyper-parameters spread")
        return Optimum(point, root, self.stretch(point, root), flat, count + 4 * theta.size)

    def _along(self, point: Marginal, step: Numbers, start: Array) -> tuple[Marginal | None, int]:
        """The first point on the way, halving it, where the marginal density is higher."""
        slope = point.gradient @ step
        for tries in range(12):
            length = 0.5**tries
            new = self.attempt(point, point.mode.theta + length * step, start)
            if new is not None and new.energy <= point.energy + 1e-4 * length * slope:
                return new, tries + 1
        return None, 12

    def attempt(self, near: Marginal, theta: Numbers, start: Array) -> Marginal | None:
        """The marginal at a point; None where there is no mode, or no number."""
        try:
            found = self.at(theta, near.mode, start)
        except NoModeError:
            return None
        fine = np.isfinite(found.energy) and np.isfinite(found.gradient).all()
        return found if fine else None

    def curvature(self, point: Marginal) -> Numbers:
        """The Hessian of the marginal energy, by differences of its gradient."""
        columns = []
        for axis in np.eye(point.mode.theta.size):
            ends = [
                self.attempt(point, point.mode.theta + sign * GAP * axis, point.mode.at)
                for sign in (1.0, -1.0)
            ]
            up, down = (point.gradient if end is None else end.gradient for end in ends)
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
                there = self.attempt(point, away, point.mode.at)
                if there is not None:
                    lost = max(there.energy - point.energy, 1e-3)  # 1 if it is normal
                    found[number, side] = np.clip(1 / np.sqrt(lost), *STRETCH)
        return found


def _updated(inverse: Numbers, new: Marginal, old: Marginal, first: bool) -> Numbers:
    """The inverse Hessian after a step, by Broyden, Fletcher, Goldfarb and Shanno."""
    s, y = new.mode.theta - old.mode.theta, new.gradient - old.gradient
    curved = float(s @ y)
    if curved <= 1e-10 * float(np.linalg.norm(s) * np.linalg.norm(y)):
        return inverse
    if first:
        inverse = np.eye(s.size) * curved / float(y @ y)
    turn = np.eye(s.size) - np.outer(s, y) / curved
    updated: Numbers = turn @ inverse @ turn.T + np.outer(s, s) / curved
    return updated


def _root_of_inverse(hessian: Numbers) -> tuple[Numbers, int]:
    """Directions of one standard deviation each, and how many of them had too little curvature."""
    values, vectors = np.linalg.eigh(hessian)
    flat = int((values < STIFF).sum())
    root: Numbers = vectors / np.sqrt(np.maximum(values, STIFF))
    return root, flat
