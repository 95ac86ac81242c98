"""The results hold the model's own names, labels and rows, and the right numbers under them."""

from pathlib import Path

import numpy as np
import pytest

import hdsl
from hdsl.fit import Run
from tests.fit.garden import DRAWS, LABELS, MISSING, garden

SEEN = [row for row in range(1, 81) if row not in MISSING]


@pytest.fixture(params=["run", "pymc_run"])
def fitted(request: pytest.FixtureRequest) -> Run:
    found: Run = request.getfixturevalue(request.param)
    return found


def test_quantities_are_called_as_in_the_model(fitted: Run) -> None:
    posterior = fitted.data["posterior"].dataset
    assert set(posterior.data_vars) == {
        "sigma",
        "alpha",
        "beta",
        "mean(alpha)",
        "mean(beta)",
        "sd(alpha)",
        "sd(beta)",
        "slope(alpha, soil)",
        "slope(beta, soil)",
        "cor(alpha, beta)",
        "dev(alpha)",
        "dev(beta)",
        "gap",
        "weight",
    }
    assert posterior["alpha"].dims == ("chain", "draw", "bed")
    assert posterior["sigma"].shape == (2, DRAWS)
    assert set(posterior["bed"].to_numpy()) == set(LABELS)


def test_groups_are_those_of_arviz(fitted: Run) -> None:
    assert set(fitted.data.children) == {
        "posterior",
        "sample_stats",
        "log_likelihood",
        "posterior_predictive",
        "observed_data",
        "constant_data",
        "auxiliary",
    }


def test_a_total_is_the_sum_of_its_parts(fitted: Run) -> None:
    posterior = fitted.data["posterior"].dataset
    soil = fitted.data["constant_data"]["soil"]
    total = posterior["mean(alpha)"] + posterior["slope(alpha, soil)"] * soil
    total = total + posterior["dev(alpha)"]
    np.testing.assert_allclose(
        total.transpose("chain", "draw", "bed"), posterior["alpha"], atol=1e-12
    )
    gap = posterior["alpha"].sel(bed="bed/1") - posterior["alpha"].sel(bed="bed 🌱")
    np.testing.assert_allclose(gap, posterior["gap"], atol=1e-12)


def test_a_missing_outcome_is_drawn_on_its_rows(fitted: Run) -> None:
    weight = fitted.data["posterior"]["weight"]
    assert weight.dims == ("chain", "draw", "row")
    assert weight["row"].to_numpy().tolist() == list(MISSING)
    beds = garden()["bed"]
    assert weight["bed_of_row"].to_numpy().tolist() == [beds[row - 1] for row in MISSING]
    assert (weight > 0).all()
    assert np.ptp(weight.to_numpy(), axis=(0, 1)).min() > 0


def test_predictions_are_on_both_scales_and_on_all_rows(fitted: Run) -> None:
    predicted = fitted.data["posterior_predictive"].dataset
    assert set(predicted.data_vars) == {"weight", "log(weight)"}
    assert predicted["weight"].sizes == {"chain": 2, "draw": DRAWS, "row": 80}
    assert predicted["row"].to_numpy().tolist() == list(range(1, 81))
    assert predicted["bed"].to_numpy().tolist() == garden()["bed"].tolist()
    np.testing.assert_allclose(np.exp(predicted["log(weight)"]), predicted["weight"])
    missing = fitted.data["posterior"]["weight"].to_numpy()
    np.testing.assert_array_equal(predicted["weight"].sel(row=list(MISSING)), missing)


def test_predictions_follow_the_model(fitted: Run) -> None:
    predicted = fitted.data["posterior_predictive"]["log(weight)"]
    expected, sigma = _location(fitted), fitted.data["posterior"]["sigma"].to_numpy()
    scores = (predicted.to_numpy() - expected) / sigma[:, :, None]
    assert abs(scores.mean()) < 4 / np.sqrt(scores.size)
    assert abs(scores.std() - 1) < 4 / np.sqrt(2 * scores.size)


def test_log_likelihood_is_that_of_each_observed_row(fitted: Run) -> None:
    found = fitted.data["log_likelihood"]["weight"]
    assert found["row"].to_numpy().tolist() == SEEN
    at = np.array(SEEN) - 1
    sigma = fitted.data["posterior"]["sigma"].to_numpy()[:, :, None]
    score = (np.log(garden()["weight"][at]) - _location(fitted)[:, :, at]) / sigma
    expected = -0.5 * score**2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(found, expected, atol=1e-8)


