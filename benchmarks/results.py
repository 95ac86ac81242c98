"""What was measured, cell by cell, in a file that grows by a line whenever a cell is done."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.settings import Cell, Settings

PACKAGES = ("numpyro", "jax", "pymc", "nutpie", "bambi", "numpy")

type Key = tuple[str, str, str, tuple[int, ...]]


@dataclass(frozen=True)
class Results:
    """The head of a run (machine, versions, settings) and what is known of each cell.

    A cell's ``status`` is ``done``; ``timeout`` or ``failed``, with what was ``said``;
    or ``unrun`` where the run's own time was up.
    """

    head: Mapping[str, Any] = field(default_factory=dict)
    cells: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)

    def of(
        self, workload: str, contestant: str, stage: str, sizes: tuple[int, ...] = ()
    ) -> Mapping[str, Any]:
        """What is known of a cell, empty where nothing is."""
        return self.cells.get((workload, contestant, stage, sizes), {})

    def number(
        self,
        name: str,
        workload: str,
        contestant: str,
        stage: str,
        sizes: tuple[int, ...] = (),
    ) -> float | None:
        """A number that a cell measured, None where it was not done."""
        found = self.of(workload, contestant, stage, sizes)
        value = found.get(name) if found.get("status") == "done" else None
        return None if value is None else float(value)

    def rate(self, workload: str, contestant: str, stage: str = "cold") -> float | None:
        """Effective draws per second of sampling, compile apart; of the best of both fits.

        A second fit draws the same: its time differs by what else the machine was doing.
        """
        rates = []
        for one in (stage, "warm"):
            ess = self.number("ess", workload, contestant, one)
            seconds = self.number("sampling", workload, contestant, one)
            if ess is not None and seconds:
                rates.append(ess / seconds)
        return max(rates, default=None)

    def present(self, index: int) -> tuple[str, ...]:
        """The workloads (0) or contestants (1) of the cells, in the order of their first one."""
        return tuple(dict.fromkeys(str(key[index]) for key in self.cells))


def read(file: Path) -> Results:
    """The results in a file, those of a cell's last try; empty if there is no file."""
    head: Mapping[str, Any] = {}
    cells: dict[Key, Mapping[str, Any]] = {}
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    for line in lines:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:  # a killed run's last line
            continue
        if record["kind"] == "head":
            head = record
        else:
            sizes = tuple(record["sizes"])
            key = (record["workload"], record["contestant"], record["stage"], sizes)
            cells[key] = record
    return Results(head, cells)


def begin(file: Path, settings: Settings, limit: float) -> None:
    """A new file with the run's head."""
    file.parent.mkdir(parents=True, exist_ok=True)
    head = {
        "kind": "head",
        "begun": datetime.now(UTC).isoformat(timespec="minutes"),
        "settings": asdict(settings),
        "limit": limit,
        "machine": f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }
    file.write_text(json.dumps(head) + "\n", encoding="utf-8")


def add(file: Path, cell: Cell, found: Mapping[str, Any]) -> None:
    """One more line."""
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps({"kind": "cell", **asdict(cell), **found}) + "\n")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # only Linux has it
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
