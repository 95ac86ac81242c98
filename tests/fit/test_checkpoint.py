"""A killed fit goes on from its checkpoints, to the very draws that it would have made."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import hdsl
from hdsl import ModelError
from hdsl.fit import checkpoint, load
from hdsl.fit.checkpoint import Checkpoints, Stream
from hdsl.fit.draft import open_draft, part_of
from hdsl.fit.progress import Silent
from tests.fit.test_sampling import CONJUGATE, CtrlC, Y
from tools.documents import ROOT

OPTIONS = {"chains": 2, "draws": 3000, "warmup": 200, "seed": 5}
KILLED = r"""
import os, sys, time
from hdsl.fit import checkpoint, nuts
from tests.fit.test_checkpoint import OPTIONS, Y, CONJUGATE
import hdsl
checkpoint.SECONDS, checkpoint.SHARE, nuts.BLOCK = 0.0, 0, int(sys.argv[3])
keep = nuts._keep
def slowly(chain):
    keep(chain)
    os.write(1, f"{chain.state.done}\n".encode())
    time.sleep(0.05)
nuts._keep = slowly
model = hdsl.parse(CONJUGATE, "conjugate.hdsl")
model.fit({"y": Y}, out=sys.argv[1], backend=sys.argv[2], **OPTIONS)
"""


def _killed(out: Path, backend: str, after: int, block: int) -> None:
    """Leaves what a fit leaves that SIGKILL hits once a chain has come so far."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(out), backend, str(block)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if int(line) >= after:
            break
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    process.stdout.close()


def _refusal(error: pytest.ExceptionInfo[ModelError]) -> tuple[str, str, str | None]:
    (found,) = error.value.diagnostics
    return found.code, found.headline, found.help


@pytest.fixture(scope="module")
def conjugate(cache: Path) -> hdsl.Model:
    return hdsl.parse(CONJUGATE, "conjugate.hdsl")


