"""What the data say that a compiler may act on: sizes, labels, missing outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Facts:
    """Facts of one data set: ``sizes`` and ``labels`` by level, outcomes with missing values;
    ``typical``: how many rows the median group of a level has.
    """

    rows: int
    sizes: Mapping[str, int]
    labels: Mapping[str, tuple[str, ...]]
    missing: frozenset[str] = frozenset()
    typical: Mapping[str, float] = field(default_factory=dict)
