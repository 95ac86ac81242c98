"""NUTS on a PyMC model whose density PyTensor has written in JAX."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from pymc.sampling.jax import get_jaxified_graph

from hdsl.fit.draws import Chains
from hdsl.fit.layout import Layout
from hdsl.fit.nuts import Target, compile_program, sample
from hdsl.fit.programs import Compiler, in_chunks

if TYPE_CHECKING:
    from collections.abc import Callable

    import pymc

    from hdsl.fit.checkpoint import Checkpoints
    from hdsl.fit.draws import Settings
    from hdsl.fit.progress import Reporter

CHUNK = 250  # draws per call after sampling


def sample_by_jax(
    model: pymc.Model,
    settings: Settings,
    reporter: Reporter,
    pointwise: bool,
    checkpoints: Checkpoints,
    sites_alone: bool = False,
) -> Chains:
    """The posterior, and where wanted each observation's log-likelihood with it; ``sites_alone``:
    of the posterior nothing but what is sampled.
    """
    target, layout = pymc_target(model)
    compiler = Compiler()
    try:
        program = compile_program(target, settings, compiler)
        wanted = model.free_RVs if sites_alone else model.unobserved_RVs
        observed = model.observed_RVs if pointwise else []
        values = jax.vmap(_quantities(model, layout, wanted, observed))
        shape = jax.ShapeDtypeStruct((CHUNK, layout.size), np.float64)
        finisher = compiler.submit(values, shape)
        program.start.result(), program.block.result()
        compiled = time.perf_counter()
        sampled = sample(target, settings, program, reporter, checkpoints)
        found = finisher.result()
        posterior, likelihood = in_chunks(lambda vectors, _: found(vectors), sampled.z, CHUNK)
    finally:
        compiler.close()
    likelihood_ = likelihood if pointwise else None
    return Chains(posterior, sampled.stats, sampled.complete, compiled, likelihood_)


def pymc_target(model: pymc.Model) -> tuple[Target, Layout]:
    """The density of a PyMC model, and how its vectors are laid out.

    Its centre is PyMC's own starting point: the moments of the priors.
    """
    point = model.initial_point()
    names = [variable.name for variable in model.value_vars]
    layout = Layout({name: np.shape(point[name]) for name in names})
    centre_point = np.concatenate([np.ravel(point[name]) for name in names]).astype(float)
    density = get_jaxified_graph(inputs=model.value_vars, outputs=[model.logp()])

    def potential(arguments: Any, z: Any) -> Any:
        return -density(*layout.split(z).values())[0]

    def place(arguments: Any, noise: Any, centre: Any, spread: Any) -> Any:
        return centre * centre_point + spread * noise

    return Target(potential, place, {}, layout.size), layout


type _Pair = tuple[dict[str, Any], dict[str, Any]]


def _quantities(
    model: pymc.Model, layout: Layout, unobserved: list[Any], observed: list[Any]
) -> Callable[[Any], _Pair]:
    """Quantities, and outcomes' log-likelihoods, as a function of the vector."""
    graphs = list(model.replace_rvs_by_values(unobserved))
    if observed:
        graphs += model.logp(vars=observed, sum=False)
    compute = get_jaxified_graph(inputs=model.value_vars, outputs=graphs)
    count = len(unobserved)

    def quantities(vector: Any) -> _Pair:
        values = compute(*layout.split(vector).values())
        return (
            {v.name: value for v, value in zip(unobserved, values[:count], strict=True)},
            {v.name: value for v, value in zip(observed, values[count:], strict=True)},
        )

    return quantities
