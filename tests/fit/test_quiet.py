"""What is imported, written and printed where nobody asked for it: nothing."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import jax
import numpy as np
import pytest

import hdsl
from hdsl.fit import setup
from hdsl.fit.programs import Compiler, Kept

HEAVY = ("jax", "numpyro", "pymc", "arviz", "arviz_stats", "xarray", "pandas", "nutpie", "scipy")


def test_importing_the_package_starts_no_sampler() -> None:
    code = f"import sys, hdsl.fit; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("backend", ["numpyro", "pymc"])
def test_a_fit_prints_nothing(
    backend: str, cache: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    model = hdsl.parse("data y : real\ny ~ normal(mu, 2)\nmu ~ normal(1, 3)\n")
    model.fit({"y": np.array([1.0, 2.0])}, backend=backend, chains=2, draws=20, warmup=20)
    assert capfd.readouterr() == ("", "")
    assert [str(w.message) for w in recwarn if "hdsl" in w.filename] == []


@pytest.mark.parametrize("told", ["off", "0", "none", ""])
def test_the_cache_can_be_switched_off(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDSL_CACHE", told)
    assert setup.cache_folder() is None


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HDSL_CACHE", str(tmp_path / "file"))
    assert setup._writable_folder() is None


def test_old_compiled_code_goes_when_there_is_too_much(tmp_path: Path) -> None:
    for age in range(10):
        (tmp_path / f"{age}").write_text("")
        os.utime(tmp_path / f"{age}", (1000 - age, 1000 - age))
    setup.prune(tmp_path, most=10)
    assert len(list(tmp_path.iterdir())) == 10
    setup.prune(tmp_path, most=9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "3"]


def test_the_second_process_finds_the_compiled_code_of_the_first(tmp_path: Path) -> None:
    code = (
        "import hdsl, sys; m = hdsl.parse('data y : real; y ~ normal(mu, 2); mu ~ normal(1, 3)');"
        "run = m.fit({'y': [1.0, 2.0]}, chains=1, draws=5, warmup=5, seed=int(sys.argv[1]));"
        "print('numpyro' in sys.modules, float(run.data['posterior']['mu'].mean()))"
    )
    environment = {**os.environ, "HDSL_CACHE": str(tmp_path)}
    kept, said = [], []
    for seed in ("3", "3", "4"):
        run = subprocess.run(
            [sys.executable, "-c", code, seed], env=environment, check=True, capture_output=True
        )
        said.append(run.stdout.split())
        kept.append({path.name for path in (tmp_path / "programs").iterdir()})
    assert len(kept[0]) == 4 and kept[0] == kept[1] == kept[2]
    assert [traced for traced, _ in said] == [b"True", b"False", b"False"]
    assert said[0][1] == said[1][1] != said[2][1]


def test_damaged_programs_are_compiled_anew(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "fit")
    (tmp_path / "fit").write_bytes(b"damaged")
    compiler = Compiler(Kept(tmp_path, "fit"))
    program = compiler.submit(jax.numpy.cumsum, np.ones(3), name="sum")
    assert program.result()(np.ones(3)).tolist() == [1, 2, 3]
    compiler.kept.write()
    for thread in threading.enumerate():
        if thread.name == "hdsl-keep":
            thread.join()
    (written,) = (file for file in tmp_path.iterdir() if file.name != "fit")
    assert kept.program("sum", (np.ones(3),))(np.ones(3)).tolist() == [1, 2, 3]
    assert kept.program("sum", (np.ones(4),)) is None
    written.write_bytes(b"damaged")
    assert kept.program("sum", (np.ones(3),)) is None
