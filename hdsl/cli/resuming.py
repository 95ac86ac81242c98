"""`hdsl fit --resume RUN`: the fit that a kill or Ctrl-C cut short, begun where it stopped."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdsl.cli.reading import checked, read_source
from hdsl.source import Source

if TYPE_CHECKING:
    from hdsl.fit.draft import Record
    from hdsl.fit.run import Run

GIVEN = ("resume", "model", "rows", "tables")
"""What may be said along with --resume; all else is as the fit was begun."""


def origin_of(model: str, rows: str, tables: Mapping[str, str]) -> dict[str, Any]:
    """Where a fit's model and data lie, for whoever resumes it from another folder."""
    return {
        "model": _absolute(model),
        "rows": _absolute(rows),
        "tables": {level: _absolute(path) for level, path in tables.items()},
    }


def _absolute(path: str) -> str:
    return str(Path(path).resolve())


def refuse_options(ctx: click.Context) -> None:
    """Nothing where only --resume is given, with or without model and data."""
    typed = click.core.ParameterSource.COMMANDLINE
    given = [n for n in ctx.params if n not in GIVEN and ctx.get_parameter_source(n) is typed]
    if given:
        option = f"--{given[0].replace('_', '-')}"
        raise click.UsageError(f"{option} cannot be given with --resume: it stays as it was begun")


def go_on(path: Path, model: str | None, rows: str | None, tables: Mapping[str, str]) -> "Run":
    """The run, completed. Model and data are those of the fit's beginning, where not given."""
    from hdsl.fit.draft import read_record, resumable
    from hdsl.fit.fitting import fit

    out = resumable(path)
    record = read_record(out)
    source = read_source(model) if model is not None else Source(record.model, record.name)
    tables = {**record.origin.get("tables", {}), **tables}
    found = rows if rows is not None else _rows_of(record, tables, out)
    return fit(
        *checked(source, found, tables),
        record.backend,
        method=record.method,
        sampler=record.sampler if record.method in ("nuts", "auto") else None,
        out=out,
        resume=True,
        progress=True,
        **record.options,
    )


def _rows_of(record: "Record", tables: Mapping[str, str], out: Path) -> str:
    """The file of the rows, which must still be there, as must be the tables."""
    from hdsl.fit.failure import failure

    rows = record.origin.get("rows")
    missing = [path for path in (rows, *tables.values()) if path and not Path(path).is_file()]
    if rows is None or missing:
        said = f"{missing[0]} is not there any more" if missing else "nobody kept where they lie"
        raise failure(
            "H528",
            f"{out} cannot be resumed without its data: {said}",
            f"say where they are: `hdsl fit MODEL ROWS --resume {out}`",
        )
    return str(rows)
