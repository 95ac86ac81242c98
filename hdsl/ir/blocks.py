"""The columns of blocks: what they are called, as far as a model alone can tell."""

from collections.abc import Callable

from hdsl.expr import SEVERAL, Apply, Block, Constant, Contraction, Domain, Expr, Value
from hdsl.ir.model import Data, LevelKind, Model, Node

type Axes = Callable[[Expr], Domain]
"""The axes of other blocks over which an expression varies."""


def block_members(
    block: Block, axes: Axes, members: Callable[[str], tuple[str, ...]]
) -> tuple[str, ...]:
    """The labels of a block's columns; () where only the data can tell.

    ``members`` gives those of another block by its axis.
    """
    found: list[str] = []
    for label, item in block.items:
        several = _several(item, axes(item), members)
        if several is None:
            found.append(label)
        elif not several:
            return ()
        else:
            found += prefixed(label, several)
    return tuple(found)


def _several(
    item: Expr, axes: Domain, members: Callable[[str], tuple[str, ...]]
) -> tuple[str, ...] | None:
    """The members of an item of several columns, () where the data tell; None of a single one."""
    match item:
        case Apply(function="spline", arguments=(_, Constant(value=df))):
            return spline_members(int(df))
        case Apply(function=function) if function in SEVERAL:
            return ()
        case _:
            return members(axes[0]) if axes else None


def spline_members(df: int) -> tuple[str, ...]:
    """What the columns of a spline are called: numbers from 1."""
    return tuple(str(i) for i in range(1, df + 1))


def prefixed(label: str, members: tuple[str, ...]) -> tuple[str, ...]:
    """The names of several columns, with what they begin with: ``weekday:Mon``."""
    return tuple(f"{label}:{member}" if label else member for member in members)


def has_constant(expr: Expr, node_of: Callable[[str], Node | None]) -> bool:
    """Whether an expression is a block with a number among its columns: an intercept."""
    node = node_of(expr.name) if isinstance(expr, Value) else None
    if not isinstance(node, Data) or not isinstance(node.expr, Block):
        return False
    return any(
        isinstance(item, Constant) or has_constant(item, node_of) for _, item in node.expr.items
    )


def slope_term(slope: str, predictor: Expr, axis: str | None) -> Expr:
    """What a group-level predictor adds: its product with the slope, summed over a block's axis.

    A factor's slopes stand alone, one per label: its predictor is the number 1.
    """
    if predictor == Constant(1.0):
        return Value(slope)
    if axis is None:
        return Apply("*", (Value(slope), predictor))
    return Contraction(axis, Apply("*", (predictor, Value(slope))))


def slope_term_of(model: Model, slope: str, predictor: Expr) -> Expr:
    """``slope_term`` of a model's own predictor, whose axis its data tell."""
    node = model.by_name.get(predictor.name) if isinstance(predictor, Value) else None
    domain = node.domain if isinstance(node, Data) else ()
    axes = (name for name in domain if model.levels[name].kind is LevelKind.BLOCK)
    return slope_term(slope, predictor, next(axes, None))
