"""Who takes part. Each runs in a process of its own, and imports what it needs there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.contestants import by_bambi, by_hdsl, by_numpyro, by_pymc
from benchmarks.contestants.fitted import Fitted
from benchmarks.settings import Order
from benchmarks.workload import Workload

type Stage = Callable[[Workload, Order], Fitted | dict[str, Any]]
"""A fit gives draws, any other stage the numbers that it measured."""


@dataclass(frozen=True)
class Contestant:
    """Somebody's way to the posteriors: what it does at each stage, and which it can express.

    ``compiles_long``: a second fit, with what the first compiled, may be done where the first was
    not done in time.
    """

    name: str
    title: str
    stages: Mapping[str, Stage]
    can: Callable[[Workload], bool] = field(default=lambda workload: True)
    compiles_long: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether it is HDSL."""
        return self.name.startswith("hdsl")


def _by_hand(tuned: bool) -> dict[str, Stage]:
    return {
        "cold": by_numpyro.fitting(tuned),
        "gradient": by_numpyro.gradient(tuned),
        "svi-step": by_numpyro.svi_step(tuned),
    }


def _ours(level: int, backend: str) -> dict[str, Stage]:
    stages: dict[str, Stage] = {
        "cold": by_hdsl.fitting(level, backend, "nuts"),
        "gradient": by_hdsl.gradient(level, backend),
    }
    if backend == "numpyro":
        stages["svi-step"] = by_hdsl.svi_step(level)
    if (level, backend) == (1, "numpyro"):
        stages["laplace"] = by_hdsl.fitting(level, backend, "laplace")
        stages["nuts"] = stages["cold"]
    return stages


CONTESTANTS: dict[str, Contestant] = {
    contestant.name: contestant
    for contestant in (
        Contestant("numpyro", "NumPyro by hand", _by_hand(tuned=False)),
        Contestant("numpyro-tuned", "NumPyro by hand, tuned", _by_hand(tuned=True)),
        Contestant(
            "pymc-nutpie",
            "PyMC by hand, nutpie",
            {"cold": by_pymc.by_nutpie, "gradient": by_pymc.gradient_nutpie},
            by_pymc.can,
            compiles_long=True,
        ),
        Contestant(
            "pymc",
            "PyMC by hand, its own NUTS",
            {"cold": by_pymc.by_pymc, "gradient": by_pymc.gradient_pymc},
            by_pymc.can,
        ),
        Contestant("bambi", "Bambi, nutpie", {"cold": by_bambi.fitting}, by_bambi.can, True),
        Contestant("hdsl-O0", "HDSL -O0", _ours(0, "numpyro")),
        Contestant("hdsl-O0-pymc", "HDSL -O0, PyMC", _ours(0, "pymc")),
        Contestant("hdsl-O1", "HDSL -O1", _ours(1, "numpyro")),
        Contestant("hdsl-O1-pymc", "HDSL -O1, PyMC", _ours(1, "pymc")),
        Contestant("hdsl-fit", "`hdsl fit`, to its table", {"cold": by_hdsl.by_command}),
    )
}
"""In the order of the tables; ``warm`` is ``cold`` again, with what was compiled at hand."""
