"""Predictions of rows: the same as those of the fit, whole in files, and from either backend."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import xarray as xr

import hdsl
from hdsl.fit import Run
from hdsl.fit import prediction as engine
from hdsl.fit.prediction_files import MOST_LINES, write_draws
from tests.fit.conftest import model, pymc_run, rows, run
from tests.fit.garden import LABELS
from tests.predict.exact import run_with

__all__ = ["model", "pymc_run", "rows", "run"]


def _without(rows: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: values for name, values in rows.items() if name not in names}


@pytest.mark.parametrize("which", ["run", "pymc_run"])
def test_training_rows_are_predicted_as_in_the_fit(
    which: str, rows: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    fitted: Run = request.getfixturevalue(which)
    found = fitted.predict(_without(rows, "weight"))
    told = fitted.data["posterior_predictive"]["log(weight)"]
    drawn = told.stack(all=("chain", "draw"))
    error = drawn.std("all").to_numpy() * np.sqrt(2 / drawn.sizes["all"])
    difference = found.columns["log(weight)_mean"] - drawn.mean("all").to_numpy()
    assert np.abs(difference / error).max() < 5
    assert found.columns["row"].tolist() == list(range(1, 81))
    assert found.columns["bed"].tolist() == rows["bed"].tolist()


def test_both_scales_and_all_draws(run: Run, rows: dict[str, Any]) -> None:
    found = run.predict(_without(rows, "weight", "soil"), draws=True, quantiles=[0.25])
    assert found.draws is not None
    assert found.draws["weight"].dims == ("chain", "draw", "row")
    np.testing.assert_allclose(np.log(found.draws["weight"]), found.draws["log(weight)"])
    assert list(found.frame().columns) == [
        *("row", "bed"),
        *("weight_mean", "weight_sd", "weight_q25"),
        *("log(weight)_mean", "log(weight)_sd", "log(weight)_q25"),
    ]
    flat = found.draws["weight"].stack(all=("chain", "draw"))
    np.testing.assert_allclose(found.columns["weight_mean"], flat.mean("all"))
    np.testing.assert_allclose(found.columns["weight_q25"], flat.quantile(0.25, "all"))


def test_statistics_of_many_rows_are_of_fewer_draws(
    run: Run, rows: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run.predict(rows, draws=True)
    assert whole.used == (400, 400)
    assert whole.draws is not None
    monkeypatch.setattr(engine, "MOST_DRAWN", 80 * 50)  # 50 draws of 80 rows
    monkeypatch.setattr(engine, "LEAST_DRAWS", 10)
    found = run.predict(rows)
    assert found.used == (50, 400)
    some = whole.draws["weight"].stack(all=("chain", "draw"))
    some = some.isel(all=np.linspace(0, 399, 50).round().astype(int))
    np.testing.assert_allclose(found.columns["weight_mean"], some.mean("all"))
    assert run.predict(rows, draws=True).used == (400, 400)


def test_chunks_make_no_difference(
    run: Run, rows: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run.predict(rows)
    monkeypatch.setattr(engine, "HELD_VALUES", 30 * 400)  # 30 rows at a time
    monkeypatch.setattr(engine, "CALL_VALUES", 30 * 70)  # 70 draws at a time
    parts = run.predict(rows)
    for name in ("weight_mean", "log(weight)_sd", "log(weight)_q95"):
        np.testing.assert_allclose(parts.columns[name], whole.columns[name], rtol=1e-9)


def test_files_hold_what_was_predicted(run: Run, rows: dict[str, Any], tmp_path: Path) -> None:
    from hdsl.fit.predict import predict

    def written(name: str, draws: bool) -> engine.Prediction:
        return predict(run, rows, None, "draw", (0.5,), draws, 3, tmp_path / name)

    found = written("p.csv", False)
    table = pl.read_csv(tmp_path / "p.csv")
    assert table["bed"].to_list() == [LABELS[i // 8] for i in range(80)]
    np.testing.assert_allclose(table["weight_q50"], found.columns["weight_q50"])
    written("p.parquet", False)
    assert pl.read_parquet(tmp_path / "p.parquet").equals(table)
    written("p.nc", False)
    with xr.open_dataset(tmp_path / "p.nc") as dataset:
        np.testing.assert_allclose(dataset["weight_sd"], found.columns["weight_sd"])
    written("d.nc", True)
    written("d.parquet", True)
    lines = pl.read_parquet(tmp_path / "d.parquet")
    with xr.open_dataset(tmp_path / "d.nc") as dataset:
        assert dataset["weight"].shape == (2, 200, 80)
        own = lines.filter((pl.col("row") == 7) & (pl.col("chain") == 1))
        np.testing.assert_allclose(own["weight"], dataset["weight"][1, :, 6])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("d.nc", "d.parquet", "p.csv", "p.nc", "p.parquet"),
    ]


def test_a_csv_of_too_many_draws_is_refused(
    run: Run, rows: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hdsl.data.frames import from_frame
    from hdsl.fit.session import open_session

    assert MOST_LINES > 80 * 400
    monkeypatch.setattr("hdsl.fit.prediction_files.MOST_LINES", 1000)
    predictor = engine.Predictor(open_session(run, from_frame(rows), {}))
    with pytest.raises(hdsl.ModelError) as error:
        write_draws(predictor, (), tmp_path / "d.csv")
    assert error.value.diagnostics[0].code == "H524"
    assert list(tmp_path.iterdir()) == []


def test_rows_that_say_the_same_have_draws_of_their_own(run: Run) -> None:
    found = run.predict({"bed": ["z", "z"], "sun": [0.5, 0.5]}, draws=True)
    assert found.draws is not None
    first, second = found.draws["log(weight)"].transpose("row", ...).to_numpy()
    assert 0.02 < np.abs(first - second).mean() < 2


def test_nonsense_is_refused(run: Run) -> None:
    new = {"bed": ["z"], "sun": [0.5]}
    with pytest.raises(ValueError, match="one of draw, mean, error"):
        run.predict(new, unseen="never")  # type: ignore[arg-type]  # what a slip would give
    with pytest.raises(ValueError, match="between 0 and 1"):
        run.predict(new, quantiles=[5])


IMPUTED = """\
data y, x : real
data z : real impute
data w : real impute per g
y ~ normal(a + 2 * z, 0.05)
a ~ g | w
z ~ normal(3 * x, 0.4)
w ~ normal(1, 0.2)
mean(a) = 0; slope(a, w) = 1; sd(a) = 0.3
"""


def test_missing_predictors_of_new_rows_are_drawn() -> None:
    """Two rows of a new group, of which z and w are missing: z is each row's own, w the group's."""
    rng = np.random.default_rng(0)
    rows = {"g": np.repeat(["a", "b", "c"], 5), "x": rng.normal(size=15), "z": rng.normal(size=15)}
    rows |= {"y": rng.normal(size=15), "w": np.repeat([0.5, np.nan, 1.5], 5)}
    rows["z"][3] = np.nan
    fitted = run_with(IMPUTED, rows, {}, draws=20_000)
    found = fitted.predict({"g": ["n", "n"], "x": [1.0, 0.0]}, draws=True).draws
    assert found is not None
    drawn = found["y"].to_numpy().reshape(-1, 2)
    assert drawn.mean(axis=0) == pytest.approx([7, 1], abs=0.05)
    of_group, of_row = 0.3**2 + 0.2**2, 4 * 0.4**2 + 0.05**2
    expected = of_group + of_row * np.eye(2)
    assert np.cov(drawn.T) == pytest.approx(expected, abs=0.05)
