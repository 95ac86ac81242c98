"""Which table holds which column of the model, and what to say where none does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hdsl.check.spelling import nearest, quoted
from hdsl.data.problem import finding
from hdsl.data.table import Table
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import ROW
from hdsl.ir.levels import above
from hdsl.ir.model import Data, Level, LevelKind, Model, Parameter

_LISTED = 15  # columns that a message lists


@dataclass(frozen=True)
class Sources:
    """The rows and the levels' own tables, and where a model's columns stand in them."""

    model: Model
    rows: Table
    tables: Mapping[str, Table]

    def level_column(self, level: Level) -> str:
        """The column that holds the labels of a level."""
        return level.column or level.name

    def key_column(self, level: str, table: Table) -> str | None:
        """The column of a level's labels in some table: by the column's name or the level's."""
        known = self.model.levels[level]
        names = (self.level_column(known), level)
        return next((name for name in names if name in table.columns), None)

    def carrier(self, level: Level) -> str | None:
        """The level inside this one whose own table names its groups, where the rows do not."""
        for name, table in self.tables.items():
            inside = name in self.model.levels and level.name in above(self.model, name)
            if inside and self.key_column(level.name, table) and self._in_rows(name):
                return name
        return None

    def in_tables(self, data: Data) -> Table | None:
        """The table of the level that data live on, if it has their column."""
        table = self.tables.get(data.domain[0]) if len(data.domain) == 1 else None
        return table if table is not None and data.column in table.columns else None

    def _in_rows(self, level: str) -> bool:
        return self.level_column(self.model.levels[level]) in self.rows.columns


def check_columns(sources: Sources) -> Iterator[Diagnostic]:
    """Everything that the model asks for and the tables do not have, each column once."""
    yield from strange_tables(sources)
    seen: set[str] = set()
    for level in sources.model.levels.values():
        column = sources.level_column(level)
        held = level.kind is not LevelKind.COLUMN or column in (*sources.rows.columns, *seen)
        if not held and sources.carrier(level) is None:
            seen.add(column)
            yield absent_level(sources, level, column)
    for node in sources.model.nodes:
        if isinstance(node, Data) and node.column is not None and node.column not in seen:
            if node.column in sources.rows.columns or sources.in_tables(node) is not None:
                continue
            if node.lag is not None:
                continue  # what it is made of is missing, or ambiguous
            level_of_it = sources.model.levels.get(node.name)
            if level_of_it is None or sources.carrier(level_of_it) is None:
                seen.add(node.column)
                yield absent_data(sources, node)


def check_implied(sources: Sources) -> Iterator[Diagnostic]:
    """The scale parameters that no statement declares and that the data have a column of."""
    for node in sources.model.nodes:
        if isinstance(node, Parameter) and node.implied and node.name in sources.rows.columns:
            yield finding(
                "H932",
                f"is `{node.name}` a column or a parameter?",
                node.span,
                "no statement declares it, and the data have a column of this name",
                help=f"for the column write `data {node.name} : positive`; "
                f"for a parameter with the default prior write `{node.name} ~ 1`",
            )


def strange_tables(sources: Sources) -> Iterator[Diagnostic]:
    """The tables of what is no level, and those that do not say which group a line is of."""
    levels = [name for name in sources.model.levels if name != ROW]
    for name, table in sources.tables.items():
        if name not in levels:
            near = nearest(name, levels)
            yield finding(
                "H911",
                f"a table is given for `{name}`, which is no level of the model",
                notes=[f"its levels are {quoted(levels)}" if levels else "it has no levels"],
                help=f"did you mean `{near}`?" if near else None,
            )
            continue
        kind = sources.model.levels[name].kind
        needed = sources.model.levels[name].parents if kind is LevelKind.CROSS else (name,)
        for level in needed:
            if sources.key_column(level, table) is None:
                column = sources.level_column(sources.model.levels[level])
                yield finding(
                    "H911",
                    f"the table of `{name}` does not say which `{level}` a line is of",
                    sources.model.levels[level].span,
                    f"its labels stand in `{column}`",
                    notes=[columns_note(table)],
                    help=f"give the table a column `{column}` with the labels of `{level}`",
                )


def columns_note(table: Table) -> str:
    """The columns that a table has, for a note."""
    names = table.columns[:_LISTED]
    more = len(table.columns) - len(names)
    ends = f" and {more} more" if more else ""
    return f"the columns of {table.source} are: {', '.join(names)}{ends}"


def absent_level(sources: Sources, level: Level, column: str) -> Diagnostic:
    """What to say of a level whose column is nowhere."""
    near = nearest(column, sources.rows.columns)
    return finding(
        "H910",
        f"the data have no column `{column}`",
        level.span,
        f"the labels of level `{level.name}` should stand there",
        notes=[columns_note(sources.rows)],
        help=_from(f"level {level.name}", near),
    )


def absent_data(sources: Sources, data: Data) -> Diagnostic:
    """What to say of data whose column is nowhere."""
    column = data.column or data.name
    for level, table in sources.tables.items():
        if column in table.columns and level in sources.model.levels:
            declared = f"data {data.name} : {data.type.value} per {level}"
            return finding(
                "H910",
                f"the data have no column `{column}`",
                data.span,
                f"the table of `{level}` has one",
                help=f"say that it belongs to the level: `{declared}`",
            )
    tables = [sources.tables[level] for level in data.domain if level in sources.tables]
    near = nearest(column, [*sources.rows.columns, *(c for t in tables for c in t.columns)])
    suffix = "" if data.domain in ((), (ROW,)) else f" per {data.domain[0]}"
    return finding(
        "H910",
        f"the data have no column `{column}`",
        data.span,
        "no statement defines this name, so it is taken for a column" if data.inferred else "",
        notes=[columns_note(table) for table in (sources.rows, *tables)],
        help=_from(f"data {data.name}", near, f" : {data.type.value}{suffix}"),
    )


def _from(head: str, near: str | None, tail: str = "") -> str | None:
    if near is None:
        return None
    name = near if near.isidentifier() else f'"{near}"'
    return f"did you mean `{near}`? write `{head} from {name}{tail}`"
