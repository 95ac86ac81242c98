"""How the commands meet the world: files in, text out, and what is said when something breaks.

The only module that knows of streams, colours and exit codes. It imports nothing slow: a command
that answers from the text alone answers at once.
"""

import glob
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NoReturn, TextIO

import click

from hdsl.diagnostics.diagnostic import Diagnostic, ModelError, Severity
from hdsl.diagnostics.render import Form, counted, render
from hdsl.source import Source

INTERNAL = 70  # EX_SOFTWARE: neither the model (1) nor the usage (2) is to blame


class Commands(click.Group):
    """The commands, and what each of them does with an exception: no user sees a traceback."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The commands in the order in which a model passes through them."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """The command's result; an error is said on standard error and ends in its exit code."""
        for stream in (sys.stdout, sys.stderr):
            _never_fail_to_print(stream)
        try:
            return self._answer(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            raise  # click closes the stream quietly
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            own_defect(error)
            ctx.exit(INTERNAL)

    def _answer(self, ctx: click.Context) -> Any:
        """The command's result, where what the user can mend is said in the user's words."""
        try:
            return super().invoke(ctx)
        except ModelError as error:
            report_error(error)
            ctx.exit(1)
        except BrokenPipeError:
            raise
        except OSError as error:
            fail(of_os(error))
        except MemoryError:
            fail("the computer's memory is not enough for this")
        except RecursionError:
            fail("the model is nested too deeply: name its parts by definitions of their own")


def _never_fail_to_print(stream: TextIO) -> None:
    """A label that the terminal's encoding lacks is shown escaped."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def fail(message: str) -> NoReturn:
    """End the command with one line that says why, and exit code 1."""
    raise click.ClickException(message)


def of_os(error: OSError) -> str:
    """What an error of the operating system means, on one line, with the file's name."""
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{where}{error.strerror or error}"


def own_defect(error: Exception) -> None:
    """Say that the defect is ours and where the traceback lies."""
    details = "".join(traceback.format_exception(error))
    with tempfile.NamedTemporaryFile(
        "w", prefix="hdsl-crash-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
    ) as file:
        file.write(details)
    summary = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    click.echo(
        f"This is a defect of HDSL itself, not of your model: {summary}\n"
        f"Its details are in {file.name}: please report it with that file and the model.\n"
        "`hdsl --debug …` (or HDSL_DEBUG=1) shows them here.",
        err=True,
    )


def colour(stream: TextIO) -> bool:
    """Whether a stream takes colours: a terminal that is not dumb, unless NO_COLOR is set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def report(
    diagnostics: Sequence[Diagnostic], source: Source, form: Form = "full", err: bool = True
) -> None:
    """Show diagnostics; for people, a last line counts them."""
    stream = sys.stderr if err else sys.stdout
    text = render(diagnostics, source, form, colour(stream))
    if text:
        click.echo(text, err=err, color=True)
    if form == "full" and diagnostics:
        click.echo(f"\n{counted(diagnostics)}", err=err)


def report_error(error: ModelError) -> None:
    """Show what stopped a command."""
    source = error.source if isinstance(error.source, Source) else Source("")
    report(error.diagnostics, source)


def has_errors(diagnostics: Sequence[Diagnostic]) -> bool:
    """Whether one of them stops the compiler."""
    return any(d.severity is Severity.ERROR for d in diagnostics)


def has_warnings(diagnostics: Sequence[Diagnostic]) -> bool:
    """Whether one of them is advice that `--strict` takes for an error."""
    return any(d.severity is Severity.WARNING for d in diagnostics)


def show_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    title: str = "",
    numbers: bool = False,
) -> None:
    """A table: drawn by rich on a terminal, aligned columns of plain text elsewhere.

    With ``numbers`` all columns but the first are figures, which stand right.
    """
    if colour(sys.stdout):
        _rich_table(columns, rows, title, numbers)
        return
    if title:
        click.echo(title)
    cells = [list(columns), *(list(row) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        line = "  ".join(
            cell.rjust(width) if numbers and i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        click.echo(f"  {line}".rstrip())


def _rich_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], title: str, numbers: bool
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for i, column in enumerate(columns):
        justify: Literal["left", "right"] = "right" if numbers and i else "left"
        table.add_column(Text(column), overflow="fold", justify=justify)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def write_file(path: str, content: str | bytes) -> None:
    """Write a file whole or not at all; what stood there stays until the new one is complete."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    target = Path(path).resolve()  # a link stays a link
    if target.exists() and not target.is_file():
        target.write_bytes(data)  # a device or a pipe
        return
    mode = target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask()
    _clear_away(target)
    draft = target.with_name(_draft_name(target, str(os.getpid())))
    try:
        with draft.open("wb") as file:
            file.write(data)
        draft.chmod(mode)
        draft.replace(target)
    except BaseException as error:
        with suppress(OSError):
            draft.unlink()
        if isinstance(error, OSError):  # it names the draft, of which the user knows nothing
            raise OSError(error.errno, error.strerror, path) from error
        raise


def _draft_name(target: Path, process: str) -> str:
    return f".{target.name[:80]}.{process}.part"


def _clear_away(target: Path) -> None:
    """Removes what processes that were killed have left of the file."""
    if sys.platform == "win32":  # whether a process lives cannot be asked there
        return
    pattern = _draft_name(Path(glob.escape(target.name[:80])), "*")
    for left in target.parent.glob(pattern):
        number = left.name.split(".")[-2]
        with suppress(OSError):
            if number.isdigit() and not _is_alive(int(number)):
                left.unlink()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
