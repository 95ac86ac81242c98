"""The command line: `hdsl check`, `hdsl fit` and the rest.

Each command imports what it needs when it runs, so that a command which answers from the
model's text starts no sampler.
"""

import click

from hdsl.cli.bytecode import keep_bytecode
from hdsl.cli.comparison import diff, pool
from hdsl.cli.compiling import compile_
from hdsl.cli.design import recover, simulate
from hdsl.cli.posterior import fit, render, summary, verify
from hdsl.cli.terminal import Commands
from hdsl.cli.text import check, expand, explain, fmt, info
from hdsl.cli.using import predict, update


def _show_version(ctx: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version  # slow to import

    try:
        click.echo(f"hdsl {version('hdsl')}")
    except PackageNotFoundError:
        click.echo("hdsl of a checkout that is not installed")
    ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
@click.option("--debug", is_flag=True, envvar="HDSL_DEBUG", help="Show our own tracebacks.")
def main(debug: bool) -> None:
    """Hierarchical models written like the notation of a paper.

    A model file is checked, formatted, drawn and compiled to NumPyro or PyMC; `hdsl fit` runs the
    compiled file and keeps the results under the names that the model uses.
    """
    keep_bytecode()


_COMMANDS = (
    *(check, fmt, expand, info, diff, explain, compile_, verify, simulate, recover, fit),
    *(pool, summary, predict, update, render),
)
for _command in _COMMANDS:
    main.add_command(_command)
