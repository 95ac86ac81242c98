"""What a run was made by: the versions of HDSL and of what it stands on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hdsl.fit.folder import FORMAT

PACKAGES = ("numpyro", "jax", "jaxlib", "numpy", "arviz", "xarray", "pymc", "pytensor", "nutpie")


def environment() -> dict[str, Any]:
    """The versions that a run was made by."""
    return {
        "format": FORMAT,
        "hdsl": _version("hdsl") or "a checkout that is not installed",
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """The versions of HDSL and of what it stands on, as far as installed."""
    return {name: found for name in ("hdsl", *PACKAGES) if (found := _version(name))}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
