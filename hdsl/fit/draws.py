"""What a sampler is told and what it hands over, whichever backend it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

type Numbers = NDArray[Any]

MAX_TREE_DEPTH = 10

POINTWISE_VALUES = 20_000_000
"""Log-likelihood and predictions of every row are kept up to so many numbers each."""

ROWS_KEPT = 200_000
"""Columns of more rows than this stay in the user's files, and are not copied into the results."""

MANY_NUMBERS, MANY_ROWS = 1_000, 50_000
"""Unknowns, or rows, from which on an approximation to begin from is worth its time."""

SOME_ROWS = 1_000
"""Fewer rows inform few unknowns: whether the model is a large one is not even looked at."""


@dataclass(frozen=True)
class Settings:
    """How long and how carefully to sample, and by which passes: ``level`` 0 uses none of them,
    1 all but those named in ``without``.
    """

    chains: int = 4
    draws: int = 1000
    warmup: int = 1000
    seed: int = 0
    target_accept: float = 0.8
    level: int = 1
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draws:
    """Everything drawn, by site name, first axes (chain, draw).

    ``predictive`` is on all rows; ``log_likelihood`` on the observed ones; ``missing`` holds the
    predictions of the rows whose outcome is missing. ``times`` are seconds by stage.
    ``diagnostics`` are an approximation's, for the run's info; chains have none. ``auxiliary`` are
    the sampled sites that are no results.
    """

    posterior: Mapping[str, Numbers]
    stats: Mapping[str, Numbers]
    log_likelihood: Mapping[str, Numbers]
    predictive: Mapping[str, Numbers]
    missing: Mapping[str, Numbers]
    complete: bool
    times: Mapping[str, float]
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    auxiliary: Mapping[str, Numbers] = field(default_factory=dict)


@dataclass(frozen=True)
class Chains:
    """What a sampler of a PyMC model gives; ``log_likelihood`` is None where it was not computed.

    ``compiled`` is the moment, by ``time.perf_counter``, when the chains began.
    """

    posterior: Mapping[str, Numbers]
    stats: Mapping[str, Numbers]
    complete: bool
    compiled: float
    log_likelihood: Mapping[str, Numbers] | None = None


@dataclass(frozen=True)
class OutcomeRows:
    """Where an outcome stands in the prepared data: its array, and which rows are observed.

    ``seen_key`` and ``seen`` are None where every row is observed. ``length`` counts all rows.
    ``predicted``: the values of missing rows are drawn with the rest, few as they are.
    """

    name: str
    site: str
    key: str
    length: int
    observed: Numbers
    seen_key: str | None = None
    seen: Numbers | None = None
    predicted: bool = True

    @property
    def wanted(self) -> Numbers:
        """The positions of the missing rows whose values the results hold."""
        return self.unseen if self.predicted else np.arange(0)

    @property
    def unseen(self) -> Numbers:
        """The positions of the rows whose outcome is missing."""
        if self.seen is None:
            return np.arange(0)
        return np.setdiff1d(np.arange(self.length), self.seen)

    def on(self, rows: Numbers) -> dict[str, Numbers]:
        """Prepared data in which the outcome stands on the given rows; what is unknown of it
        is filled with an observed value, which whoever asks for it must not read.
        """
        if self.seen_key is None or self.seen is None:
            return {}
        full = np.full((self.length, *self.observed.shape[1:]), self.observed[0])
        full[self.seen] = self.observed
        return {self.key: full[rows], self.seen_key: rows}


class NoStartError(Exception):
    """No point tried as a start has a finite log density; ``sites`` are those to blame, if known.

    ``at`` is the last point tried, as one unconstrained vector.
    """

    def __init__(self, sites: tuple[str, ...] = (), at: Numbers | None = None) -> None:
        self.sites = sites
        self.at = at
        super().__init__("no starting point with a finite log density")


def predicts_missing(outcome: OutcomeRows, draws: int) -> bool:
    """Whether the missing values of an outcome are few enough to be kept in every draw."""
    return outcome.unseen.size * draws <= POINTWISE_VALUES


def keeps_pointwise(outcomes: tuple[OutcomeRows, ...], draws: int) -> bool:
    """Whether log-likelihood and predictions of every row are small enough to keep."""
    return sum(outcome.length for outcome in outcomes) * draws <= POINTWISE_VALUES
