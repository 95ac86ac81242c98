"""The order among levels and among domains: what lies in what."""

from collections.abc import Iterable

from hdsl.expr import ROW, Domain
from hdsl.ir.model import Level, LevelKind, Model


def above(model: Model, level: str) -> frozenset[str]:
    """Every level that a level lies in, itself left out; the rows lie in all levels of the data."""
    if level not in model.levels:  # an axis of columns: it lies in nothing
        return frozenset()
    found = model.ancestors(level)
    if level == ROW:
        in_data = (LevelKind.COLUMN, LevelKind.CROSS)
        found |= {name for name, other in model.levels.items() if other.kind in in_data}
    return found


def direct_parents(model: Model, level: str) -> tuple[str, ...]:
    """The levels directly above a level, in the model's order; several: it crosses them."""
    return finest(model, above(model, level))


def finest(model: Model, levels: Iterable[str]) -> tuple[str, ...]:
    """Those levels, in the model's order, that no other one of them lies in."""
    chosen = frozenset(levels)
    coarse: frozenset[str] = frozenset().union(*(above(model, name) for name in chosen))
    return tuple(name for name in model.levels if name in chosen - coarse)


def is_coarser(model: Model, coarse: Domain, fine: Domain) -> bool:
    """Whether what varies over ``coarse`` is one value for each group of ``fine``, or is equal."""
    return all(c in fine or any(c in above(model, f) for f in fine) for c in coarse)


def label_axis(model: Model, outcome: str) -> Level | None:
    """The axis of an outcome that is a label; None for one that is a number."""
    return next((level for level in model.levels.values() if level.of == outcome), None)
