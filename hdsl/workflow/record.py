"""A file that grows by a line for each fit that is done, so that a run that dies loses one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hdsl.fit.failure import failure

FORMAT = 1


class Record[Name: (int, str)]:
    """The fits that are done, by number or name; those of an earlier run of the same are kept.

    The first line of the file says what it is of; every other is one fit, called what it is under
    ``key``. Without a path it lives in memory.
    """

    def __init__(
        self,
        path: Path | None,
        header: Mapping[str, Any],
        overwrite: bool,
        key: str = "replicate",
    ) -> None:
        self.path = path
        self.key = key
        self.done: dict[Name, dict[str, Any]] = {}
        head = json.loads(json.dumps({"format": FORMAT, **header}))
        if path is None:
            return
        if path.exists() and not overwrite:
            self._read(path, head)
            return
        try:
            _begin(path, _line(head))
        except OSError as error:
            raise failure(
                "H524", f"cannot write {path}: {error.strerror}", "name another place with -o"
            ) from error

    def _read(self, path: Path, head: Mapping[str, Any]) -> None:
        """The fits of an earlier run; what it was writing when it died is cut off."""
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        first, *lines = [_value(line) for line in whole.splitlines()] or [None]
        if not isinstance(first, dict) or "format" not in first:
            raise failure(
                "H555", f"{path} exists and holds no {self.key}s", "name another file with -o"
            )
        if first != head:
            changed = ", ".join(k for k in head if head[k] != first.get(k)) or "its format"
            raise failure(
                "H555",
                f"{path} holds {self.key}s of something else: not the same {changed}",
                "name another file with -o, or --overwrite it",
            )
        if whole != content:
            with path.open("r+b") as file:
                file.truncate(len(whole))
        known = [line for line in lines if isinstance(line, dict) and self.key in line]
        self.done = {line[self.key]: line for line in known}  # a damaged line is done again

    def add(self, name: Name, found: Mapping[str, Any]) -> None:
        """Keeps one fit: it is on the disk before this comes back."""
        line = {self.key: name, **found}
        self.done[name] = json.loads(json.dumps(line))
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(line))
                file.flush()
                os.fsync(file.fileno())


def _begin(path: Path, text: str) -> None:
    """A file of one line, there from one moment to the next."""
    handle, draft = tempfile.mkstemp(prefix=f".{path.name[:80]}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _value(line: bytes) -> Any:
    """What a line says; None where it is damaged."""
    try:
        return json.loads(line.decode("utf-8"))
    except ValueError:
        return None


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
