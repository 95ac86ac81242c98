"""`lag(x, week)`: the same values in the binding and in the generated `prepare`, rows left out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdsl.backends import emit
from hdsl.compiler import bind_data, check_source
from hdsl.data.bind import Binding
from hdsl.data.frames import from_frame
from hdsl.data.new_rows import NewRows, Remembered, bind_new
from hdsl.data.training import remember
from hdsl.source import Source
from tests.backends import densities
from tests.data.binding import model_of

HEAD = "level week ordered\nlevel store\ndata y, x : real\n"
LAGGED = "y ~ normal(a + b * {lag}, s)\na ~ store\nb ~ 1\n"
ROWS: Mapping[str, Sequence[Any]] = {  # in no order; store v has no week 10
    "store": ["u", "v", "u", "v", "u", "v", "u"],
    "week": [10, 9, 9, 11, 11, 8, 12],
    "x": [10.0, 29.0, 9.0, 31.0, 11.0, 28.0, 12.0],
    "y": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
}


def made(lag: str, tmp_path: Path, new: Mapping[str, Any] | None = None) -> Any:
    """The binding and what `prepare` makes of it; with new rows, of these."""
    model = model_of(HEAD + LAGGED.format(lag=lag))
    binding = bind_data(model, from_frame(ROWS))
    assert binding.sound, binding.diagnostics
    module = densities.load(emit(model, "numpyro", binding.facts).text, tmp_path, "made")
    data = module.prepare(binding.rows, binding.tables)
    if new is None:
        return binding, data
    known = Remembered(remember(binding.dataset, binding.facts.missing), data["learned"])
    found = bind_new(model, from_frame(new), {}, known)
    return found, module.prepare(found.rows, found.tables, found.learned)


@pytest.mark.parametrize(
    ("lag", "entry", "kept", "values"),
    [
        ("lag(x, week)", "lag_x_week", [1, 2, 5, 7], [9, 28, 10, 11]),
        ("lag(x, week, store)", "lag_x_week_store", [1, 2, 5, 7], [9, 28, 10, 11]),
        ("lag(lag(x, week), week)", "lag_lag_x_week_week", [4, 5, 7], [29, 9, 10]),
        ("lag(2 * x, week)", "lag_2_x_week", [1, 2, 5, 7], [18, 56, 20, 22]),
        ("lag(y, week)", "lag_y_week", [1, 2, 5, 7], [3, 6, 1, 5]),
    ],
)
def test_values_and_rows(
    lag: str, entry: str, kept: list[int], values: list[float], tmp_path: Path
) -> None:
    binding, data = made(lag, tmp_path)
    assert isinstance(binding, Binding)
    assert [d.code for d in binding.diagnostics if d.code == "H916"] == ["H916"]
    assert (binding.dataset.kept + 1).tolist() == data["coords"]["row"].tolist() == kept
    assert data[entry].tolist() == values
    assert binding.dataset.columns[lag].numbers.tolist() == values


def test_new_rows_find_what_stands_in_training(tmp_path: Path) -> None:
    new = {"store": ["u", "v", "v", "u"], "week": [13, 13, 12, 14], "x": [13.0, 33.0, 32.0, 14.0]}
    found, data = made("lag(x, week)", tmp_path, new)
    assert isinstance(found, NewRows)
    assert found.sound
    assert data["lag_x_week"].tolist() == [12.0, 32.0, 31.0, 13.0]


def test_new_rows_without_a_predecessor_are_left_out(tmp_path: Path) -> None:
    new = {"store": ["u", "new"], "week": [13, 13], "x": [1.0, 2.0]}
    found, data = made("lag(y, week)", tmp_path, new)  # whose outcome is not known
    assert [d.code for d in found.diagnostics] == ["H916"]
    assert (data["coords"]["row"].tolist(), data["lag_y_week"].tolist()) == ([1], [7.0])


def errors(lag: str, **columns: Sequence[Any]) -> list[str]:
    model = model_of(HEAD + LAGGED.format(lag=lag) + "b2 ~ month\nz ~ normal(b2, 1)\ndata z : real")
    month = [int(week) // 10 for week in ROWS["week"]]
    rows = {**ROWS, "month": month, "z": np.arange(7.0), **columns}
    return [d.headline for d in bind_data(model, from_frame(rows)).diagnostics if d.code == "H944"]


def test_what_cannot_be_told_is_asked() -> None:
    assert errors("lag(x, week)") == ["does a series of `x` end where `month` changes?"]
    assert errors("lag(x, week, store)") == []
    assert errors("lag(x, week, store)", week=[9, 9, 9, 11, 11, 8, 12]) == [
        "`x` has several values in one `week` of one `store`"
    ]
    assert errors("lag(x, week, store)", store=list("abcdefg")) == ["no row has an earlier `x`"]


@pytest.mark.parametrize(
    ("lag", "code"),
    [
        ("lag(x)", "H205"),
        ("lag(x, store)", "H410"),
        ("lag(x, wek)", "H203"),
        ("lag(a, week)", "H207"),
        ("lag(week_name, week)", "H308"),
    ],
)
def test_what_no_lag_is(lag: str, code: str) -> None:
    text = HEAD + "data week_name : factor\n" + LAGGED.format(lag=lag)
    model, found = check_source(Source(text, "model.hdsl"))
    assert (model, [d.code for d in found if d.code != "H201"]) == (None, [code])
