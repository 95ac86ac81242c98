"""From a method's name to its function."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from hdsl.fit.draws import Settings
from hdsl.fit.methods.approximation import Approximation, Problem
from hdsl.fit.methods.names import APPROXIMATE
from hdsl.fit.progress import Reporter

type Method = Callable[[Problem, Settings, Reporter], Approximation]


def method_of(name: str) -> Method:
    """The function of an approximate method."""
    found: Method = getattr(import_module(APPROXIMATE[name]), name)
    return found
