"""Poolings side by side: what is estimated, and what predicts best."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import hdsl
from hdsl.data.frames import read_table
from hdsl.source import Source
from hdsl.workflow.pool import pool
from hdsl.workflow.poolings import Poolings
from hdsl.workflow.refit import Refit
from tools.documents import ROOT

MODEL = """\
level region
data y : real
y ~ normal(alpha, 1)
alpha ~ region
mean(alpha) ~ normal(0, 10)
sd(alpha) ~ halfnormal(3)
"""
SIZES = (2, 3, 4, 6, 9, 14)
QUICK = {"chains": 2, "draws": 250, "warmup": 250, "seed": 1}


def regions(spread: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    region = np.repeat(np.arange(len(SIZES)), SIZES)
    alpha = 5 + spread * rng.normal(size=len(SIZES))
    return {"region": region, "y": rng.normal(alpha[region], 1)}


@pytest.fixture(scope="module")
def rows() -> Mapping[str, np.ndarray]:
    return regions(1.0)


@pytest.fixture(scope="module")
def found(rows: Mapping[str, np.ndarray]) -> Poolings:
    return hdsl.parse(MODEL).pool(rows, holdout="region", folds=3, **QUICK)


def test_what_was_fitted_before_a_kill_is_not_fitted_again(
    found: Poolings,
    rows: Mapping[str, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "p.jsonl"
    fit, fits = Refit.fit, []

    def counted(self: Refit, changed: Mapping[str, object], seed: int) -> object:
        if len(fits) == 6:  # 1 + 3, 1 + 3, and the last two
            raise KeyboardInterrupt
        fits.append(seed)
        return fit(self, changed, seed)

    monkeypatch.setattr(Refit, "fit", counted)
    with pytest.raises(KeyboardInterrupt):
        hdsl.parse(MODEL).pool(rows, holdout="region", folds=3, out=out, **QUICK)
    assert len(out.read_text().splitlines()) == 1 + 6
    fits.clear()
    again = hdsl.parse(MODEL).pool(rows, holdout="region", folds=3, out=out, **QUICK)
    assert len(fits) == 12 - 6
    assert again.as_json() == found.as_json()

    fits.clear()
    whole = hdsl.parse(MODEL).pool(rows, out=out, **QUICK)  # without folds: nothing is missing
    assert (len(fits), whole.variants[1].groups) == (0, None)
    with pytest.raises(hdsl.ModelError, match="not the same draws"):
        hdsl.parse(MODEL).pool(rows, out=out, **{**QUICK, "draws": 100})


def test_groups_are_estimated_by_themselves_together_and_in_between(
    found: Poolings, rows: Mapping[str, np.ndarray]
) -> None:
    own = np.array([rows["y"][rows["region"] == g].mean() for g in range(len(SIZES))])
    none, written, complete = (v.estimates["alpha"] for v in found.variants)

    assert none.mean == pytest.approx(own, abs=0.2)
    assert none.sd == pytest.approx(1 / np.sqrt(SIZES), rel=0.2)
    assert float(complete.mean) == pytest.approx(rows["y"].mean(), abs=0.05)
    towards = (written.mean - own) * (float(written.mean.mean()) - own)
    assert (towards[np.abs(own - own.mean()) > 0.3] > 0).all()  # shrunk, all of them
    centre = written.mean.mean()
    assert np.abs(written.mean - centre).sum() < np.abs(own - centre).sum()


def test_the_tables_have_the_smallest_groups_first(found: Poolings) -> None:
    cells = found.of_groups("alpha")

    assert [row[:2] for row in cells] == [[str(g), str(n)] for g, n in enumerate(SIZES)]
    assert all(len(row) == 5 and all("±" in cell for cell in row[2:]) for row in cells)
    population = {row[0]: row[1:] for row in found.of_population()}
    assert set(population) == {"mean(alpha)", "sd(alpha)"}
    assert population["sd(alpha)"][0] == population["sd(alpha)"][2] == "–"


def test_held_out_groups_are_scored_by_the_population(
    found: Poolings, rows: Mapping[str, np.ndarray]
) -> None:
    """Complete pooling predicts a group it has not seen as it does any other: in closed form."""
    complete = found.variants[2]
    assert complete.groups is not None
    none, written = (v.groups for v in found.variants[:2])
    assert none is not None and written is not None
    assert none.sum() < written.sum()  # without pooling there is nothing but the prior

    from hdsl.workflow.scores import folds_of

    y, region = rows["y"], rows["region"]
    exact = np.zeros(len(SIZES))
    for fold in folds_of(len(SIZES), 3, seed=1):
        out = np.isin(region, fold)
        prior_mean, prior_sd = y.mean(), 2.5 * y.std(ddof=1)
        precision = (~out).sum() + prior_sd**-2
        mean = (y[~out].sum() + prior_mean * prior_sd**-2) / precision
        variance = 1 + 1 / precision
        scores = -0.5 * (y - mean) ** 2 / variance - 0.5 * np.log(2 * np.pi * variance)
        np.add.at(exact, region[out], scores[out])
    # the population's own mean has a prior of its own in the model without a level
    assert complete.groups == pytest.approx(exact, abs=0.25)


def test_it_says_which_predicts_best(found: Poolings) -> None:
    said = list(found.lines())

    assert " predicts left-out rows best; " in said[0]
    assert " predicts unseen groups of `region` best; " in said[1]
    ranked = found.comparison(of_groups=True)
    assert ranked[0][2] == ""
    assert [row[0] for row in ranked][-1] == "no pooling"
    assert len(found.comparison()[0]) == 5
    whole = json.loads(found.as_json())
    assert list(whole["poolings"]) == ["no pooling", "as written", "complete pooling"]
    assert set(whole["poolings"]["as written"]["estimates"]["alpha"]) == {
        str(g) for g in range(len(SIZES))
    }


@pytest.mark.parametrize(
    ("holdout", "says"),
    [("county", "no level `county`"), ("row", "no level `row`"), ("side", "has 2 groups")],
)
def test_a_level_without_groups_to_hold_out(
    rows: Mapping[str, np.ndarray], holdout: str, says: str
) -> None:
    model = MODEL.replace("level region", "level region\nlevel side")
    data = {**rows, "side": np.arange(len(rows["y"])) % 2}
    with pytest.raises(hdsl.ModelError, match=says) as caught:
        hdsl.parse(model).pool(data, holdout=holdout, **QUICK)
    assert [d.code for d in caught.value.diagnostics] == ["H557"]


def test_an_unknown_coefficient_is_said_to_be_so(found: Poolings) -> None:
    with pytest.raises(hdsl.ModelError, match="no coefficient `beta`"):
        found.of_groups("beta")


def test_outcomes_that_are_missing_are_no_ones_score(rows: Mapping[str, np.ndarray]) -> None:
    y = rows["y"].copy()
    y[[0, 7, 20]] = np.nan
    found = hdsl.parse(MODEL).pool({**rows, "y": y}, holdout="region", folds=2, **QUICK)

    assert {len(v.rows.scores) for v in found.variants} == {sum(SIZES) - 3}
    assert all(v.groups is not None and np.isfinite(v.groups).all() for v in found.variants)


def test_many_rows_are_scored_by_a_sample_of_them(
    rows: Mapping[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hdsl.workflow import scores

    monkeypatch.setattr(scores, "MOST", 20)
    monkeypatch.setattr(scores, "SAMPLED", 15)
    found = hdsl.parse(MODEL).pool(rows, **QUICK)

    assert [len(v.rows.scores) for v in found.variants] == [15, 15, 15]
    assert "15 of 38 rows were scored, drawn at random and the same for each model." in list(
        found.lines()
    )
    ranked = found.comparison()
    assert float(ranked[0][1]) == pytest.approx(
        38 * max(v.rows.scores.mean() for v in found.variants), abs=0.06
    )


def test_masks_leave_out_what_they_say(rows: Mapping[str, np.ndarray]) -> None:
    """A fit without some rows is the fit to the others."""
    from hdsl.fit.draws import Settings
    from hdsl.workflow.design import design
    from hdsl.workflow.prior import prepare

    model = hdsl.parse("data y : real\ny ~ normal(mu, 1)\nmu ~ normal(0, 10)\n").ir
    table = hdsl.data.frames.from_frame({"y": rows["y"]})
    prepared = prepare(design(model, table))
    refit = Refit(prepared, Settings(2, 500, 300, 0), masked=True)
    kept = np.arange(10)
    left_out = np.arange(10, len(rows["y"]))
    fitted = refit.fit(refit.masks({"y": left_out}), 1)
    refit.close()

    precision = 10 + 1 / 100
    mean = rows["y"][kept].sum() / precision
    assert fitted.values["mu"].mean() == pytest.approx(mean, abs=0.06)
    assert fitted.values["mu"].std() == pytest.approx(precision**-0.5, rel=0.15)


@pytest.mark.slow
def test_partial_pooling_predicts_radon_best() -> None:
    folder = ROOT / "examples/radon"
    source = Source((folder / "model.hdsl").read_text(encoding="utf-8"), "model.hdsl")
    tables = {"county": read_table(folder / "county.csv")}
    found = pool(
        source, read_table(folder / "radon.csv"), tables, holdout="county",
        chains=2, draws=500, warmup=500, seed=1,
    )  # fmt: skip

    assert found.comparison()[0][0] == "as written"
    assert [row[0] for row in found.comparison(of_groups=True)] == [
        "as written", "complete pooling", "no pooling",
    ]  # fmt: skip
    assert "no pooling" in next(iter(found.lines())).partition("clearly worse:")[2]
