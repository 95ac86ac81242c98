"""The commands that sample: what they leave behind, and what they say when something is wrong."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hdsl.cli import main
from tests.cli.conftest import MODEL, ROWS
from tools.documents import ROOT

type Command = Callable[..., Result]
QUICK = ("--chains", "2", "--draws", "40", "--warmup", "60")
POPULATION = ["sigma", "mean(alpha)", "sd(alpha)", "mean(beta)", "sd(beta)", "cor(alpha, beta)"]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A folder with a model, its rows and the RUN that `hdsl fit` left, and what it printed."""
    folder = tmp_path_factory.mktemp("fitted")
    (folder / "model.hdsl").write_text(MODEL, encoding="utf-8")
    (folder / "rows.csv").write_text(ROWS, encoding="utf-8")
    arguments = ["fit", str(folder / "model.hdsl"), str(folder / "rows.csv"), *QUICK]
    return folder, CliRunner().invoke(main, arguments)


@pytest.fixture
def run_folder(fitted: tuple[Path, Result], hdsl: Command) -> Path:
    """A copy of the RUN, under another name and in another place, where commands are run."""
    return Path(shutil.copytree(fitted[0] / "model.run", "moved.run")).absolute()


def test_fit_ends_with_the_population_a_verdict_and_the_place(fitted: tuple[Path, Result]) -> None:
    folder, done = fitted
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    named = [line.split("  ")[1] for line in lines if line.startswith("  ") and line.strip()]
    assert sorted(named[1:]) == sorted(POPULATION)
    assert any(line.startswith(("The chains have", "Do not rely")) for line in lines)
    assert str(folder / "model.run") in lines[-1]
    names = {path.name for path in (folder / "model.run").iterdir()}
    assert {"model.hdsl", "model_numpyro.py", "learned.json", "run.json", "results.nc"} <= names
    kept = json.loads((folder / "model.run" / "run.json").read_text(encoding="utf-8"))
    assert (kept["status"], kept["options"]["seed"]) == ("complete", 0)
    assert (folder / "model.run" / "model.hdsl").read_text(encoding="utf-8") == MODEL


def test_summary_speaks_to_people_and_programs(hdsl: Command, run_folder: Path) -> None:
    table = hdsl("summary", run_folder)
    assert table.exit_code == 0
    assert "The chains" in table.stdout or "Do not rely" in table.stdout
    figures = json.loads(hdsl("summary", run_folder, "--format", "json").stdout)
    rows = list(csv.DictReader(io.StringIO(hdsl("summary", run_folder, "--format", "csv").stdout)))
    assert [row["quantity"] for row in rows] == list(figures)
    assert {*POPULATION, "alpha[r0]", "dev(beta)[r5]"} <= set(figures)
    some = hdsl("summary", run_folder, "--var", "alpha[r3]", "--var", "sigma", "--format", "json")
    assert json.loads(some.stdout) == {name: figures[name] for name in ("alpha[r3]", "sigma")}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["summary", "moved.run", "--var", "alhpa"], 1, "help: did you mean `alpha`?"),
        (["summary", "nowhere.run"], 2, "Error: Invalid value for 'RUN'"),
        (["summary", "."], 1, "is no RUN"),
        (["summary", "rows.csv"], 1, "is no RUN"),
        (["fit", "model.hdsl", "rows.csv", "-o", "moved.run"], 1, "moved.run exists"),
        (["fit", "model.hdsl", "rows.csv", "-o", "rows.csv", "--overwrite"], 1, "rows.csv exists"),
        (["fit", "model.hdsl", "rows.csv", "-o", "rows.csv/a.run"], 1, "cannot write to"),
        (["fit", "model.hdsl", "rows.csv", "--sampler", "gibbs"], 2, "not `gibbs`"),
        (["fit", "model.hdsl", "rows.csv", "--chains", "0"], 2, "Invalid value for '--chains'"),
        (["fit", "model.hdsl", "nowhere.csv"], 2, "Invalid value for 'ROWS'"),
        (["fit", "model.hdsl", "empty.csv"], 1, "error[H905]"),
        (["fit", "wrong.hdsl", "rows.csv"], 1, "error["),
        (["verify", "wrong.hdsl", "rows.csv"], 1, "error["),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes_are_told_before_anything_is_sampled(
    hdsl: Command, run_folder: Path, arguments: list[str], code: int, said: str
) -> None:
    Path("wrong.hdsl").write_text("y ~ normal(", encoding="utf-8")
    Path("empty.csv").write_text("", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in run_folder.iterdir()}
    done = hdsl(*arguments)
    assert done.exit_code == code
    assert said in done.stderr
    assert {path: path.stat().st_mtime_ns for path in run_folder.iterdir()} == before
    assert not Path("model.run").exists()


