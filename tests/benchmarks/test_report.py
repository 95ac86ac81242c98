"""The tables and the picture come from the lines of a run, and from nothing else."""

import json
from pathlib import Path

from click.testing import CliRunner

from benchmarks import plan, results
from benchmarks.__main__ import main
from benchmarks.contestants import CONTESTANTS
from benchmarks.growth import workload_of
from benchmarks.report import report
from benchmarks.runner import run_cell
from benchmarks.settings import Cell, Settings, order_of
from benchmarks.targets import TARGETS
from benchmarks.workloads import WORKLOADS
from tests.conftest import Golden

HERE = Path(__file__).parent
LINES = HERE / "results.jsonl"


def test_report(golden: Golden) -> None:
    golden(HERE / "RESULTS.md", report(results.read(LINES), "results.svg"))


def test_report_alone_writes_page_and_picture_anew(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text(LINES.read_text(encoding="utf-8"), encoding="utf-8")
    options = ["--report", "--work", str(tmp_path), "--into", str(tmp_path / "out")]
    for _ in range(2):
        done = CliRunner().invoke(main, options, catch_exceptions=False)
        assert done.exit_code == 0
    assert (tmp_path / "out/RESULTS.md").read_text(encoding="utf-8").startswith("# Benchmarks")
    assert "<svg" in (tmp_path / "out/results.svg").read_text(encoding="utf-8")


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    lines = LINES.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([*lines[:3], lines[3][:40]]), encoding="utf-8")
    assert len(results.read(file).cells) == 2


def test_what_is_not_done_in_time_says_so(tmp_path: Path) -> None:
    cell = Cell("radon", "hdsl-O0", "cold")
    found = run_cell(cell, Settings(), 1.0, tmp_path)
    assert found == {"status": "timeout", "said": "not done in 1 s"}


def test_unknown_names_are_refused_with_those_that_there_are() -> None:
    done = CliRunner().invoke(main, ["--only", "W1,W9"])
    assert done.exit_code == 2
    assert "unknown: W9" in done.output
    assert "radon" in done.output


def test_a_run_does_not_go_on_with_other_settings(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text(LINES.read_text(encoding="utf-8"), encoding="utf-8")
    done = CliRunner().invoke(main, ["--resume", "--draws", "7", "--work", str(tmp_path)])
    assert done.exit_code == 2
    assert "begun with other settings" in done.output


def test_plan_names_what_there_is() -> None:
    cells = plan.all_cells((), (), large=True, curves=True) + plan.quick_cells()
    for cell in cells:
        assert workload_of(cell).name == cell.workload
        stage = "cold" if cell.stage == "warm" else cell.stage
        assert stage in CONTESTANTS[cell.contestant].stages
    assert {target.workload for target in TARGETS} <= set(WORKLOADS)
    assert ("crossed", "bambi") in {(c.workload, c.contestant) for c in cells}
    assert ("W2", "bambi") not in {(c.workload, c.contestant) for c in cells}


def test_an_order_arrives_as_it_was_given(tmp_path: Path) -> None:
    from benchmarks.settings import Order

    cell = Cell("growth-rows", "numpyro", "gradient", (100, 1000))
    order = Order(cell, Settings(draws=7), WORKLOADS["radon"].make(tmp_path), 1.5)
    assert order_of(order.as_text()) == order
    assert json.loads(order.as_text())["settings"]["draws"] == 7