def _location(fitted: Run) -> np.ndarray:
    """The mean of log(weight) on every row, from the draws of the coefficients."""
    posterior, data = fitted.data["posterior"].dataset, garden()
    by_row = posterior[["alpha", "beta"]].sel(bed=data["bed"].tolist())
    found: np.ndarray = by_row["alpha"].to_numpy() + by_row["beta"].to_numpy() * data["sun"]
    return found


def test_observed_and_constant_data_are_those_given(fitted: Run) -> None:
    data, observed = garden(), fitted.data["observed_data"].dataset
    np.testing.assert_allclose(observed["weight"], data["weight"])
    np.testing.assert_allclose(observed["log(weight)"], np.log(data["weight"]))
    constant = fitted.data["constant_data"].dataset
    np.testing.assert_allclose(constant["sun"], data["sun"])
    assert constant["soil"].dims == ("bed",)
    by_row = constant["soil"].sel(bed=data["bed"].tolist()).to_numpy()
    np.testing.assert_allclose(by_row, data["soil"])


def test_statistics_have_the_names_of_arviz(fitted: Run) -> None:
    stats = fitted.data["sample_stats"].dataset
    assert set(stats.data_vars) == {
        "lp",
        "energy",
        "acceptance_rate",
        "diverging",
        "n_steps",
        "tree_depth",
        "step_size",
    }
    assert stats["diverging"].dtype == bool
    assert (2 ** stats["tree_depth"] - 1 >= stats["n_steps"]).all()


def test_both_backends_agree(run: Run, pymc_run: Run) -> None:
    ours, theirs = run.table(list(run.population)), pymc_run.table(list(run.population))
    assert ours.labels == theirs.labels
    mean, error = ours.columns.index("mean"), ours.columns.index("mcse_mean")
    errors = np.hypot(ours.values[:, error], theirs.values[:, error])
    assert (np.abs(ours.values[:, mean] - theirs.values[:, mean]) < 5 * errors).all()


@pytest.fixture(scope="module")
def several(cache: Path) -> Run:
    """Two outcomes with gaps in different rows, one a predictor's effect, one of the groups."""
    rng = np.random.default_rng(0)
    x, m = rng.normal(size=(2, 30))
    y, w = m + x, np.exp(x + 0.1 * m)
    y[[2, 5]] = np.nan
    w[[5, 9]] = np.nan
    group = np.repeat(["a", "b", "c"], 10)
    lift = np.repeat(rng.normal(size=3), 10)
    text = (
        "data x, y, m : real\ndata w : positive\ndata lift : real per g\n"
        "m ~ normal(b * x, 1)\ny ~ normal(mu, 1)\nlog(w) ~ normal(f, 1)\nlift ~ normal(f, 1)\n"
        "report mu = c * m\nb, c ~ normal(0, 1)\nf ~ g\n"
    )
    rows = {"x": x, "y": y, "m": m, "w": w, "g": group, "lift": lift}
    return hdsl.parse(text).fit(rows, chains=1, draws=20, warmup=20)


def test_outcomes_with_gaps_in_different_rows_have_each_its_own_axis(several: Run) -> None:
    found = several.data["log_likelihood"].dataset
    assert {name: array.dims[2] for name, array in found.data_vars.items()} == {
        "m": "row",
        "y": "row_of_y",
        "w": "row_of_w",
        "lift": "g",
    }
    gaps = {
        name: set(range(1, 31)) - set(found[name].to_numpy()) for name in ("row_of_y", "row_of_w")
    }
    assert gaps == {"row_of_y": {3, 6}, "row_of_w": {6, 10}}


def test_beside_quantities_of_every_row_a_missing_outcome_is_completed(several: Run) -> None:
    posterior, observed = several.data["posterior"].dataset, several.data["observed_data"].dataset
    assert posterior["mu"].sizes["row"] == posterior["y"].sizes["row"] == 30
    for name, gaps in (("y", [2, 5]), ("w", [5, 9])):
        drawn = np.ptp(posterior[name].to_numpy(), axis=(0, 1)) > 0
        assert np.flatnonzero(drawn).tolist() == gaps
        kept = np.setdiff1d(np.arange(30), gaps)
        np.testing.assert_allclose(posterior[name][0, 0, kept], observed[name][kept])


def test_an_outcome_that_is_a_predictor_elsewhere_keeps_its_values_there(several: Run) -> None:
    posterior = several.data["posterior"].dataset
    measured = several.data["observed_data"]["m"].to_numpy()
    np.testing.assert_allclose(posterior["mu"], posterior["c"].to_numpy()[:, :, None] * measured)
    assert several.data["posterior_predictive"]["lift"].dims == ("chain", "draw", "g")
