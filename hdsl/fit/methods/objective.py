"""The log density that variational inference climbs: of all rows, or estimated from some of them.

The rows of a batch are windows of the rows in the order of their finest groups, so that a batch
holds most of its groups whole. Their likelihood counts rows / batch times, the prior once: its mean
over batches is the density of all rows. Whether a model's likelihood is a sum over rows is tried,
not assumed: two halves must add up to the whole. Where it uses an `average` or a `total` of rows
they do not, and all rows are read at every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
from numpyro.infer.util import potential_energy
from numpyro.primitives import Messenger

from hdsl.expr import ROW
from hdsl.fit.devices import on_devices
from hdsl.fit.draws import Numbers
from hdsl.fit.methods.approximation import Problem

MANY_ROWS = 100_000
"""Batches are worth their noise beyond so many rows."""

AWAY = 0.1  # from the prior's centre, where sums are compared too
BATCH = 16_384
WINDOWS = 16


class Scaled(Messenger):  # type: ignore[misc]  # NumPyro is not typed
    """Lets outcomes count so many times; NumPyro's own factors are observed too, and no data."""

    def __init__(self, fn: Any, sites: frozenset[str], factor: Any) -> None:
        super().__init__(fn)
        self.sites = sites
        self.factor = factor

    def process_message(self, msg: dict[str, Any]) -> None:
        """Scales an outcome's site."""
        if msg["type"] == "sample" and msg["name"] in self.sites:
            own = 1.0 if msg["scale"] is None else msg["scale"]
            msg["scale"] = own * self.factor


@dataclass(frozen=True)
class Batches:
    """How a problem's rows are drawn from. ``order`` are the positions of the rows with an outcome,
    among all that have one, by finest group; ``seen`` are their rows, or None where all have one.
    """

    problem: Problem
    order: Numbers
    seen: Numbers | None
    seen_keys: frozenset[str]
    size: int

    @property
    def rows(self) -> int:
        """How many rows there are to draw from."""
        return len(self.order)

    @cached_property
    def sliced(self) -> Mapping[str, str]:
        """The arrays that have an entry for each row, or for each row that has an outcome."""
        lengths = {self.problem.structure.rows: "row"}
        if self.seen is not None:
            lengths[len(self.seen)] = "seen"
        return {
            key: lengths[len(value)]
            for key, value in self.problem.target.arguments.items()
            if len(value) in lengths and key not in self.seen_keys
        }

    def positions(self, rng: np.random.Generator) -> Numbers:
        """A batch: positions in the order of the rows that have an outcome."""
        width = self.size // WINDOWS
        starts = rng.integers(0, self.rows, WINDOWS)
        found: Numbers = self.order[(starts[:, None] + np.arange(width)).reshape(-1) % self.rows]
        return found

    def arguments(self, arguments: Mapping[str, Any], positions: Any) -> dict[str, Any]:
        """The data's arrays of a batch; traced."""
        rows = positions if self.seen is None else arguments["__seen__"][positions]
        at = {"row": rows, "seen": positions}
        found = {key: value for key, value in arguments.items() if key != "__seen__"}
        found |= {key: found[key][at[kind]] for key, kind in self.sliced.items()}
        return found | {key: np.arange(len(positions)) for key in self.seen_keys}

    def potential(self, arguments: Mapping[str, Any], z: Any, positions: Any, factor: Any) -> Any:
        """Minus the log density in which the batch's likelihood counts ``factor`` times."""
        data = self.problem.merged(self.arguments(arguments, positions))
        data["coords"] = {**data["coords"], ROW: np.arange(len(positions))}
        scaled = Scaled(self.problem.model, frozenset(self.problem.outcomes), factor)
        return potential_energy(scaled, (data,), {}, self.problem.layout.split(z))


def batches_of(problem: Problem, at: Numbers) -> Batches | None:
    """How to draw batches of rows; None where rows are few or the likelihood is no sum over them.

    ``at`` is a point where the sums are compared.
    """
    if problem.structure.rows <= MANY_ROWS:
        return None
    found = rows_of(problem)
    if found is None or found.rows <= MANY_ROWS or not _adds_up(found, at):
        return None
    return found


def rows_of(problem: Problem) -> Batches | None:
    """How rows are drawn from, be they few or many; None where each outcome has other rows, or
    a row has unknowns of its own. Whether their likelihoods add up is not looked at.
    """
    structure = problem.structure
    if ROW in structure.levels or not problem.outcomes:
        return None
    seen_keys = {seen for _, seen in problem.outcomes.values()}
    arguments = problem.target.arguments
    seen = None
    if seen_keys != {None}:
        if None in seen_keys:
            return None
        first, *others = (np.asarray(arguments[str(key)]) for key in seen_keys)
        if any(not np.array_equal(first, other) for other in others):
            return None
        seen = first
    rows = np.arange(structure.rows) if seen is None else seen
    finest = next((level for level in structure.levels.values()), None)
    group = np.zeros(len(rows)) if finest is None else finest.of_row[rows]
    order = np.argsort(group, kind="stable")
    keys = frozenset(str(key) for key in seen_keys if key is not None)
    return Batches(problem, order, seen, keys, BATCH)


def device_arguments(problem: Problem, batches: Batches | None) -> Any:
    """The data's arrays on the device, with what batches need besides."""
    extra = {} if batches is None or batches.seen is None else {"__seen__": batches.seen}
    return on_devices({**problem.target.arguments, **extra})


def _adds_up(batches: Batches, at: Numbers) -> bool:
    """Whether the likelihoods of two halves of the rows make that of all, everywhere.

    It is tried away from the prior's centre too, where effects that are 0 could hide an average;
    and on halves that share every group, as windows cut groups in two.
    """
    arguments = device_arguments(batches.problem, batches)
    potential, whole = jax.jit(batches.potential), jax.jit(batches.problem.target.potential)
    halves = batches.order[::2], batches.order[1::2]
    away = at + AWAY * np.random.default_rng(0).standard_normal(at.shape)
    try:
        for point in (at, away):
            first, second = (float(potential(arguments, point, half, 1.0)) for half in halves)
            prior = float(potential(arguments, point, halves[0], 0.0))
            exact = float(whole(batches.problem.target.arguments, point))
            if not np.isclose(first + second - prior, exact, rtol=1e-8, atol=1e-6):
                return False
    except (TypeError, ValueError, IndexError):  # a shape that does not follow the rows
        return False
    return True
