"""The files of a RUN, read wherever its folder has been moved to; ``draft`` puts them there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hdsl.fit.failure import failure

FORMAT = 2
MODEL, LEARNED, INFO, RESULTS = "model.hdsl", "learned.json", "run.json", "results.nc"
TRAINING = "training.json"
ASKED: Mapping[str, Any] = {
    "model": str,
    "title": str | None,
    "status": str,
    "started": str,
    "draws": int,
    "options": dict,
    "data": dict,
    "population": list,
}
"""What `run.json` has to say, and of which type."""


@dataclass(frozen=True)
class Contents:
    """What a RUN folder holds besides its results."""

    model: str
    python: Mapping[str, str]  # the generated file that ran, by name
    learned: Mapping[str, Any]
    info: Mapping[str, Any]
    training: Mapping[str, Any] = field(default_factory=dict)  # groups and their data


def check_free(out: Path, overwrite: bool) -> None:
    """Nothing where ``out`` may be written, otherwise an error."""
    if not (out.exists() or out.is_symlink()):
        return
    if not overwrite:
        raise failure(
            "H523", f"{out} exists", "name another RUN with -o, or remove it; nothing was changed"
        )
    if not is_run(out):
        raise failure(
            "H523", f"{out} exists and is not a RUN, so it is not overwritten", "name another RUN"
        )


def write_contents(contents: Contents, folder: Path) -> None:
    """The files of a RUN, its results apart; last the one that makes it a RUN."""
    (folder / MODEL).write_text(contents.model, encoding="utf-8", newline="")
    for name, text in contents.python.items():
        (folder / name).write_text(text, encoding="utf-8")
    write_json(folder / LEARNED, contents.learned)
    write_json(folder / TRAINING, contents.training)
    write_json(folder / INFO, contents.info)


def read_contents(folder: Path) -> Contents:
    """The files of a RUN; an error where the folder is none."""
    if not is_run(folder):
        what = "is no RUN" if folder.exists() else "does not exist"
        raise failure("H526", f"{folder} {what}", "a RUN is the folder that `hdsl fit` writes")
    try:
        info = read_json(folder / INFO)
        if info["format"] > FORMAT:
            raise failure(
                "H526", f"{folder} was written by a newer HDSL ({info['hdsl']})", "upgrade HDSL"
            )
        _verify(info)
        return Contents(
            (folder / MODEL).read_bytes().decode("utf-8"),
            {f.name: f.read_text(encoding="utf-8") for f in sorted(folder.glob("model_*.py"))},
            read_json(folder / LEARNED),
            info,
            # a run of the first format has none: it can be looked at, not predicted from
            read_json(folder / TRAINING) if info["format"] > 1 else {},
        )
    except KeyError as error:
        said = f"{folder} is not whole: {INFO} does not say `{error.args[0]}`"
        raise failure("H526", said, "fit the model again") from error
    except (OSError, ValueError, TypeError) as error:
        raise failure("H526", f"{folder} is not whole: {error}", "fit the model again") from error


def _verify(info: Mapping[str, Any]) -> None:
    """Nothing where `run.json` says what every command asks of it; KeyError or ValueError else."""
    for name, kind in ASKED.items():
        if not isinstance(info[name], kind):
            raise ValueError(f"{INFO} has no proper `{name}`")


def is_run(folder: Path) -> bool:
    """Whether a folder has all the files of a RUN."""
    return all((folder / name).is_file() for name in (MODEL, LEARNED, INFO, RESULTS))


def read_status(folder: Path) -> str:
    """Whether a RUN is `complete` or `partial`; empty where it does not say."""
    try:
        return str(read_json(folder / INFO).get("status", ""))
    except (OSError, ValueError):
        return ""


def write_json(file: Path, value: Mapping[str, Any]) -> None:
    """A value in a file that is there whole or not at all."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
    draft = file.with_suffix(".tmp")
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(file)


def read_json(file: Path) -> dict[str, Any]:
    """The mapping in a file."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file.name} is damaged ({error})") from error
    if not isinstance(found, dict):
        raise ValueError(f"{file.name} is damaged")
    return found


def _plain(value: Any) -> Any:
    """A number or an array of NumPy as JSON knows it."""
    return value.tolist()
