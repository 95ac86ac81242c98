"""One model fitted many times, to other values of the same shape: its code is compiled once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from numpyro import handlers

from hdsl.data.bind import Binding
from hdsl.fit.draws import Numbers, Settings
from hdsl.fit.methods.names import APPROXIMATE
from hdsl.fit.naming import model_name
from hdsl.fit.numpyro_sampler import (
    Finish,
    compile_finish,
    constrained,
    finish_draws,
    model_of,
    numpyro_target,
    split_data,
)
from hdsl.fit.nuts import Program, Sampled, compile_program, sample
from hdsl.fit.programs import Compiler
from hdsl.fit.progress import Reporter, Silent
from hdsl.ir import model as ir
from hdsl.workflow.handlers import Masked
from hdsl.workflow.prior import Prepared

METHODS = ("nuts", *APPROXIMATE)
"""What may fit a replicate."""

CHUNK_VALUES = 4_000_000  # log-likelihoods per call

type Model = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Fitted:
    """Draws of a fit: ``values`` by quantity (chain, draw, …), ``sampled`` without constraints."""

    values: Mapping[str, Numbers]
    divergences: int
    sampled: Sampled


class Refit:
    """Fits of one prepared model; every call takes data that differ from the first in values.

    ``masked``: the data hold, under ``mask_key(site)``, a 0 for each observation that is left out.
    """

    def __init__(
        self, prepared: Prepared, settings: Settings, method: str = "nuts", masked: bool = False
    ) -> None:
        if method not in METHODS:
            raise ValueError(f"no method {method!r}: one of {', '.join(METHODS)}")
        self.prepared = prepared
        self.settings = settings
        self.method = method
        self.model: Model = model_of(prepared.loaded)
        self._sites = tuple(o.site for o in prepared.outcomes)
        self._fitted_model = self._masked if masked else self.model
        self._data = {**prepared.data, **(self.masks({}) if masked else {})}
        self._compiler = Compiler()
        self._programs: dict[str, Any] = {}

    def _masked(self, data: Mapping[str, Any]) -> Any:
        masks = {site: data[mask_key(site)] for site in self._sites}
        return Masked(self.model, masks)(data)

    def masks(self, left_out: Mapping[str, Numbers]) -> dict[str, Numbers]:
        """The masks of all sites; ``left_out`` are positions among a site's observations."""
        found = {}
        for outcome in self.prepared.outcomes:
            mask = np.ones(len(outcome.observed), bool)
            mask[left_out.get(outcome.site, np.arange(0))] = False
            found[mask_key(outcome.site)] = mask
        return found

    def fit(self, changed: Mapping[str, Any], seed: int) -> Fitted:
        """A fit to data of which ``changed`` differ; raises NoStartError, and KeyboardInterrupt
        where it is stopped before its end.
        """
        data = {**self._data, **changed}
        with self.prepared.loaded.located():
            sampled = self._sample(data, replace(self.settings, seed=seed))
            if not sampled.complete or sampled.stopped:
                raise KeyboardInterrupt
            values = self._values(data, sampled)
        diverging = sampled.stats.get("diverging")
        return Fitted(values, 0 if diverging is None else int(diverging.sum()), sampled)

    def _sample(self, data: Mapping[str, Any], settings: Settings) -> Sampled:
        target, _ = self._target()
        target = replace(target, arguments=split_data(data).arrays)
        if self.method == "nuts":
            return sample(target, settings, self._program(), Silent())
        from hdsl.fit.approximate import problem_of
        from hdsl.fit.checkpoint import Checkpoints
        from hdsl.fit.methods.dispatch import method_of

        if "problem" not in self._programs:
            loaded, model = self.prepared.loaded, self.prepared.model
            self._programs["problem"] = problem_of(loaded, self._data, model, Checkpoints())
        merged = split_data(data).merged
        problem = replace(
            self._programs["problem"], target=target, model=self._fitted_model, merged=merged
        )
        found = method_of(self.method)(problem, settings, Silent())
        return Sampled(found.z, found.stats, found.complete)

    def _target(self) -> Any:
        if "target" not in self._programs:
            self._programs["target"] = numpyro_target(self._fitted_model, self._data)
        return self._programs["target"]

    def _program(self) -> Program:
        if "nuts" not in self._programs:
            target, _ = self._target()
            self._programs["nuts"] = compile_program(target, self.settings, self._compiler)
        program: Program = self._programs["nuts"]
        return program

    def _values(self, data: Mapping[str, Any], sampled: Sampled) -> dict[str, Numbers]:
        _, layout = self._target()
        drop = frozenset(self.prepared.loaded.generated.auxiliary)
        finish = Finish(self.model, self._data, drop, (), False, layout)
        arrays = split_data(data).arrays
        chains, draws = sampled.z.shape[:2]
        size = finish.chunk(chains * draws)
        if "finish" not in self._programs:
            compiled = compile_finish(finish, arrays, size, self._compiler)
            self._programs["finish"] = compiled
        finisher: Future[Callable[..., Any]] = self._programs["finish"]
        results = finish_draws(finisher.result(), arrays, sampled, 0, size)
        return {model_name(name): value for name, value in results["values"].items()}

    def log_likelihood(self, fitted: Fitted, kept: Mapping[str, Numbers]) -> dict[str, Numbers]:
        """The log densities of the chosen observations of each site, (chain, draw, observation)."""
        parts: dict[str, list[Numbers]] = {site: [] for site in kept}
        for each in self._chunks(fitted, {}):
            for site, rows in kept.items():
                parts[site].append(each[site][:, rows])
        shape = fitted.sampled.z.shape[:2]
        joined = {site: np.concatenate(found) for site, found in parts.items()}
        return {site: each.reshape(*shape, each.shape[1]) for site, each in joined.items()}

    def log_scores(self, fitted: Fitted, changed: Mapping[str, Any]) -> dict[str, Numbers]:
        """The log of each observation's mean density over the draws, by site: how well it is
        predicted by a fit that it took no part in.
        """
        total = {o.site: np.full(len(o.observed), -np.inf) for o in self.prepared.outcomes}
        for each in self._chunks(fitted, changed):
            for site, values in each.items():
                total[site] = np.logaddexp(total[site], np.logaddexp.reduce(values, axis=0))
        draws = fitted.sampled.z.shape[0] * fitted.sampled.z.shape[1]
        return {site: score - np.log(draws) for site, score in total.items()}

    def _chunks(self, fitted: Fitted, changed: Mapping[str, Any]) -> Iterator[dict[str, Numbers]]:
        """The log densities of all observations by site, (draw, observation), some draws a time."""
        arrays = split_data({**self._data, **changed}).arrays
        vectors = fitted.sampled.z.reshape(-1, fitted.sampled.z.shape[2])
        rows = sum(len(outcome.observed) for outcome in self.prepared.outcomes)
        size = int(np.clip(CHUNK_VALUES // max(rows, 1), 1, min(500, len(vectors))))
        if "scores" not in self._programs:
            self._programs["scores"] = jax.jit(jax.vmap(self._scores, in_axes=(None, 0)))
        for begin in range(0, len(vectors), size):
            numbers = np.minimum(np.arange(begin, begin + size), len(vectors) - 1)
            left = min(size, len(vectors) - begin)
            found = self._programs["scores"](arrays, vectors[numbers])
            yield {site: np.asarray(each)[:left] for site, each in found.items()}

    def _scores(self, arrays: Mapping[str, Any], vector: Any) -> dict[str, Any]:
        """The log density of every observation at one draw."""
        _, layout = self._target()
        z = layout.split(vector)
        data = split_data(self._data).merged(arrays)
        substituted = handlers.substitute(self.model, substitute_fn=lambda s: constrained(s, z))
        trace = handlers.trace(substituted).get_trace(data)
        return {site: trace[site]["fn"].log_prob(trace[site]["value"]) for site in self._sites}

    def close(self) -> None:
        """Lets go of the threads that compile."""
        self._compiler.close()


def method_for(
    asked: str, model: ir.Model, binding: Binding, settings: Settings, reporter: Reporter
) -> str:
    """The method that is asked for; of `auto` the one that it takes, having said why."""
    if asked != "auto":
        return asked
    from hdsl.fit.survey import survey

    found = survey(model, binding, settings)
    reporter.note(found.sentence)
    return found.method


def mask_key(site: str) -> str:
    """The key in the prepared data of a site's mask."""
    return f"mask of {site}"
