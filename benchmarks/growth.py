"""Growth: what a gradient costs as rows, and as groups, become more."""

from __future__ import annotations

from benchmarks.settings import Cell
from benchmarks.workload import Workload
from benchmarks.workloads import WORKLOADS, groups

ROWS = "growth-rows"
GROUPS = "growth-groups"

FIXED_GROUPS, FIXED_ROWS = 100, 1_000_000
SIZES: dict[str, tuple[tuple[int, int], ...]] = {
    ROWS: tuple((FIXED_GROUPS, rows) for rows in (1000, 10_000, 100_000, 1_000_000)),
    GROUPS: tuple((count, FIXED_ROWS) for count in (10, 100, 1000, 10_000, 100_000)),
}
"""(groups, rows) along each curve; the model is that of W5."""

CONTESTANTS = ("numpyro", "numpyro-tuned", "hdsl-O0", "hdsl-O1")


def cells() -> list[Cell]:
    """The cells of both curves."""
    return [
        Cell(curve, contestant, "gradient", sizes)
        for curve, along in SIZES.items()
        for sizes in along
        for contestant in CONTESTANTS
    ]


def workload_of(cell: Cell) -> Workload:
    """The workload of a cell, that of a curve made to its sizes."""
    if cell.sizes:
        return groups.workload(cell.workload, *cell.sizes)
    return WORKLOADS[cell.workload]
