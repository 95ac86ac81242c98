"""Fits a generated NumPyro module by an approximate method: from its problem to its results."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from numpyro import handlers
from numpyro.distributions import biject_to

from hdsl.expr import ROW
from hdsl.fit.checkpoint import Checkpoints
from hdsl.fit.draws import Draws, OutcomeRows, Settings
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.dispatch import method_of
from hdsl.fit.methods.scales import scale_sites
from hdsl.fit.methods.structure import structure_of
from hdsl.fit.module import GeneratedModule
from hdsl.fit.numpyro_sampler import (
    Finish,
    Model,
    compile_finish,
    draws_of,
    finish_draws,
    is_real,
    model_of,
    numpyro_target,
    split_data,
)
from hdsl.fit.nuts import Sampled
from hdsl.fit.programs import Compiler
from hdsl.fit.progress import Reporter
from hdsl.ir import model as ir


def problem_of(
    loaded: GeneratedModule, data: Mapping[str, Any], checked: ir.Model, checkpoints: Checkpoints
) -> Problem:
    """The density of a generated model on prepared data, with its structure."""
    model, split = model_of(loaded), split_data(data)
    target, layout = numpyro_target(model, data)
    structure = structure_of(
        loaded.generated,
        data,
        layout,
        len(data["coords"][ROW]),
        real_sites(model, split.merged(split.arrays)),
        scale_sites(checked),
    )
    generated = loaded.generated
    outcomes = {
        site: (generated.observed[name], generated.seen.get(name))
        for name, site in generated.sites.items()
    }
    return Problem(target, layout, structure, model, split.merged, checkpoints, outcomes)


def real_sites(model: Model, data: Mapping[str, Any]) -> frozenset[str]:
    """The sites whose values are their own unconstrained numbers."""
    found: set[str] = set()

    def look(site: dict[str, Any]) -> Any:
        if site["type"] != "sample" or site["is_observed"]:
            return None
        transform = biject_to(site["fn"].support)
        if is_real(site["fn"]):
            found.add(site["name"])
        return transform(jnp.zeros(transform.inverse_shape(site["fn"].shape())))

    def run(data: Mapping[str, Any]) -> None:
        handlers.trace(handlers.substitute(model, substitute_fn=look)).get_trace(data)

    arrays = split_data(data)
    jax.eval_shape(lambda traced: run(arrays.merged(traced)), arrays.arrays)
    return frozenset(found)


def approximate(
    method: str,
    problem: Problem,
    data: Mapping[str, Any],
    outcomes: tuple[OutcomeRows, ...],
    drop: frozenset[str],
    settings: Settings,
    pointwise: bool,
    reporter: Reporter,
) -> Draws:
    """Draws from an approximation of the posterior and what the results hold of each."""
    began = time.perf_counter()
    compiler = Compiler()
    try:
        found = method_of(method)(problem, settings, reporter)
        for note in found.notes:
            reporter.note(note)
        drawn = time.perf_counter()
        finish = Finish(problem.model, data, drop, outcomes, pointwise, problem.layout)
        chains, draws = found.z.shape[:2]
        size = finish.chunk(chains * draws)
        arrays = finish.arrays()
        finisher = compile_finish(finish, arrays, size, compiler)
        sampled = Sampled(found.z, found.stats, found.complete)
        results = finish_draws(finisher.result(), arrays, sampled, settings.seed, size)
    finally:
        compiler.close()
    times = {"sample": drawn - began, "finish": time.perf_counter() - drawn}
    diagnostics = {**found.diagnostics, "notes": list(found.notes)}
    return draws_of(results, sampled, outcomes, pointwise, times, diagnostics)
