"""Patterns for wide data: `[columns("price*")]` becomes the columns whose names match."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from hdsl.check.spelling import nearest
from hdsl.data.levels import natural
from hdsl.data.locate import columns_note
from hdsl.data.problem import finding, quoted
from hdsl.data.table import Table
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import ROW, Apply, Block, Expr, Label, Value
from hdsl.ir.model import Data, DataType, Model, Node


def with_matched(
    model: Model,
    rows: Table,
    tables: Mapping[str, Table],
    report: list[Diagnostic],
    learned: Mapping[str, Any] | None = None,
) -> Model:
    """The model with every pattern replaced by the columns of these data, declared as numbers.

    Of new rows by the columns of training, as ``learned`` has them.
    """
    nodes: list[Node] = []
    for node in model.nodes:
        if isinstance(node, Data) and isinstance(node.expr, Block) and _has_pattern(node.expr):
            items: list[tuple[str, Expr]] = []
            for label, item in node.expr.items:
                pattern = _pattern(item)
                if pattern is None:
                    items.append((label, item))
                    continue
                known = (learned or {}).get(f"columns({pattern})")
                names = known or _matching(node.domain[0], pattern, rows, tables)
                own = list(_columns(model, node, names))
                made = {*model.by_name, *(n.name for n in nodes)}
                nodes += [d for d in own if d.name not in made]
                prefix = f"{label}:" if label else ""
                items += [(f"{prefix}{d.column}", Value(d.name, span=item.span)) for d in own]
                report += _complaints(model, node, pattern, own, item, (rows, *tables.values()))
            node = replace(node, expr=replace(node.expr, items=tuple(items)))
        nodes.append(node)
    return replace(model, nodes=tuple(nodes))


def _has_pattern(block: Block) -> bool:
    return any(_pattern(item) is not None for _, item in block.items)


def _pattern(item: Expr) -> str | None:
    match item:
        case Apply(function="columns", arguments=(Label(text=pattern),)):
            return pattern
        case _:
            return None


def _matching(level: str, pattern: str, rows: Table, tables: Mapping[str, Table]) -> list[str]:
    """The names that match, in natural order: those of the level's own table if some of it do."""
    places = [tables[level], rows] if level in tables and level != ROW else [rows]
    found = ([c for c in table.columns if fnmatchcase(c, pattern)] for table in places)
    return sorted(next((names for names in found if names), []), key=natural)


def _columns(model: Model, node: Data, names: Sequence[str]) -> Iterator[Data]:
    """The columns of these names. One that the model has under a name of its own is that."""
    level = node.domain[0]
    for column in names:
        known = [
            n
            for n in model.nodes
            if isinstance(n, Data) and n.column == column and n.domain == (level,)
        ]
        numbers = [n for n in known if n.type not in (DataType.FACTOR, DataType.ORDERED)]
        if numbers:
            yield numbers[0]
            continue
        taken = column in model.by_name or column in model.levels
        yield Data(
            name=f"column {quoted(column)} of {node.name}" if taken else column,
            domain=(level,),
            span=node.span,
            column=column,
            type=DataType.REAL,
            inferred=True,
        )


def _complaints(
    model: Model,
    node: Data,
    pattern: str,
    found: list[Data],
    item: Expr,
    tables: tuple[Table, ...],
) -> Iterator[Diagnostic]:
    if not found:
        near = nearest(pattern.strip("*?"), [c for table in tables for c in table.columns])
        yield finding(
            "H910",
            f"no column matches {quoted(pattern)}",
            item.span,
            f"the block `{node.name}` is made of those that do",
            notes=[columns_note(tables[0])],
            help=f"the nearest name is `{near}`" if near else None,
        )
    outcomes = {n.column: n for n in model.nodes if isinstance(n, Data) and n.observed}
    for data in found:
        if data.column in outcomes:
            yield finding(
                "H941",
                f"{quoted(pattern)} takes in the outcome `{data.column}`",
                item.span,
                "the outcome would explain itself",
                help="write a narrower pattern, or the columns by name",
            )
