"""The commands that set models side by side: diff, pool."""

from typing import TYPE_CHECKING

import click

from hdsl.cli.reading import STDIN, read_source
from hdsl.cli.terminal import report_error
from hdsl.cli.text import MODEL
from hdsl.data.problem import numbered
from hdsl.diagnostics.diagnostic import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hdsl.ir.compare.difference import Change, Difference

WRONG = 2
"""The exit code where a model cannot be read, as of `diff`: 1 means that the models differ."""


@click.command()
@click.argument("before", type=MODEL, metavar="A")
@click.argument("after", type=MODEL, metavar="B")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def diff(before: str, after: str, form: str) -> None:
    """Say what changed in meaning.

    Order, layout and comments are not compared. Exit 0 where the models mean the same, 1 where
    they differ, 2 where one is wrong.
    """
    from hdsl.compiler import difference

    if before == after == STDIN:
        raise click.UsageError("only one of the two can come from standard input")
    old, new = read_source(before), read_source(after)
    try:
        found = difference(old, new)
    except ModelError as error:
        report_error(error)
        raise click.exceptions.Exit(WRONG) from error
    if form == "json":
        import json

        names = {"before": old.name, "after": new.name}
        click.echo(json.dumps({**names, **found.as_json()}, indent=2, ensure_ascii=False))
    else:
        _show(found, old.name, new.name)
    if not found.same:
        raise click.exceptions.Exit(1)


def _show(found: "Difference", old: str, new: str) -> None:
    """Each change as a sentence, and under it where it stands on both sides."""
    if found.same:
        click.echo("The models mean the same.")
    elif all(change.kind == "renamed" for change in found.changes):
        click.echo("The models mean the same but for names.")
    else:
        click.echo(f"{numbered(len(found.changes), 'change')} of meaning")
    _show_changes(found.changes, old, new)
    if found.notes:
        click.echo("\nWhat changes no meaning:")
        _show_changes(found.notes, old, new)


def _show_changes(changes: "Sequence[Change]", old: str, new: str) -> None:
    for change in changes:
        click.echo(f"\n  {change.says}")
        places = [(old, change.before), (new, change.after)]
        lines = [(f"{name}:{at[0]}", at[1]) for name, at in places if at is not None]
        width = max((len(where) for where, _ in lines), default=0)
        for where, text in lines:
            click.echo(f"      {where.ljust(width)}  {text}")
