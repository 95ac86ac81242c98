"""Keeps a long run's state on disk while it runs, so that a kill costs no more than a moment.

A *stream* is what one chain, or one optimisation, leaves behind: arrays that only grow (its draws)
in numbered parts, and one small file with its latest state, which says how many parts belong to it.
Each file appears whole or not at all, parts before the state that counts them: whenever the process
dies, what lies on the disk is a state that the sampler was in.
"""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hdsl.fit.failure import failure

if TYPE_CHECKING:
    from hdsl.fit.draws import Numbers

SECONDS = 20.0
"""How long a stream waits before its first checkpoint, and from each to the next at least."""

SHARE = 50
"""Writing takes at most about one part in so many of the time."""

type Named = Mapping[str, "Numbers"]
_PARTS, _SUFFIX = "parts", ".npz"


@dataclass(frozen=True)
class Saved:
    """A stream as it was last written: its state, and its rows part by part."""

    state: Named
    rows: tuple[Named, ...]


@dataclass
class Stream:
    """The checkpoints of one chain. Without a folder nothing is ever due, and nothing written."""

    name: str
    folder: Path | None
    note: Callable[[str], None]
    saved: bool = False  # whether there is a checkpoint of it
    _parts: int = 0
    _pending: list[Named] = field(default_factory=list)
    _next: float = field(default_factory=lambda: time.perf_counter() + SECONDS)
    _failed: bool = False

    def restored(self) -> Saved | None:
        """What was written of the stream, None where nothing was; further parts follow it."""
        if self.folder is None or not self._file.is_file():
            return None
        try:
            state = _read(self._file)
            self._parts = int(state.pop(_PARTS))
            rows = tuple(_read(self._part(number)) for number in range(self._parts))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise failure(
                "H528",
                f"the checkpoint {self.folder} cannot be read: {error}",
                "begin again with `--overwrite`",
            ) from error
        self.saved = True
        return Saved(state, rows)

    def add(self, rows: Named) -> None:
        """Takes note of new rows, which the next checkpoint holds."""
        if self.folder is not None:
            self._pending.append(rows)

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        return self.folder is not None and time.perf_counter() >= self._next

    def save(self, state: Named) -> None:
        """Writes the new rows and the state that comes after them.

        A disk that is full stops no run that could still end well: it is said, once, and tried
        again the next time.
        """
        if self.folder is None:
            return
        began = time.perf_counter()
        try:
            self.folder.mkdir(exist_ok=True)
            parts = self._parts
            if self._pending:
                names = self._pending[0]
                joined = {n: np.concatenate([rows[n] for rows in self._pending]) for n in names}
                _write(self._part(parts), joined)
                parts += 1
            _write(self._file, {**state, _PARTS: np.asarray(parts)})
        except OSError as error:
            if not self._failed:
                self.note(f"no checkpoint can be written ({error.strerror}): the fit goes on")
            self._failed = True
        else:
            self._parts, self.saved, self._failed = parts, True, False
            self._pending.clear()
        ended = time.perf_counter()
        self._next = ended + max(SECONDS, SHARE * (ended - began))

    @property
    def _file(self) -> Path:
        assert self.folder is not None
        return self.folder / f"{self.name}{_SUFFIX}"

    def _part(self, number: int) -> Path:
        assert self.folder is not None
        return self.folder / f"{self.name}-{number:06}{_SUFFIX}"


@dataclass(frozen=True)
class Checkpoints:
    """The streams of a run, in a folder; none is kept where there is no folder."""

    folder: Path | None = None

    def stream(self, name: str, note: Callable[[str], None]) -> Stream:
        """The stream of that name; ``note`` tells the user what should be known."""
        return Stream(name, self.folder, note)


NOWHERE = Checkpoints()
"""Keeps nothing."""


def _write(file: Path, arrays: Named) -> None:
    """The arrays in a file that is there whole or not at all, even if the power fails."""
    draft = file.with_suffix(".tmp")
    try:
        with draft.open("wb") as out:
            np.savez(out, allow_pickle=False, **arrays)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _read(file: Path) -> dict[str, Numbers]:
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)
