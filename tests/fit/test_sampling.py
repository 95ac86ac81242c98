"""Draws come from the posterior, are the same for the same seed, and survive an interruption."""

from pathlib import Path

import numpy as np
import pytest

import hdsl
from hdsl import ModelError
from hdsl.fit import load, nuts
from hdsl.fit.progress import ChainState, Silent

CONJUGATE = "data y : real\ny ~ normal(mu, 2)\nmu ~ normal(1, 3)\n"
Y = np.array([0.3, 4.1, 2.2, 5.0, 1.7, 2.6])


@pytest.fixture(scope="module")
def conjugate(cache: Path) -> hdsl.Model:
    return hdsl.parse(CONJUGATE, "conjugate.hdsl")


def test_draws_are_from_the_posterior_that_algebra_gives(conjugate: hdsl.Model) -> None:
    run = conjugate.fit({"y": Y}, chains=4, draws=2000, warmup=500)
    precision = 1 / 9 + len(Y) / 4
    mean, sd = (1 / 9 + Y.sum() / 4) / precision, precision**-0.5
    row = run.summary("mu").loc["mu"]
    assert abs(row["mean"] - mean) < 4 * row["mcse_mean"]
    assert abs(row["sd"] - sd) < 4 * row["mcse_sd"]
    assert run.verdict().sound


