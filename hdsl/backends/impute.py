"""Imputed columns before lowering: their missing values over an axis of their own.

The check stage says that the missing values vary over the rows; a generated file has them where
the column is missing and nowhere else.
"""

from dataclasses import replace

from hdsl.expr import ROW, Value
from hdsl.ir.facts import Facts
from hdsl.ir.imputed import completed, missing_level
from hdsl.ir.model import Data, Definition, Level, LevelKind, Model, Node, Parameter


def with_missing_values(model: Model, facts: Facts | None) -> Model:
    """The model with an axis for the missing values of every imputed column.

    Where the data are known to lack none the column stands as it is.
    """
    levels = dict(model.levels)
    row = levels.pop(ROW)
    nodes: list[Node] = []
    whole: dict[str, str] = {}  # completed columns that need not be
    for node in model.nodes:
        if not isinstance(node, Parameter) or node.imputes is None:
            nodes.append(node)
            continue
        axis = axis_of(node)
        if facts is not None and not facts.sizes.get(axis):
            whole[completed(node.imputes)] = node.imputes
            continue
        levels[axis] = Level(axis, LevelKind.FIXED, parents=node.domain)
        nodes.append(replace(node, domain=(axis,)))
    kept = (
        replace(n, expr=Value(whole[n.name]))
        if isinstance(n, Definition) and n.name in whole
        else n
        for n in nodes
    )
    return replace(model, nodes=tuple(kept), levels=levels | {ROW: row})


def axis_of(node: Parameter) -> str:
    """The name of the axis of an imputed column's missing values."""
    assert node.imputes is not None
    return missing_level(node.imputes, node.domain[0])


def imputed_axes(model: Model) -> dict[str, Data]:
    """By axis of missing values, the column that lacks them, of a model that has such axes."""
    found: dict[str, Data] = {}
    for node in model.nodes:
        if isinstance(node, Parameter) and node.imputes is not None:
            data = model.by_name[node.imputes]
            assert isinstance(data, Data)
            found[node.domain[0]] = data
    return found
