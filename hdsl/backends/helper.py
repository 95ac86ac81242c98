"""A function that a generated file defines for its `prepare`: source text."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Helper:
    """One function of the generated file and the helpers that it calls itself."""

    source: str
    calls: tuple[str, ...] = ()
