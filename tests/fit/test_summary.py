"""Summaries show, select and spell quantities as the model does."""

import csv
import io
import json

import numpy as np
import pytest
import xarray as xr

from hdsl import ModelError
from hdsl.fit import Run
from hdsl.fit.summary import summarise


@pytest.fixture
def posterior() -> xr.Dataset:
    rng = np.random.default_rng(0)
    sample = ("chain", "draw")
    return xr.Dataset(
        {
            "sigma": (sample, 2 + 0.013 * rng.normal(size=(2, 100))),
            "alpha": ((*sample, "bed"), rng.normal(size=(2, 100, 2))),
            "slope(alpha, w ∕ v)": (sample, 1234.5 + 40 * rng.normal(size=(2, 100))),
            "eta": ((*sample, "bed", "week"), rng.normal(size=(2, 100, 2, 2))),
        },
        {"bed": np.array(["b/1", "x]"], dtype=object), "week": np.array([1, 2])},
    )


def test_a_row_is_labelled_by_quantity_and_group(posterior: xr.Dataset) -> None:
    assert summarise(posterior).labels == (
        "sigma",
        "alpha[b/1]",
        "alpha[x]]",
        "slope(alpha, w / v)",
        "eta[b/1, 1]",
        "eta[b/1, 2]",
        "eta[x], 1]",
        "eta[x], 2]",
    )


def test_quantities_and_members_are_picked_by_their_names(posterior: xr.Dataset) -> None:
    picked = summarise(posterior, ["alpha[b/1]", "slope(alpha, w / v)", "slope(alpha, w ∕ v)"])
    assert picked.labels == ("alpha[b/1]", "slope(alpha, w / v)", "slope(alpha, w / v)")
    assert picked.values[0, 0] == pytest.approx(float(posterior["alpha"][:, :, 0].mean()))


@pytest.mark.parametrize(
    ("name", "advice"),
    [("sigm", "did you mean `sigma`?"), ("alpha[Clay]", "did you mean `alpha`?")],
)
def test_an_unknown_name_is_an_error_with_the_nearest(
    posterior: xr.Dataset, name: str, advice: str
) -> None:
    with pytest.raises(ModelError) as raised:
        summarise(posterior, [name])
    (found,) = raised.value.diagnostics
    assert (found.code, found.headline, found.help) == (
        "H527",
        f"the results have no quantity `{name}`",
        advice,
    )


def test_columns_name_the_interval(posterior: xr.Dataset) -> None:
    assert summarise(posterior, ["sigma"]).columns[:4] == ("mean", "sd", "eti89_lb", "eti89_ub")
    shortest = summarise(posterior, ["sigma"], ci_prob=0.5, ci_kind="hdi")
    assert shortest.columns[2:4] == ("hdi50_lb", "hdi50_ub")


def test_cells_have_the_digits_that_the_sd_makes_worth_reading(posterior: xr.Dataset) -> None:
    cells = {row[0]: row[1:] for row in summarise(posterior).cells()}
    assert [cells["sigma"][0], cells["slope(alpha, w / v)"][0]] == [
        f"{float(posterior['sigma'].mean()):.3f}",
        f"{float(posterior['slope(alpha, w ∕ v)'].mean()):.0f}",
    ]


def test_csv_and_json_hold_every_digit(run: Run) -> None:
    table = run.table()
    rows = list(csv.reader(io.StringIO(table.csv())))
    assert rows[0] == ["quantity", *table.columns]
    assert [row[0] for row in rows[1:]] == list(table.labels)
    np.testing.assert_array_equal(np.array([row[1:] for row in rows[1:]], float), table.values)
    found = json.loads(table.json())
    assert list(found) == list(table.labels)
    assert found["sigma"]["mean"] == table.values[table.labels.index("sigma"), 0]


def test_what_cannot_be_computed_is_null(posterior: xr.Dataset) -> None:
    constant = posterior[["sigma"]] * 0 + 1
    table = summarise(constant, ["sigma"])
    assert json.loads(table.json())["sigma"]["r_hat"] is None
    assert table.cells()[0][table.columns.index("r_hat") + 1] == "–"


def test_what_the_model_fixes_at_a_number_is_shown_where_it_is_asked_for(
    posterior: xr.Dataset,
) -> None:
    half = posterior["alpha"] * np.array([0.0, 1.0])
    fixed = posterior[["sigma"]].assign({"sd(alpha)": posterior["sigma"] * 0 + 1, "alpha": half})

    assert summarise(fixed).labels == ("sigma", "alpha[x]]")
    asked = ["sd(alpha)", "alpha", "alpha[b/1]"]
    assert summarise(fixed, asked).labels == ("sd(alpha)", "alpha[x]]", "alpha[b/1]")


def test_population_level_quantities_are_those_without_groups(run: Run) -> None:
    assert set(run.population) == {
        "sigma",
        "mean(alpha)",
        "mean(beta)",
        "sd(alpha)",
        "sd(beta)",
        "slope(alpha, soil)",
        "slope(beta, soil)",
        "cor(alpha, beta)",
        "gap",
    }


def test_a_data_frame_has_the_labels_as_index(run: Run) -> None:
    frame = run.summary("alpha")
    assert list(frame.index)[:2] == list(run.table("alpha").labels)[:2]
    assert list(frame.columns) == list(run.table("alpha").columns)
