"""Which cells a run has, and in which order: a workload's contestants stand side by side."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import growth
from benchmarks.contestants import CONTESTANTS
from benchmarks.settings import Cell, Settings
from benchmarks.workloads import WORKLOADS

QUICK = Settings(warmup=300, draws=300)
QUICK_WORKLOADS = ("radon", "W2", "W1")
QUICK_CONTESTANTS = ("hdsl-O1", "hdsl-O0", "numpyro", "hdsl-fit", "numpyro-tuned", "pymc-nutpie")
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
    """Few cells, the most telling ones first, since the time for all of them is short."""
    return [
        Cell(workload, contestant, stage)
        for contestant in QUICK_CONTESTANTS
        for workload in QUICK_WORKLOADS
        for stage in ("cold", *(("warm",) if contestant == "hdsl-fit" else ()))
    ]