def test_overwrite_replaces_a_run(hdsl: Command, run_folder: Path) -> None:
    done = hdsl(
        "fit", "model.hdsl", "rows.csv", *QUICK, "--seed", "7", "-o", run_folder, "--overwrite"
    )
    assert done.exit_code == 0, done.output
    kept = json.loads((run_folder / "run.json").read_text(encoding="utf-8"))
    assert kept["options"]["seed"] == 7
    assert sorted(path.name for path in run_folder.parent.glob(".*")) == []


@pytest.fixture
def unfinished(hdsl: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a fit leaves that is killed after its last draw."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hdsl.fit.checkpoint.SECONDS", 0.0)
        patch.setattr("hdsl.fit.draft.Draft.publish", killed)
        done = hdsl("fit", "model.hdsl", "rows.csv", *QUICK, "--seed", "3")
    assert done.exit_code != 0
    assert sorted(path.name for path in Path().iterdir() if path.is_dir()) == ["model.run.part"]
    return Path("model.run.part")


def test_resume_completes_what_was_killed(hdsl: Command, unfinished: Path) -> None:
    refused = hdsl("fit", "model.hdsl", "rows.csv", *QUICK)
    assert refused.exit_code == 1
    assert "model.run.part holds an unfinished fit" in refused.stderr
    assert "help: `hdsl fit --resume model.run` goes on with it" in refused.stderr
    Path("model.hdsl").unlink()  # its text is in the draft
    done = hdsl("fit", "--resume", unfinished)
    assert done.exit_code == 0, done.output
    assert not unfinished.exists()
    kept = json.loads(Path("model.run/run.json").read_text(encoding="utf-8"))
    assert (kept["status"], kept["options"]["seed"]) == ("complete", 3)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 1, "cannot be resumed without its data: "),
        (["model.hdsl", "other.csv"], 1, "cannot be resumed: the data have changed since"),
        (["changed.hdsl", "moved.csv"], 1, "cannot be resumed: the model's text has changed since"),
        (["--draws", "10"], 2, "--draws cannot be given with --resume"),
        (["model.hdsl", "moved.csv"], 0, "The results are in model.run"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_resume_asks_for_the_same_model_and_data(
    hdsl: Command, unfinished: Path, arguments: list[str], code: int, said: str
) -> None:
    Path("rows.csv").rename("moved.csv")
    Path("other.csv").write_text(ROWS.replace("r5", "r6"), encoding="utf-8")
    Path("changed.hdsl").write_text(MODEL + "sigma ~ exponential(2)\n", encoding="utf-8")
    done = hdsl("fit", *arguments, "--resume", "model.run")
    assert (done.exit_code, said in done.output) == (code, True), done.output
    assert unfinished.exists() == (code != 0)


def test_nothing_to_resume_and_nothing_to_fit(hdsl: Command) -> None:
    done = hdsl("fit", "--resume", "model.run")
    assert (done.exit_code, "nothing to resume at model.run" in done.stderr) == (1, True)
    done = hdsl("fit", "model.hdsl")
    assert (done.exit_code, "Missing argument 'ROWS'" in done.stderr) == (2, True)


def test_verify_shows_both_densities(hdsl: Command) -> None:
    pytest.importorskip("pymc")
    done = hdsl("verify", "model.hdsl", "rows.csv", "--points", "2")
    assert done.exit_code == 0, done.output
    assert [line.split()[-1] for line in done.stdout.splitlines()[2:]] == ["same", "same"]


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_a_fit_that_is_stopped_leaves_no_run_that_looks_whole(
    hdsl: Command, signal_: signal.Signals
) -> None:
    program = "from hdsl.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "fit", "model.hdsl", "rows.csv", "--draws", "1000000"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert process.stderr
    for line in process.stderr:
        if line.startswith("drawing"):
            break
    time.sleep(2)
    process.send_signal(signal_)
    shown, said = process.communicate(timeout=120)
    assert "Traceback" not in said
    if Path("model.run").exists():
        kept = json.loads(Path("model.run/run.json").read_text(encoding="utf-8"))
        assert (signal_, kept["status"]) == (signal.SIGINT, "partial")
        assert "Partial: stopped after" in shown
    else:
        assert process.returncode != 0
