"""Simulated ordered, categorical and imputed data: what a fit makes of them."""

import numpy as np
import pandas as pd
import pytest

import hdsl

pytestmark = pytest.mark.slow
FIT = {"chains": 2, "draws": 400, "warmup": 400}


def within(draws: np.ndarray, truth: float) -> bool:
    """Whether the truth lies within four posterior sds of the mean."""
    return bool(abs(draws.mean() - truth) < 4 * draws.std())


@pytest.mark.parametrize("backend", ["numpyro", "pymc"])
def test_ordered_data(backend: str) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=400)
    latent = 1.2 * x + draw.logistic(size=400)
    stars = np.digitize(latent, [-1.0, 0.5, 2.0]) + 1.0
    stars[[3, 7]] = np.nan
    model = hdsl.parse("data stars : count\ndata x : real\nstars ~ orderedlogistic(b * x)\nb ~ 1")
    run = model.fit(pd.DataFrame({"stars": stars, "x": x}), backend=backend, **FIT)
    posterior = run.data["posterior"].dataset
    assert within(posterior["b"].to_numpy(), 1.2)
    assert list(posterior["cut"].to_numpy()) == ["1|2", "2|3", "3|4"]
    for label, truth in (("1|2", -1.0), ("2|3", 0.5), ("3|4", 2.0)):
        assert within(posterior["cut(stars)"].sel(cut=label).to_numpy(), truth)
    assert (posterior["cut(stars)"].diff("cut") > 0).all()
    predicted = posterior["stars"]
    assert list(predicted["row"].to_numpy()) == [4, 8]
    assert set(np.unique(predicted)) <= {1.0, 2.0, 3.0, 4.0}
    assert list(predicted.attrs["labels"]) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("backend", ["numpyro", "pymc"])
def test_categorical_data(backend: str) -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(size=600)
    utility = np.column_stack([0 * x, 0.5 + x, -0.5 - x]) + draw.gumbel(size=(600, 3))
    choice = np.array(["bus", "car", "foot"], dtype=object)[utility.argmax(axis=1)]
    text = "data choice : factor\ndata x : real\nchoice ~ categorical(logit_p = a + b * x)\n"
    model = hdsl.parse(text + "a[choice], b[choice] ~ 1")
    run = model.fit(pd.DataFrame({"choice": choice, "x": x}), backend=backend, **FIT)
    posterior = run.data["posterior"].dataset
    assert list(posterior["choice_label"].to_numpy()) == ["car", "foot"]
    for name, truth in (("a", (0.5, -0.5)), ("b", (1.0, -1.0))):
        for label, value in zip(("car", "foot"), truth, strict=True):
            assert within(posterior[name].sel(choice_label=label).to_numpy(), value)
    predicted = run.data["posterior_predictive"].dataset["choice"]
    assert list(predicted.attrs["labels"]) == ["bus", "car", "foot"]
    shares = [(predicted == code).mean().item() for code in range(3)]
    observed = [(choice == label).mean() for label in ("bus", "car", "foot")]
    np.testing.assert_allclose(shares, observed, atol=0.05)


@pytest.mark.parametrize("backend", ["numpyro", "pymc"])
def test_an_imputed_predictor(backend: str) -> None:
    draw = np.random.default_rng(2)
    x = draw.normal(size=200)
    t = 20 + 2 * x + 3 * draw.normal(size=200)
    y = 1 + 0.5 * t + 0.3 * draw.normal(size=200)
    gone = draw.random(200) < 0.2
    rows = pd.DataFrame({"y": y, "x": x, "t": np.where(gone, np.nan, t)})
    text = "data y, x : real\ndata t : real impute\ny ~ normal(a + b * t, s)\na, b ~ 1\n"
    run = hdsl.parse(text + "t ~ normal(c + d * x, u)\nc, d ~ 1").fit(rows, backend=backend, **FIT)
    posterior = run.data["posterior"].dataset
    for name, truth in (("b", 0.5), ("d", 2.0), ("u", 3.0)):
        assert within(posterior[name].to_numpy(), truth)
    imputed = posterior["t"]
    assert list(imputed["t_row"].to_numpy()) == list(np.flatnonzero(gone) + 1)
    error = imputed.mean(("chain", "draw")).to_numpy() - t[gone]
    # given y a missing t is known to 0.3 / 0.5, and a little better by its own model
    assert 0.4 < np.sqrt((error**2).mean()) < 0.8
    assert 0.4 < imputed.std(("chain", "draw")).mean().item() < 0.8


def test_without_a_gap_there_is_nothing_to_impute() -> None:
    draw = np.random.default_rng(3)
    t = draw.normal(size=50)
    rows = pd.DataFrame({"y": 2 * t + draw.normal(size=50), "t": t})
    text = "data y : real\ndata t : real impute\ny ~ normal(b * t, s)\nb ~ 1\n"
    run = hdsl.parse(text).fit(rows, **FIT)
    assert "t" not in run.data["posterior"].dataset
    assert within(run.data["posterior"].dataset["b"].to_numpy(), 2.0)
