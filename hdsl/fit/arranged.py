"""A generated file's arranged density: what it samples, and the way back to the model's sites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hdsl.fit.layout import Layout
from hdsl.fit.module import GeneratedModule

PREFIX = "condensed "
"""Before the names of condensed arrays where they stand beside the prepared ones."""

type Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class ArrangedModel:
    """The functions ``collapsed`` and ``recover`` of a file, and the data that they read."""

    density: Callable[[Mapping[str, Any]], Any]
    recover: Callable[[Mapping[str, Any], Mapping[str, Any], Any], Mapping[str, Any]]
    condensed: Mapping[str, Any]
    layout: Layout | None = None

    @cached_property
    def arrays(self) -> dict[str, Any]:
        """The condensed arrays under names that no prepared one has."""
        from hdsl.fit.numpyro_sampler import split_data

        return {PREFIX + name: array for name, array in split_data(self.condensed).arrays.items()}

    def widened(self, arrays: Arrays, vector: Any, key: Any) -> dict[str, Any]:
        """The values of the model's own sites, by name, for one draw; traced."""
        from numpyro import handlers

        from hdsl.fit.numpyro_sampler import constrained

        assert self.layout is not None
        z = self.layout.split(vector)
        own = {n.removeprefix(PREFIX): v for n, v in arrays.items() if n.startswith(PREFIX)}
        data = {**self.condensed, **own}

        placed = handlers.substitute(self.density, substitute_fn=lambda s: constrained(s, z))
        trace = handlers.trace(placed)
        values = {name: site["value"] for name, site in trace.get_trace(data).items() if name in z}
        return {**values, **self.recover(data, values, key)}


def arranged_of(loaded: GeneratedModule, data: Mapping[str, Any]) -> ArrangedModel | None:
    """The arranged density of a NumPyro file on prepared data; None where it has none."""
    if not loaded.generated.collapsed:
        return None
    return ArrangedModel(
        lambda condensed: loaded.call("collapsed", condensed),
        lambda condensed, values, key: loaded.call("recover", condensed, values, key),
        loaded.call("condense", data),
    )
