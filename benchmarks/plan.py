"""Which cells a run has, and in which order: a workload's contestants stand side by side."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import growth
from benchmarks.contestants import CONTESTANTS
from benchmarks.settings import Cell, Settings
from benchmarks.workloads import WORKLOADS

QUICK_SETTINGS = Settings(warmup=300, draws=300)
QUICK = (
    ("hdsl-O1", ("radon", "W2", "W1"), ("cold", "gradient")),
    ("hdsl-O0", ("radon", "W2", "W1"), ("cold",)),
    ("numpyro", ("radon", "W2", "W1"), ("cold", "gradient")),
    ("hdsl-fit", ("radon",), ("cold", "warm")),
    ("numpyro-tuned", ("radon", "W2", "W1"), ("cold",)),
    ("pymc-nutpie", ("W2", "radon"), ("cold",)),
)
"""Contestant, workloads, stages: the most telling first, as there is not time for all."""

QUICK_LIMIT, QUICK_SECONDS = 90.0, 270.0


def all_cells(
    workloads: Sequence[str], contestants: Sequence[str], large: bool, curves: bool
) -> list[Cell]:
    """The cells of the named workloads and contestants; none named means all.

    A workload that is too large for the common stages takes part if it is named, or with ``large``.
    """
    chosen = [
        workload
        for workload in WORKLOADS.values()
        if workload.name in workloads or (not workloads and (large or not workload.large))
    ]
    cells = [
        Cell(workload.name, contestant.name, stage)
        for workload in chosen
        for contestant in CONTESTANTS.values()
        if not contestants or contestant.name in contestants
        if contestant.can(workload)
        for stage in workload.stages
        if ("cold" if stage == "warm" else stage) in contestant.stages
    ]
    if curves:
        cells += [c for c in growth.cells() if not contestants or c.contestant in contestants]
    return cells


def quick_cells() -> list[Cell]:
    """The cells of a quick run."""
    return [
        Cell(workload, contestant, stage)
        for contestant, workloads, stages in QUICK
        for workload in workloads
        for stage in stages
    ]