@pytest.fixture(scope="module")
def killed(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The place of a RUN whose fit was killed among its draws."""
    out = tmp_path_factory.mktemp("killed") / "demand.run"
    _killed(out, "numpyro", 700, 40)
    return out


@pytest.fixture
def unfinished(killed: Path, tmp_path: Path) -> Path:
    """The same in a folder of its own."""
    import shutil

    shutil.copytree(part_of(killed), part_of(tmp_path / "demand.run"))
    return tmp_path / "demand.run"


@pytest.mark.parametrize(
    ("backend", "after", "block"),
    [
        pytest.param("numpyro", 700, 40, id="among the draws"),
        pytest.param("numpyro", 30, 7, id="in the warm-up"),
        pytest.param("pymc", 700, 40, id="pymc", marks=pytest.mark.slow),
    ],
)
def test_after_a_kill_the_draws_are_those_of_a_fit_that_was_left_alone(
    conjugate: hdsl.Model, tmp_path: Path, backend: str, after: int, block: int
) -> None:
    if backend == "pymc":
        pytest.importorskip("pymc")
    out = tmp_path / "demand.run"
    _killed(out, backend, after, block)
    assert [path.name for path in tmp_path.iterdir()] == ["demand.run.part"]
    resumed = conjugate.fit({"y": Y}, out=out, backend=backend, resume=True, **OPTIONS)
    whole = conjugate.fit({"y": Y}, backend=backend, **OPTIONS)
    for group in ("posterior", "sample_stats", "posterior_predictive", "log_likelihood"):
        for name, values in whole.data[group].data_vars.items():
            np.testing.assert_array_equal(resumed.data[group][name], values)
    assert resumed.complete
    assert [path.name for path in tmp_path.iterdir()] == ["demand.run"]
    assert {path.name for path in out.iterdir()} == {
        *("learned.json", "training.json", "model.hdsl", f"model_{backend}.py")
    } | {"results.nc", "run.json"}


def test_a_killed_fit_is_not_begun_again_unasked(conjugate: hdsl.Model, unfinished: Path) -> None:
    with pytest.raises(ModelError) as error:
        conjugate.fit({"y": Y}, out=unfinished, **OPTIONS)
    assert _refusal(error) == (
        "H523",
        f"{unfinished}.part holds an unfinished fit",
        f"`hdsl fit --resume {unfinished}` goes on with it; `--overwrite` begins again",
    )
    run = conjugate.fit({"y": Y}, out=unfinished, overwrite=True, chains=1, draws=10, warmup=10)
    assert run.complete
    assert not part_of(unfinished).exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": {"y": Y + 1}}, "the data have changed since"),
        ({"text": CONJUGATE + "# more\n"}, "the model's text has changed since"),
        ({"draws": 20}, "it was begun with other options since (draws 3000, now 20)"),
        ({"jax": "0.1"}, "it was begun by other versions since (jax 0.1, now "),
    ],
)
def test_what_has_changed_since_is_told(
    unfinished: Path, change: dict[str, object], said: str
) -> None:
    record = part_of(unfinished) / "draft.json"
    if "jax" in change:
        begun = json.loads(record.read_text())
        begun["versions"]["jax"] = change.pop("jax")
        record.write_text(json.dumps(begun))
    model = hdsl.parse(str(change.pop("text", CONJUGATE)), "conjugate.hdsl")
    data = change.pop("data", {"y": Y})
    with pytest.raises(ModelError) as error:
        model.fit(data, out=unfinished, resume=True, **{**OPTIONS, **change})
    code, headline, advice = _refusal(error)
    assert (code, advice) == (
        "H528",
        "take back the change to go on with it, or begin again with `--overwrite`",
    )
    assert headline.startswith(f"{unfinished} cannot be resumed: {said}")
    assert record.is_file()


def test_there_must_be_something_to_resume(conjugate: hdsl.Model, tmp_path: Path) -> None:
    out = tmp_path / "demand.run"
    with pytest.raises(ModelError) as error:
        conjugate.fit({"y": Y}, out=out, resume=True)
    assert _refusal(error)[:2] == ("H528", f"nothing to resume at {out}")
    conjugate.fit({"y": Y}, out=out, chains=1, draws=10, warmup=10)
    with pytest.raises(ModelError) as error:
        conjugate.fit({"y": Y}, out=out, resume=True)
    assert _refusal(error)[:2] == ("H528", f"nothing to resume: {out} is complete")


def test_a_broken_checkpoint_is_told(conjugate: hdsl.Model, unfinished: Path) -> None:
    file = next((part_of(unfinished) / "checkpoints").glob("chain-*-*.npz"))
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ModelError) as error:
        conjugate.fit({"y": Y}, out=unfinished, resume=True, **OPTIONS)
    code, headline, advice = _refusal(error)
    assert (code, advice) == ("H528", "begin again with `--overwrite`")
    assert headline.startswith(f"the checkpoint {part_of(unfinished) / 'checkpoints'} cannot be ")


def test_after_ctrl_c_the_partial_run_can_be_completed(
    conjugate: hdsl.Model, tmp_path: Path
) -> None:
    out = tmp_path / "demand.run"
    options = {"chains": 2, "draws": 60_000, "warmup": 100, "seed": 3}
    conjugate.fit({"y": Y}, out=out, progress=CtrlC(after=200), **options)
    partial = load(out)
    assert not partial.complete
    assert partial.verdict().lines[1].endswith("`hdsl fit --resume` draws the rest.")
    resumed = conjugate.fit({"y": Y}, out=out, resume=True, **options)
    whole = conjugate.fit({"y": Y}, **options)
    np.testing.assert_array_equal(resumed.data["posterior"]["mu"], whole.data["posterior"]["mu"])
    assert load(out).complete
    assert [path.name for path in tmp_path.iterdir()] == ["demand.run"]
    assert not (out / "checkpoints").exists()


def test_a_short_fit_writes_no_checkpoint(
    conjugate: hdsl.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stream, "save", lambda *_: pytest.fail("it was saved"))
    conjugate.fit({"y": Y}, out=tmp_path / "demand.run", chains=2, draws=50, warmup=50)


def test_a_full_disk_is_told_once_and_the_fit_goes_on(
    conjugate: hdsl.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = []

    class Notes(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    monkeypatch.setattr(checkpoint, "_write", full)
    out = tmp_path / "demand.run"
    run = conjugate.fit({"y": Y}, out=out, chains=1, draws=100, warmup=50, progress=Notes())
    assert run.complete
    assert notes == ["no checkpoint can be written (No space left on device): the fit goes on"]


def test_two_fits_do_not_write_one_run(conjugate: hdsl.Model, tmp_path: Path) -> None:
    out = tmp_path / "demand.run"
    with open_draft(out, overwrite=False) as draft:
        with pytest.raises(ModelError) as error:
            conjugate.fit({"y": Y}, out=out)
        assert _refusal(error)[:2] == ("H523", f"another fit is writing {out}")
        assert draft.folder.is_dir()


def test_a_stranger_where_the_draft_would_stand_is_left_alone(
    conjugate: hdsl.Model, tmp_path: Path
) -> None:
    stranger = tmp_path / "demand.run.part"
    stranger.mkdir()
    (stranger / "thesis.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(ModelError) as error:
            conjugate.fit({"y": Y}, out=tmp_path / "demand.run", overwrite=overwrite)
        assert _refusal(error)[0] == "H523"
    assert (stranger / "thesis.txt").read_text() == "mine"


def test_a_kill_while_publishing_loses_neither_the_old_nor_the_new_run(
    conjugate: hdsl.Model, tmp_path: Path
) -> None:
    options = {"chains": 1, "draws": 10, "warmup": 10}
    out = tmp_path / "demand.run"
    conjugate.fit({"y": Y}, out=out, seed=1, **options)
    old = tmp_path / ".demand.run-old-x"
    old.mkdir()
    out.rename(old / "demand.run")  # killed before the new one took its place
    with pytest.raises(ModelError) as error:
        conjugate.fit({"y": Y}, out=out, **options)
    assert _refusal(error)[:2] == ("H523", f"{out} exists")
    assert [path.name for path in tmp_path.iterdir()] == ["demand.run"]
    new = conjugate.fit({"y": Y}, out=tmp_path / "new.run", seed=2, **options)
    assert new.path is not None
    new.path.rename(part_of(out))  # killed when the new one was whole
    with pytest.raises(ModelError) as error:
        conjugate.fit({"y": Y}, out=out, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["demand.run"]
    assert load(out).info["options"]["seed"] == 2


def test_a_stream_comes_back_as_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Checkpoints(tmp_path).stream("chain-0", pytest.fail)
    assert stream.restored() is None
    assert not stream.due
    stream.add({"z": np.arange(3.0)})
    stream.add({"z": np.arange(2.0)})
    stream.save({"at": np.asarray(5)})
    stream.add({"z": np.ones(1)})
    stream.save({"at": np.asarray(6)})
    monkeypatch.setattr(time, "perf_counter", lambda: 1e12)
    assert stream.due
    again = Checkpoints(tmp_path).stream("chain-0", pytest.fail).restored()
    assert again is not None
    assert int(again.state["at"]) == 6
    assert [rows["z"].tolist() for rows in again.rows] == [[0, 1, 2, 0, 1], [1]]
    assert Checkpoints().stream("chain-0", pytest.fail).restored() is None
