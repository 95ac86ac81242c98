"""What a run of the benchmarks is told, and what one cell of it is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.workload import Files


@dataclass(frozen=True)
class Settings:
    """How everybody samples: float64, chains side by side."""

    chains: int = 2
    warmup: int = 1000
    draws: int = 1000
    seed: int = 1


@dataclass(frozen=True)
class Cell:
    """One process: a contestant at one stage of one workload.

    ``sizes`` (groups, rows) are those of a growth curve's workload, () of all others. The stage
    ``cold`` is a fit that finds no compiled code, ``warm`` the same in a second process.
    """

    workload: str
    contestant: str
    stage: str
    sizes: tuple[int, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, tuple[int, ...]]:
        """What tells it from all others."""
        return self.workload, self.contestant, self.stage, self.sizes


@dataclass(frozen=True)
class Order:
    """What the process of a cell is told: by the moment ``began`` it had not been started."""

    cell: Cell
    settings: Settings
    files: Files
    began: float

    def as_text(self) -> str:
        """The order as a line of JSON."""
        files = {
            "rows": str(self.files.rows),
            "tables": {level: str(path) for level, path in self.files.tables.items()},
        }
        return json.dumps(
            {
                "cell": asdict(self.cell),
                "settings": asdict(self.settings),
                "files": files,
                "began": self.began,
            }
        )


def order_of(text: str) -> Order:
    """The order that a line of JSON holds."""
    told: dict[str, Any] = json.loads(text)
    cell, files = told["cell"], told["files"]
    return Order(
        Cell(cell["workload"], cell["contestant"], cell["stage"], tuple(cell["sizes"])),
        Settings(**told["settings"]),
        Files(Path(files["rows"]), {name: Path(p) for name, p in files["tables"].items()}),
        told["began"],
    )
