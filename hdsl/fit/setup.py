"""Sets JAX up before it starts: double precision, the processor, compiled code kept for next time.

Compiled code is kept in a folder of the user's (``HDSL_CACHE`` moves it, ``HDSL_CACHE=off``
does without). It is worth most of the wait of a second fit, and never an error: where the folder
cannot be written, compiling simply takes its time again.
"""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

from hdsl.syntax.cache import cache_folder

MOST_FILES = 2000
"""Of compiled code, a few hundred kilobytes each, before the older ones go."""


def prepare_jax() -> None:
    """Leaves JAX in double precision with its compilation cache on; may be called again."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")  # small models are slower on a GPU
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # remarks on cached code, meant for Google
    import jax

    jax.config.update("jax_enable_x64", True)
    folder = _writable_folder()
    if folder is not None:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def _writable_folder() -> Path | None:
    try:
        folder = cache_folder()
        if folder is None:
            return None
        place = folder / "jax" / f"{version('jaxlib')}-{processor()}"
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
        prune(place)
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        return None
    return place


def prune(place: Path, most: int = MOST_FILES) -> None:
    """Removes the older half of the compiled code where there is too much of it."""
    files = sorted(place.iterdir(), key=lambda file: file.stat().st_mtime)
    if len(files) > most:
        for file in files[: len(files) - most // 2]:
            file.unlink(missing_ok=True)


def processor() -> str:
    """A name for this kind of processor: code compiled for another one may not run here."""
    text = platform.machine() + platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        text += next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        pass  # only Linux says what its processor can do
    return hashlib.sha256(text.encode()).hexdigest()[:12]
