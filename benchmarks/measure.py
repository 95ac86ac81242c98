"""What is measured of a fit: time of compiling and of a gradient, effective sizes, memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.workload import Draws

LONG_ENOUGH = 0.3  # seconds of a timed loop
REPEATS = 3
MEMBERS = 40
"""Of each quantity so many members' means are kept, to be compared among contestants."""


@dataclass
class Compiling:
    """When JAX was tracing, lowering or compiling; what ran nested or at once counts once."""

    spans: list[tuple[float, float]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The length of the spans' union.

        >>> Compiling([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)]).seconds
        4.0
        """
        total, reached = 0.0, -np.inf
        for begin, end in sorted(self.spans):
            total += max(0.0, end - max(begin, reached))
            reached = max(reached, end)
        return float(total)


@contextmanager
def compiling() -> Iterator[Compiling]:
    """Listens to JAX."""
    from jax import monitoring

    heard = Compiling()

    def hear(event: str, duration_secs: float, **_: str | int) -> None:
        if event.startswith("/jax/core/compile"):
            now = time.perf_counter()
            heard.spans.append((now - duration_secs, now))

    monitoring.register_event_duration_secs_listener(hear)
    try:
        yield heard
    finally:
        monitoring.unregister_event_duration_listener(hear)


def seconds_per_step(step: Callable[[Any], Any], state: Any) -> float:
    """Seconds of one step of a JAX function from a state to the next, inside one compiled loop."""
    import jax

    @jax.jit
    def many(count: Any, state: Any) -> Any:
        return jax.lax.fori_loop(0, count, lambda _, s: step(s), state)

    def timed(count: int) -> float:
        began = time.perf_counter()
        jax.block_until_ready(many(count, state))
        return time.perf_counter() - began

    timed(1)
    count = 1
    while (taken := timed(count)) < LONG_ENOUGH:
        count = max(2 * count, min(100 * count, int(1.5 * LONG_ENOUGH / max(taken, 1e-6) * count)))
    return min(taken, *(timed(count) for _ in range(REPEATS - 1))) / count


def seconds_per_gradient(potential: Callable[[Any], Any], point: Any) -> float:
    """Seconds of one value and gradient of a JAX function at (or next to) a point."""
    import jax

    def step(z: Any) -> Any:
        value, gradient = jax.value_and_grad(potential)(z)
        return jax.tree.map(lambda a, g: a - 1e-12 * (g + 1e-12 * value), z, gradient)

    return seconds_per_step(step, point)


def seconds_per_call(function: Callable[[], object]) -> float:
    """Seconds of one call of a Python function, its own overhead included."""
    function()
    count, taken = 1, 0.0
    while taken < LONG_ENOUGH:
        count = 2 * count
        began = time.perf_counter()
        for _ in range(count):
            function()
        taken = time.perf_counter() - began
    return taken / count


def peak_megabytes() -> float:
    """The most memory that this process, or the largest that it waited for, has held."""
    usage = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(u.ru_maxrss for u in usage) / 1024


def judged(draws: Draws, shared: tuple[str, ...]) -> dict[str, Any]:
    """The smallest bulk ESS over all members of the shared quantities, the largest r-hat, means."""
    from arviz_stats.base.array import array_stats

    least, worst, largest = np.inf, "", -np.inf
    means: dict[str, Any] = {}
    for name in shared:
        values = np.asarray(draws[name], dtype=float)
        flat = values.reshape(*values.shape[:2], -1)
        options: Mapping[str, Any] = {"chain_axis": 0, "draw_axis": 1}
        ess = np.atleast_1d(array_stats.ess(flat, method="bulk", **options))
        rhat = np.atleast_1d(array_stats.rhat(flat, **options))
        if ess.min() < least:
            least, worst = float(ess.min()), name
        largest = max(largest, float(rhat.max()))
        kept = np.unique(np.linspace(0, flat.shape[2] - 1, MEMBERS).astype(int))
        mean, sd = flat.mean(axis=(0, 1))[kept], flat.std(axis=(0, 1))[kept]
        means[name] = [_short(mean), _short(sd / np.sqrt(ess[kept]))]
    return {"ess": least, "worst": worst, "rhat": largest, "means": means}


def _short(values: Any) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
