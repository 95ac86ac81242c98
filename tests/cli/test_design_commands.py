"""`hdsl simulate` and `hdsl recover` as they are typed."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

SPARSE = "level region\ny ~ normal(a, s)\na ~ region\n"
PRIORS = "mean(a) ~ normal(0, 1)\nsd(a) ~ halfnormal(1)\ns ~ exponential(1)\n"


def test_simulated_rows_are_printed_as_csv(hdsl: Callable[..., Result]) -> None:
    done = hdsl("simulate", "model.hdsl", "rows.csv", "--set", "sigma = 0.001", "--seed", "3")

    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    given = Path("rows.csv").read_text().splitlines()
    assert len(lines) == len(given)
    assert lines[0] == "region,y,x"
    assert [(w[0], w[2]) for w in (line.split(",") for line in lines)] == [
        (w[0], w[2]) for w in (line.split(",") for line in given)
    ]


@pytest.mark.parametrize("form", ["csv", "tsv", "parquet", "feather"])
def test_rows_go_to_a_file_of_the_form_that_its_name_says(
    hdsl: Callable[..., Result], form: str
) -> None:
    done = hdsl("simulate", "model.hdsl", "rows.csv", "-o", f"out.{form}", "--times", "2")

    assert done.exit_code == 0
    assert done.stderr == f"out.{form}: 96 rows\n"
    assert done.stdout.splitlines()[0] == "Drawn from the prior"
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet, "feather": pl.read_ipc}
    frame = (
        read[form](f"out.{form}") if form in read else pl.read_csv(f"out.{form}", separator="\t")
    )
    assert frame.columns == ["replicate", "region", "y", "x"]


def test_simulated_rows_can_be_fitted_and_the_truth_lies_beside_them(
    hdsl: Callable[..., Result],
) -> None:
    hdsl("simulate", "model.hdsl", "rows.csv", "-o", "out.csv", "--truth", "truth.json")

    truth = json.loads(Path("truth.json").read_text())
    assert list(truth["alpha"]) == [f"r{i}" for i in range(6)]
    assert hdsl("check", "model.hdsl", "--data", "out.csv").exit_code == 0


def test_what_is_wrong_is_said_before_anything_runs(hdsl: Callable[..., Result]) -> None:
    Path("sparse.hdsl").write_text(SPARSE)
    Path("bare.csv").write_text("region\na\nb\n")

    lacking = hdsl("simulate", "sparse.hdsl", "bare.csv")
    assert lacking.exit_code == 1
    assert lacking.stderr.count("error[H552]") == 3
    form = hdsl("simulate", "model.hdsl", "rows.csv", "-o", "out.xlsx")
    assert (form.exit_code, "ends in none of .csv" in form.stderr) == (2, True)
    truth = hdsl("simulate", "model.hdsl", "rows.csv", "--truth", "truth.txt")
    assert (truth.exit_code, "neither .json nor .csv" in truth.stderr) == (2, True)
    unset = hdsl("simulate", "model.hdsl", "rows.csv", "--set", "sigmo = 1")
    assert (unset.exit_code, "did you mean `sigma`?" in unset.stderr) == (1, True)


def test_rows_need_no_outcome_where_priors_are_written(hdsl: Callable[..., Result]) -> None:
    Path("sparse.hdsl").write_text(SPARSE + PRIORS)
    Path("bare.csv").write_text("region\na\nb\n")

    done = hdsl("simulate", "sparse.hdsl", "bare.csv")
    assert [line.split(",")[0] for line in done.stdout.splitlines()] == ["region", "a", "b"]


QUICK = ("--draws", "60", "--warmup", "100")


def test_recovery_shows_a_table_and_what_it_comes_to(hdsl: Callable[..., Result]) -> None:
    done = hdsl("recover", "model.hdsl", "rows.csv", "--times", "2", *QUICK)

    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "2 replicates: simulated, fitted, compared"
    assert lines[1].split("  ")[-1].strip() == "ranks"
    shown = {line.split()[0] for line in lines[2 : lines.index("")]}
    assert {"sigma", "sd(alpha)", "alpha", "mean(beta)"} <= shown
    assert not any(name.startswith("dev(") for name in shown)
    assert Path("model.recover.jsonl").exists()

    again = hdsl("recover", "model.hdsl", "rows.csv", "--times", "2", *QUICK, "--format", "json")
    assert json.loads(again.stdout)["replicates"] == 2
    other = hdsl("recover", "model.hdsl", "rows.csv", "--times", "2", *QUICK, "--seed", "1")
    assert (other.exit_code, "H555" in other.stderr) == (1, True)
    assert "not the same seed" in other.stderr
