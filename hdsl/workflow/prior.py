"""Draws from a model's prior, outcomes included, by the generated file that a fit would run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hdsl.compiler import compile_model
from hdsl.data.bind import Binding
from hdsl.data.problem import finding, numbered
from hdsl.diagnostics.diagnostic import ModelError
from hdsl.families import FAMILIES
from hdsl.fit.draws import Numbers, OutcomeRows
from hdsl.fit.fitting import labels_of, outcome_rows
from hdsl.fit.module import GeneratedModule, import_module, write_module
from hdsl.fit.naming import model_name
from hdsl.ir.model import Distribution, Model, Parameter
from hdsl.workflow.carriers import feeds, simulated_outcomes
from hdsl.workflow.design import Design

CHUNK_VALUES = 8_000_000  # numbers drawn per call
HUGE = 2.0**62
"""No outcome is so large but by an overflow."""


@dataclass(frozen=True)
class Prepared:
    """A design in the form that its generated file takes: ``data`` are arrays by key."""

    model: Model
    loaded: GeneratedModule
    data: Mapping[str, Any]
    outcomes: tuple[OutcomeRows, ...]  # that are simulated

    @cached_property
    def feeding(self) -> tuple[OutcomeRows, ...]:
        """The outcomes that are predictors of others."""
        nodes = {outcome.name: outcome for outcome in self.model.outcomes}
        return tuple(o for o in self.outcomes if feeds(self.model, nodes[o.name]))

    def predicting(self, simulated: Mapping[str, Any]) -> dict[str, Any]:
        """The entries of the prepared data that hold outcomes as predictors, simulated."""
        keys = self.loaded.generated.keys
        found = {keys.get(o.name, o.key): (o, simulated[o.site]) for o in self.feeding}
        return {key: value.astype(o.observed.dtype) for key, (o, value) in found.items()}

    def simulated(self, drawn: PriorDraws) -> dict[str, Numbers]:
        """The entries of the prepared data that hold outcomes, simulated: all others stay."""
        own = {o.key: np.asarray(drawn.outcomes[o.site], o.observed.dtype) for o in self.outcomes}
        return {**self.predicting(drawn.outcomes), **own}

    @property
    def labels(self) -> Mapping[str, Any]:
        """The labels of every dimension."""
        return labels_of(self.data, self.loaded)

    @property
    def dims(self) -> Mapping[str, tuple[str, ...]]:
        """The dimensions of every recorded quantity; a single number has none."""
        return {model_name(name): d for name, d in self.loaded.generated.dims.items()}


@dataclass(frozen=True)
class PriorDraws:
    """Draws by site, first axis the draw: quantities, and outcomes where they are observed."""

    values: Mapping[str, Numbers]
    outcomes: Mapping[str, Numbers]

    def one(self, number: int) -> PriorDraws:
        """A single draw, without the first axis."""
        return PriorDraws(
            {name: value[number] for name, value in self.values.items()},
            {name: value[number] for name, value in self.outcomes.items()},
        )


def prepare(design: Design, model: Model | None = None) -> Prepared:
    """A design prepared by the generated NumPyro file of its model, or of a variant of it."""
    return prepare_bound(model or design.model, design.binding)


def prepare_bound(model: Model, binding: Binding) -> Prepared:
    """Data bound to a model, prepared by its generated NumPyro file."""
    from hdsl.fit.setup import prepare_jax

    prepare_jax()
    generated = compile_model(model, "numpyro", binding.facts)
    with tempfile.TemporaryDirectory(prefix="hdsl-") as folder:
        loaded = import_module(generated, write_module(generated, Path(folder)), model.source)
    data = loaded.prepare(binding.rows, binding.tables)
    wanted = {outcome.name for outcome in simulated_outcomes(model)}
    rows = outcome_rows(model, generated, data, loaded)
    return Prepared(model, loaded, data, tuple(o for o in rows if o.name in wanted))


def check_proper(model: Model) -> None:
    """Raises ModelError where a prior is no distribution, so that nothing can be drawn from it."""
    found = tuple(
        finding(
            "H551",
            f"nothing can be drawn from the prior of `{node.name}`",
            node.distribution.span,
            f"`{_improper(node.distribution)}()` gives all values the same weight, without end",
            help=f"write what is plausible, such as `{node.name} ~ likely(lo, hi)`",
        )
        for node in model.nodes
        if isinstance(node, Parameter) and _improper(node.distribution) is not None
    )
    if found:
        raise ModelError(found, model.source)


def _improper(distribution: Distribution) -> str | None:
    family = FAMILIES.get(distribution.family)
    if family is not None and family.improper:
        return family.name
    return next((name for d in distribution.inner if (name := _improper(d)) is not None), None)


class Prior:
    """Draws from the prior of a prepared design; its code is compiled at the first call."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self._compiled: dict[int, Callable[..., Any]] = {}

    def draw(self, count: int, seed: int, first: int = 0) -> PriorDraws:
        """So many draws; draw number n of a seed is the same however many are asked for."""
        import jax

        from hdsl.fit.numpyro_sampler import split_data

        arrays = jax.device_put(split_data(self.prepared.data).arrays)
        size = min(self._size(), count)
        parts = []
        for begin in range(0, count, size):
            numbers = np.minimum(np.arange(begin, begin + size), count - 1) + first
            with self.prepared.loaded.located():
                drawn = self._function(size)(arrays, np.uint32(seed), numbers.astype(np.uint32))
            kept = min(size, count - begin)
            parts.append(jax.tree.map(lambda leaf, n=kept: np.asarray(leaf)[:n], drawn))
        values, outcomes = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
        return PriorDraws({n: values[n] for n in self.prepared.dims if n in values}, outcomes)

    def _size(self) -> int:
        rows = sum(outcome.length for outcome in self.prepared.outcomes)
        return max(1, CHUNK_VALUES // max(rows, 1) // 8)

    def _function(self, size: int) -> Callable[..., Any]:
        if size not in self._compiled:
            import jax

            self._compiled[size] = jax.jit(jax.vmap(self._one, in_axes=(None, None, 0)))
        return self._compiled[size]

    def _one(self, arrays: Mapping[str, Any], seed: Any, number: Any) -> tuple[Any, Any]:
        import jax
        from numpyro import handlers

        from hdsl.fit.numpyro_sampler import model_of, split_data
        from hdsl.workflow.handlers import Unobserved

        prepared = self.prepared
        data = split_data(prepared.data).merged(arrays)
        sites = frozenset(outcome.site for outcome in prepared.outcomes)
        key = jax.random.fold_in(jax.random.key(seed), number)
        # What is an outcome and predicts another takes its place in the data and all is drawn
        # again, by the same key: the same but for what it predicts.
        for _ in range(1 + len(prepared.feeding)):
            unobserved = Unobserved(handlers.seed(model_of(prepared.loaded), key), sites)
            trace = handlers.trace(unobserved).get_trace(data)
            drawn = {o.site: trace[o.site]["value"] for o in prepared.outcomes}
            data = {**data, **prepared.predicting(drawn)}
        drop = frozenset(prepared.loaded.generated.auxiliary)
        values = {
            model_name(name): site["value"]
            for name, site in trace.items()
            if site["type"] in ("sample", "deterministic")
            and not site.get("is_observed", False)
            and name not in sites | drop
        }
        return values, {site: trace[site]["value"] for site in sites}


def check_finite(prepared: Prepared, drawn: PriorDraws) -> None:
    """Raises ModelError where a simulated outcome is beyond what numbers can hold."""
    for outcome in prepared.outcomes:
        broken = overflows(drawn.outcomes[outcome.site])
        if broken.any():
            node = next(o for o in prepared.model.outcomes if o.name == outcome.name)
            count = numbered(int(broken.sum()), "value")
            raise ModelError(
                (
                    finding(
                        "H554",
                        f"the prior predicts values of `{outcome.name}` that no number can hold",
                        node.span,
                        notes=[f"{count} of {broken.size:,} are infinite or close to it"],
                        help="tighten the priors that it is made of (`hdsl expand` shows them), or "
                        "set parameters: `--set 'sd(beta) = 0.3'`",
                    ),
                ),
                prepared.model.source,
            )


def overflows(values: Numbers) -> Numbers:
    """Where a drawn value is infinite, not a number, or the trace of an overflow."""
    whole = np.issubdtype(values.dtype, np.integer)
    as_floats = np.asarray(values, dtype=float)
    found: Numbers = ~np.isfinite(as_floats) | (np.abs(as_floats) > HUGE)
    return found | (as_floats < 0) if whole else found
