"""The commands that draw and sample: render, verify, fit, summary."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdsl.cli.compiling import level_option, without_option
from hdsl.cli.machines import machine_options
from hdsl.cli.planning import show_plan
from hdsl.cli.reading import bound, checked, read_source
from hdsl.cli.resuming import go_on, origin_of, refuse_options
from hdsl.cli.terminal import show_table, write_file
from hdsl.cli.text import MODEL, ROWS, data_option, table_option

if TYPE_CHECKING:
    from hdsl.fit.devices import Machines
    from hdsl.fit.run import Run

FORMS = ("svg", "png", "pdf", "dot", "mmd", "txt")
METHODS = ("nuts", "laplace", "svi", "pathfinder", "auto")
FILE = click.Path(exists=True, dir_okay=False)


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
    """Draw a model or its levels.

    With data the groups are counted, and named where they are few.
    """
    from hdsl.compiler import model_of
    from hdsl.render.render import render as draw

    drawn = model_of(read_source(model))
    binding = bound(drawn, rows, tables)
    form = Path(output).suffix.lower().removeprefix(".")
    write_file(output, draw(drawn, view, form, binding.facts if binding else None))


@click.command()
@click.argument("model", type=FILE)
@click.argument("rows", type=ROWS)
@table_option
@click.option("--points", type=click.IntRange(1), default=5, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def verify(model: str, rows: str, tables: Mapping[str, str], points: int, seed: int) -> None:
    """Compare the backends' log densities.

    At random points, side by side; exit 1 where they differ.
    """
    from hdsl.fit.verify import verify as compare

    comparisons = compare(*checked(read_source(model), rows, tables), points, seed)
    show_table(
        ["point", "numpyro", "pymc", "difference", ""],
        [
            [
                str(number),
                f"{found.numpyro:.10g}",
                f"{found.pymc:.10g}",
                f"{found.numpyro - found.pymc:.2g}",
                "same" if found.agrees else "differs",
            ]
            for number, found in enumerate(comparisons, start=1)
        ],
        "Log density of data and parameters",
    )
    parts = [
        [str(number), site, f"{ours:.10g}", f"{theirs:.10g}"]
        for number, found in enumerate(comparisons, start=1)
        for site, (ours, theirs) in found.sites.items()
    ]
    if parts:
        show_table(["point", "part", "numpyro", "pymc"], parts, "Where they differ")
    if not all(found.agrees for found in comparisons):
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("model", type=FILE, required=False, metavar="MODEL")
@click.argument("rows", type=ROWS, required=False, metavar="ROWS")
@table_option
@click.option(
    "--backend", type=click.Choice(["numpyro", "pymc"]), default="numpyro", show_default=True
)
@click.option(
    "--sampler", help="numpyro, or for pymc one of numpyro, nutpie, pymc; the first is the default."
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="nuts",
    show_default=True,
    help="nuts samples the posterior, the others approximate it; auto chooses and says why.",
)
@click.option("--chains", type=click.IntRange(1), default=4, show_default=True)
@click.option("--draws", type=click.IntRange(4), default=1000, show_default=True)
@click.option("--warmup", type=click.IntRange(0), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option(
    "--target-accept",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Nearer to 1: smaller steps, fewer divergences. [default: 0.8, or 0.95 where coefficients "
    "that hang together are sampled as they are]",
)
@level_option(1, "1")
@without_option
@machine_options
@click.option("-o", "--output", metavar="RUN", help="Default: the model's name with .run.")
@click.option("--overwrite", is_flag=True, help="Replace RUN if it exists.")
@click.option("--resume", metavar="RUN", help="Go on with the fit of RUN that was killed.")
@click.option("--plan", is_flag=True, help="Say how large and how long the fit is; sample nothing.")
def fit(
    model: str | None,
    rows: str | None,
    tables: Mapping[str, str],
    backend: str,
    sampler: str | None,
    method: str,
    output: str | None,
    resume: str | None,
    plan: bool,
    machines: "Machines",
    **options: Any,
) -> None:
    """Sample a model given data.

    The results are kept in a folder, the RUN, which can be moved and opened again. A fit that was
    killed goes on with `hdsl fit --resume RUN`, with the data and options that it was begun with.
    """
    if resume is not None:
        refuse_options(click.get_current_context())
        run = go_on(Path(resume), model, rows, tables)
        _show_fit(run)
        return
    if model is None or rows is None:
        missing = "MODEL" if model is None else "ROWS"
        raise click.UsageError(f"Missing argument '{missing}'.")
    _refuse(backend, sampler, method)
    from hdsl.fit.fitting import fit as sample

    if plan:
        show_plan(*checked(read_source(model), rows, tables), **options)
        return
    out = Path(output) if output else Path(model).with_suffix(".run")
    run = sample(
        *checked(read_source(model), rows, tables),
        backend,
        sampler=sampler,
        method=method,
        out=out,
        progress=True,
        origin=origin_of(model, rows, tables),
        machines=machines,
        **options,
    )
    if run.path is not None:  # another process writes the run, and shows it
        _show_fit(run)


def _refuse(backend: str, sampler: str | None, method: str) -> None:
    """A usage error where the method, or the sampler, is none of the backend's."""
    from hdsl.fit.fitting import SAMPLERS

    if sampler not in (None, *SAMPLERS[backend]):
        known = ", ".join(SAMPLERS[backend])
        raise click.UsageError(f"{backend} models are sampled by one of {known}, not `{sampler}`")
    if method != "nuts" and (backend, sampler) != ("numpyro", None):
        raise click.UsageError(
            f"--method {method} runs on the NumPyro file: leave --backend and --sampler out"
        )


@click.command()
@click.argument("run", type=click.Path(exists=True), metavar="RUN")
@click.option("--var", "names", multiple=True, metavar="NAME", help="A quantity, or a member.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="The table shows the population's parameters; csv and json hold everything.",
)
def summary(run: str, names: Sequence[str], form: str) -> None:
    """Summarise a RUN.

    Means, sds, intervals, effective sample sizes and r-hat.
    """
    from hdsl.fit.run import load

    loaded = load(run)
    if form == "table":
        _show(loaded, names or loaded.population, verdict=not names)
        return
    table = loaded.table(names or None)
    click.echo(table.csv() if form == "csv" else table.json() + "\n", nl=False)


def _show_fit(run: "Run") -> None:
    """What a fit ends with: the population, the verdict, the place."""
    _show(run, run.population)
    out = run.path
    click.echo(f"\nThe results are in {out}: `hdsl summary {out} --var NAME` shows more of them.")


def _show(run: "Run", names: Sequence[str], verdict: bool = True) -> None:
    """The table of some quantities, and whether they can be relied on."""
    table = run.table(list(names))
    shown = [i for i, name in enumerate(table.columns) if not name.startswith("mcse")]
    columns = ["", *(table.columns[i] for i in shown)]
    rows = [[cells[0], *(cells[i + 1] for i in shown)] for cells in table.cells()]
    show_table(columns, rows, run.info["title"] or run.info["model"], numbers=True)
    if verdict:
        click.echo("\n" + "\n".join(run.verdict().lines))