def test_the_same_seed_gives_the_same_draws_whoever_watches_and_however_they_are_cut(
    conjugate: hdsl.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draws(seed: int) -> np.ndarray:
        run = conjugate.fit({"y": Y}, chains=2, draws=50, warmup=100, seed=seed)
        posterior = run.data["posterior"]["mu"].to_numpy()
        predicted = run.data["posterior_predictive"]["y"].to_numpy()
        return np.concatenate([posterior[:, :, None], predicted], axis=2)

    first = draws(3)
    monkeypatch.setattr(nuts, "BLOCK", 7)
    monkeypatch.setattr(nuts, "SECONDS_PER_BLOCK", 1e-9)
    np.testing.assert_array_equal(draws(3), first)
    assert (draws(4) != first).mean() > 0.9
    assert (first[0] != first[1]).mean() > 0.9


class CtrlC(Silent):
    """Interrupts, as a user does, once every chain has come so far."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.done: dict[int, int] = {}

    def update(self, chain: int, state: ChainState) -> None:
        self.done[chain] = state.done
        if len(self.done) == 2 and min(self.done.values()) >= self.after:
            self.after = 10**9
            raise KeyboardInterrupt


def test_ctrl_c_keeps_what_every_chain_has_and_says_that_it_is_partial(
    conjugate: hdsl.Model, tmp_path: Path
) -> None:
    out = tmp_path / "conjugate.run"
    watcher = CtrlC(after=200)
    conjugate.fit(
        {"y": Y}, chains=2, draws=10_000_000, warmup=100, seed=3, out=out, progress=watcher
    )
    run = load(out)
    assert not run.complete
    kept = run.data["posterior"]["mu"]
    assert kept.shape == (2, run.info["draws"])
    assert 100 <= run.info["draws"] < 10_000_000
    assert run.verdict().lines[1].startswith(f"Partial: stopped after {run.info['draws']} of ")
    whole = conjugate.fit({"y": Y}, chains=2, draws=50, warmup=100, seed=3)
    np.testing.assert_array_equal(kept[:, :50], whole.data["posterior"]["mu"])


def test_ctrl_c_during_the_warm_up_leaves_nothing(conjugate: hdsl.Model, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        conjugate.fit(
            {"y": Y},
            chains=2,
            warmup=10_000_000,
            out=tmp_path / "conjugate.run",
            progress=CtrlC(after=1),
        )
    assert list(tmp_path.iterdir()) == []


def test_a_raw_dose_in_an_exponent_does_not_leave_the_chains_stuck(cache: Path) -> None:
    rng = np.random.default_rng(0)
    dose = np.repeat([0.0, 250.0, 500.0, 1000.0], 25)
    dead = rng.binomial(1, 1 / (1 + np.exp(2 - 0.006 * dose)))
    text = (
        "data dead : binary\ndata dose : real\n"
        "dead ~ bernoulli(logit_p = alpha + beta * dose)\n"
        "alpha ~ normal(0, 100)\nbeta ~ normal(0, 100)\n"
    )
    run = hdsl.parse(text).fit({"dead": dead, "dose": dose}, chains=2, draws=500, warmup=500)
    table = run.summary(["alpha", "beta"])
    assert (table["r_hat"] < 1.05).all()
    assert abs(table.loc["beta", "mean"] - 0.006) < 3 * table.loc["beta", "sd"]


def test_priors_without_a_mean_or_a_total_have_a_start(cache: Path) -> None:
    text = "data y : real\ny ~ normal(mu, sigma)\nmu ~ flat()\nsigma^-2 ~ gamma(0.001, 0.001)\n"
    run = hdsl.parse(text).fit({"y": Y}, chains=2, draws=400, warmup=400)
    table = run.summary(["mu", "sigma"])
    assert (table["r_hat"] < 1.05).all()
    assert abs(table.loc["mu", "mean"] - Y.mean()) < 0.3


def test_no_start_at_all_is_an_error_that_names_the_outcome(cache: Path) -> None:
    text = "data y : real\ny ~ normal(log(-1 - x), 1)\nx ~ exponential(1)\n"
    with pytest.raises(ModelError) as raised:
        hdsl.parse(text).fit({"y": Y}, chains=1)
    (found,) = raised.value.diagnostics
    assert found.code == "H521"
    assert found.headline == "no point to start from has a finite log density: that of `y` is not"
    assert found.label is not None
    assert text[found.label.span.start :].startswith("y ~ normal")


def test_a_model_without_parameters_has_nothing_to_sample(cache: Path) -> None:
    with pytest.raises(ModelError) as raised:
        hdsl.parse("data y : real\ny ~ normal(0, 2)\n").fit({"y": Y})
    (found,) = raised.value.diagnostics
    assert (found.code, found.label) == ("H522", None)


def test_too_many_numbers_are_not_kept_and_the_missing_outcome_is_drawn_all_the_same(
    model: hdsl.Model, rows: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = []

    class Notes(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    monkeypatch.setattr("hdsl.fit.draws.POINTWISE_VALUES", 80 * 2 * 200 - 1)
    run = model.fit(rows, chains=2, draws=200, warmup=300, seed=1, progress=Notes())
    assert notes == [
        "log-likelihood and predictions of every row are not kept: 80 rows × 2 chains × 200 draws "
        "are too many numbers"
    ]
    assert set(run.data.children) == {
        "posterior",
        "sample_stats",
        "observed_data",
        "constant_data",
        "auxiliary",
    }
    assert run.data["posterior"]["weight"].sizes == {"chain": 2, "draw": 200, "row": 2}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"backend": "stan"}, "no backend 'stan': one of numpyro, pymc"),
        (
            {"sampler": "nutpie"},
            "numpyro models are not sampled by 'nutpie': one of numpyro",
        ),
        ({"chains": 0}, "a fit needs at least 1 chain, 4 draws, and 0 warm-up steps"),
        ({"seed": -1}, "the seed lies between 0 and 2147483647"),
        ({"target_accept": 1.0}, "target_accept lies between 0 and 1"),
    ],
)
def test_what_cannot_be_had_is_refused(
    conjugate: hdsl.Model, options: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        conjugate.fit({"y": Y}, **options)


@pytest.mark.parametrize(
    ("package", "options"),
    [("pymc", {"backend": "pymc"}), ("nutpie", {"backend": "pymc", "sampler": "nutpie"})],
)
def test_a_missing_extra_is_one_line_that_says_what_to_install(
    conjugate: hdsl.Model,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    options: dict[str, str],
) -> None:
    monkeypatch.setattr(
        "hdsl.fit.failure.find_spec", lambda name: None if name == package else object()
    )
    with pytest.raises(ModelError) as raised:
        conjugate.fit({"y": Y}, **options)
    (found,) = raised.value.diagnostics
    assert (found.code, found.headline, found.help) == (
        "H525",
        f"the package `{package}` is not installed",
        f"`pip install 'hdsl[{package}]'`",
    )


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["pymc", "nutpie"])
def test_every_sampler_of_pymc_draws_from_the_same_posterior(
    model: hdsl.Model, rows: dict[str, np.ndarray], pymc_run: hdsl.Run, sampler: str
) -> None:
    run = model.fit(rows, backend="pymc", sampler=sampler, chains=2, draws=500, warmup=500)
    ours = run.summary(list(run.population))
    theirs = pymc_run.summary(list(run.population))
    errors = np.hypot(ours["mcse_mean"], theirs["mcse_mean"])
    assert ((ours["mean"] - theirs["mean"]).abs() < 5 * errors).all()
    assert set(run.data.children) == set(pymc_run.data.children)
