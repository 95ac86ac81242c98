"""Every pass has a model before and after it: files that are read, and that ruff leaves alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from hdsl.compiler import compile_model, model_of
from hdsl.ir.facts import Facts
from hdsl.passes import PASSES
from hdsl.passes.names import PASS_NAMES
from hdsl.source import Source

FIXTURES = Path(__file__).parent / "fixtures"
FACTS = Facts(5000, {"region": 9, "market": 10, "submarket": 50}, {}, typical={"region": 600})


def test_names_and_passes_are_the_same():
    assert tuple(PASSES) == PASS_NAMES
    assert {folder.name for folder in FIXTURES.iterdir()} == set(PASS_NAMES)


@pytest.mark.parametrize("name", PASS_NAMES)
def test_before_and_after(name, golden):
    folder = FIXTURES / name
    model = model_of(Source((folder / "model.hdsl").read_text(encoding="utf-8"), "model.hdsl"))
    others = [other for other in PASS_NAMES if other != name]
    for file, without in (("before", PASS_NAMES), ("after", others)):
        golden(folder / f"{file}.py", compile_model(model, "numpyro", FACTS, 1, without).text)
        golden(folder / f"{file}_pymc.py", compile_model(model, "pymc", FACTS, 1, without).text)


@pytest.mark.parametrize("command", [("format", "--check"), ("check",)])
def test_ruff_leaves_them_alone(command):
    files = [str(file) for file in sorted(FIXTURES.rglob("*.py"))]
    options = ["--isolated", "--line-length", "100", "--no-cache"]
    ruff = [sys.executable, "-m", "ruff", *command, *options, *files]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
