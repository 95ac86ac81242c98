"""How much a fit will hold, foreseen from the sizes of the model's levels before it draws anything.

What lives on rows is never kept by surprise: a definition there is recorded only where the model
says `report`, log-likelihood and predictions of every row only up to ``POINTWISE_VALUES``. What is
asked for and does not fit into the machine's memory is refused before the run starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from hdsl.fit.draws import OutcomeRows, Settings, predicts_missing
from hdsl.fit.failure import failure

if TYPE_CHECKING:
    from hdsl.backends import Generated

NUMBER = 8  # bytes
COPIES = 2
"""Results are held in parts and joined: for a moment everything is there twice."""

WORKSPACE = 400_000_000
"""Bytes that Python, JAX and its compiler take for themselves."""

ROW_VALUES = 60
"""Numbers per row that a gradient holds: every intermediate value of a formula, and its slope."""


@dataclass(frozen=True)
class Foreseen:
    """Sizes of a fit: numbers a draw by recorded quantity, of every row's log-likelihood and
    prediction, and of the sampler's own vector; the rows; the draws of all chains together.
    """

    recorded: Mapping[str, int]
    pointwise: int
    latent: int
    rows: int
    draws: int

    @property
    def results(self) -> int:
        """Bytes of the results, in memory or in the RUN."""
        return NUMBER * self.draws * (sum(self.recorded.values()) + self.pointwise)

    @property
    def memory(self) -> int:
        """Bytes of memory at the worst moment."""
        vectors = NUMBER * self.draws * self.latent
        work = NUMBER * ROW_VALUES * self.rows
        return COPIES * (self.results + vectors) + work + WORKSPACE


def foresee(
    generated: Generated,
    labels: Mapping[str, Sized],
    outcomes: tuple[OutcomeRows, ...],
    pointwise: bool,
    settings: Settings,
    rows: int,
) -> Foreseen:
    """What a fit of a generated model will hold, from the labels of its levels."""

    def size(domain: tuple[str, ...]) -> int:
        return prod(len(labels[level]) for level in domain if level in labels)

    sites = {outcome.site for outcome in outcomes}
    recorded = {name: size(d) for name, d in generated.dims.items() if name not in sites}
    draws = settings.chains * settings.draws
    missing = (o for o in outcomes if o.unseen.size and predicts_missing(o, draws))
    recorded |= {outcome.name: int(outcome.unseen.size) for outcome in missing}
    return Foreseen(
        recorded=recorded,
        pointwise=2 * sum(outcome.length for outcome in outcomes) if pointwise else 0,
        latent=sum(size(domain) for domain in generated.site_domains.values()),
        rows=rows,
        draws=draws,
    )


def refuse_too_much(foreseen: Foreseen, settings: Settings) -> None:
    """An error where the fit would need more memory than the machine can give."""
    free = free_memory()
    if free is None or foreseen.memory <= free:
        return
    name, largest = max(foreseen.recorded.items(), key=lambda item: item[1])
    per_draw = (foreseen.memory - WORKSPACE) / foreseen.draws
    fitting = int(0.8 * (free - WORKSPACE) / per_draw / settings.chains)
    fewer = f"draw less (`--draws {fitting}`), or " if fitting >= 4 else ""
    raise failure(
        "H531",
        f"the fit would take {in_words(foreseen.memory)} of memory, and {in_words(free)} are free",
        f"`{name}` alone has {largest:,} numbers a draw, of which {foreseen.draws:,} are to be "
        f"kept: {fewer}do not `report` what lives on rows or on many groups",
    )


def free_memory() -> int | None:
    """Bytes that may still be taken, None where the system does not say."""
    found = []
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(1024 * int(line.split()[1]))
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii").strip()
        if limit != "max":
            found.append(int(limit) - int(used))
    except (OSError, ValueError):
        pass  # not Linux, or not in a container: what is known will do
    return min(found) if found else None


def in_words(size: int) -> str:
    """A number of bytes with its unit.

    >>> in_words(1_234_000_000)
    '1.2 GB'
    """
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1000:.0f} kB"
