"""The commands that set models side by side: diff, pool."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdsl.cli.design import seed_option
from hdsl.cli.posterior import FILE, METHODS
from hdsl.cli.reading import STDIN, read_file, read_source
from hdsl.cli.terminal import report_error, show_table, write_file
from hdsl.cli.text import MODEL, ROWS, table_option
from hdsl.data.problem import numbered
from hdsl.diagnostics.diagnostic import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hdsl.ir.compare.difference import Change, Difference
    from hdsl.workflow.poolings import Poolings

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


@click.command()
@click.argument("model", type=FILE)
@click.argument("rows", type=ROWS)
@table_option
@click.option("--levels", multiple=True, metavar="LEVEL", help="Pool only these otherwise.")
@click.option("--holdout", metavar="LEVEL", help="Leave its groups out, and predict them.")
@click.option(
    "--folds",
    type=click.IntRange(2),
    default=5,
    show_default=True,
    help="Parts in which groups are held out.",
)
@click.option("--method", type=click.Choice(METHODS), default="nuts", show_default=True)
@click.option("--chains", type=click.IntRange(1), default=4, show_default=True)
@click.option("--draws", type=click.IntRange(4), default=1000, show_default=True)
@click.option("--warmup", type=click.IntRange(0), default=1000, show_default=True)
@seed_option
@click.option("--var", "names", multiple=True, metavar="NAME", help="All groups of a coefficient.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@click.option("--write", metavar="DIR", help="Keeps the models that are compared.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Keeps every fit. Default: the model's name with .pool.jsonl.",
)
@click.option("--overwrite", is_flag=True, help="Begin anew where FILE exists.")
def pool(
    model: str,
    rows: str,
    tables: Mapping[str, str],
    names: tuple[str, ...],
    form: str,
    write: str | None,
    output: str | None,
    **options: Any,
) -> None:
    """Compare poolings.

    Fits the model with no pooling, as it is written, and with complete pooling; shows the groups'
    coefficients side by side, and which of the three predicts best what it has not seen. Fits that
    are done are kept: the same command goes on where it was stopped.
    """
    from rich.console import Console

    from hdsl.compiler import model_of
    from hdsl.fit.progress import ConsoleReporter
    from hdsl.workflow.pool import pool as compare
    from hdsl.workflow.pool import variants

    source = read_source(model)
    if write is not None:
        texts = variants(source, model_of(source), options["levels"])
        Path(write).mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_file(str(Path(write) / f"{name.replace(' ', '_')}.hdsl"), text)
    table = read_file(rows)
    by_level = {level: read_file(path) for level, path in tables.items()}
    reporter = ConsoleReporter(Console(stderr=True))
    out = Path(output) if output else Path(model).with_suffix(".pool.jsonl")
    try:
        found = compare(source, table, by_level, out=out, reporter=reporter, **options)
    except KeyboardInterrupt:
        click.echo(f"stopped; the fits that are done are in {out}: type the same again", err=True)
        raise click.exceptions.Exit(130) from None
    if form == "json":
        click.echo(found.as_json())
    else:
        _show_poolings(found, names)


def _show_poolings(found: "Poolings", names: tuple[str, ...]) -> None:
    """The groups' coefficients, the population, which predicts best, and all that in words."""
    variants = [variant.name for variant in found.variants]
    for name in names or tuple(c.name for c in found.coefficients()):
        cells = found.of_groups(name, every=bool(names))
        show_table(["", "rows", *variants], cells, found.title(name, bool(names)), numbers=True)
        click.echo()
    show_table(["", *variants], found.of_population(), "The population", numbers=True)
    columns = ["", "score", "worse by", "parameters", "guessed"]
    click.echo()
    show_table(columns, found.comparison(), "Prediction of left-out rows", numbers=True)
    if found.holdout is not None:
        title = f"Prediction of unseen groups of {found.holdout}"
        click.echo()
        show_table(columns[:3], found.comparison(of_groups=True), title, numbers=True)
    from hdsl.workflow.poolings import LEGEND

    click.echo("\n" + "\n".join(LEGEND) + "\n")
    click.echo("\n".join(found.lines()))
