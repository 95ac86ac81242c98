"""What HDSL is to reach, each a number that the results give and a bound for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from benchmarks.results import Results

OURS = "hdsl-O1"
CONVERGED = 1.01


@dataclass(frozen=True)
class Target:
    """``measure`` gives the number, None where a cell that it needs was not run;
    infinity where ours did not come to it in its time.
    """

    workload: str
    title: str
    bound: float
    sense: Literal["at least", "at most"]
    unit: str
    measure: Callable[[Results], float | None]

    def is_reached(self, value: float) -> bool:
        """Whether the number is on the right side of its bound."""
        return value >= self.bound if self.sense == "at least" else value <= self.bound


def _gain(workload: str, baseline: str, results: Results) -> float | None:
    ours, theirs = results.rate(workload, OURS), results.rate(workload, baseline)
    return None if ours is None or not theirs else ours / theirs


def _step(workload: str, results: Results) -> float | None:
    ours = results.number("svi_step", workload, OURS, "svi-step")
    theirs = results.number("svi_step", workload, "numpyro", "svi-step")
    return None if theirs is None or not ours else theirs / ours


def _growth(workload: str, smaller: str, results: Results) -> float | None:
    large = results.number("gradient", workload, OURS, "gradient")
    small = results.number("gradient", smaller, OURS, "gradient")
    return None if large is None or not small else large / small


def _number(
    name: str, workload: str, contestant: str, stage: str, results: Results
) -> float | None:
    if results.of(workload, contestant, stage).get("status") == "timeout":
        return float("inf")
    return results.number(name, workload, contestant, stage)


def _converged_wall(workload: str, stage: str, results: Results) -> float | None:
    rhat = results.number("rhat", workload, OURS, stage)
    if rhat is not None and rhat >= CONVERGED:
        return float("inf")
    return _number("wall", workload, OURS, stage, results)


def _gains(workload: str, on_numpyro: float, on_nutpie: float) -> tuple[Target, Target]:
    return (
        Target(
            workload,
            "ESS/s against NumPyro by hand",
            on_numpyro,
            "at least",
            "×",
            partial(_gain, workload, "numpyro"),
        ),
        Target(
            workload,
            "ESS/s against PyMC + nutpie",
            on_nutpie,
            "at least",
            "×",
            partial(_gain, workload, "pymc-nutpie"),
        ),
    )


def _first_fit(workload: str, seconds: float) -> Target:
    measure = partial(_number, "wall", workload, OURS, "cold")
    return Target(workload, "first fit in a fresh process", seconds, "at most", " s", measure)


def _flat(workload: str) -> Target:
    title = "cost per gradient against 5k rows"
    return Target(workload, title, 1.3, "at most", "×", partial(_growth, workload, "W2"))


def _seconds(workload: str, title: str, bound: float, name: str, by: str, stage: str) -> Target:
    measure = partial(_number, name, workload, by, stage)
    return Target(workload, title, bound, "at most", " s", measure)


TARGETS = (
    *_gains("W1", 250, 80),
    _first_fit("W1", 10),
    *_gains("W2", 60, 40),
    _first_fit("W2", 8),
    _flat("W2-100k"),
    _flat("W2-1M"),
    *_gains("W5", 300, 300),
    _first_fit("W5", 8),
    *_gains("radon", 20, 10),
    _seconds("radon", "`hdsl fit` to its table, cold cache", 8, "wall", "hdsl-fit", "cold"),
    _seconds("radon", "`hdsl fit` to its table, warm cache", 4, "wall", "hdsl-fit", "warm"),
    _seconds("W3", "mode, sds and draws, scales learned", 10, "sampling", OURS, "laplace"),
    Target("W3", "step of SVI", 7, "at least", "×", partial(_step, "W3")),
    Target(
        *("W3", "NUTS to r-hat < 1.01, whole process", 900, "at most", " s"),
        partial(_converged_wall, "W3", "nuts"),
    ),
    Target("W4", "step of SVI", 5, "at least", "×", partial(_step, "W4")),
    _seconds("W4", "`laplace`, its draws included", 60, "sampling", OURS, "laplace"),
    Target(
        *("crossed", "NUTS to r-hat < 1.01, whole process", 60, "at most", " s"),
        partial(_converged_wall, "crossed", "cold"),
    ),
)
