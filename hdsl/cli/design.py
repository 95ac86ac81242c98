"""The commands that ask of a design what it can tell: simulate, recover."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdsl.cli.posterior import FILE, METHODS
from hdsl.cli.reading import read_file, read_source
from hdsl.cli.terminal import show_table, write_file
from hdsl.cli.text import MODEL, ROWS, table_option

if TYPE_CHECKING:
    import polars

    from hdsl.workflow.recovery import Recovery
    from hdsl.workflow.simulate import Simulation

seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True
)
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="'NAME = NUMBER'",
    help="Give a parameter a number, as in --set 'sd(beta) = 0.3'.",
)


@click.command()
@click.argument("model", type=MODEL)
@click.argument("rows", type=ROWS)
@table_option
@click.option("--times", type=click.IntRange(1), default=1, show_default=True, help="Replicates.")
@seed_option
@set_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Its extension says the form: .csv .tsv .parquet .feather. Default: CSV, printed.",
)
@click.option(
    "--truth",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Where the true values go: .json or .csv.",
)
def simulate(
    model: str,
    rows: str,
    tables: Mapping[str, str],
    times: int,
    seed: int,
    settings: tuple[str, ...],
    output: str | None,
    truth: str | None,
) -> None:
    """Draw outcomes for given rows from a model's priors.

    The rows are printed with their outcomes replaced; they may lack them. Every parameter is
    drawn from its prior, or set.
    """
    from hdsl.compiler import model_of
    from hdsl.workflow.simulate import simulate as draw

    if truth is not None and Path(truth).suffix.lower() not in (".json", ".csv"):
        raise click.BadParameter(f"`{truth}` ends in neither .json nor .csv", param_hint="--truth")
    _check_form(output)
    checked = model_of(read_source(model))
    table = read_file(rows)
    by_level = {level: read_file(path) for level, path in tables.items()}
    found = draw(checked, table, by_level, times=times, seed=seed, settings=settings)
    _write(found, output)
    if truth is not None:
        _write_truth(found, truth)
    elif output is not None:
        _show_truth(found)


def _check_form(output: str | None) -> None:
    from hdsl.data.write import FORMS

    if output is not None and Path(output).suffix.lower() not in FORMS:
        known = " ".join(FORMS)
        raise click.BadParameter(f"`{output}` ends in none of {known}", param_hint="--output")


def _write(found: "Simulation", output: str | None) -> None:
    """The rows where they are wanted; a level's table that holds an outcome beside them."""
    from hdsl.data.write import written

    if output is None:
        click.echo(written(found.rows, "rows.csv").decode(), nl=False)
        for level in found.tables:
            click.echo(
                f"note: the outcomes in the table of `{level}` are written where -o names a file",
                err=True,
            )
        return
    path = Path(output)
    files: dict[Path, polars.DataFrame] = {path: found.rows}
    files |= {path.with_stem(f"{path.stem}_{name}"): f for name, f in found.tables.items()}
    for file, frame in files.items():
        write_file(str(file), written(frame, file))
        click.echo(f"{file}: {frame.height:,} rows", err=True)


def _write_truth(found: "Simulation", path: str) -> None:
    from hdsl.workflow.truth import as_csv, as_json

    form = as_json if Path(path).suffix.lower() == ".json" else as_csv
    write_file(path, form(found.truth))


def _show_truth(found: "Simulation") -> None:
    """The population's true values, a column for each of the first replicates."""
    shown = found.truth[:6]
    names = shown[0].population()
    more = f", the first {len(shown)} of {len(found.truth)}" if len(found.truth) > 6 else ""
    heads = [str(i) for i in range(1, len(shown) + 1)] if len(found.truth) > 1 else ["value"]
    rows = [[name, *(f"{t.population()[name]:.4g}" for t in shown)] for name in names]
    if rows:
        show_table(["", *heads], rows, f"Drawn from the prior{more}", numbers=True)
    if any(len(t.values) > len(names) for t in shown):
        click.echo("\n--truth FILE writes these, and those of every group.")


@click.command()
@click.argument("model", type=FILE)
@click.argument("rows", type=ROWS)
@table_option
@click.option("--times", type=click.IntRange(1), default=20, show_default=True, help="Replicates.")
@click.option("--method", type=click.Choice(METHODS), default="nuts", show_default=True)
@click.option("--chains", type=click.IntRange(1), default=2, show_default=True)
@click.option("--draws", type=click.IntRange(4), default=500, show_default=True)
@click.option("--warmup", type=click.IntRange(0), default=500, show_default=True)
@seed_option
@set_option
@click.option("--var", "names", multiple=True, metavar="NAME", help="Each number of a quantity.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Keeps every replicate. Default: the model's name with .recover.jsonl.",
)
@click.option("--overwrite", is_flag=True, help="Begin anew where FILE exists.")
def recover(
    model: str,
    rows: str,
    tables: Mapping[str, str],
    names: tuple[str, ...],
    form: str,
    output: str | None,
    **options: Any,
) -> None:
    """Ask what a design can tell.

    Simulates outcomes for the rows, fits, compares with the truth, and does so again. What is done
    is kept: the same command goes on where it was stopped.
    """
    from rich.console import Console

    from hdsl.compiler import model_of
    from hdsl.fit.progress import ConsoleReporter
    from hdsl.workflow.recover import recover as compare

    checked = model_of(read_source(model))
    table = read_file(rows)
    by_level = {level: read_file(path) for level, path in tables.items()}
    out = Path(output) if output else Path(model).with_suffix(".recover.jsonl")
    reporter = ConsoleReporter(Console(stderr=True))
    found = compare(checked, table, by_level, out=out, reporter=reporter, **options)
    if form == "json":
        click.echo(found.json())
    else:
        _show_recovery(found, names)
        click.echo(f"\nThe replicates are in {out}: with a larger --times, more are added.")
    if not found.complete:
        raise click.exceptions.Exit(130)


def _show_recovery(found: "Recovery", names: tuple[str, ...]) -> None:
    """The table, what its columns are, and what it comes to."""
    from hdsl.workflow.recovery import COLUMNS, LEGEND

    rows = [row.cells() for row in found.rows(names)] if found.fits else []
    if rows:
        title = f"{len(found.fits)} replicates: simulated, fitted, compared"
        show_table(COLUMNS, rows, title, numbers=True)
        click.echo("\n" + "\n".join(LEGEND) + "\n")
    click.echo("\n".join(found.lines()))
