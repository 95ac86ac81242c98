"""From a method's name to its function, and what its outer loop keeps for a fit that is killed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from hdsl.fit.checkpoint import Checkpoints, Stream
from hdsl.fit.draws import Numbers, Settings
from hdsl.fit.methods.approximation import Approximation, Problem
from hdsl.fit.methods.names import APPROXIMATE
from hdsl.fit.progress import Reporter

type Method = Callable[[Problem, Settings, Reporter], Approximation]


def method_of(name: str) -> Method:
    """The function of an approximate method."""
    found: Method = getattr(import_module(APPROXIMATE[name]), name)
    return found


@dataclass
class Place:
    """Where an outer loop has come to: ``theta`` is where a killed fit was, or None.

    A method begins at ``theta`` if there is one, and calls ``save`` after each of its steps.
    """

    stream: Stream
    theta: Numbers | None

    @classmethod
    def of(cls, checkpoints: Checkpoints, name: str, note: Callable[[str], None]) -> Place:
        """The place of a method's outer loop, restored where the fit is resumed."""
        stream = checkpoints.stream(name, note)
        saved = stream.restored()
        return cls(stream, None if saved is None else saved.state["theta"])

    def save(self, theta: Numbers) -> None:
        """Takes note of a step; written where that is due, so that it costs nothing."""
        if self.stream.due:
            self.stream.save({"theta": theta})
