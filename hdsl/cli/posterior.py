"""The commands that draw and sample: render, verify, fit, summary."""

from collections.abc import Mapping
from pathlib import Path

import click

from hdsl.cli.reading import bound, read_source
from hdsl.cli.terminal import write_file
from hdsl.cli.text import MODEL, data_option, table_option

FORMS = ("svg", "png", "pdf", "dot", "mmd", "txt")


def _picture_form(_ctx: click.Context, _parameter: click.Parameter, path: str) -> str:
    if Path(path).suffix.lower().removeprefix(".") not in FORMS:
        raise click.BadParameter(f"`{path}` ends in none of .{', .'.join(FORMS)}")
    return path


@click.command()
@click.argument("model", type=MODEL)
@data_option
@table_option
@click.option("--view", type=click.Choice(["model", "levels"]), default="model", show_default=True)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False),
    callback=_picture_form,
    metavar="FILE",
    help="Its extension says what is drawn: .svg .png .pdf .dot .mmd .txt.",
)
def render(model: str, rows: str | None, tables: Mapping[str, str], view: str, output: str) -> None:
    """Draw a model, or its levels; with data the groups are counted."""
    from hdsl.compiler import model_of
    from hdsl.render.render import render as draw

    checked = model_of(read_source(model))
    binding = bound(checked, rows, tables)
    form = Path(output).suffix.lower().removeprefix(".")
    write_file(output, draw(checked, view, form, binding.facts if binding else None))
