"""The generated `prepare`, run: labels, groups, tables, what is learned, and what it refuses."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import polars as pl
import pytest

from hdsl.backends import emit
from hdsl.compiler import model_of
from hdsl.ir.facts import Facts
from hdsl.source import Source
from tests.backends import densities

BY_STORE = """\
level store
data y, x : real
y ~ normal(a + b * x, sigma)
a, b ~ store
"""
NESTED = """\
level store in market
data y : real
data size : real per store
data income : real per market
y ~ normal(a, sigma)
a ~ market / store | size, income
"""


@pytest.fixture
def module(tmp_path: Path):
    def build(text: str, facts: Facts | None = None) -> ModuleType:
        return densities.load(emit(model_of(Source(text)), "numpyro", facts).text, tmp_path, "made")

    return build


def columns(**given):
    return {name: np.array(values) for name, values in given.items()}


FOUR = columns(store=[10.0, 2.0, 2.0, 1.0], y=[1.0, 2.0, 3.0, 4.0], x=[0.0, 1.0, 0.0, 2.0])


def test_whole_numbers_are_labels_without_a_point_in_their_order(module):
    data = module(BY_STORE).prepare(FOUR)
    assert data["coords"]["store"] == ["1", "2", "10"]
    assert data["store_of_row"].tolist() == [2, 1, 1, 0]
    assert data["coords"]["row"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_serve_as_rows(module, frame):
    data = module(BY_STORE).prepare(frame(FOUR))
    assert data["coords"]["store"] == ["1", "2", "10"]
    assert data["y"].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_mixed_labels_are_sorted_naturally(module):
    found = module(BY_STORE).prepare(FOUR | columns(store=["s10", "s9", "-1", "a b"]))
    assert found["coords"]["store"] == ["-1", "a b", "s9", "s10"]


def test_dates_are_labels(module):
    days = np.array(["2026-01-10", "2026-01-02", "2026-01-02", "2025-12-31"], "datetime64[ns]")
    found = module(BY_STORE).prepare(FOUR | {"store": days})
    assert found["coords"]["store"] == ["2025-12-31", "2026-01-02", "2026-01-10"]


def test_an_ordered_level_keeps_the_order_of_appearance(module):
    text = BY_STORE.replace("level store", "level store ordered")
    found = module(text).prepare(FOUR | columns(store=["low", "mid", "low", "high"]))
    assert found["coords"]["store"] == ["low", "mid", "high"]
    assert module(text).prepare(FOUR)["coords"]["store"] == ["1", "2", "10"]


def test_new_rows_keep_the_groups_and_the_numbers_of_training(module):
    made = module(BY_STORE)
    first = made.prepare(FOUR)
    new = columns(store=[2], x=[100.0])
    second = made.prepare(new, learned=first["learned"])
    assert second["coords"]["store"] == ["1", "2", "10"]
    assert second["store_of_row"].tolist() == [1]
    assert second["mean_x"] == first["mean_x"] == 0.75
    assert np.isnan(second["y"]).all()
    assert first["sd_y"] == pytest.approx(np.std([1, 2, 3, 4], ddof=1))


def test_groups_never_seen_come_after_those_of_training(module):
    made = module(BY_STORE)
    learned = made.prepare(FOUR)["learned"]
    found = made.prepare(FOUR | columns(store=[3, 2, 0, 3]), learned=learned)
    assert found["coords"]["store"] == ["1", "2", "10", "0", "3"]
    assert found["store_of_row"].tolist() == [4, 1, 3, 4]
    assert learned["store"] == ["1", "2", "10"]


def test_new_groups_of_an_ordered_level_follow_in_their_order(module):
    made = module(BY_STORE.replace("level store", "level store ordered"))
    learned = made.prepare(FOUR)["learned"]
    found = made.prepare(FOUR | columns(store=[12, 2, 11, 12]), learned=learned)
    assert found["coords"]["store"] == ["1", "2", "10", "11", "12"]


REPEATED = columns(
    market=["p", "p", "q", "q"],
    store=["s1", "s2", "s1", "s1"],
    y=[1.0, 2.0, 3.0, 4.0],
    size=[1.0, 2.0, 3.0, 3.0],
    income=[5.0, 5.0, 6.0, 6.0],
)


def test_repeated_labels_are_told_apart_by_their_parent(module):
    data = module(NESTED).prepare(REPEATED)
    assert data["coords"]["store"] == ["p:s1", "p:s2", "q:s1"]
    assert data["store_of_row"].tolist() == [0, 1, 2, 2]
    assert data["market_of_store"].tolist() == [0, 0, 1]
    assert data["size"].tolist() == [1.0, 2.0, 3.0]
    assert data["income"].tolist() == [5.0, 6.0]


def test_a_group_may_lie_in_two_levels(module):
    text = NESTED.replace("data size : real per store", "data kind : factor per store").replace(
        "size, income", "kind"
    )
    made = module(text.replace("data income : real per market\n", ""))
    data = made.prepare(REPEATED | columns(kind=["u", "v", "u", "u"]))
    assert data["coords"]["store"] == ["p:u:s1", "p:v:s2", "q:u:s1"]
    assert data["kind_of_store"].tolist() == [0, 1, 0]
    assert data["market_of_store"].tolist() == [0, 0, 1]


def test_new_groups_know_their_parents(module):
    made = module(NESTED)
    alone = made.prepare(REPEATED | columns(store=["s1", "s2", "s3", "s3"]))["learned"]
    new = columns(
        market=["q", "r", "p", "r"], store=["s9", "s9", "s1", "s8"], y=[0.0] * 4, size=[1.0] * 4
    )
    found = made.prepare(new | columns(income=[6.0, 7.0, 5.0, 7.0]), learned=alone)
    assert found["coords"]["market"] == ["p", "q", "r"]
    assert found["coords"]["store"] == ["s1", "s2", "s3", "q:s9", "r:s9", "s8"]
    assert found["market_of_store"].tolist() == [0, 0, 1, 1, 2, 2]


def test_labels_told_apart_by_their_parent_stay_so(module):
    made = module(NESTED)
    learned = made.prepare(REPEATED)["learned"]
    new = columns(market=["q", "r"], store=["s9", "s9"], y=[0.0] * 2, size=[1.0] * 2)
    found = made.prepare(new | columns(income=[6.0, 7.0]), learned=learned)
    assert found["coords"]["store"] == ["p:s1", "p:s2", "q:s1", "q:s9", "r:s9"]


def test_a_known_group_under_another_parent_is_refused(module):
    made = module(NESTED)
    learned = made.prepare(REPEATED | columns(store=["s1", "s2", "s3", "s3"]))["learned"]
    new = columns(market=["q", "p"], store=["s1", "s1"], y=[0.0] * 2, size=[1.0] * 2)
    with pytest.raises(ValueError, match=r"market of store is not as .* rows \[1\]"):
        made.prepare(new | columns(income=[6.0, 5.0]), learned=learned)


def test_labels_that_are_unique_stand_alone(module):
    data = module(NESTED).prepare(REPEATED | columns(store=["s1", "s2", "s3", "s3"]))
    assert data["coords"]["store"] == ["s1", "s2", "s3"]


def test_tables_are_joined_by_label(module):
    rows = {name: REPEATED[name] for name in ("market", "store", "y")}
    store = columns(
        market=["q", "p", "p", "r"], store=["s1", "s2", "s1", "s9"], size=[3.0, 2.0, 1.0, 9.0]
    )
    market = columns(market=["q", "p"], income=[6.0, 5.0])
    data = module(NESTED).prepare(rows, {"store": store, "market": market})
    assert data["size"].tolist() == [1.0, 2.0, 3.0]
    assert data["income"].tolist() == [5.0, 6.0]


def test_a_parent_is_found_in_the_table_of_its_child(module):
    rows = columns(store=["s1", "s3", "s1"], y=[1.0, 2.0, 3.0])
    store = columns(store=["s1", "s2", "s3"], market=["p", "p", "q"], size=[1.0, 2.0, 3.0])
    market = columns(market=["p", "q"], income=[5.0, 6.0])
    data = module(NESTED).prepare(rows, {"store": store, "market": market})
    assert data["coords"]["market"] == ["p", "q"]
    assert data["market_of_row"].tolist() == [0, 1, 0]
    assert data["size"].tolist() == [1.0, 3.0]


def test_what_varies_inside_a_group_is_refused(module):
    with pytest.raises(ValueError, match=r"'income' varies inside a group: rows \[2\]"):
        module(NESTED).prepare(REPEATED | columns(income=[5.0, 5.5, 6.0, 6.0]))


def test_a_group_that_its_table_lacks_is_refused(module):
    market = columns(market=["q"], income=[6.0])
    with pytest.raises(ValueError, match=r"the table of 'market' has no one row for \['p'\]"):
        module(NESTED).prepare(REPEATED, {"market": market})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": [0.0, np.nan, 1.0, np.nan]}, r"'x' is missing in 2 rows: \[2, 4\]"),
        ({"x": ["a", "b", "c", "d"]}, "column 'x' holds text where numbers are needed"),
        ({"y": [1.0, np.nan, 1.0, 2.0]}, "the outcome 'y' is missing in 1 rows.*--data"),
        ({"store": [1.0, np.nan, 2.0, 2.0]}, r"'store' is missing in 1 rows: \[2\]"),
    ],
)
def test_what_is_missing_is_said(module, change, message):
    with pytest.raises(ValueError, match=message):
        module(BY_STORE).prepare(FOUR | columns(**change))


def test_a_column_that_is_not_there(module):
    rows = {name: values for name, values in FOUR.items() if name != "y"}
    with pytest.raises(ValueError, match="the data have no column 'y'"):
        module(BY_STORE).prepare(rows)


def test_missing_outcomes_are_left_out_where_the_data_have_them(module):
    facts = Facts(4, {"store": 3}, {"store": ("1", "2", "10")}, frozenset({"y"}))
    made = module(BY_STORE, facts)
    data = made.prepare(FOUR | columns(y=[1.0, np.nan, 3.0, 4.0]))
    assert data["y"].tolist() == [1.0, 3.0, 4.0]
    assert data["y_seen"].tolist() == [0, 2, 3]
    (point,) = densities.points(made.model, data, 1)
    full = made.prepare({k: v[[0, 2, 3]] for k, v in FOUR.items()}, learned=data["learned"])
    assert densities.numpyro_density(made.model, data, point) == pytest.approx(
        densities.numpyro_density(made.model, full, point)
    )


@pytest.mark.parametrize(
    "values", [[0, 1, 1, 0], [False, True, True, False], ["FALSE", "true", "1", "0"]]
)
def test_binary_columns(module, values):
    made = module("data y : real\ndata b : binary\ny ~ normal(a + c * b, sigma)\na, c ~ 1")
    assert made.prepare(FOUR | columns(b=values))["b"].tolist() == [0.0, 1.0, 1.0, 0.0]
    with pytest.raises(
        ValueError, match=r"column 'b' is not 0 and 1, nor false and true: \['yes'\]"
    ):
        made.prepare(FOUR | columns(b=["yes", "0", "1", "0"]))


def test_rows_that_lack_a_dropped_column_are_left_out(module):
    made = module("data y : real\ndata x : real drop\ny ~ normal(a + b * x, sigma)\na, b ~ 1")
    data = made.prepare(FOUR | columns(x=[0.0, np.nan, 1.0, 2.0]))
    assert data["y"].tolist() == [1.0, 3.0, 4.0]
    assert data["coords"]["row"].tolist() == [1, 3, 4]


def test_group_data_count_each_group_once(module):
    text = """\
data y : real
data income : real per store
data z = standardize(income) per store
y ~ normal(a + b * z, sigma)
a ~ store
b ~ 1
"""
    data = module(text).prepare(FOUR | columns(income=[1.0, 3.0, 3.0, 8.0]))
    assert data["z"].mean() == pytest.approx(0)
    assert data["z"].std(ddof=1) == pytest.approx(1)
    assert len(data["z"]) == 3
