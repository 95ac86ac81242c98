"""Every golden model: its two files as they stand, formatted, and of one log density."""

import subprocess
import sys
from pathlib import Path

import pytest

from hdsl.backends import BACKENDS, emit
from hdsl.compiler import model_of
from hdsl.source import Source
from tests.backends import densities
from tests.backends.rows import rows

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())
FILES = {"model.hdsl", *(f"{backend}.py" for backend in BACKENDS)}


def generated(case: str, backend: str) -> str:
    source = Source((GOLDEN / case / "model.hdsl").read_text(encoding="utf-8"), "model.hdsl")
    return emit(model_of(source), backend).text


@pytest.mark.parametrize("case", CASES)
def test_the_files_are_as_they_were(case, golden):
    for backend in BACKENDS:
        golden(GOLDEN / case / f"{backend}.py", generated(case, backend))


def test_no_file_is_left_over():
    found = {file.relative_to(GOLDEN) for file in GOLDEN.rglob("*") if file.is_file()}
    assert found == {Path(case, name) for case in CASES for name in FILES}


@pytest.mark.parametrize("command", [("format", "--check"), ("check",)])
def test_ruff_leaves_them_alone(command):
    files = [str(file) for file in sorted(GOLDEN.rglob("*.py"))]
    options = ["--isolated", "--line-length", "100", "--no-cache"]
    ruff = [sys.executable, "-m", "ruff", *command, *options, *files]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES)
def test_both_backends_have_one_log_density(case, tmp_path):
    first = densities.load(generated(case, "numpyro"), tmp_path, "numpyro_model")
    second = densities.load(generated(case, "pymc"), tmp_path, "pymc_model")
    data = first.prepare(rows())
    built = second.build(second.prepare(rows()))
    for point in densities.points(first.model, data, 2):
        ours = densities.numpyro_density(first.model, data, point)
        assert densities.pymc_density(built, point) == pytest.approx(ours, rel=1e-7, abs=1e-6)
