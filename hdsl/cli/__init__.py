"""The command line: `hdsl check`, `hdsl fit` and the rest.

Each command imports what it needs when it runs, so that a command which answers from the
model's text starts no sampler.
"""

from importlib.metadata import PackageNotFoundError, version

import click

from hdsl.cli.posterior import render
from hdsl.cli.terminal import Commands
from hdsl.cli.text import check, compile_, expand, explain, fmt, info


def _version() -> str:
    try:
        return version("hdsl")
    except PackageNotFoundError:  # a checkout that is not installed
        return "of a checkout"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="hdsl")
@click.option("--debug", is_flag=True, envvar="HDSL_DEBUG", help="Show our own tracebacks.")
def main(debug: bool) -> None:
    """Hierarchical models written like the notation of a paper.

    A model file is checked, formatted, drawn and compiled to NumPyro or PyMC; `hdsl fit` runs the
    compiled file and keeps the results under the names that the model uses.
    """


for _command in (check, fmt, expand, info, explain, compile_, render):
    main.add_command(_command)
