"""New rows bound to what a run remembers: what is known, what is new, and what is wrong."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hdsl
from hdsl.backends import emit
from hdsl.compiler import bind_data, model_of
from hdsl.data.frames import from_frame
from hdsl.data.new_rows import NewRows, Remembered, bind_new
from hdsl.data.training import from_json, remember
from hdsl.diagnostics.diagnostic import Severity
from hdsl.fit.fitting import fit
from hdsl.fit.run import load
from hdsl.source import Source
from tests.backends import densities

type Columns = Mapping[str, Sequence[Any]]

MODEL = """\
level store in market
data y, x : real
data size : real per store
data income : real per market
y ~ normal(a + b * x, sigma)
a ~ market / store | size, income
b ~ market
"""
ROWS: Columns = {
    "market": ["p", "p", "p", "q", "q", "q"],
    "store": ["s1", "s2", "s2", "s3", "s4", "s4"],
    "y": [1.0, 2.0, 3.0, 4.0, 5.0, 6.5],
    "x": [0.0, 1.0, 2.0, 0.5, 1.5, 2.5],
    "size": [1.0, 2.0, 2.0, 3.0, 4.0, 4.0],
    "income": [10.0, 10.0, 10.0, 20.0, 20.0, 20.0],
}


@pytest.fixture
def bind(tmp_path: Path) -> Callable[..., NewRows]:
    """Bind new rows to what was remembered of others."""

    def bound(new: Columns, tables: Mapping[str, Columns] | None = None, **options: Any) -> NewRows:
        model = model_of(Source(options.pop("model", MODEL), "shops.hdsl"))
        binding = bind_data(model, from_frame(options.pop("rows", ROWS)))
        assert binding.sound, binding.diagnostics
        generated = emit(model, "numpyro", binding.facts)
        module = densities.load(generated.text, tmp_path, "made")
        learned = module.prepare(binding.rows, binding.tables)["learned"]
        training = from_json(remember(binding.dataset, binding.facts.missing).as_json())
        by_level = {level: from_frame(table) for level, table in (tables or {}).items()}
        found = bind_new(model, from_frame(new), by_level, Remembered(training, learned), **options)
        if found.sound:  # what comes out is what the generated code takes
            module.prepare(found.rows, found.tables, found.learned)
        return found

    return bound


def _new(**changes: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """Two rows of known groups without an outcome, changed."""
    known = {"market": ["q", "p"], "store": ["s3", "s1"], "x": [1.0, 2.0]}
    return {name: values for name, values in {**known, **changes}.items() if len(values)}


def _errors(found: NewRows) -> list[tuple[str, str]]:
    return [(d.code, d.headline) for d in found.diagnostics if d.severity is Severity.ERROR]


def test_known_groups_need_neither_outcomes_nor_tables(bind: Callable[..., NewRows]) -> None:
    found = bind(_new())
    assert (found.sound, dict(found.new)) == (True, {})
    assert found.tables["store"]["size"].tolist() == [1.0, 3.0]
    assert found.tables["market"]["income"].tolist() == [10.0, 20.0]
    assert found.learned["store"] == ["s1", "s3"]


def test_a_parent_is_remembered(bind: Callable[..., NewRows]) -> None:
    found = bind(_new(market=[]))
    assert found.sound
    assert found.dataset.groups["market"].labels == ("p", "q")
    assert found.rows["market"].tolist() == ["q", "p"]


def test_what_is_said_now_goes_before_what_is_remembered(bind: Callable[..., NewRows]) -> None:
    found = bind(_new(), {"market": {"market": ["p"], "income": [11.0]}})
    assert found.tables["market"]["income"].tolist() == [11.0, 20.0]


def test_new_groups_come_with_their_own_data(bind: Callable[..., NewRows]) -> None:
    table = {"store": ["t1", "t2"], "size": [7.0, 8.0], "market": ["p", "r"]}
    found = bind(
        _new(market=[], store=["t2", "t1"]),
        {"store": table, "market": {"market": ["r"], "income": [30.0]}},
    )
    assert found.sound, found.diagnostics
    assert dict(found.new) == {"market": ("r",), "store": ("t1", "t2")}
    assert found.tables["store"]["size"].tolist() == [7.0, 8.0]
    assert found.rows["market"].tolist() == ["r", "p"]


def test_a_missing_column_is_named(bind: Callable[..., NewRows]) -> None:
    found = bind(_new(x=[]))
    assert _errors(found) == [("H910", "the data have no column `x`")]
    with_outcomes = bind(_new(), with_outcomes=True)
    assert _errors(with_outcomes) == [("H910", "the data have no column `y`")]


def test_an_empty_file(bind: Callable[..., NewRows]) -> None:
    found = bind({name: [] for name in ROWS})
    assert _errors(found) == [("H906", "there are no rows in the data")]


def test_a_child_under_another_parent(bind: Callable[..., NewRows]) -> None:
    found = bind(_new(market=["p", "p"]))
    assert _errors(found) == [
        ("H951", "1 group of `store` lies in another `market` than in training")
    ]
    assert found.diagnostics[0].notes == ('store "s3": "q" in training, "p" here',)


def test_a_level_of_another_type(bind: Callable[..., NewRows]) -> None:
    found = bind(_new(store=[1, 2], size=[1.0, 2.0]))
    assert (
        _errors(found)
        == [
            (
                "H952",
                "the labels of `store` are whole numbers here and were words and numbers in "
                "training",
            )
        ]
        or _errors(found)[0][0] == "H952"
    )


def test_a_new_group_without_its_predictor(bind: Callable[..., NewRows]) -> None:
    found = bind(_new(store=["s3", "t1"]))
    assert _errors(found) == [("H953", "`size` is not known of 1 new group of `store`")]
    assert "--table store=FILE" in str(found.diagnostics[0].help)


def test_a_missing_predictor_is_counted(bind: Callable[..., NewRows]) -> None:
    found = bind(_new(x=[None, 2.0]))
    assert _errors(found) == [("H954", "`x` is missing in 1 row of 2")]
    assert found.diagnostics[0].notes == ("row 1",)


def test_text_among_numbers(bind: Callable[..., NewRows]) -> None:
    found = bind(_new(x=["cheap", "2"]))
    assert _errors(found)[0] == ("H912", "column `x` holds text where numbers are needed")


FACTOR = """\
data y : real
data kind : factor per store
y ~ normal(a, sigma)
a ~ store | kind
"""
KINDS: Columns = {
    "store": ["s1", "s2", "s3", "s4", "s5", "s6"],
    "kind": ["u", "v", "u", "v", "w", "w"],
    "y": [1.0, 2.0, 3.0, 4.0, 5.0, 6.5],
}


def test_an_unknown_label_of_a_factor(bind: Callable[..., NewRows]) -> None:
    found = bind({"store": ["t1"], "kind": ["z"]}, model=FACTOR, rows=KINDS)
    assert _errors(found) == [("H955", "`kind` has 1 label that training did not have")]
    assert bind({"store": ["t1"], "kind": ["v"]}, model=FACTOR, rows=KINDS).sound


WALK = """\
level week ordered
data y : real
y ~ normal(trend, sigma)
trend[week] ~ randomwalk(s)
s ~ halfnormal(1)
"""
WEEKS: Columns = {"week": [1, 2, 3, 5, 6, 7], "y": [1.0, 2.0, 1.5, 1.0, 3.0, 2.0]}


def test_a_step_back_in_an_ordered_level(bind: Callable[..., NewRows]) -> None:
    ahead = bind({"week": [9, 2, 8]}, model=WALK, rows=WEEKS)
    assert (ahead.sound, ahead.new["week"]) == (True, ("8", "9"))
    assert ahead.learned["week"] == ["1", "2", "3", "5", "6", "7"]  # a walk needs all of its past
    back = bind({"week": [4, 8]}, model=WALK, rows=WEEKS)
    assert _errors(back) == [
        ("H956", "1 group of `week` that training did not have lies before its end")
    ]


def test_the_steps_between_are_taken_where_training_was_evenly_spaced(
    bind: Callable[..., NewRows],
) -> None:
    even = {"week": [1, 2, 3, 4, 5, 6], "y": WEEKS["y"]}
    text = WALK.replace("y : real", "y : real; data z : real per week") + "report q = z\n"
    found = bind({"week": [8, 2], "z": [1.0, 1.0]}, model=text, rows={**even, "z": [0.5] * 6})
    assert (found.sound, found.new["week"]) == (True, ("8",))
    assert found.learned["week"] == ["1", "2", "3", "4", "5", "6", "7", "8"]
    assert found.tables["week"]["z"].tolist() == [0.5, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0]


def test_a_sum_of_zero_takes_no_new_groups(bind: Callable[..., NewRows]) -> None:
    text = WALK.replace("randomwalk", "zerosum").replace(" ordered", "")
    found = bind({"week": [1, 8]}, model=text, rows=WEEKS)
    assert [code for code, _ in _errors(found)] == ["H956"]


def test_picked_groups_keep_all_of_their_level(bind: Callable[..., NewRows]) -> None:
    text = MODEL + 'gap = a["s1"] - a["s4"]\n'
    found = bind(_new(), model=text)
    assert found.learned["store"] == ["s1", "s2", "s3", "s4"]
    assert found.tables["store"]["size"].tolist() == [1.0, 2.0, 3.0, 4.0]


# ---------------------------------------------------------------- with a run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> hdsl.Run:
    model = hdsl.parse(
        "data y : real\ndata x : positive\ndata lx = log(x - 1)\n"
        "y ~ normal(a + b * lx, sigma)\na, b ~ store\n",
        "logs.hdsl",
    )
    rng = np.random.default_rng(1)
    rows = {"y": rng.normal(size=24), "x": 2 + rng.random(24), "store": np.repeat([1, 2, 3, 4], 6)}
    out = tmp_path_factory.mktemp("runs") / "logs.run"
    return fit(model.ir, bind_data(model.ir, from_frame(rows)), chains=1, draws=20, out=out)


def _refused(run: hdsl.Run, rows: Columns, **options: Any) -> tuple[str, str]:
    with pytest.raises(hdsl.ModelError) as error:
        run.predict(rows, **options)
    found = error.value.diagnostics[0]
    return found.code, found.headline


def test_data_that_cannot_be_computed(run: hdsl.Run) -> None:
    rows = {"x": [2.5, 1.0, 3.0], "store": [1, 1, 2]}
    assert _refused(run, rows) == ("H958", "`lx` cannot be computed in 1 of 3 rows")


def test_unseen_groups_may_be_refused(run: hdsl.Run) -> None:
    rows = {"x": [2.5, 2.0], "store": [1, 9]}
    assert _refused(run, rows, unseen="error") == ("H957", "1 group of `store` is new")


def test_a_run_of_the_first_format(run: hdsl.Run) -> None:
    assert run.path is not None
    old = load(run.path)
    object.__setattr__(old._contents, "training", {})
    code, headline = _refused(old, {"x": [2.5], "store": [1]})
    assert (code, headline.startswith("the run was written by a version")) == ("H950", True)
