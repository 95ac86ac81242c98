"""Errors of a fit that no line of the model is to blame for, as diagnostics without a place."""

from __future__ import annotations

from importlib.util import find_spec

from hdsl.diagnostics.diagnostic import Diagnostic, ModelError

EXTRAS = {"pymc": "pymc", "nutpie": "nutpie"}
"""The extra of HDSL that installs a package."""


def failure(code: str, headline: str, advice: str | None = None) -> ModelError:
    """An error that says what is wrong and, where there is something, what to do."""
    return ModelError((Diagnostic(code, headline, help=advice),))


def require(package: str) -> None:
    """Nothing where a package is installed, otherwise an error that says how to install it."""
    if find_spec(package) is None:
        command = f"pip install 'hdsl[{EXTRAS[package]}]'"
        raise failure("H525", f"the package `{package}` is not installed", f"`{command}`")
