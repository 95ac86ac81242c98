"""Looks at a fit before it is made: sizes, what a gradient costs, and which method to take."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from math import ceil, log2
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hdsl.expr import ROW
from hdsl.fit.checkpoint import NOWHERE
from hdsl.fit.draws import Settings, keeps_pointwise
from hdsl.fit.foresee import Foreseen, foresee, refuse_too_much
from hdsl.fit.module import GeneratedModule, import_module, write_module
from hdsl.ir import model as ir

if TYPE_CHECKING:
    from hdsl.data.bind import Binding
    from hdsl.fit.methods.approximation import Problem

PATIENCE = 900.0
"""Seconds that NUTS may be expected to take before `auto` looks for something else."""

EVALUATIONS = 10
LONG_ENOUGH = 2.0  # seconds of timing
SPEED = 1e9  # operations per second of an elimination
COMPILING = 15.0  # seconds, before anything is kept from an earlier fit
PATHS_GRADIENTS = 6000  # of all paths of pathfinder, as gradients
LEAPS, MANY_LEAPS, STEPS = 10, 40, 1200  # of svi, begun near Laplace's approximation and else
MOST_HYPER = 60
"""Beyond so many hyper-parameters the marginal's curvature takes too many modes."""


@dataclass(frozen=True)
class Survey:
    """What is known of a fit beforehand: the numbers without constraints by kind, seconds of a
    gradient, expected seconds by method and of each of its steps (None where it cannot be done),
    the choice and why.
    """

    foreseen: Foreseen
    population: int
    grouped: int
    gradient: float
    seconds: dict[str, float | None]
    steps: dict[str, float | None]
    method: str
    reason: str

    @property
    def sentence(self) -> str:
        """The choice and its reason."""
        return f"method {self.method}: {self.reason}"


def survey(model: ir.Model, binding: Binding, settings: Settings) -> Survey:
    """The survey of a fit of the NumPyro file; raises ModelError where it cannot fit in memory."""
    from hdsl.compiler import compile_model
    from hdsl.fit.approximate import problem_of
    from hdsl.fit.fitting import labels_of, outcome_rows
    from hdsl.fit.setup import prepare_jax

    prepare_jax()
    with tempfile.TemporaryDirectory(prefix="hdsl-") as folder:
        generated = compile_model(model, "numpyro", binding.facts)
        file = write_module(generated, Path(folder))
        loaded: GeneratedModule = import_module(generated, file, model.source)
        data = loaded.prepare(binding.rows, binding.tables)
        outcomes = outcome_rows(model, generated, data, loaded)
        pointwise = keeps_pointwise(outcomes, settings.chains * settings.draws)
        rows = len(data["coords"][ROW])
        labels = labels_of(data, loaded)
        foreseen = foresee(generated, labels, outcomes, pointwise, settings, rows)
        refuse_too_much(foreseen, settings)
        problem = problem_of(loaded, data, model, NOWHERE)
        return _surveyed(problem, foreseen, settings, _seconds_of_gradient(problem))


def _surveyed(problem: Problem, foreseen: Foreseen, settings: Settings, gradient: float) -> Survey:
    draw = _draw_of_nuts(problem.target.size, gradient)
    nuts = draw * (settings.warmup + settings.draws) * _turns(settings) + COMPILING
    laplace, curvature = _laplace(problem, gradient)
    svi, step = _svi(problem, gradient, laplace)
    grouped = sum(site.size for site in problem.structure.grouped)
    method, reason = choose(problem.target.size, foreseen.rows, gradient, nuts, laplace)
    return Survey(
        foreseen=foreseen,
        population=problem.target.size - grouped,
        grouped=grouped,
        gradient=gradient,
        seconds={
            "nuts": nuts,
            "laplace": laplace,
            "svi": svi,
            "pathfinder": PATHS_GRADIENTS * gradient + COMPILING,
        },
        steps={"nuts": draw, "laplace": curvature, "svi": step, "pathfinder": gradient},
        method=method,
        reason=reason,
    )


