"""Frames of every library give the same table."""

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from hdsl.data.frames import from_frame
from hdsl.diagnostics.diagnostic import ModelError

COLUMNS: dict[str, list[Any]] = {
    "whole": [1.0, None, 30.0],
    "mixed": [1.5, 2.0, None],
    "text": ["007", None, "x"],
    "flag": [True, False, True],
    "day": [datetime.date(2024, 1, 9)] * 3,
    "count": [3, 4, 5],
}

MAKERS: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "pandas": pd.DataFrame,
    "pandas nullable": lambda c: pd.DataFrame(c).convert_dtypes(),
    "pandas categorical": lambda c: pd.DataFrame(c).astype({"text": "category"}),
    "polars": pl.DataFrame,
    "polars lazy": pl.LazyFrame,
    "polars categorical": lambda c: pl.DataFrame(c).cast({"text": pl.Categorical}),
    "pyarrow": pa.table,
    "mapping": dict,
    "mapping of arrays": lambda c: {k: np.array(v, dtype=object) for k, v in c.items()},
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_labels_are_the_text_and_numbers_are_floats(make: Callable[..., Any]) -> None:
    table = from_frame(make(COLUMNS))

    assert {name: table.labels(name).tolist() for name in table.columns} == {
        "whole": ["1", None, "30"],
        "mixed": ["1.5", "2", None],
        "text": ["007", None, "x"],
        "flag": ["true", "false", "true"],
        "day": ["2024-01-09"] * 3,
        "count": ["3", "4", "5"],
    }
    np.testing.assert_array_equal(table.numbers("whole"), [1, np.nan, 30])
    np.testing.assert_array_equal(table.numbers("mixed"), [1.5, 2, np.nan])
    np.testing.assert_array_equal(table.numbers("flag"), [1, 0, 1])
    assert table.numbers("count").dtype == np.float64


def test_a_table_is_taken_as_it_is() -> None:
    table = from_frame({"y": [1]})
    assert from_frame(table) is table


def test_identifiers_too_large_for_a_float_stay_whole() -> None:
    table = from_frame(pl.DataFrame({"id": [9007199254740993, 2]}))
    assert table.labels("id").tolist() == ["9007199254740993", "2"]


def test_what_is_no_table() -> None:
    with pytest.raises(ModelError) as caught:
        from_frame([1, 2])
    [found] = caught.value.diagnostics
    assert (found.code, found.headline) == ("H902", "cannot read a `list` as a table")


def test_columns_of_different_lengths() -> None:
    with pytest.raises(ModelError) as caught:
        from_frame({"a": [1, 2], "b": [1]})
    [found] = caught.value.diagnostics
    assert (found.code, found.notes) == ("H903", ("`a` has 2, `b` has 1",))


def test_two_columns_that_print_alike() -> None:
    with pytest.raises(ModelError) as caught:
        from_frame({1: [1], "1": [2]})
    [found] = caught.value.diagnostics
    assert found.code == "H904"


@pytest.mark.parametrize("frame", [{}, pd.DataFrame(), pl.DataFrame()])
def test_a_frame_without_columns_has_no_rows(frame: Any) -> None:
    table = from_frame(frame)
    assert (table.columns, table.height) == ((), 0)
