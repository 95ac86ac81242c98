"""Runs cells one after the other, each in a process of its own, and writes down what each says."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.contestants import CONTESTANTS
from benchmarks.growth import workload_of
from benchmarks.settings import Cell, Order, Settings
from benchmarks.workload import ROOT, Files

STAGE_LIMITS = {"nuts": 1200.0, "laplace": 600.0}
"""Seconds for stages that are expected to take longer than a cell's common limit."""

GRACE = 240.0
"""Seconds for what comes after a fit and is not timed."""


def run_cells(
    cells: Sequence[Cell],
    settings: Settings,
    limit: float,
    file: Path,
    deadline: float | None,
    say: Callable[[str], None],
) -> None:
    """Runs what the file does not know yet; a cell past the deadline is written down as unrun."""
    work = file.parent
    known = results.read(file).cells
    finished = {key for key, found in known.items() if found["status"] != "unrun"}
    if sys.dont_write_bytecode and not (work / "bytecode").exists():
        _have_bytecode(work)
    for number, cell in enumerate(cells, 1):
        if cell.key in finished:
            continue
        if cell.stage == "warm" and _tells_all(results.read(file), cell):
            continue
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left < 1:
            results.add(file, cell, {"status": "unrun", "said": "the run's own time was up"})
            continue
        allowed = max(limit, STAGE_LIMITS.get(cell.stage, 0.0))
        allowed = allowed if left is None else min(allowed, left)
        found = run_cell(cell, settings, allowed, work)
        results.add(file, cell, found)
        sizes = "".join(f" {size:,}" for size in cell.sizes)
        name = f"{cell.workload}{sizes} · {cell.contestant} · {cell.stage}"
        say(f"[{number}/{len(cells)}] {name}: {spoken(found)}")


def _tells_all(known: results.Results, cell: Cell) -> bool:
    """Whether the first fit failed in a way that the second would."""
    status = known.of(cell.workload, cell.contestant, "cold", cell.sizes).get("status")
    if status == "timeout":
        return not CONTESTANTS[cell.contestant].compiles_long
    return status not in (None, "done")


def spoken(found: Mapping[str, Any]) -> str:
    """What a cell came to, in some words."""
    if found["status"] != "done":
        return str(found["said"])
    words = [f"{found['wall']:.1f} s"]
    if "ess" in found:
        words.append(f"ESS {found['ess']:.0f} of {found['worst']}, r-hat {found['rhat']:.3f}")
    words += [
        f"{name.replace('_', ' ')} {found[name] * 1e6:.1f} µs"
        for name in ("gradient", "svi_step")
        if name in found
    ]
    return ", ".join(words)


def run_cell(cell: Cell, settings: Settings, limit: float, work: Path) -> dict[str, Any]:
    """What the process of a cell says, or why it did not."""
    files = _files(cell, work)
    cache = work / "cache" / f"{cell.workload}-{cell.contestant}"
    if cell.stage == "cold":
        shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    order = Order(cell, settings, files, time.time())
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.cell", order.as_text()],
            cwd=ROOT,
            env=_environment(cache),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # so that it goes with all processes that it has begun
        )
        lines = _listen(process, limit)
        errors.seek(0)
        complaint = errors.read().strip().splitlines()
    last = lines[-1] if lines else {"status": "none"}
    if last["status"] == "done":
        return last
    if process.returncode == -signal.SIGKILL:
        return {"status": "timeout", "said": f"not done in {limit:.0f} s"}
    return {"status": "failed", "said": complaint[-1][:300] if complaint else "no word"}


def _files(cell: Cell, work: Path) -> Files:
    folder = work / "data"
    folder.mkdir(parents=True, exist_ok=True)
    return workload_of(cell).make(folder)


def _listen(process: subprocess.Popen[str], limit: float) -> list[dict[str, Any]]:
    """The lines that a process prints; it is ended when its time is up."""
    lines: list[dict[str, Any]] = []

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('{"status"'):
                lines.append(json.loads(line))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    end = time.monotonic() + limit
    try:
        while process.poll() is None:
            if time.monotonic() > end + (GRACE if lines else 0.0):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            time.sleep(0.05)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    reader.join(5)
    return lines


PACKAGES = ("numpyro.infer", "pymc", "nutpie", "bambi", "hdsl.fit.numpyro_sampler", "netCDF4")
"""What contestants import, by which all else is imported."""


def _have_bytecode(work: Path) -> None:
    """Has Python compile the packages, as an installer does, where it is told not to by itself."""
    for name in PACKAGES:
        command = [sys.executable, "-c", f"import {name}"]
        subprocess.run(command, cwd=ROOT, env=_environment(work / "cache" / "none"), check=False)


def _environment(cache: Path) -> dict[str, str]:
    """Everybody's compiled code goes to the cell's own folder: JAX's, Numba's, PyTensor's, ours.

    Python's bytecode is at hand for all, also where the packages lie without it.
    """
    flags = filter(
        None, [os.environ.get("PYTENSOR_FLAGS"), f"base_compiledir={cache / 'pytensor'}"]
    )
    path = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    own = dict(os.environ)
    if sys.dont_write_bytecode:
        own.pop("PYTHONDONTWRITEBYTECODE", None)
        own["PYTHONPYCACHEPREFIX"] = str(cache.parent.parent / "bytecode")
    return {
        **own,
        "PYTHONPATH": os.pathsep.join(path),
        "HDSL_CACHE": str(cache / "hdsl"),
        "JAX_COMPILATION_CACHE_DIR": str(cache / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PLATFORMS": "cpu",
        "NUMBA_CACHE_DIR": str(cache / "numba"),
        "PYTENSOR_FLAGS": ",".join(flags),
    }
