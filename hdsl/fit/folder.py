"""A RUN folder on disk: written whole or not at all, read wherever it has been moved to."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hdsl.fit.failure import failure

FORMAT = 2
MODEL, LEARNED, INFO, RESULTS = "model.hdsl", "learned.json", "run.json", "results.nc"
TRAINING = "training.json"


@dataclass(frozen=True)
class Contents:
    """What a RUN folder holds besides its results."""

    model: str
    python: Mapping[str, str]  # the generated file that ran, by name
    learned: Mapping[str, Any]
    info: Mapping[str, Any]
    training: Mapping[str, Any] = field(default_factory=dict)  # groups and their data


@contextmanager
def work_folder(out: Path | None, overwrite: bool) -> Iterator[Path]:
    """A fresh folder to work in, beside ``out``; gone at the end unless it was published.

    Says at once, before anything is computed, that ``out`` exists or cannot be written.
    """
    if out is None:
        with tempfile.TemporaryDirectory(prefix="hdsl-") as folder:
            yield Path(folder)
        return
    check_free(out, overwrite)
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name[:80]}-", dir=out.parent))
    except OSError as error:
        raise failure(
            "H524", f"cannot write to {out.parent}: {error.strerror}", "name another place with -o"
        ) from error
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_free(out: Path, overwrite: bool) -> None:
    """Nothing where ``out`` may be written, otherwise an error."""
    if not (out.exists() or out.is_symlink()):
        return
    if not overwrite:
        raise failure(
            "H523", f"{out} exists", "name another RUN with -o, or remove it; nothing was changed"
        )
    if not _is_run(out):
        raise failure(
            "H523", f"{out} exists and is not a RUN, so it is not overwritten", "name another RUN"
        )


def write_contents(contents: Contents, folder: Path) -> None:
    """The files of a RUN, its results apart; last the one that makes it a RUN."""
    (folder / MODEL).write_text(contents.model, encoding="utf-8", newline="")
    for name, text in contents.python.items():
        (folder / name).write_text(text, encoding="utf-8")
    _write_json(folder / LEARNED, contents.learned)
    _write_json(folder / TRAINING, contents.training)
    _write_json(folder / INFO, contents.info)


def publish(draft: Path, out: Path) -> None:
    """Makes a finished folder the RUN: from one moment to the next it is there, and whole."""
    draft.chmod(0o755)
    if not out.exists():
        draft.rename(out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name[:80]}-old-", dir=out.parent))
    out.rename(old / out.name)
    draft.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def read_contents(folder: Path) -> Contents:
    """The files of a RUN; an error where the folder is none."""
    if not _is_run(folder):
        what = "is no RUN" if folder.exists() else "does not exist"
        raise failure("H526", f"{folder} {what}", "a RUN is the folder that `hdsl fit` writes")
    try:
        info = _read_json(folder / INFO)
        if info["format"] > FORMAT:
            raise failure(
                "H526", f"{folder} was written by a newer HDSL ({info['hdsl']})", "upgrade HDSL"
            )
        return Contents(
            (folder / MODEL).read_bytes().decode("utf-8"),
            {f.name: f.read_text(encoding="utf-8") for f in sorted(folder.glob("model_*.py"))},
            _read_json(folder / LEARNED),
            info,
            # a run of the first format has none: it can be looked at, not predicted from
            _read_json(folder / TRAINING) if info["format"] > 1 else {},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise failure("H526", f"{folder} is not whole: {error}", "fit the model again") from error


def _is_run(folder: Path) -> bool:
    return all((folder / name).is_file() for name in (MODEL, LEARNED, INFO, RESULTS))


def _write_json(file: Path, value: Mapping[str, Any]) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
    file.write_text(text + "\n", encoding="utf-8")


def _read_json(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _plain(value: Any) -> Any:
    """A number or an array of NumPy as JSON knows it."""
    return value.tolist()
