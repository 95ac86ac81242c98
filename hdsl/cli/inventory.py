"""What `hdsl info` lists of a model, as plain values that become a table or JSON."""

from typing import Any

from hdsl.ir.model import Correlation, Data, Level, LevelKind, Model, Parameter
from hdsl.ir.text import text_of, text_of_distribution, text_of_support, text_of_target

type Row = dict[str, Any]


def inventory(model: Model) -> dict[str, Any]:
    """Title, levels, columns and parameters of a model, in the model's own order."""
    return {
        "title": model.title,
        "levels": [_level(v) for v in model.levels.values() if v.kind is not LevelKind.ROW],
        "columns": [_column(n) for n in model.nodes if isinstance(n, Data) and n.expr is None],
        "parameters": [
            *(_parameter(n) for n in model.nodes if isinstance(n, Parameter)),
            *(_correlation(n) for n in model.nodes if isinstance(n, Correlation)),
        ],
    }


def _level(level: Level) -> Row:
    match level.kind:
        case LevelKind.FIXED:
            groups = "{" + ", ".join(level.members) + "}"
        case LevelKind.BLOCK:
            groups = "columns " + ", ".join(level.members) if level.members else "columns"
        case LevelKind.CATEGORY:
            groups = f"labels of {level.of} without {level.baseline or 'the first'}"
        case LevelKind.CUT:
            groups = f"cut points of {level.of}"
        case LevelKind.CROSS:
            groups = "observed combinations of " + ", ".join(level.parents)
        case LevelKind.COLUMN | LevelKind.ROW:
            groups = f"column {level.column}"
    parents = () if level.kind is LevelKind.CROSS else level.parents
    return {
        "level": level.name,
        "groups": groups,
        "in": list(parents),
        "ordered": level.ordered,
    }


def _column(data: Data) -> Row:
    members = " {" + ", ".join(data.members) + "}" if data.members else ""
    return {
        "column": data.column or data.name,
        "name": data.name,
        "type": data.type.value + members,
        "level": list(data.domain),
        "role": "outcome" if data.observed else None,
    }


def _parameter(parameter: Parameter) -> Row:
    left = text_of_target(parameter.name, parameter.transform)
    prior = text_of_distribution(parameter.distribution)
    return {
        "parameter": parameter.name,
        "level": list(parameter.domain),
        "support": text_of_support(parameter.support),
        "prior": prior if left == parameter.name else f"{left} ~ {prior}",
        "default": parameter.rule,
    }


def _correlation(node: Correlation) -> Row:
    return {
        "parameter": node.name,
        "level": [],
        "support": "correlation matrix",
        "prior": f"lkj({text_of(node.concentration)})",
        "default": node.rule,
    }
