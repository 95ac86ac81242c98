"""`python -m benchmarks`: runs all cells that are asked for, writes the tables and the picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import click

from benchmarks import plan, results
from benchmarks.contestants import CONTESTANTS
from benchmarks.picture import draw
from benchmarks.report import report
from benchmarks.runner import run_cells
from benchmarks.settings import Settings
from benchmarks.workloads import WORKLOADS

HERE = Path(__file__).parent
PICTURE = "results.svg"


def names_of(
    known: Iterable[str],
) -> Callable[[click.Context, click.Parameter, str], tuple[str, ...]]:
    """A callback that splits names at commas; an error that lists all where one is unknown."""

    def split(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
        found = tuple(name.strip() for name in value.split(",") if name.strip())
        if unknown := [name for name in found if name not in known]:
            said = f"unknown: {', '.join(unknown)}. There are: {', '.join(known)}"
            raise click.BadParameter(said, ctx, param)
        return found

    return split


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--only", callback=names_of(WORKLOADS), default="", help="Workloads: W1,radon.")
@click.option("--contestants", callback=names_of(CONTESTANTS), default="", help="By their names.")
@click.option("--quick", is_flag=True, help="Few cells and draws, in less than five minutes.")
@click.option("--large", is_flag=True, help="W3 and W4 as well: gradients, SVI, laplace, NUTS.")
@click.option("--growth", is_flag=True, help="Gradients as rows and as groups grow, as well.")
@click.option("--limit", default=120.0, help="Seconds that a fit may take.")
@click.option("--chains", default=Settings.chains)
@click.option("--warmup", default=Settings.warmup)
@click.option("--draws", default=Settings.draws)
@click.option("--seed", default=Settings.seed)
@click.option("--resume", is_flag=True, help="Go on where a run was stopped.")
@click.option("--report", "only_report", is_flag=True, help="Run nothing, write the tables again.")
@click.option(
    "--work",
    type=click.Path(path_type=Path, file_okay=False),
    default=HERE / "work",
    help="The folder for data, compiled code and results.jsonl.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=HERE,
    help="The folder for RESULTS.md and the picture.",
)
def main(
    only: tuple[str, ...],
    contestants: tuple[str, ...],
    quick: bool,
    large: bool,
    growth: bool,
    limit: float,
    chains: int,
    warmup: int,
    draws: int,
    seed: int,
    resume: bool,
    only_report: bool,
    work: Path,
    into: Path,
) -> None:
    """The same posteriors by hand and by HDSL, side by side.

    Results go to results.jsonl as they come: a run that was stopped goes on with --resume.
    """
    file = work / "results.jsonl"
    settings = Settings(chains, warmup, draws, seed)
    if not only_report:
        deadline = None
        cells = plan.all_cells(only, contestants, large, growth)
        if quick:
            deadline = time.monotonic() + plan.QUICK_SECONDS
            settings, limit = plan.QUICK_SETTINGS, plan.QUICK_LIMIT
            cells = [
                cell
                for cell in plan.quick_cells()
                if (not only or cell.workload in only)
                and (not contestants or cell.contestant in contestants)
            ]
        if not (resume and file.exists()):
            results.begin(file, settings, limit)
        elif results.read(file).head.get("settings") != asdict(settings):
            raise click.UsageError(f"{file} was begun with other settings: see its first line")
        run_cells(cells, settings, limit, file, deadline, click.echo)
    found = results.read(file)
    into.mkdir(parents=True, exist_ok=True)
    drawn = draw(found, into / PICTURE)
    page = into / "RESULTS.md"
    page.write_text(report(found, PICTURE if drawn else None), encoding="utf-8")
    click.echo(f"written: {page}")


if __name__ == "__main__":
    main()
