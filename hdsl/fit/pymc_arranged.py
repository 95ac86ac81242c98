"""A PyMC file's arranged density: what it samples, and the way back to the model's own sites.

The way back is computed by JAX whatever samples, for all draws in one program: PyTensor's own
compilers take longer over it than most chains run.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import pymc as pm
from pymc.sampling.jax import get_jaxified_graph
from pytensor.graph.replace import graph_replace

from hdsl.fit.draws import Chains, Numbers
from hdsl.fit.layout import Layout
from hdsl.fit.programs import in_chunks
from hdsl.fit.pymc_jax import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable

    from hdsl.fit.module import GeneratedModule
    from hdsl.fit.programs import Compiler

type Completed = tuple[dict[str, Any], dict[str, Any]]
"""The model's quantities by name, and where wanted its log-likelihoods by outcome."""


@dataclass(frozen=True)
class ArrangedModel:
    """The model as it is ``written``, the ``density`` that is sampled in its place, and that
    density with the sites that it lacks: the models of `build`, `collapsed` and `recover`.
    """

    written: pm.Model
    density: pm.Model
    recovery: pm.Model

    @property
    def sites(self) -> tuple[str, ...]:
        """What is sampled."""
        return tuple(variable.name for variable in self.density.free_RVs)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of what is sampled, and of the noise that the other sites are made from."""
        found = self.recovery.eval_rv_shapes()
        return {v.name: tuple(map(int, found[v.name])) for v in self.recovery.free_RVs}

    @property
    def noise(self) -> Layout:
        """The standard normal numbers that one draw of the sites that it lacks is made from."""
        return Layout({name: self.shapes[name] for name in self.shapes if name not in self.sites})

    def completing(self, pointwise: bool) -> Callable[[Mapping[str, Any], Any], Completed]:
        """A function for JAX, of a draw's values by site and a vector of noise."""
        given = {variable: variable.type() for variable in self.recovery.free_RVs}
        known = {variable.name: value for variable, value in given.items()}
        absent = [v.name for v in self.written.free_RVs if v.name not in known]
        recovered = [self.recovery[name] for name in absent]
        if recovered:
            recovered = graph_replace(recovered, given, strict=False)
        known |= dict(zip(absent, recovered, strict=True))
        unobserved = self.written.unobserved_RVs
        observed = self.written.observed_RVs if pointwise else []
        graphs = [*unobserved, *(self._log_likelihood(variable) for variable in observed)]
        sites = {variable: known[variable.name] for variable in self.written.free_RVs}
        graphs = graph_replace(graphs, sites, strict=False)
        compute = get_jaxified_graph(inputs=list(given.values()), outputs=graphs)
        noise, count = self.noise, len(unobserved)

        def complete(values: Mapping[str, Any], vector: Any) -> Completed:
            each = {**values, **noise.split(vector)}
            found = compute(*(each[variable.name] for variable in given))
            return (
                {v.name: value for v, value in zip(unobserved, found[:count], strict=True)},
                {v.name: value for v, value in zip(observed, found[count:], strict=True)},
            )

        return complete

    def _log_likelihood(self, outcome: Any) -> Any:
        """Each observation's, as a function of the model's own sites."""
        return pm.logp(outcome, self.written.rvs_to_values[outcome], warn_rvs=False)


@dataclass(frozen=True)
class Completion:
    """The program that completes draws, compiled while these are made."""

    arranged: ArrangedModel
    program: Future[Callable[..., Completed]]
    pointwise: bool

    def of(self, chains: Chains, seed: int) -> Chains:
        """The draws of the model as it is written, from those of its arranged density."""
        values = {site: chains.posterior[site] for site in self.arranged.sites}
        program = self.program.result()
        posterior, likelihood = in_chunks(
            lambda v, n: program(v, np.uint32(seed), n), values, CHUNK
        )
        found = likelihood if self.pointwise else None
        return replace(chains, posterior=posterior, log_likelihood=found)


def arranged_of(
    loaded: GeneratedModule, data: Mapping[str, Any], written: pm.Model
) -> ArrangedModel | None:
    """The arranged density of a PyMC file on prepared data; None where it has none."""
    if not loaded.generated.collapsed:
        return None
    condensed = loaded.call("condense", data)
    density, recovery = (loaded.call(name, condensed) for name in ("collapsed", "recover"))
    return ArrangedModel(written, density, recovery)


def begin_completing(arranged: ArrangedModel, pointwise: bool, compiler: Compiler) -> Completion:
    """Starts to compile what completes draws; comes back before it is compiled."""
    complete, size = arranged.completing(pointwise), arranged.noise.size

    def one(values: Mapping[str, Any], seed: Any, number: Any) -> Completed:
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), 2**31), number)
        return complete(values, jax.random.normal(key, (size,)))

    shapes = {
        site: jax.ShapeDtypeStruct((CHUNK, *arranged.shapes[site]), np.float64)
        for site in arranged.sites
    }
    many = jax.vmap(one, in_axes=(0, None, 0))
    numbers: Numbers = np.zeros(CHUNK, np.uint32)
    return Completion(arranged, compiler.submit(many, shapes, np.uint32(0), numbers), pointwise)
