"""The folder of the user's in which HDSL keeps what takes long to make.

``HDSL_CACHE`` moves it, ``HDSL_CACHE=off`` does without. Nothing depends on it but time: where it
cannot be written, things are made again.
"""

import os
import sys
from pathlib import Path


def cache_folder() -> Path | None:
    """The folder, or None where it is switched off."""
    told = os.environ.get("HDSL_CACHE")
    if told is None:
        return _platform_cache() / "hdsl"
    return None if told.strip().lower() in ("", "0", "off", "none") else Path(told)


def writable_cache(part: str) -> Path | None:
    """A folder inside the cache, made if need be; None where nothing can be kept."""
    try:
        folder = cache_folder()
        if folder is None:
            return None
        (folder / part).mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        return None
    return folder / part if os.access(folder / part, os.W_OK) else None


def _platform_cache() -> Path:
    match sys.platform:
        case "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        case "darwin":
            return Path.home() / "Library" / "Caches"
        case _:
            return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
