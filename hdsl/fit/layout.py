"""Where each site stands in the vector of all unconstrained values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any


@dataclass(frozen=True)
class Layout:
    """The sites of a model, one after the other in a vector.

    >>> Layout({"a": (), "b": (2, 3)}).size
    7
    """

    shapes: Mapping[str, tuple[int, ...]]

    @property
    def size(self) -> int:
        """The length of the vector."""
        return sum(prod(shape) for shape in self.shapes.values())

    def split(self, vector: Any) -> dict[str, Any]:
        """The sites' values, shaped, in the layout's order."""
        values, begin = {}, 0
        for name, shape in self.shapes.items():
            values[name] = vector[begin : begin + prod(shape)].reshape(shape)
            begin += prod(shape)
        return values

    def join(self, values: Mapping[str, Any]) -> Any:
        """The vector of the sites' values, which may be traced."""
        import jax.numpy as jnp

        return jnp.concatenate([values[name].reshape(-1) for name in self.shapes])
