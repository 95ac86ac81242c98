"""NUTS on large models: from Laplace's approximation, in coordinates that it makes standard normal.

With thousands of unknowns a chain that knows nothing takes hundreds of steps to find the posterior
and a thousand to learn its scales, and correlations among groups and population it never learns.
Here it begins where the approximation lies and moves in the approximation's coordinates
(``whitening``), in which every direction is about as wide as any other. The draws are those of
the posterior all the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from hdsl.diagnostics.diagnostic import ModelError
from hdsl.expr import ROW
from hdsl.fit.approximate import problem_of
from hdsl.fit.checkpoint import Checkpoints
from hdsl.fit.draws import (
    MANY_NUMBERS,
    MANY_ROWS,
    SOME_ROWS,
    Draws,
    NoStartError,
    Numbers,
    OutcomeRows,
    Settings,
)
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.ordered import ordered
from hdsl.fit.methods.whitening import Whitening, whitening
from hdsl.fit.module import GeneratedModule
from hdsl.fit.numpyro_sampler import (
    Finish,
    compile_finish,
    draws_of,
    finish_draws,
    infinite_sites,
)
from hdsl.fit.nuts import Arrays, Sampled, Target, compile_program, sample
from hdsl.fit.programs import Compiler
from hdsl.fit.progress import Reporter
from hdsl.ir import model as ir

WARMUP = 200
"""Steps of warm-up at most: there is but one number to learn, how long a step is."""

WHITE = "__whitening__"
FIRST = 0.3  # the spread of the first start in ``nuts``, which is to be 1 here


def large_problem(
    loaded: GeneratedModule, data: Mapping[str, Any], checked: ir.Model, checkpoints: Checkpoints
) -> Problem | None:
    """The density of a model, if it is so large that it is to be sampled here."""
    if len(data["coords"][ROW]) < SOME_ROWS:
        return None
    problem = problem_of(loaded, data, checked, checkpoints)
    large = problem.target.size >= MANY_NUMBERS or problem.structure.rows >= MANY_ROWS
    return problem if large else None


def sample_large(
    problem: Problem,
    data: Mapping[str, Any],
    outcomes: tuple[OutcomeRows, ...],
    drop: frozenset[str],
    settings: Settings,
    pointwise: bool,
    reporter: Reporter,
) -> Draws | None:
    """Samples a large model; None where it has no approximation to begin from."""
    began = time.perf_counter()
    white = _restored_or_made(problem, reporter)
    if white is None:
        return None
    fitted = time.perf_counter()
    settings = replace(settings, warmup=min(settings.warmup, WARMUP))
    compiler = Compiler()
    try:
        reporter.stage("compiling")
        target = whitened(problem, white)
        program = compile_program(target, settings, compiler)
        finish = Finish(problem.model, data, drop, outcomes, pointwise, problem.layout)
        size = finish.chunk(settings.draws * settings.chains)
        arrays = finish.arrays()
        finisher = compile_finish(finish, arrays, size, compiler)
        program.start.result(), program.block.result()
        compiled = time.perf_counter()
        try:
            found = sample(target, settings, program, reporter, problem.checkpoints)
        except NoStartError as error:
            at = None if error.at is None else white.to_z(white.arrays, error.at)[0]
            blamed = infinite_sites(problem.model, data, problem.layout, at)
            raise NoStartError(blamed) from error
        sampled = _in_place(white, found)
        drawn = time.perf_counter()
        results = finish_draws(finisher.result(), arrays, sampled, settings.seed, size)
    finally:
        compiler.close()
    times = {"approximation": fitted - began, "compile": compiled - fitted}
    times |= {"sample": drawn - compiled, "finish": time.perf_counter() - drawn}
    return draws_of(results, sampled, outcomes, pointwise, times)


def _restored_or_made(problem: Problem, reporter: Reporter) -> Whitening | None:
    """The coordinates: a resumed fit's own, for its chains stand in them; else new ones."""
    stream = problem.checkpoints.stream("whitening", reporter.note)
    saved = stream.restored()
    if saved is not None:
        return Whitening.restored(saved.state)
    reporter.stage("nuts: a start by laplace")
    try:
        white = whitening(problem, reporter)
    except ModelError as error:
        reporter.note(f"no approximation to begin from ({error.diagnostics[0].headline})")
        return None
    if white is not None:
        stream.save(white.saved())
    return white


def whitened(problem: Problem, white: Whitening) -> Target:
    """The density of the coordinates u: that of the posterior, and the log determinant."""
    quick = ordered(problem)
    density = problem.target.potential if quick is None else quick.potential
    given = problem.target.arguments if quick is None else quick.arguments

    def potential(arguments: Arrays, u: Any) -> Any:
        z, growth = white.to_z(arguments[WHITE], u)
        return density({key: arguments[key] for key in given}, z) - growth

    def place(arguments: Arrays, noise: Any, centre: Any, spread: Any) -> Any:
        return spread / FIRST * noise

    arguments = jax.device_put({**given, WHITE: dict(white.arrays)})
    return Target(potential, place, arguments, problem.target.size, metric=False)


def _in_place(white: Whitening, found: Sampled) -> Sampled:
    """The draws as vectors of the model, their log densities those of these."""
    arrays = jax.device_put(dict(white.arrays))
    many = jax.jit(lambda arrays, us: jax.lax.map(lambda u: white.to_z(arrays, u), us))
    z: list[Numbers] = []
    growth: list[Numbers] = []
    for chain in found.z:
        each, more = many(arrays, chain)
        z.append(np.asarray(each))
        growth.append(np.asarray(more))
    stats = {**found.stats, "lp": found.stats["lp"] - np.stack(growth)}
    return replace(found, z=np.stack(z), stats=stats)
