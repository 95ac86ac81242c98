"""Where variational inference begins: near Laplace's approximation, or where the prior is centred.

Laplace's mode of the scales, all else integrated out, is found in a few dozen passes over the rows.
Climbing to it along the ELBO takes many times as long, because scales and all that they scale move
together. The guide is climbed from there all the same: its means are not modes.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np

from hdsl.diagnostics.diagnostic import ModelError
from hdsl.fit.draws import NoStartError, Numbers, Settings
from hdsl.fit.methods.approximation import Approximation, Problem
from hdsl.fit.methods.laplace import laplace
from hdsl.fit.progress import Reporter, Silent

DRAWS = 8
"""So many of Laplace's draws stand, by their mean, for where its approximation lies."""


def near_laplace(problem: Problem, settings: Settings, reporter: Reporter) -> Numbers | None:
    """The mean of a few draws of Laplace's approximation; None where it has none."""
    reporter.stage("svi: a start by laplace")
    few = replace(settings, chains=1, draws=DRAWS)
    try:
        found: Approximation = laplace(problem, few, Silent())
    except (ModelError, NoStartError):  # no mode, or too large: said where laplace is asked for
        return None
    z = found.z.reshape(-1, problem.target.size)
    z = z[np.isfinite(z).all(axis=1)]
    return z.mean(axis=0) if len(z) else None


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
