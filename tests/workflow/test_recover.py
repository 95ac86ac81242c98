"""Recovery: what a design gives back of what was put in."""

from pathlib import Path

import numpy as np
import pytest

import hdsl
from hdsl.workflow.recovery import Recovery, Row
from hdsl.workflow.refit import Fitted, Refit

MODEL = """\
level region
data y : real
y ~ normal(alpha, 1)
alpha ~ region
mean(alpha) ~ normal(0, 5)
sd(alpha) ~ halfnormal(0.2)
"""
ROWS = {"region": [name for name in "abc" for _ in range(20)]}
QUICK = {"chains": 2, "draws": 100, "warmup": 150, "seed": 2}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recovery, Path]:
    out = tmp_path_factory.mktemp("recover") / "r.jsonl"
    return hdsl.parse(MODEL).recover(ROWS, times=4, out=out, **QUICK), out


def test_every_quantity_is_compared_in_every_replicate(found: tuple[Recovery, Path]) -> None:
    recovery, _ = found

    assert recovery.complete
    assert sorted(recovery.replicates) == [1, 2, 3, 4]
    assert {row.name: row.numbers for row in recovery.rows()} == {
        "mean(alpha)": 1, "sd(alpha)": 1, "alpha": 3,
    }  # fmt: skip
    assert [row.name for row in recovery.rows(["alpha"])] == ["alpha[a]", "alpha[b]", "alpha[c]"]
    alpha = recovery.row("alpha")
    assert abs(alpha.bias) < 5 * alpha.bias_error
    assert alpha.width < 0.1  # 20 rows with a noise of 1 against a prior of 5
    assert sum(alpha.quarters) == pytest.approx(1)


def test_it_says_what_the_design_cannot_tell(found: tuple[Recovery, Path]) -> None:
    recovery, _ = found

    (weak,) = [line for line in recovery.lines() if "`sd(alpha)`" in line]
    width = recovery.row("sd(alpha)").width
    assert weak.startswith("3 groups of `region` say ")
    assert weak.endswith(f"its posterior is {width:.0%} as wide as its prior.")
    assert "4 fits are too few to judge coverage: 20 say something." in recovery.lines()


def test_a_second_call_goes_on_from_the_file(
    found: tuple[Recovery, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    recovery, out = found
    fitted: list[int] = []
    fit = Refit.fit

    def counted(self: Refit, changed: dict[str, np.ndarray], seed: int) -> Fitted:
        fitted.append(seed)
        return fit(self, changed, seed)

    monkeypatch.setattr(Refit, "fit", counted)
    again = hdsl.parse(MODEL).recover(ROWS, times=5, out=out, **QUICK)

    assert len(fitted) == 1
    assert [again.replicates[n] for n in range(1, 5)] == list(recovery.replicates.values())
    assert len(again.fits) == 5


def test_an_interrupted_one_keeps_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = Refit.fit
    calls: list[int] = []

    def stopped(self: Refit, changed: dict[str, np.ndarray], seed: int) -> Fitted:
        calls.append(seed)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return fit(self, changed, seed)

    monkeypatch.setattr(Refit, "fit", stopped)
    out = tmp_path / "r.jsonl"
    partial = hdsl.parse(MODEL).recover(ROWS, times=4, out=out, **QUICK)

    assert not partial.complete
    assert sorted(partial.replicates) == [1, 2]
    assert partial.lines()[0] == "Stopped after 2 of 4 replicates: the figures are of those."
    whole = hdsl.parse(MODEL).recover(ROWS, times=3, out=out, **QUICK)
    assert whole.complete
    assert len(calls) == 4


def test_a_replicate_depends_on_its_number_alone(found: tuple[Recovery, Path]) -> None:
    recovery, _ = found
    alone = hdsl.parse(MODEL).recover(ROWS, times=1, **QUICK)

    ours, theirs = alone.replicates[1]["quantities"], recovery.replicates[1]["quantities"]
    assert {name: q["truth"] for name, q in ours.items()} == {
        name: q["truth"] for name, q in theirs.items()
    }


def test_a_truth_that_is_set_is_what_is_compared(found: tuple[Recovery, Path]) -> None:
    set_to = hdsl.parse(MODEL).recover(ROWS, times=2, settings=("sd(alpha) = 0.25",), **QUICK)

    assert [fit["quantities"]["sd(alpha)"]["truth"] for fit in set_to.fits] == [[0.25], [0.25]]
    assert any(line.startswith("The truth was set (sd(alpha) = 0.25)") for line in set_to.lines())


def test_an_unknown_quantity_is_said_to_be_so(found: tuple[Recovery, Path]) -> None:
    with pytest.raises(hdsl.ModelError, match="no quantity `beta`"):
        found[0].rows(["beta"])


def recovery_with(held: list[bool], recovery: Recovery) -> Recovery:
    """The recovery of one number whose 90% intervals held the truth so often."""
    quantiles = [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0]
    replicates = {
        number: {
            "r_hat": 1.0,
            "divergences": 0,
            "quantities": {
                "mean(alpha)": {
                    "truth": [0.0 if inside else 3.0],
                    "mean": [0.0],
                    "sd": [1.0],
                    "quantiles": [quantiles],
                    "rank": [0.5 if inside else 1.0],
                }
            },
        }
        for number, inside in enumerate(held, start=1)
    }
    return Recovery(recovery.prepared, recovery.widths, replicates, len(held), True)


def test_coverage_that_is_off_is_told_from_chance(found: tuple[Recovery, Path]) -> None:
    recovery, _ = found

    fine = recovery_with([True] * 17 + [False] * 3, recovery)
    assert "The fits give back what was put in: coverage is as meant, up to chance." in fine.lines()
    narrow = recovery_with([True] * 10 + [False] * 10, recovery)
    assert (
        "`mean(alpha)`: its 90% intervals held the truth in 50%, which chance does not explain: "
        "they are too narrow, or off."
    ) in narrow.lines()
    row = narrow.row("mean(alpha)")
    assert (row.in50, row.in90) == (0.5, 0.5)
    assert row.bias == pytest.approx(-1.5)
    assert row.quarters == (0, 0, 0.5, 0.5)


def test_a_row_is_shown_with_digits_that_mean_something() -> None:
    row = Row("sd(a)", 1, 0.5, 0.9, -0.01234, 0.0051, 0.876, (0.25, 0.25, 0.2, 0.3))

    assert row.cells() == [
        "sd(a)", "1", "50%", "90%", "-0.0123 ± 0.0051", "88%", " 25  25  20  30",
    ]  # fmt: skip


@pytest.mark.slow
def test_coverage_is_as_meant_where_the_posterior_is_known() -> None:
    """A normal mean with a normal prior: the fit must give back exactly what was put in."""
    model = "data y : real\ny ~ normal(mu, 2)\nmu ~ normal(1, 3)\n"
    recovery = hdsl.parse(model).recover(
        {"x": np.arange(9)}, times=300, chains=2, draws=400, warmup=300, seed=1
    )

    row = recovery.row("mu")
    assert row.in90 == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 300))
    assert row.in50 == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 300))
    assert abs(row.bias) < 4 * row.bias_error
    posterior_sd = (9 / 4 + 1 / 9) ** -0.5
    assert row.width == pytest.approx(posterior_sd / 3, rel=0.1)
    assert max(abs(share - 0.25) for share in row.quarters) < 0.11
    assert "coverage is as meant" in " ".join(recovery.lines())
