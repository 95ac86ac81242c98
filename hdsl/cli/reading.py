"""What the commands read: the model, its rows, the tables of its levels."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdsl.cli.terminal import fail, report
from hdsl.diagnostics.diagnostic import ModelError
from hdsl.source import Source

if TYPE_CHECKING:
    from hdsl.data.bind import Binding
    from hdsl.data.table import Table
    from hdsl.ir.model import Model

STDIN = "-"


def read_source(path: str) -> Source:
    """The model file, or standard input for ``-``."""
    if path == STDIN:
        content, name = sys.stdin.buffer.read(), "<stdin>"
    else:
        content, name = Path(path).read_bytes(), path
    try:
        return Source(content.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fail(f"{name}: line {line} is not UTF-8 text; save the file as UTF-8")


def read_data(
    rows: str | None, tables: Mapping[str, str]
) -> "tuple[Table | None, Mapping[str, Table]]":
    """The rows and the levels' tables that the options name."""
    if rows is None:
        if tables:
            raise click.UsageError("--table needs the rows it belongs to: --data ROWS")
        return None, {}
    return read_file(rows), {level: read_file(path) for level, path in tables.items()}


def read_file(path: str) -> "Table":
    """The table of one file; what is wrong with it is reported under the file's name."""
    from hdsl.data.frames import read_table

    try:
        return read_table(path)
    except ModelError as error:
        raise ModelError(error.diagnostics, error.source or Source("", path)) from error


def bound(model: "Model", rows: str | None, tables: Mapping[str, str]) -> "Binding | None":
    """The data of the options, if any, bound to the model; errors in them stop the command."""
    read, by_level = read_data(rows, tables)
    if read is None:
        return None
    from hdsl.data.bind import bind

    binding = bind(model, read, by_level)
    if not binding.sound:
        raise ModelError(binding.diagnostics, model.source)
    return binding


def checked(source: Source, rows: str, tables: Mapping[str, str]) -> "tuple[Model, Binding]":
    """The model and its data, both sound; what is advised of them has been said."""
    from hdsl.compiler import model_of
    from hdsl.diagnostics.suppress import apply_ignores, in_source_order
    from hdsl.lint import lint

    model = model_of(source)
    binding = bound(model, rows, tables)
    assert binding is not None  # there are rows
    advice = (*binding.diagnostics, *lint(model, binding))
    report(apply_ignores(in_source_order(advice), source), source, "concise")
    return model, binding


def tables_by_level(
    _ctx: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> Mapping[str, str]:
    """``--table LEVEL=FILE`` options as a mapping; click calls it back."""
    tables: dict[str, str] = {}
    for item in given:
        level, equals, path = item.partition("=")
        if not (level.strip() and equals and path):
            raise click.BadParameter(f"`{item}`: write LEVEL=FILE")
        if level.strip() in tables:
            raise click.BadParameter(f"two tables for the level `{level.strip()}`")
        tables[level.strip()] = path
    return tables
