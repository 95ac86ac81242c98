"""The command `compile`, and the options of whatever compiles: levels and passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from hdsl.cli.reading import bound, read_source
from hdsl.cli.terminal import write_file
from hdsl.cli.text import MODEL, data_option, table_option
from hdsl.passes.names import PASS_NAMES
from hdsl.source import NOWHERE

if TYPE_CHECKING:
    from hdsl.ir.facts import Facts
    from hdsl.ir.model import Model

type Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def level_option(default: int | None, shown: str) -> Decorator:
    """`-O0` and `-O1`, with the default and how it is told."""
    return click.option(
        "-O",
        "level",
        type=click.IntRange(0, 1),
        default=default,
        metavar="0|1",
        help=f"0: the model as it is written. 1: arranged for speed. [default: {shown}]",
    )


without_option = click.option(
    "--no-pass",
    "without",
    type=click.Choice(PASS_NAMES),
    multiple=True,
    help="Leave out a pass of -O1; may be given several times.",
)


def _explain_passes(
    checked: Model, facts: Facts | None, level: int, without: tuple[str, ...]
) -> None:
    """What the passes did and did not, each with the line of the model that it is about."""
    from hdsl.compiler import arranged

    remarks = arranged(checked, facts, without).remarks if level else ()
    if not remarks:
        click.echo("Nothing to arrange: the posterior is sampled as the model is written.")
    for remark in remarks:
        line, _ = checked.source.position(remark.span.start)
        where = f"{checked.source.name}:{line}" if remark.span != NOWHERE else checked.source.name
        click.echo(
            f"{where}: {remark.by}{'' if remark.kind == 'done' else ' (not)'}: {remark.says}"
        )


@click.command("compile")
@click.argument("model", type=MODEL)
@click.option(
    "--backend", type=click.Choice(["numpyro", "pymc"]), default="numpyro", show_default=True
)
@data_option
@table_option
@level_option(None, "1 with --data, else 0")
@without_option
@click.option("--explain", "explains", is_flag=True, help="Say what each pass did, and why.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), metavar="FILE")
def compile_(
    model: str,
    backend: str,
    rows: str | None,
    tables: Mapping[str, str],
    level: int | None,
    without: tuple[str, ...],
    explains: bool,
    output: str | None,
) -> None:
    """Write a model as Python.

    It is the very file that `fit` runs; with data, the one that fits them. At -O1 the file has
    the posterior besides as the passes arrange it for sampling.
    """
    from hdsl.compiler import compile_model, model_of

    source = read_source(model)
    checked = model_of(source)
    binding = bound(checked, rows, tables)
    facts = binding.facts if binding else None
    if level is None:
        level = 0 if binding is None and not explains else 1
    text = compile_model(checked, backend, facts, level, without).text
    if explains:
        _explain_passes(checked, facts, level, without)
    if output is None and explains:
        return
    if output is None:
        click.echo(text, nl=False)
    else:
        write_file(output, text)
