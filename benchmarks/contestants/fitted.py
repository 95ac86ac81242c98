"""What a fit hands over, whoever made it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.workload import Draws


@dataclass(frozen=True)
class Fitted:
    """Draws of the shared quantities, and the seconds of compiling and of all sampling.

    ``sampling`` is warm-up, draws, and what it takes to have every shared quantity of every draw.
    None where a contestant cannot tell them apart. ``wall`` is that of the whole fit, where its
    process does more besides. ``after``, where given, measures seconds that
    ``sampling`` lacks, once the fit itself has been timed.
    """

    draws: Draws
    compiling: float | None
    sampling: float | None
    after: Callable[[], float] | None = None
    wall: float | None = None
