"""A RUN is written whole or not at all, can be moved, and is refused where it is none."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import hdsl
from hdsl import ModelError
from hdsl.fit import Run, fitting, load
from tests.fit.garden import MODEL


def _refusal(error: pytest.ExceptionInfo[ModelError]) -> tuple[str, str]:
    (found,) = error.value.diagnostics
    return found.code, found.headline


def test_a_saved_run_comes_back_as_it_was_wherever_it_is(run: Run, tmp_path: Path) -> None:
    run.save(tmp_path / "a.run")
    (tmp_path / "elsewhere").mkdir()
    moved = (tmp_path / "a.run").rename(tmp_path / "elsewhere" / "b.run")
    again = hdsl.load(moved)
    for name, group in run.data.children.items():
        xr.testing.assert_identical(again.data[name].dataset, group.dataset)
    assert again.model == MODEL
    assert dict(again.info) == json.loads(json.dumps(run.info))
    assert again.table().labels == run.table().labels
    assert again.verdict() == run.verdict()
    assert sorted(p.name for p in moved.iterdir()) == [
        "learned.json",
        "model.hdsl",
        "model_numpyro.py",
        "results.nc",
        "run.json",
        "training.json",
    ]


def test_the_folder_says_how_it_ran(run: Run) -> None:
    assert run.info["status"] == "complete"
    assert run.info["options"] == {
        "chains": 2,
        "draws": 200,
        "warmup": 300,
        "seed": 1,
        "target_accept": 0.8,
        "level": 1,
        "without": [],
    }
    assert run.info["data"]["rows"] == 80
    assert run.info["data"]["groups"] == {"bed": 10}
    assert run.info["versions"]["numpyro"]
    assert set(run.info["seconds"]) == {"prepare", "compile", "sample", "finish", "total"}


def test_the_python_that_ran_is_the_one_that_compile_writes(
    run: Run, model: hdsl.Model, rows: dict[str, np.ndarray]
) -> None:
    assert run.python == {"model_numpyro.py": model.source("numpyro", rows)}


def test_a_run_that_exists_is_refused_before_anything_is_drawn(
    model: hdsl.Model,
    rows: dict[str, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fitting, "_fit_in", lambda *_: pytest.fail("it was fitted"))
    out = tmp_path / "garden.run"
    out.mkdir()
    with pytest.raises(ModelError) as error:
        model.fit(rows, out=out)
    assert _refusal(error) == ("H523", f"{out} exists")
    with pytest.raises(ModelError) as error:
        model.fit(rows, out=out, overwrite=True)
    assert _refusal(error) == ("H523", f"{out} exists and is not a RUN, so it is not overwritten")


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_drawn(
    model: hdsl.Model,
    rows: dict[str, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fitting, "_fit_in", lambda *_: pytest.fail("it was fitted"))
    with pytest.raises(ModelError) as error:
        model.fit(rows, out=tmp_path / "no such folder" / "garden.run")
    assert _refusal(error) == (
        "H524",
        f"cannot write to {tmp_path / 'no such folder'}: No such file or directory",
    )


def test_overwriting_leaves_one_whole_run(run: Run, tmp_path: Path) -> None:
    out = run.save(tmp_path / "a.run")
    (out / "stale.txt").write_text("from before")
    run.save(out, overwrite=True)
    assert not (out / "stale.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.run"]
    assert load(out).complete


def test_a_fit_that_fails_while_writing_leaves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hdsl.fit.run.write_contents", broken)
    out = tmp_path / "a.run"
    with pytest.raises(ModelError) as error:
        run.save(out)
    said = f"the results cannot be written to {out}.part: No space left on device"
    assert _refusal(error) == ("H524", said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["run.json", "results.nc", "model.hdsl", "learned.json"])
def test_a_folder_that_lacks_a_file_is_no_run(run: Run, tmp_path: Path, missing: str) -> None:
    out = run.save(tmp_path / "a.run")
    (out / missing).unlink()
    with pytest.raises(ModelError) as error:
        load(out)
    assert _refusal(error) == ("H526", f"{out} is no RUN")


def test_a_folder_that_is_not_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        load(tmp_path / "a.run")
    assert _refusal(error) == ("H526", f"{tmp_path / 'a.run'} does not exist")


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 99, "hdsl": "9.0"}', "{}"])
def test_a_run_that_cannot_be_understood_is_an_error(run: Run, tmp_path: Path, text: str) -> None:
    out = run.save(tmp_path / "a.run")
    (out / "run.json").write_text(text)
    with pytest.raises(ModelError) as error:
        load(out)
    assert _refusal(error)[0] == "H526"


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("run.json", '{"format": 2}', "run.json does not say `model`"),
        ("learned.json", "[1]", "learned.json is damaged"),
        ("learned.json", '{"bed": ["1', "learned.json is damaged (Unterminated string"),
        ("training.json", '{"rows": 3}', "training.json is damaged"),
        ("training.json", '{"rows": 3, "missing": [], "levels": "x"}', "training.json is damaged"),
    ],
)
def test_a_file_that_is_damaged_is_named(
    run: Run, tmp_path: Path, file: str, text: str, says: str
) -> None:
    out = run.save(tmp_path / "a.run")
    (out / file).write_text(text)
    with pytest.raises(ModelError) as error:
        load(out).predict({"bed": ["1"]})
    code, headline = _refusal(error)
    assert (code, headline.startswith(f"{out} is not whole: {says}")) == ("H526", True), headline


def test_results_that_cannot_be_read_are_an_error(run: Run, tmp_path: Path) -> None:
    out = run.save(tmp_path / "a.run")
    (out / "results.nc").write_bytes(b"\0" * 100)
    with pytest.raises(ModelError) as error:
        load(out).table()
    assert _refusal(error) == ("H526", f"{out} is not whole: results.nc cannot be read")


def test_a_notebook_shows_table_and_verdict(run: Run) -> None:
    html = run._repr_html_()
    assert html.count("<tr") == 1 + len(run.population)
    assert html.count("<li>") == len(run.verdict().lines)
