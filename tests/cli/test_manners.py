"""Manners: no traceback for a user, no sampler for a question, colours only where wanted."""

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from hdsl.cli.terminal import write_file
from tools.documents import ROOT

type Command = Callable[..., Result]

HEAVY = ("jax", "numpyro", "pymc", "pytensor", "arviz", "arviz_base", "pandas", "xarray", "nutpie")
WITHOUT_DATA = (*HEAVY, "numpy", "polars", "pyarrow", "matplotlib")


def start(code: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)} | options.pop("env", {}),
        **options,
    )


MAIN = "from hdsl.cli import main; main()"
IMPORTS = """
import sys
from hdsl.cli import main
heavy, arguments = sys.argv[1].split(","), sys.argv[2:]
main(arguments, standalone_mode=False)
print("imported:", *(name for name in heavy if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["check", "model.hdsl"], WITHOUT_DATA),
        (["fmt", "model.hdsl"], WITHOUT_DATA),
        (["expand", "model.hdsl"], WITHOUT_DATA),
        (["diff", "model.hdsl", "model.hdsl"], WITHOUT_DATA),
        (["info", "model.hdsl"], WITHOUT_DATA),
        (["explain", "H203"], WITHOUT_DATA),
        (["compile", "model.hdsl", "--backend", "numpyro"], WITHOUT_DATA),
        (["compile", "model.hdsl", "--backend", "pymc"], WITHOUT_DATA),
        (["render", "model.hdsl", "-o", "a.svg"], WITHOUT_DATA),
        (["render", "model.hdsl", "--view", "levels", "-o", "a.txt"], WITHOUT_DATA),
        (["check", "model.hdsl", "--data", "rows.csv"], HEAVY),
        (["compile", "model.hdsl", "--data", "rows.csv"], HEAVY),
        (["render", "model.hdsl", "--data", "rows.csv", "-o", "a.png"], HEAVY),
        (["--help"], WITHOUT_DATA),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_question_starts_no_sampler(
    hdsl: Command, arguments: list[str], heavy: tuple[str, ...]
) -> None:
    done = start(IMPORTS, ",".join(heavy), *arguments)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr.decode().splitlines()[-1] == "imported:"


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    ids=["terminal", "NO_COLOR", "dumb"],
)
@pytest.mark.parametrize("command", ["check", "info"])
def test_colours_on_a_terminal_alone(
    hdsl: Command, command: str, variables: dict[str, str], coloured: bool
) -> None:
    pty = pytest.importorskip("pty")
    name = "model.hdsl" if command == "info" else "wrong.hdsl"
    Path("wrong.hdsl").write_text("y ~ normal(alpha, sigma\n", encoding="utf-8")
    clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    env = {**clean, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **variables}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, command, name], stdout=theirs, stdin=theirs, env=env
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError as error:
        assert error.errno == errno.EIO  # how Linux says that the other end is closed
    process.wait(60)
    os.close(ours)
    assert (b"\x1b[" in re.sub(rb"\x1b\[[?\d]*[hl]", b"", shown)) is coloured
    assert shown


def test_no_colours_in_a_pipe(hdsl: Command) -> None:
    Path("wrong.hdsl").write_text("y ~ normal(alpha, sigma\n", encoding="utf-8")
    assert b"\x1b" not in start(MAIN, "check", "wrong.hdsl").stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_of_any_encoding(hdsl: Command, encoding: str) -> None:
    Path("greek.hdsl").write_text('y ~ normal(µ, σ)\nµ ~ 1\nτ = "☃"\n', encoding="utf-8")
    done = start(MAIN, "check", "greek.hdsl", env={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_reader_that_goes_away_ends_a_command_quietly(hdsl: Command) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "compile", "model.hdsl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout and process.stderr
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read()
    process.wait(60)


def test_a_defect_of_ours_says_so_and_keeps_its_traceback(
    hdsl: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr("hdsl.compiler.diagnose", broken)
    done = hdsl("check", "model.hdsl")
    assert done.exit_code == 70
    assert done.stderr.splitlines()[0] == (
        "This is a defect of HDSL itself, not of your model: KeyError: 'lost'"
    )
    kept = re.search(r"Its details are in (\S+):", done.stderr)
    assert kept
    details = Path(kept[1]).read_text(encoding="utf-8")
    Path(kept[1]).unlink()
    assert details.startswith("Traceback") and "KeyError: 'lost'" in details.splitlines()
    shown = hdsl("--debug", "check", "model.hdsl")
    assert isinstance(shown.exception, KeyError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["compile", "model.hdsl", "-o", "rows.csv/out.py"],
            "Error: rows.csv/out.py: Not a directory",
        ),
        (["render", "model.hdsl", "-o", "no/a.svg"], "Error: no/a.svg: No such file or directory"),
    ],
    ids=["compile", "render"],
)
def test_what_cannot_be_written_is_one_line(
    hdsl: Command, arguments: list[str], message: str
) -> None:
    done = hdsl(*arguments)
    assert (done.exit_code, done.stderr.splitlines()) == (1, [message])


def test_a_model_that_is_not_text(hdsl: Command) -> None:
    Path("binary.hdsl").write_bytes(b"level region\n\xff\xfe\x00")
    done = hdsl("check", "binary.hdsl")
    assert done.exit_code == 1
    assert done.stderr == "Error: binary.hdsl: line 2 is not UTF-8 text; save the file as UTF-8\n"


def test_a_byte_order_mark_is_no_part_of_a_model(hdsl: Command) -> None:
    Path("bom.hdsl").write_bytes(b"\xef\xbb\xbf" + Path("model.hdsl").read_bytes())
    assert hdsl("check", "bom.hdsl").exit_code == 0


def test_a_file_that_a_kill_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from hdsl.cli.terminal import write_file\n"
        "Path.replace = lambda *_: os.kill(os.getpid(), 9)\n"
        "write_file(sys.argv[1], 'second')"
    )
    target = tmp_path / "rows.csv"
    target.write_text("first")
    start(code, str(target))
    assert target.read_text() == "first"
    assert len(list(tmp_path.iterdir())) == 2

    write_file(str(target), "third")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
    assert target.read_text() == "third"
