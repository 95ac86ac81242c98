"""Multi-path Pathfinder: normal approximations along the paths of an optimiser.

Zhang, Carpenter, Gelman and Vehtari (2022), Pathfinder: parallel quasi-Newton variational
inference, Journal of Machine Learning Research 23(306). Each path of L-BFGS starts elsewhere; each
of its points has a normal approximation, made of what the optimiser knows of the curvature; that
with the best ELBO stands for the path. All paths' draws are weighted by Pareto-smoothed importance
sampling. It takes seconds, and suits posteriors that are not far from normal in a few hundred
numbers; on hierarchies of many groups its k-hat mostly says no.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import minimize

from hdsl.fit.checkpoint import Stream
from hdsl.fit.devices import on_devices
from hdsl.fit.draws import NoStartError, Numbers, Settings
from hdsl.fit.failure import failure
from hdsl.fit.methods.approximation import Approximation, Problem
from hdsl.fit.methods.psis import RELIABLE, effective, figure, resample, smooth
from hdsl.fit.progress import Reporter
from hdsl.fit.starts import STARTS

PATHS = 8
HISTORY = 6  # pairs of steps and changes of slope that make a curvature
MOST_ITERATIONS = 1000
LOOKED_AT = 50
"""So many points of a path are compared by ELBO, evenly from its start to its end."""

ELBO_DRAWS = 25  # the same noise at every point of a path: what chance does to one it does to all
CURVED = 1e-12
"""A step must have met so much curvature, relative to the change of slope, to be remembered."""


@dataclass(frozen=True)
class Trail:
    """The points of one path, and there the slopes of minus the log density: (point, number)."""

    points: Numbers
    slopes: Numbers


@dataclass(frozen=True)
class Normal:
    """A normal distribution with covariance A^1/2 (I + Q (L L' - I) Q') A^1/2; A is diagonal."""

    mean: Numbers
    diagonal: Numbers
    basis: Numbers  # Q
    root: Numbers  # L

    def draw(self, noise: Numbers) -> tuple[Numbers, Numbers]:
        """Draws (draw, number) made of standard normal noise, and their log densities."""
        along = noise @ self.basis
        moved = noise + (along @ self.root.T - along) @ self.basis.T
        logdet = np.log(self.diagonal).sum() + 2 * np.log(np.diag(self.root)).sum()
        size = noise.shape[1]
        density = -0.5 * ((noise**2).sum(axis=1) + logdet + size * np.log(2 * np.pi))
        return self.mean + np.sqrt(self.diagonal) * moved, density


@dataclass(frozen=True)
class Found:
    """The best approximation of a path."""

    normal: Normal
    elbo: float
    iterations: int


@dataclass(frozen=True)
class Density:
    """A log density, compiled: with its slope at a point, and alone at many."""

    slope: Callable[[Numbers], tuple[float, Numbers]]
    many: Callable[[Numbers], Numbers]


def pathfinder(problem: Problem, settings: Settings, reporter: Reporter) -> Approximation:
    """Draws of all paths' normal approximations, by weight."""
    density = density_of(problem)
    done = Done(problem.checkpoints.stream("pathfinder", reporter.note))
    found: list[Found] = []
    for path in range(PATHS):
        if path < len(done.paths):
            best = done.paths[path]
        else:
            rng = np.random.default_rng((settings.seed, path, 8))
            best = follow(density, _start(problem, density, rng), rng)
            done.add(best)
        if best is not None:
            found.append(best)
            reporter.stage(f"pathfinder: path {path + 1} of {PATHS}, ELBO {best.elbo:.6g}")
    if not found:
        raise failure(
            "H532",
            "the ELBO is not finite anywhere on the paths of pathfinder",
            "`standardize` predictors on a large scale and tighten wide priors, or fit with "
            "`--method nuts`",
        )
    return _weighted(found, density, settings)


class Done:
    """The paths that are done, kept on disk: a fit that is killed loses the path it is on."""

    def __init__(self, stream: Stream) -> None:
        saved = stream.restored()
        self.stream = stream
        self.paths: list[Found | None] = []
        for number in range(0 if saved is None else int(saved.state["paths"])):
            assert saved is not None
            known = {
                name: saved.state[f"{name}{number}"]
                for name in (*Normal.__dataclass_fields__, "figures")
                if f"{name}{number}" in saved.state
            }
            self.paths.append(_found(known) if known else None)

    def add(self, best: Found | None) -> None:
        """Takes note of a path, None where it led nowhere."""
        self.paths.append(best)
        if not self.stream.due:
            return
        state: dict[str, Numbers] = {"paths": np.asarray(len(self.paths))}
        for number, each in enumerate(self.paths):
            if each is not None:
                own = {**vars(each.normal), "figures": np.array([each.elbo, each.iterations])}
                state |= {f"{name}{number}": np.asarray(value) for name, value in own.items()}
        self.stream.save(state)


def _found(known: dict[str, Numbers]) -> Found:
    """A path as it was kept."""
    elbo, iterations = known.pop("figures")
    return Found(Normal(**known), float(elbo), int(iterations))


def _weighted(found: list[Found], density: Density, settings: Settings) -> Approximation:
    """Draws of all paths where weights can make them the posterior's, otherwise the best path's."""
    shape = (settings.chains, settings.draws)
    wanted = settings.chains * settings.draws
    each = -(-wanted // len(found))
    rng = np.random.default_rng((settings.seed, 9))
    size = found[0].normal.mean.size
    drawn = [one.normal.draw(rng.standard_normal((each, size))) for one in found]
    z = np.concatenate([points for points, _ in drawn])
    lp = density.many(z)
    ratios = lp - np.concatenate([own for _, own in drawn])
    weights, khat = smooth(np.where(np.isfinite(ratios), ratios, -np.inf))
    elbos = [one.elbo for one in found]
    figures: dict[str, Any] = {
        "khat": figure(khat),
        "trusted": khat < RELIABLE,
        "elbo": max(elbos),
        "elbos": elbos,
        "iterations": [one.iterations for one in found],
    }
    notes: tuple[str, ...] = ()
    if khat < RELIABLE:
        figures["effective"] = effective(weights)
        chosen = resample(weights, wanted, settings.seed)
        z, lp = z[chosen], lp[chosen]
    else:
        best = found[int(np.argmax(elbos))].normal
        z, _ = best.draw(rng.standard_normal((wanted, size)))
        lp = density.many(z)
        notes = ("the draws are those of the path with the best ELBO, without weights",)
    return Approximation(z.reshape(*shape, -1), {"lp": lp.reshape(shape)}, notes, figures)


def density_of(problem: Problem) -> Density:
    """The log density of a problem, compiled."""
    target = problem.target
    arguments = on_devices(target.arguments)
    slope = jax.jit(jax.value_and_grad(lambda a, z: target.potential(a, z), argnums=1))
    many = jax.jit(lambda a, points: jax.lax.map(lambda z: -target.potential(a, z), points))

    def one(z: Numbers) -> tuple[float, Numbers]:
        energy, gradient = slope(arguments, z)
        return float(energy), np.asarray(gradient)

    return Density(one, lambda points: np.asarray(many(arguments, points)))


def _start(problem: Problem, density: Density, rng: np.random.Generator) -> Numbers:
    """A random point near the prior's centre, or near 0, with a finite density and slope."""
    target = problem.target
    for centre, spread in STARTS:
        noise = rng.standard_normal(target.size)
        point = np.asarray(target.place(target.arguments, noise, centre, 3 * spread))
        energy, slope = density.slope(point)
        if np.isfinite(energy) and np.isfinite(slope).all():
            return point
    raise NoStartError(at=point)


def follow(density: Density, start: Numbers, rng: np.random.Generator) -> Found | None:
    """The best approximation along the path from a start; None where none has a finite ELBO."""
    trail = _trail(density, start)
    best: Found | None = None
    noise = rng.standard_normal((ELBO_DRAWS, start.size))
    last = len(trail.points) - 1
    looked_at = set(np.linspace(1, last, min(LOOKED_AT, max(last, 1))).astype(int).tolist())
    for number, normal in _normals(trail):
        if number not in looked_at or normal is None:
            continue
        points, own = normal.draw(noise)
        elbo = float((density.many(points) - own).mean())
        if np.isfinite(elbo) and (best is None or elbo > best.elbo):
            best = Found(normal, elbo, last)
    return best


def _trail(density: Density, start: Numbers) -> Trail:
    """The points that L-BFGS passes through."""
    points, slopes = [start], [density.slope(start)[1]]

    def energy(z: Numbers) -> tuple[float, Numbers]:
        value, slope = density.slope(z)
        if np.isfinite(value) and np.isfinite(slope).all():
            return value, slope
        return 1e300, np.zeros_like(z)  # the line search comes back from there

    def passed(z: Numbers) -> None:
        points.append(z.copy())
        slopes.append(density.slope(z)[1])

    options = {"maxcor": HISTORY, "maxiter": MOST_ITERATIONS, "ftol": 1e-13, "gtol": 1e-8}
    minimize(energy, start, jac=True, method="L-BFGS-B", callback=passed, options=options)
    return Trail(np.array(points), np.array(slopes))


def _normals(trail: Trail) -> list[tuple[int, Normal | None]]:
    """The approximation at each point after the first, made of the steps up to it."""
    found: list[tuple[int, Normal | None]] = []
    diagonal = np.ones(trail.points.shape[1])
    steps: list[Numbers] = []
    changes: list[Numbers] = []
    for number in range(1, len(trail.points)):
        step = trail.points[number] - trail.points[number - 1]
        change = trail.slopes[number] - trail.slopes[number - 1]
        if np.isfinite(change).all() and step @ change > CURVED * (change @ change):
            diagonal = _diagonal(diagonal, step, change)
            steps, changes = [*steps, step][-HISTORY:], [*changes, change][-HISTORY:]
        normal = None
        if steps:
            at, slope = trail.points[number], trail.slopes[number]
            normal = _normal(at, slope, diagonal, np.array(steps).T, np.array(changes).T)
        found.append((number, normal))
    return found


def _diagonal(diagonal: Numbers, step: Numbers, change: Numbers) -> Numbers:
    """The diagonal of the inverse curvature after one more step (Gilbert and Lemaréchal, 1989)."""
    a, b, c = change @ (diagonal * change), change @ step, step @ (step / diagonal)
    found: Numbers = 1 / (a / (b * diagonal) + change**2 / b - a * step**2 / (b * c * diagonal**2))
    return found


def _normal(
    at: Numbers, slope: Numbers, diagonal: Numbers, steps: Numbers, changes: Numbers
) -> Normal | None:
    """The normal distribution of the inverse curvature that L-BFGS has (Byrd, Nocedal and
    Schnabel, 1994), around a Newton step from a point; None where it is not positive definite.
    """
    count = steps.shape[1]
    r = np.triu(steps.T @ changes)
    inverse = solve_triangular(r, np.eye(count))
    middle = np.diag(np.diag(r)) + changes.T @ (diagonal[:, None] * changes)
    gamma = np.block(
        [[np.zeros((count, count)), -inverse], [-inverse.T, inverse.T @ middle @ inverse]]
    )
    beta = np.concatenate([diagonal[:, None] * changes, steps], axis=1)
    basis, upper = np.linalg.qr(beta / np.sqrt(diagonal)[:, None])
    inner = np.eye(upper.shape[0]) + upper @ gamma @ upper.T
    try:
        root = np.linalg.cholesky((inner + inner.T) / 2)
    except np.linalg.LinAlgError:
        return None
    mean = at - diagonal * slope - beta @ (gamma @ (beta.T @ slope))
    return Normal(mean, diagonal, basis, root)
