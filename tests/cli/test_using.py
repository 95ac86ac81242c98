"""`hdsl predict` and `hdsl update`: what they write, what they say, and what they refuse."""

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
NEW = "region,x,y\nr0,0.1,0.5\nnew,0.2,1.5\nnew,0.3,1.7\n"


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("using")
    (folder / "model.hdsl").write_text(MODEL, encoding="utf-8")
    (folder / "rows.csv").write_text(ROWS, encoding="utf-8")
    quick = ("--chains", "2", "--draws", "40", "--warmup", "60")
    done = CliRunner().invoke(
        main, ["fit", str(folder / "model.hdsl"), str(folder / "rows.csv"), *quick]
    )
    assert done.exit_code == 0, done.output
    return folder / "model.run"


@pytest.fixture
def run(fitted: Path, hdsl: Command) -> Path:
    Path("new.csv").write_text(NEW, encoding="utf-8")
    return Path(shutil.copytree(fitted, "model.run"))


def test_a_pipe_gets_csv(hdsl: Command, run: Path) -> None:
    done = hdsl("predict", run, "new.csv", "--quantiles", "0.5")
    assert done.exit_code == 0, done.output
    table = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [line["region"] for line in table] == ["r0", "new", "new"]
    assert list(table[0]) == ["row", "region", "y_mean", "y_sd", "y_q50"]
    assert done.stderr == "1 of the groups of `region` are new.\n"


def test_rows_that_are_left_out_are_named(hdsl: Command, run: Path) -> None:
    dropping = MODEL.replace("data y, x : real", "data y : real\ndata x : real drop")
    (run / "model.hdsl").write_text(dropping, encoding="utf-8")
    Path("new.csv").write_text(NEW.replace("0.2", ""), encoding="utf-8")

    done = hdsl("predict", run, "new.csv", "-o", "p.csv")

    assert done.exit_code == 0, done.output
    assert "note[H916]: 1 row without `x` is left out" in done.stderr
    assert "2 rows predicted: p.csv" in done.stderr


def test_an_update_is_a_run_that_predicts(hdsl: Command, run: Path) -> None:
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    done = hdsl("update", run, "new.csv", "-o", "model2.run")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0] == "1 group of `region` learned."
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    figures = json.loads(hdsl("summary", "model2.run", "--format", "json").stdout)
    assert {"alpha[new]", "alpha[r0]", "sigma"} <= set(figures)
    assert hdsl("predict", "model2.run", "new.csv", "--unseen", "error").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["predict", "model.run", "new.csv", "--unseen", "error"], 1, "error[H957]"),
        (["predict", "model.run", "new.csv", "-o", "p.xls"], 2, "ends in none of .csv"),
        (["predict", "model.run", "new.csv", "--draws"], 2, "--draws needs a file"),
        (["predict", "model.run", "new.csv", "--quantiles", "5"], 2, "lies between 0 and 1"),
        (["predict", "model.run", "bare.csv"], 1, "error[H910]"),
        (["predict", ".", "new.csv"], 1, "is no RUN"),
        (["update", "model.run", "new.csv", "-o", "model.run"], 2, "another RUN"),
        (["update", "model.run", "known.csv", "-o", "b.run"], 1, "error[H959]"),
        (["update", "model.run", "bare.csv", "-o", "b.run"], 1, "error[H910]"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes_are_told_and_nothing_is_written(
    hdsl: Command, run: Path, arguments: list[str], code: int, said: str
) -> None:
    Path("bare.csv").write_text("region,y\nnew,1\n", encoding="utf-8")
    Path("known.csv").write_text("region,x,y\nr0,0.1,0.5\n", encoding="utf-8")
    before = sorted(path.name for path in Path().iterdir())
    done = hdsl(*arguments)
    assert done.exit_code == code, done.output
    assert said in done.stderr
    assert sorted(path.name for path in Path().iterdir()) == before


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_an_update_that_is_stopped_leaves_the_run_and_no_other(
    hdsl: Command, run: Path, signal_: signal.Signals
) -> None:
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", "from hdsl.cli import main; main()"),
            *("update", str(run), "new.csv", "-o", "model2.run"),
        ],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HDSL_CACHE": "off"},
        text=True,
    )
    for _ in range(600):
        if Path("model2.run.part").exists():
            break
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal_)
    _, said = process.communicate(timeout=120)
    assert "Traceback" not in said
    assert process.returncode != 0
    assert not Path("model2.run").exists()
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    again = hdsl("update", run, "new.csv", "-o", "model2.run")
    assert again.exit_code == 0, again.output


def test_what_a_killed_prediction_left_is_cleared_away(hdsl: Command, run: Path) -> None:
    left = Path("found.parquet.part")
    left.mkdir()
    for name in ("0.part", "1.part", "found.parquet"):
        (left / name).write_bytes(b"half")
    done = hdsl("predict", run, "new.csv", "--draws", "-o", "found.parquet")
    assert done.exit_code == 0, done.output
    assert not left.exists()
    assert Path("found.parquet").read_bytes()[:4] == b"PAR1"

    before = Path("found.parquet").read_bytes()
    left.mkdir()
    (left / "thesis.txt").write_text("mine")
    refused = hdsl("predict", run, "new.csv", "-o", "found.parquet")
    assert (refused.exit_code, "error[H523]" in refused.stderr) == (1, True)
    assert (left / "thesis.txt").read_text() == "mine"
    assert Path("found.parquet").read_bytes() == before
