"""The process of one cell: `python -m benchmarks.cell ORDER` prints a line of JSON per milestone.

The first says that the fit is there, after how long and in how much memory; what follows, effective
sizes and r-hat, is no part of the fit and not timed.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from benchmarks.contestants import CONTESTANTS
from benchmarks.contestants.fitted import Fitted
from benchmarks.growth import workload_of
from benchmarks.measure import judged, peak_megabytes
from benchmarks.settings import Order, order_of


def main() -> None:
    """Runs the order given as the one argument."""
    run(order_of(sys.argv[1]))


def run(order: Order) -> None:
    """Does what the cell's stage says, and prints what was measured."""
    workload = workload_of(order.cell)
    stage = "cold" if order.cell.stage == "warm" else order.cell.stage
    found = CONTESTANTS[order.cell.contestant].stages[stage](workload, order)
    wall = {"wall": time.time() - order.began, "memory": peak_megabytes()}
    if isinstance(found, Fitted) and found.wall is not None:
        wall["wall"] = found.wall
    say({"status": "fitted", **wall})
    if isinstance(found, Fitted):
        more = 0.0 if found.after is None else found.after()
        sampling = None if found.sampling is None else found.sampling + more
        times = {"compile": found.compiling, "sampling": sampling}
        found = {**times, **judged(found.draws, workload.shared)}
    say({"status": "done", **wall, **found})


def say(line: dict[str, Any]) -> None:
    """Prints a line for the process that waits."""
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
