"""What is imported, written and printed where nobody asked for it: nothing."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hdsl
from hdsl.fit import setup

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
        "import hdsl, jax; m = hdsl.parse('data y : real; y ~ normal(mu, 2); mu ~ normal(1, 3)');"
        "jax.config.update('jax_explain_cache_misses', False);"
        "m.fit({'y': [1.0, 2.0]}, chains=1, draws=5, warmup=5)"
    )
    environment = {**os.environ, "HDSL_CACHE": str(tmp_path)}
    kept = []
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        kept.append({path.name for path in tmp_path.rglob("*-cache")})
    assert kept[0] and kept[0] == kept[1]
