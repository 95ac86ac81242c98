"""Every golden model: its two files as they stand, formatted, and of one log density."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hdsl.backends import BACKENDS, Generated, emit
from hdsl.compiler import model_of
from hdsl.fit.module import import_module, write_module
from hdsl.fit.setup import prepare_jax
from hdsl.fit.verify import compare
from hdsl.source import Source
from tests.backends.rows import rows

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())
FILES = {"model.hdsl", *(f"{backend}.py" for backend in BACKENDS)}


def source(case: str) -> Source:
    return Source((GOLDEN / case / "model.hdsl").read_text(encoding="utf-8"), "model.hdsl")


def generated(case: str, backend: str) -> Generated:
    return emit(model_of(source(case)), backend)


@pytest.mark.parametrize("case", CASES)
def test_the_files_are_as_they_were(case, golden):
    for backend in BACKENDS:
        golden(GOLDEN / case / f"{backend}.py", generated(case, backend).text)


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
    prepare_jax()
    loaded = [
        import_module(made, write_module(made, tmp_path), source(case))
        for made in (generated(case, "numpyro"), generated(case, "pymc"))
    ]
    data = [file.call("prepare", rows()) for file in loaded]
    for point in compare(*loaded, *data, points=3, seed=0):
        assert np.isfinite(point.numpyro)
        assert point.agrees, point.sites
