"""The draft of a RUN: `demand.run.part` stands beside the RUN that it becomes when it is whole.

It is what a killed fit leaves behind. Where it holds checkpoints, nothing overwrites it unasked and
`hdsl fit --resume demand.run` goes on with it; otherwise the next fit clears it away. A fit that
runs has its draft locked, and the lock goes with the process, however that ends.
"""

from __future__ import annotations

import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hdsl.diagnostics.diagnostic import ModelError
from hdsl.fit.checkpoint import NOWHERE, Checkpoints
from hdsl.fit.failure import failure
from hdsl.fit.folder import check_free, is_run, read_json, read_status, write_json

if sys.platform != "win32":
    import fcntl

SUFFIX, RECORD, CHECKPOINTS = ".part", "draft.json", "checkpoints"


@dataclass(frozen=True)
class Record:
    """What a fit was asked for. Going on with it asks for the same, or is refused.

    ``origin`` says where the command found model, rows and tables; ``code`` is the digest of the
    generated file and ``data`` that of the columns that the model reads.
    """

    model: str
    name: str
    method: str
    backend: str
    sampler: str
    options: Mapping[str, Any]
    code: str
    data: str
    versions: Mapping[str, str]
    overwrite: bool
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def programs(self) -> Mapping[str, Any]:
        """What of it decides on the code that a fit compiles: not its seed, and the numbers of
        chains and draws only by the shapes of what the code is given.
        """
        said = {name: self.options[name] for name in ("warmup", "target_accept")}
        texts = {"model": self.model, "code": self.code, "data": self.data}
        return {**said, **texts, "method": self.method}


@dataclass
class Draft:
    """A folder to work in, which ``publish`` makes the RUN; without ``out`` it is never one."""

    folder: Path
    out: Path | None
    overwrite: bool
    resumed: Record | None = None
    published: bool = False

    def begin(self, record: Record) -> Checkpoints:
        """The checkpoints of the fit, once it is clear that they are, or will be, its own."""
        if self.out is None:
            return NOWHERE
        if self.resumed is not None:
            _verify_same(self.resumed, record, self.out)
        else:
            write_json(self.folder / RECORD, asdict(record))
        return Checkpoints(self.folder / CHECKPOINTS)

    @property
    def kept(self) -> bool:
        """Whether there is something to go on from, so that the folder outlives a failure."""
        return self.out is not None and has_checkpoint(self.folder)

    def publish(self, complete: bool = True) -> None:
        """Makes the finished folder the RUN: from one moment to the next it is there, and whole.

        Checkpoints stay in it where draws are still to be made.
        """
        assert self.out is not None
        if complete or not self.kept:
            shutil.rmtree(self.folder / CHECKPOINTS, ignore_errors=True)
            (self.folder / RECORD).unlink(missing_ok=True)
        if self.out.exists():
            old = Path(tempfile.mkdtemp(prefix=_old(self.out), dir=self.out.parent))
            self.out.rename(old / self.out.name)
            self.folder.rename(self.out)
            shutil.rmtree(old, ignore_errors=True)
        else:
            self.folder.rename(self.out)
        self.published = True


def part_of(out: Path) -> Path:
    """Where the draft of a RUN stands.

    >>> part_of(Path("a/demand.run")).name
    'demand.run.part'
    """
    return out.parent / f"{out.name}{SUFFIX}"


def has_checkpoint(folder: Path) -> bool:
    """Whether a folder holds a checkpoint that belongs to a draft."""
    return (folder / RECORD).is_file() and any((folder / CHECKPOINTS).glob("*.npz"))


@contextmanager
def open_draft(out: Path | None, overwrite: bool, resume: bool = False) -> Iterator[Draft]:
    """A draft to work in, gone at the end unless it was published or can be gone on with.

    Says at once, before anything is computed, that ``out`` exists or cannot be written, that
    another fit is writing it, or that an unfinished one waits there.
    """
    if out is None:
        with tempfile.TemporaryDirectory(prefix="hdsl-") as folder:
            yield Draft(Path(folder), None, False)
        return
    _restore(out)
    draft = _unfinished(out) if resume else Draft(_fresh(out, overwrite), out, overwrite)
    with locked(draft.folder, out):
        try:
            yield draft
        finally:
            if not draft.published and not draft.kept:
                shutil.rmtree(draft.folder, ignore_errors=True)


def resumable(path: Path) -> Path:
    """The RUN that ``--resume`` means: its name, or that of its draft."""
    is_part = path.name.endswith(SUFFIX) and (path / RECORD).is_file()
    return path.with_name(path.name.removesuffix(SUFFIX)) if is_part else path


