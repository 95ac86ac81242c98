"""The true values behind simulated rows: by quantity and by the labels of its levels."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from hdsl.fit.draws import Numbers


@dataclass(frozen=True)
class Truth:
    """One value of every recorded quantity. ``values`` are arrays over ``dims``, which ``labels``
    name the members of.
    """

    values: Mapping[str, Numbers]
    dims: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, Any]

    def nested(self) -> dict[str, Any]:
        """By quantity: a number, or by label, level inside level."""
        return {name: self._nested(np.asarray(v), self._axes(name)) for name, v in self._known()}

    def flat(self) -> Iterator[tuple[str, float]]:
        """Each number with its name as summaries have it: ``alpha[Aitkin]``."""
        for name, value in self._known():
            axes = self._axes(name)
            members = product(*axes)
            for member, number in zip(members, np.ravel(value).tolist(), strict=True):
                yield (f"{name}[{', '.join(member)}]" if axes else name), number

    def population(self) -> dict[str, float]:
        """The quantities that are single numbers."""
        return {name: float(value) for name, value in self._known() if np.ndim(value) == 0}

    def _known(self) -> Iterator[tuple[str, Numbers]]:
        return ((name, self.values[name]) for name in self.values)

    def _axes(self, name: str) -> list[list[str]]:
        return [[str(label) for label in self.labels[d]] for d in self.dims.get(name, ())]

    def _nested(self, value: Numbers, axes: list[list[str]]) -> Any:
        if not axes:
            return value.item()
        return {
            label: self._nested(part, axes[1:]) for label, part in zip(axes[0], value, strict=True)
        }


def as_json(truths: tuple[Truth, ...]) -> str:
    """The truth of one replicate as an object, of several as a list of them."""
    every = [truth.nested() for truth in truths]
    return json.dumps(every[0] if len(every) == 1 else every, indent=2, ensure_ascii=False) + "\n"


def as_csv(truths: tuple[Truth, ...]) -> str:
    """A line for each number: its quantity and value, and its replicate if there are several."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    several = len(truths) > 1
    writer.writerow([*(["replicate"] if several else []), "quantity", "value"])
    for number, truth in enumerate(truths, start=1):
        for name, value in truth.flat():
            writer.writerow([*([number] if several else []), name, repr(value)])
    return out.getvalue()
