"""The commands that use a RUN on new rows: predict, update."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdsl.cli.reading import read_file
from hdsl.cli.terminal import colour, report, show_table
from hdsl.cli.text import ROWS, table_option
from hdsl.source import Source

if TYPE_CHECKING:
    from hdsl.fit.prediction import Prediction
    from hdsl.fit.run import UnseenGroups

RUN = click.Path(exists=True)
SHOWN = 20  # rows that a terminal is shown
KINDS = (".csv", ".parquet", ".nc")


def _quantiles(_ctx: click.Context, _parameter: click.Parameter, given: str) -> tuple[float, ...]:
    """``--quantiles 0.05,0.5`` as numbers; click calls it back."""
    try:
        found = tuple(float(part) for part in given.split(",") if part.strip())
    except ValueError:
        raise click.BadParameter(f"`{given}`: write numbers with commas: 0.05,0.5,0.95") from None
    if not all(0 <= q <= 1 for q in found):
        raise click.BadParameter(f"`{given}`: a quantile lies between 0 and 1")
    return found


def _file(_ctx: click.Context, _parameter: click.Parameter, path: str | None) -> Path | None:
    if path is not None and Path(path).suffix.lower() not in KINDS:
        raise click.BadParameter(f"`{path}` ends in none of {', '.join(KINDS)}")
    return None if path is None else Path(path)


@click.command()
@click.argument("run", type=RUN, metavar="RUN")
@click.argument("rows", type=ROWS)
@table_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    callback=_file,
    metavar="FILE",
    help="Its extension says what is written: .csv .parquet .nc.",
)
@click.option(
    "--unseen",
    type=click.Choice(["draw", "mean", "error"]),
    default="draw",
    show_default=True,
    help="Groups that the RUN does not know: their own draws, what is expected, or an error.",
)
@click.option(
    "--quantiles", default="0.05,0.5,0.95", show_default=True, callback=_quantiles, metavar="Q,…"
)
@click.option("--draws", is_flag=True, help="Write all draws instead of their statistics.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
def predict(
    run: str,
    rows: str,
    tables: Mapping[str, str],
    output: Path | None,
    unseen: "UnseenGroups",
    quantiles: tuple[float, ...],
    draws: bool,
    seed: int,
) -> None:
    """Predict the outcomes of new rows.

    Each row comes back with its groups and with the mean, the sd and quantiles of each outcome.
    """
    from hdsl.diagnostics.suppress import apply_ignores, in_source_order
    from hdsl.fit.predict import predict as predicted
    from hdsl.fit.run import load

    if draws and output is None:
        raise click.UsageError("--draws needs a file to write to: -o FILE.nc")
    by_level = {level: read_file(path) for level, path in tables.items()}
    loaded = load(run)
    found = predicted(loaded, read_file(rows), by_level, unseen, quantiles, draws, seed, output)
    source = Source(loaded.model, loaded.info["model"])
    report(apply_ignores(in_source_order(found.diagnostics), source), source, "concise")
    for level, labels in found.new.items():
        click.echo(f"{len(labels):,} of the groups of `{level}` are new.", err=True)
    used, count = found.used
    if used < count:
        click.echo(
            f"With so many rows {used:,} of the {count:,} draws make the statistics; `--draws` "
            "writes all.",
            err=True,
        )
    if output is None:
        _print(found)
    else:
        click.echo(f"{len(found):,} rows predicted: {output}", err=True)


@click.command()
@click.argument("run", type=RUN, metavar="RUN")
@click.argument("rows", type=ROWS)
@table_option
@click.option("-o", "--output", required=True, metavar="RUN2", help="The RUN to write.")
@click.option(
    "--all-groups",
    is_flag=True,
    help="Learn known groups too, anew and from these rows alone.",
)
@click.option(
    "--draws",
    type=click.IntRange(4),
    default=1000,
    show_default=True,
    help="Draws to go on from, of all chains together.",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace RUN2 if it exists.")
def update(
    run: str,
    rows: str,
    tables: Mapping[str, str],
    output: str,
    all_groups: bool,
    draws: int,
    seed: int,
    overwrite: bool,
) -> None:
    """Learn new groups from their rows.

    The population stays as RUN has it; RUN2 holds all groups, the old and the new.
    """
    from hdsl.fit.run import load
    from hdsl.fit.update import update as updated

    if Path(output).resolve() == Path(run).resolve():
        raise click.UsageError("RUN2 is to be another RUN than the one that it is made from")
    by_level = {level: read_file(path) for level, path in tables.items()}
    done = updated(
        load(run),
        read_file(rows),
        by_level,
        all_groups=all_groups,
        draws=draws,
        seed=seed,
        out=output,
        overwrite=overwrite,
    )
    for level, count in done.learned.items():
        click.echo(f"{count:,} {'group' if count == 1 else 'groups'} of `{level}` learned.")
    for note in done.notes:
        click.echo(note, err=True)
    kept = done.run.data["posterior"].sizes
    click.echo(
        f"{kept['chain']} chains × {kept['draw']} draws are in {output}: `hdsl summary {output}`, "
        f"`hdsl predict {output} ROWS`."
    )


def _print(found: "Prediction") -> None:
    """The table, shortened on a terminal; whole, as CSV, where something else reads it."""
    import sys

    from hdsl.fit.prediction_files import csv_of

    if not (sys.stdout.isatty() and colour(sys.stdout)):
        click.echo(csv_of(found.columns), nl=False)
        return
    names = list(found.columns)
    cells = [
        [_cell(found.columns[name][i]) for name in names] for i in range(min(SHOWN, len(found)))
    ]
    show_table(names, cells, numbers=True)
    if len(found) > SHOWN:
        click.echo(f"… and {len(found) - SHOWN:,} more rows: `-o FILE.csv` has all of them.")


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
