"""A file that grows by a line for each replicate, so that a run that dies loses one at most."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hdsl.fit.failure import failure

FORMAT = 1


class Record:
    """The replicates that are done, by number; those of an earlier run of the same are kept.

    The first line of the file says what it is of; every other is one replicate. Without a path
    it lives in memory.
    """

    def __init__(self, path: Path | None, header: Mapping[str, Any], overwrite: bool) -> None:
        self.path = path
        self.done: dict[int, dict[str, Any]] = {}
        head = json.loads(json.dumps({"format": FORMAT, **header}))
        if path is None:
            return
        if path.exists() and not overwrite:
            self._read(path, head)
            return
        try:
            path.write_text(_line(head), encoding="utf-8")
        except OSError as error:
            raise failure(
                "H524", f"cannot write {path}: {error.strerror}", "name another place with -o"
            ) from error

    def _read(self, path: Path, head: Mapping[str, Any]) -> None:
        """The replicates of an earlier run; what it was writing when it died is cut off."""
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            first, *lines = [json.loads(line) for line in whole.decode("utf-8").splitlines()]
            same = first == head
        except ValueError:
            raise failure(
                "H555", f"{path} exists and holds no replicates", "name another file with -o"
            ) from None
        if not same:
            changed = ", ".join(k for k in head if head[k] != first.get(k)) or "its format"
            raise failure(
                "H555",
                f"{path} holds replicates of something else: not the same {changed}",
                "name another file with -o, or --overwrite it",
            )
        if whole != content:
            with path.open("r+b") as file:
                file.truncate(len(whole))
        self.done = {line["replicate"]: line for line in lines}

    def add(self, number: int, replicate: Mapping[str, Any]) -> None:
        """Keeps one replicate: it is on the disk before this comes back."""
        line = {"replicate": number, **replicate}
        self.done[number] = json.loads(json.dumps(line))
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(line))
                file.flush()
                os.fsync(file.fileno())


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
