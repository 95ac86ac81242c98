"""The commands that answer from the model's text: check, fmt, expand, info, explain."""

import difflib
from collections.abc import Mapping

import click

from hdsl.cli.reading import STDIN, read_data, read_source, tables_by_level
from hdsl.cli.terminal import has_errors, has_warnings, report, report_error, show_table, write_file
from hdsl.diagnostics.diagnostic import ModelError
from hdsl.diagnostics.render import FORMS, Form
from hdsl.source import Source

MODEL = click.Path(exists=True, dir_okay=False, allow_dash=True)
ROWS = click.Path(exists=True, dir_okay=False)

data_option = click.option("--data", "rows", type=ROWS, metavar="ROWS", help="The rows' file.")
table_option = click.option(
    "--table",
    "tables",
    multiple=True,
    callback=tables_by_level,
    metavar="LEVEL=FILE",
    help="A file with one row per group of a level.",
)


@click.command()
@click.argument("model", type=MODEL)
@data_option
@table_option
@click.option(
    "--output-format", "form", type=click.Choice(FORMS), default="full", show_default=True
)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
def check(
    model: str, rows: str | None, tables: Mapping[str, str], form: Form, strict: bool
) -> None:
    """Say what is wrong with a model and its data.

    All of it at once, with advice; exit 1 where something is wrong.
    """
    from hdsl.compiler import diagnose

    source = read_source(model)
    try:
        diagnostics = diagnose(source, *read_data(rows, tables))
    except ModelError as error:  # a file of data that is no table
        diagnostics = error.diagnostics
        source = error.source if isinstance(error.source, Source) else source
    report(diagnostics, source, form, err=False)
    if form == "full" and not diagnostics:
        click.echo(f"{source.name}: nothing to report")
    if has_errors(diagnostics) or (strict and has_warnings(diagnostics)):
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("models", type=MODEL, nargs=-1, required=True)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit 1 if it would.")
@click.option("--diff", is_flag=True, help="Change nothing; show what would, and exit 1 if any.")
def fmt(models: tuple[str, ...], only_check: bool, diff: bool) -> None:
    """Put model files into the one layout.

    `-` goes from standard input to standard output.
    """
    if only_check and diff:
        raise click.UsageError("--check and --diff exclude each other")
    results = [_format(model, only_check, diff) for model in models]
    if not all(results):
        raise click.exceptions.Exit(1)


def _format(model: str, only_check: bool, diff: bool) -> bool:
    """Whether all is well with one file after it: it parses and, where asked, needs no change."""
    from hdsl.compiler import parse_source
    from hdsl.syntax.printer import print_file

    source = read_source(model)
    try:
        formatted = print_file(parse_source(source))
    except ModelError as error:
        report_error(error)
        return False
    if "\r\n" in source.text:
        formatted = formatted.replace("\n", "\r\n")
    changed = formatted != source.text
    if diff:
        _show_difference(source.text, formatted, source.name)
    elif only_check:
        if changed:
            click.echo(f"{source.name}: would be reformatted")
    elif model == STDIN:
        click.echo(formatted, nl=False)
    elif changed:
        write_file(model, formatted)
        click.echo(f"{source.name}: reformatted", err=True)
    return not (changed and (diff or only_check))


def _show_difference(before: str, after: str, name: str) -> None:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), name, name, "as it is", "formatted", lineterm=""
    )
    for line in lines:
        click.echo(line)


@click.command()
@click.argument("model", type=MODEL)
@data_option
@table_option
def expand(model: str, rows: str | None, tables: Mapping[str, str]) -> None:
    """Print a model with its default priors.

    Each with its rule as a comment, and with data its numbers: HDSL that can be edited.
    """
    from hdsl.compiler import expand as expand_source

    click.echo(expand_source(read_source(model), *read_data(rows, tables)), nl=False)


@click.command()
@click.argument("model", type=MODEL)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def info(model: str, as_json: bool) -> None:
    """List levels, columns and parameters."""
    from hdsl.cli.inventory import inventory
    from hdsl.compiler import model_of

    contents = inventory(model_of(read_source(model)))
    if as_json:
        import json

        click.echo(json.dumps(contents, indent=2, ensure_ascii=False))
        return
    if contents["title"]:
        click.echo(f"{contents['title']}\n")
    sections = [name for name in ("levels", "columns", "parameters") if contents[name]]
    for heading in sections:
        rows = contents[heading]
        names = [name for name in rows[0] if any(row[name] for row in rows)]
        cells = [[_cell(row[name]) for name in names] for row in rows]
        show_table([name.replace("_", " ") for name in names], cells, heading.capitalize())
        if heading != sections[-1]:
            click.echo()


def _cell(value: object) -> str:
    match value:
        case None | False:
            return ""
        case True:
            return "yes"
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)


@click.command()
@click.argument("code")
def explain(code: str) -> None:
    """Explain the code of a message.

    Such as H203: what it means, and a bad and a good example.
    """
    from difflib import get_close_matches

    from hdsl.diagnostics.catalogue import CATALOGUE

    entry = CATALOGUE.get(code.strip().upper())
    if entry is None:
        near = get_close_matches(code.strip().upper(), CATALOGUE, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise click.UsageError(f"no diagnostic has the code `{code}`{hint}")
    click.echo(f"{entry.severity.value}[{entry.code}]: {entry.title}\n")
    click.echo(entry.explanation.strip())
    for heading, snippet in (("It is reported for", entry.bad), ("Write instead", entry.good)):
        lines = snippet.strip("\n").splitlines()
        if not lines:
            continue  # nothing that a model says provokes it
        click.echo(f"\n{heading}:\n\n" + "\n".join(f"    {line}".rstrip() for line in lines))