def choose(
    size: int, rows: int, gradient: float, nuts: float, laplace: float | None
) -> tuple[str, str]:
    """The method for a problem, and the reason in words.

    NUTS wherever it is done in a quarter of an hour, for it alone makes no assumption on the
    posterior's shape; then Laplace, if the hierarchy can be eliminated; otherwise SVI.
    """
    what = f"{size:,} parameters, {rows:,} rows, {in_time(gradient)} a gradient"
    if nuts <= PATIENCE:
        return "nuts", f"{what}: NUTS takes about {in_time(nuts)}"
    long = f"{what}: NUTS would take about {in_time(nuts)}"
    if laplace is not None:
        return "laplace", f"{long}, Laplace about {in_time(laplace)}"
    return "svi", f"{long}, and the levels cross too much for Laplace"


def _seconds_of_gradient(problem: Problem) -> float:
    """Seconds of one gradient at the prior's centre, compiled; the best of several."""
    import jax

    target = problem.target
    arguments: Any = jax.device_put(target.arguments)
    point = target.place(arguments, np.zeros(target.size), 1.0, 0.0)
    gradient = jax.jit(jax.value_and_grad(lambda a, z: target.potential(a, z), argnums=1))
    jax.block_until_ready(gradient(arguments, point))
    best, began = float("inf"), time.perf_counter()
    for _ in range(EVALUATIONS):
        start = time.perf_counter()
        jax.block_until_ready(gradient(arguments, point))
        best = min(best, time.perf_counter() - start)
        if time.perf_counter() - began > LONG_ENOUGH:
            break
    return best


def _draw_of_nuts(size: int, gradient: float) -> float:
    """Seconds of a draw: it takes 15 gradients with a few parameters and 127 with thousands, as on
    this package's examples.
    """
    depth = min(max(ceil(log2(max(size, 2)) / 2) + 2, 4), 7)
    return gradient * float(2**depth - 1)


def _turns(settings: Settings) -> int:
    """How many chains run one after the other on each of the machine's processors."""
    return ceil(settings.chains / max(os.cpu_count() or 1, 1))


def _laplace(problem: Problem, gradient: float) -> tuple[float | None, float | None]:
    """Seconds to a mode, and to one for each step of the hyper-parameters, and of a Newton step;
    None if too large.

    In gradients, as on this package's examples, a Hessian takes 3 by groups' coefficients, else 2
    for each pair of sites or for each column that is told apart; a first mode takes 20 Hessians, a
    step of the hyper-parameters 5, its gradient included.
    """
    from hdsl.fit.methods.arrow import arrows
    from hdsl.fit.methods.laplace import parts
    from hdsl.fit.methods.local import local_reading
    from hdsl.fit.methods.predictors import predictors_of

    split = parts(problem.structure)
    hyper = sum(site.size for site in split.outer)
    rowwise = predictors_of(problem, split.inner) is not None
    found = arrows(problem.structure, split.inner, 0 if rowwise else None)
    if not found or hyper > MOST_HYPER:
        return None, None
    local = None if rowwise else local_reading(problem, split.inner, found[0])
    count = found[0].count if local is None else local.colours * (local.colours + 1) // 2
    hessian = gradient * (3 if rowwise else 2 * count) + found[0].operations(0) / SPEED
    steps = 0 if not hyper else 20 + hyper
    return hessian * (20 + 5 * steps) + COMPILING, hessian


def _svi(problem: Problem, gradient: float, laplace: float | None) -> tuple[float, float]:
    """Seconds of the start, of the leaps and the steps that follow, and of one step."""
    from hdsl.fit.methods.approach import CURVED_DRAWS, CURVED_ROWS, arrow_of
    from hdsl.fit.methods.svi import MOST_PARTICLES, PARTICLE_ROWS

    rows = max(problem.structure.rows, problem.target.size)
    step = gradient * min(max(PARTICLE_ROWS // rows, 1), MOST_PARTICLES)
    arrow, whitens = arrow_of(problem)
    draws = min(max(CURVED_ROWS // rows, 2), CURVED_DRAWS)
    leap = gradient * draws * arrow.count if whitens else 0.0
    leaps = LEAPS if laplace is not None else MANY_LEAPS
    return (laplace or 0.0) + leaps * leap + STEPS * step + COMPILING, step


def in_time(seconds: float) -> str:
    """A duration with its unit.

    >>> in_time(0.0213), in_time(75), in_time(40000)
    ('21 ms', '75 s', '11 h')
    """
    for unit, length, up_to in (("s", 1, 100), ("min", 60, 100), ("h", 3600, 72)):
        if seconds < 1e-3:
            return f"{1e6 * seconds:.0f} µs"
        if seconds < 1:
            return f"{1e3 * seconds:.0f} ms"
        if seconds < length * up_to:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
