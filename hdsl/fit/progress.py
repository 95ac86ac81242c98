"""What a fit says while it runs, and where it says it.

A fit prints nothing itself: it talks to a ``Reporter``, of which there are a silent one and one
for people. Only the second knows the terminal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


@dataclass(frozen=True)
class ChainState:
    """How far one chain has come; ``divergences`` counts those after the warm-up."""

    done: int = 0
    divergences: int = 0


class Reporter(Protocol):
    """Hears of stages, of remarks, and of each chain's progress between ``begin`` and ``end``."""

    def stage(self, text: str) -> None:
        """A new stage begins."""

    def note(self, text: str) -> None:
        """Something the user should know and need not act upon at once."""

    def begin(self, chains: int, warmup: int, draws: int) -> None:
        """The chains start."""

    def update(self, chain: int, state: ChainState) -> None:
        """A chain has moved."""

    def end(self) -> None:
        """The chains have stopped, finished or not."""


class Silent:
    """Says nothing; keeps nothing."""

    def stage(self, text: str) -> None:
        """Nothing is said."""

    def note(self, text: str) -> None:
        """Nothing is said."""

    def begin(self, chains: int, warmup: int, draws: int) -> None:
        """Nothing is said."""

    def update(self, chain: int, state: ChainState) -> None:
        """Nothing is said."""

    def end(self) -> None:
        """Nothing is said."""


class ConsoleReporter:
    """A bar per chain on a terminal or in a notebook; a plain line per stage anywhere else."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = console.is_terminal or console.is_jupyter
        self._progress: Progress | None = None
        self._tasks: tuple[TaskID, ...] = ()
        self._warmup = 0

    def stage(self, text: str) -> None:
        """A dim line."""
        self._console.print(text, style="dim", highlight=False, markup=False)

    def note(self, text: str) -> None:
        """A line that starts with `note:`."""
        self._console.print(f"note: {text}", highlight=False, markup=False)

    def begin(self, chains: int, warmup: int, draws: int) -> None:
        """Shows one bar per chain; without a terminal says once what is about to happen."""
        self._warmup = warmup
        if not self._live:
            self.stage(f"drawing: {chains} chains of {warmup} warm-up steps and {draws} draws")
            return
        self._progress = _bars(self._console)
        self._tasks = tuple(
            self._progress.add_task(
                f"chain {i + 1}", total=warmup + draws, phase="warm-up", note=""
            )
            for i in range(chains)
        )
        self._progress.start()

    def update(self, chain: int, state: ChainState) -> None:
        """Moves a chain's bar."""
        if self._progress is None:
            return
        count = state.divergences
        self._progress.update(
            self._tasks[chain],
            completed=state.done,
            phase="warm-up" if state.done <= self._warmup else "drawing",
            note=f"{count} divergence{'s' * (count != 1)}" if count else "",
        )

    def end(self) -> None:
        """Leaves the bars as they stand."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _bars(console: Console) -> Progress:
    from rich import progress

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[phase]:<7}"),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("[red]{task.fields[note]}"),
        console=console,
    )