def read_record(out: Path) -> Record:
    """What the unfinished fit at a RUN was asked for; an error where there is none."""
    for folder in (part_of(out), out):
        if has_checkpoint(folder):
            try:
                return Record(**read_json(folder / RECORD))
            except (OSError, ValueError, TypeError) as error:
                raise failure(
                    "H528",
                    f"the fit in {folder} was not begun by this version of HDSL: {error}",
                    "begin again with `--overwrite`",
                ) from error
    raise _nothing(out)


def _nothing(out: Path) -> Exception:
    if is_run(out) and read_status(out) == "complete":
        return failure("H528", f"nothing to resume: {out} is complete")
    return failure(
        "H528",
        f"nothing to resume at {out}",
        "a fit that has run for less than half a minute leaves no checkpoint, nor do the samplers "
        "nutpie and pymc: fit again",
    )


def _fresh(out: Path, overwrite: bool) -> Path:
    """A new, empty draft; what is left of an earlier one goes if nothing is lost by that."""
    check_free(out, overwrite)
    part = part_of(out)
    if part.exists():
        _verify_removable(part, out, overwrite)
        shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir()
    except OSError as error:
        raise failure(
            "H524", f"cannot write to {out.parent}: {error.strerror}", "name another place with -o"
        ) from error
    return part


def _verify_removable(part: Path, out: Path, overwrite: bool) -> None:
    if part.is_symlink() or not part.is_dir() or not _is_ours(part):
        raise failure(
            "H523",
            f"{part} is in the way: the fit would be written there until it is whole",
            "move it, or name another RUN with -o",
        )
    with locked(part, out):
        pass
    if has_checkpoint(part) and not overwrite:
        raise failure(
            "H523",
            f"{part} holds an unfinished fit",
            f"`hdsl fit --resume {out}` goes on with it; `--overwrite` begins again",
        )


def _is_ours(part: Path) -> bool:
    names = {path.name for path in part.iterdir()}
    return not names or RECORD in names or any(name.startswith("model_") for name in names)


def _unfinished(out: Path) -> Draft:
    """The draft to go on with: what a kill left, or the checkpoints of a partial RUN."""
    record = read_record(out)
    part = part_of(out)
    partial = not has_checkpoint(part)
    if partial:
        _copy_checkpoints(out, part)
    elif out.exists():
        check_free(out, record.overwrite)
    return Draft(part, out, record.overwrite or partial, record)


def _copy_checkpoints(out: Path, part: Path) -> None:
    try:
        part.mkdir(exist_ok=True)
        shutil.copytree(out / CHECKPOINTS, part / CHECKPOINTS, dirs_exist_ok=True)
        shutil.copyfile(out / RECORD, part / RECORD)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise failure("H524", f"cannot write to {out.parent}: {error.strerror}") from error


_CHANGED = {
    "model": "the model's text has changed",
    "data": "the data have changed",
    "method": "it was begun with another method",
    "backend": "it was begun with another backend",
    "sampler": "it was begun with another sampler",
    "options": "it was begun with other options",
    "versions": "it was begun by other versions",
    "code": "this version of HDSL compiles the model to other code",
}
"""What may differ from the fit that was begun, in the order in which it is told."""


def _verify_same(begun: Record, now: Record, out: Path) -> None:
    """Nothing where the fits are the same; otherwise the first difference."""
    for part, said in _CHANGED.items():
        before, after = getattr(begun, part), getattr(now, part)
        if before != after:
            details = f" ({_difference(before, after)})" if isinstance(before, dict) else ""
            raise failure(
                "H528",
                f"{out} cannot be resumed: {said} since{details}",
                "take back the change to go on with it, or begin again with `--overwrite`",
            )


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The entries that differ, as `draws 1000, now 2000`."""
    names = [n for n in {**before, **after} if before.get(n) != after.get(n)]
    return "; ".join(f"{n} {before.get(n, '–')}, now {after.get(n, '–')}" for n in names)


def _old(out: Path) -> str:
    return f".{out.name[:80]}-old-"


def _restore(out: Path) -> None:
    """Completes what a kill caught in the moment of publishing: the new RUN is whole and not yet in
    its place, or the old one has left it.
    """
    part = part_of(out)
    if is_run(part) and not has_checkpoint(part):
        with suppress(ModelError, OSError), locked(part, out):
            (part / RECORD).unlink(missing_ok=True)
            Draft(part, out, overwrite=True).publish()
    for old in sorted(out.parent.glob(f"{glob.escape(_old(out))}*")):
        kept = old / out.name
        with suppress(OSError):
            if is_run(kept) and not out.exists():
                kept.rename(out)
            if is_run(out):
                shutil.rmtree(old)


@contextmanager
def locked(folder: Path, out: Path, what: str = "fit") -> Iterator[None]:
    """Holds the folder's lock; an error where another process, or another fit, has it."""
    if sys.platform == "win32":  # two fits of one name at once are not noticed there
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise failure(
                "H523",
                f"another {what} is writing {out}",
                "wait for it, or name another place with -o",
            ) from error
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(handle)
