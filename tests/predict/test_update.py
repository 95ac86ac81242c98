"""Updates: new groups learned given the population, compared with what algebra says."""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hdsl
from hdsl.fit import Run, load
from hdsl.fit.update import Update, update
from tests.predict.exact import run_with

TREE = """\
level sub in market
data y, x : real
y ~ normal(a + b * x, sigma)
a, b ~ market / sub
"""
DRAWS = 4000
SIGMA = 0.5
POPULATION = {
    "mean(a)": 1.0,
    "mean(b)": 2.0,
    "sd(a, market)": 0.5,
    "sd(b, market)": 0.4,
    "sd(a, sub)": 0.3,
    "sd(b, sub)": 0.2,
    "cor(a, b, market)": 0.6,
    "cor(a, b, market) unit": 0.8,
    "cor(a, b, sub)": -0.5,
    "cor(a, b, sub) unit": 0.25,
    "sigma": SIGMA,
    "a[market]": np.array([1.5, 0.0]),
    "b[market]": np.array([2.24, 0.0]),
    "z(a, market)": np.array([1.0, 0.0]),
    "z(b, market)": np.array([0.0, 0.0]),
}
MARKET = np.array([[0.25, 0.12], [0.12, 0.16]])
SUB = np.array([[0.09, -0.03], [-0.03, 0.04]])


@pytest.fixture(scope="module", params=["", " with centered"], ids=["z", "centred"])
def tree(request: pytest.FixtureRequest) -> Run:
    return _run(request.param)


@functools.cache
def _run(suffix: str) -> Run:
    rng = np.random.default_rng(0)
    rows = {
        "market": np.repeat(["m1", "m2"], 10),
        "sub": np.repeat(["s1", "s2", "s3", "s4"], 5),
        "x": rng.normal(size=20),
        "y": rng.normal(size=20),
    }
    return run_with(TREE.rstrip() + suffix + "\n", rows, POPULATION, draws=DRAWS)


@pytest.fixture(scope="module")
def done(tree: Run) -> Update:
    return update(tree, _new(), draws=DRAWS)


def _new() -> dict[str, Any]:
    """A new sub of a known market, one with a single row, and two subs of a new market."""
    rng = np.random.default_rng(5)
    sub = np.repeat(["t1", "t2", "t3", "t4"], [7, 1, 4, 3])
    market = np.repeat(["m1", "m1", "m9", "m9"], [7, 1, 4, 3])
    return {"market": market, "sub": sub, "x": rng.normal(size=15), "y": rng.normal(2, 2, size=15)}


def _posterior(prior: np.ndarray, mean: np.ndarray, design: np.ndarray, y: np.ndarray) -> Any:
    """Mean and covariance of coefficients given rows, all normal."""
    precision = np.linalg.inv(prior)
    covariance = np.linalg.inv(precision + design.T @ design / SIGMA**2)
    return covariance @ (precision @ mean + design.T @ y / SIGMA**2), covariance


def _close(drawn: np.ndarray, expected: tuple[np.ndarray, np.ndarray], slack: float = 5.0) -> None:
    mean, covariance = expected
    count = len(drawn)
    assert np.all(np.abs(drawn.mean(axis=0) - mean) < slack * np.sqrt(np.diag(covariance) / count))
    products = np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2
    assert np.all(np.abs(np.cov(drawn.T) - covariance) < slack * np.sqrt(products / count))


def _coefficients(run: Run, level: str, *labels: str) -> np.ndarray:
    """Draws of a and b of some groups, (draw, a and b of each)."""
    posterior = run.data["posterior"].dataset
    names = ("a", "b") if level == "sub" else ("a[market]", "b[market]")
    columns = [posterior[n].sel({level: label}) for label in labels for n in names]
    return np.stack([column.to_numpy().reshape(-1) for column in columns], axis=1)


def _design(rows: dict[str, Any], label: str) -> tuple[np.ndarray, np.ndarray]:
    own = rows["sub"] == label
    x = rows["x"][own]
    return np.stack([np.ones_like(x), x], axis=1), rows["y"][own]


def test_new_groups_have_their_exact_posterior(tree: Run, done: Update) -> None:
    rows = _new()
    assert dict(done.learned) == {"market": 1, "sub": 4}
    known = np.array([1.5, 2.24])
    centred = "centered" in tree.model
    known = known if centred else np.array([1.0 + 0.5, 2.0 + 0.4 * 0.6])
    for label in ("t1", "t2"):
        expected = _posterior(SUB, known, *_design(rows, label))
        _close(_coefficients(done.run, "sub", label), expected)
    designs = [_design(rows, label) for label in ("t3", "t4")]
    block = np.kron(np.ones((2, 2)), MARKET) + np.kron(np.eye(2), SUB)
    design = np.zeros((7, 4))
    design[:4, :2], design[4:, 2:] = designs[0][0], designs[1][0]
    y = np.concatenate([found for _, found in designs])
    expected = _posterior(block, np.tile([1.0, 2.0], 2), design, y)
    _close(_coefficients(done.run, "sub", "t3", "t4"), expected)


def test_the_new_market_is_learned_from_its_members(done: Update) -> None:
    rows = _new()
    drawn = _coefficients(done.run, "market", "m9")
    designs = [_design(rows, label) for label in ("t3", "t4")]
    noise = np.zeros((7, 7))
    noise[:4, :4] = designs[0][0] @ SUB @ designs[0][0].T
    noise[4:, 4:] = designs[1][0] @ SUB @ designs[1][0].T
    noise += SIGMA**2 * np.eye(7)
    design = np.concatenate([found for found, _ in designs])
    y = np.concatenate([found for _, found in designs])
    gain = MARKET @ design.T @ np.linalg.inv(design @ MARKET @ design.T + noise)
    mean = np.array([1.0, 2.0]) + gain @ (y - design @ [1.0, 2.0])
    _close(drawn, (mean, MARKET - gain @ design @ MARKET))


def test_the_population_and_the_known_groups_keep_their_draws(tree: Run, done: Update) -> None:
    old, new = tree.data["posterior"].dataset, done.run.data["posterior"].dataset
    assert new.sizes["draw"] == DRAWS
    for name in ("sigma", "mean(a)", "sd(b, sub)"):
        np.testing.assert_allclose(new[name].to_numpy(), old[name].to_numpy())
    if "centered" in tree.model:
        for label in ("s1", "s4"):
            np.testing.assert_allclose(new["a"].sel(sub=label), old["a"].sel(sub=label))


@pytest.fixture(scope="module")
def centred() -> Run:
    return _run(" with centered")


def test_the_result_is_a_run_like_any_other(centred: Run, tmp_path: Path) -> None:
    done = update(centred, _new(), draws=100, out=tmp_path / "new.run")
    run = load(tmp_path / "new.run")
    assert run.info["lineage"][0]["started"] == centred.info["started"]
    assert run.info["update"]["groups"] == {"market": 1, "sub": 4}
    assert run.data["posterior"]["sub"].to_numpy().tolist() == [
        *("s1", "s2", "s3", "s4"),
        *("t1", "t2", "t3", "t4"),
    ]
    assert len(run.table().labels) == len(done.run.table().labels)
    assert run.verdict().lines
    found = run.predict({"market": ["m9", "m9"], "sub": ["t3", "t9"], "x": [0.0, 0.0]})
    mean = _coefficients(run, "sub", "t3").mean(axis=0)[0]
    assert found.columns["y_mean"][0] == pytest.approx(mean, abs=0.3)
    assert dict(found.new) == {"sub": ("t9",)}
    again = update(run, {**_new(), "sub": np.repeat("u1", 15), "market": np.repeat("m9", 15)})
    assert dict(again.learned) == {"sub": 1}
    assert len(again.run.info["lineage"]) == 2


def test_all_groups_are_learned_anew_from_their_rows(centred: Run) -> None:
    rows = _new()
    rows["sub"] = np.repeat(["s1", "t2", "t3", "t4"], [7, 1, 4, 3])
    done = update(centred, rows, all_groups=True, draws=DRAWS)
    assert dict(done.learned) == {"market": 1, "sub": 4}  # m1 has a sub without rows: it stays
    expected = _posterior(SUB, np.array([1.5, 2.24]), *_design(rows, "s1"))
    _close(_coefficients(done.run, "sub", "s1"), expected)


def test_an_update_needs_something_new(centred: Run, tmp_path: Path) -> None:
    rows = {"market": ["m1"], "sub": ["s1"], "x": [0.0], "y": [1.0]}
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(hdsl.ModelError) as error:
        update(centred, rows, out=tmp_path / "none.run")
    assert [d.code for d in error.value.diagnostics] == ["H959"]
    with pytest.raises(hdsl.ModelError) as error:
        update(centred, {name: values for name, values in rows.items() if name != "y"})
    assert [d.code for d in error.value.diagnostics] == ["H910"]
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_missing_outcome_teaches_nothing_and_is_predicted(centred: Run) -> None:
    rows = _new()
    rows["y"][0] = np.nan
    done = update(centred, rows, draws=DRAWS)
    keep = np.arange(15) > 0
    rest = {name: values[keep] for name, values in rows.items()}
    expected = _posterior(SUB, np.array([1.5, 2.24]), *_design(rest, "t1"))
    _close(_coefficients(done.run, "sub", "t1"), expected)
    assert done.run.data["posterior"]["y"].sizes["row"] == 1
    assert any(note.startswith("1 row taught nothing") for note in done.notes)


COUNTS = """\
data n : count
n ~ poisson(mu)
log(mu) = a
a ~ g
"""


def test_skewed_posteriors_are_exact_too() -> None:
    """A single count per group: the density on a grid is the truth."""
    rng = np.random.default_rng(2)
    rows = {"g": np.repeat(["a", "b", "c"], 5), "n": rng.poisson(2, size=15)}
    run = run_with(COUNTS, rows, {"mean(a)": 0.5, "sd(a)": 1.2}, draws=DRAWS)
    counts = np.array([0, 1, 4, 30])
    done = update(run, {"g": ["n0", "n1", "n4", "n30"], "n": counts}, draws=DRAWS)
    grid = np.linspace(-8, 6, 4001)
    for label, count in zip(("n0", "n1", "n4", "n30"), counts, strict=True):
        density = np.exp(count * grid - np.exp(grid) - (grid - 0.5) ** 2 / (2 * 1.44))
        density /= density.sum()
        drawn = done.run.data["posterior"]["a"].sel(g=label).to_numpy().reshape(-1)
        mean = (density * grid).sum()
        sd = np.sqrt((density * (grid - mean) ** 2).sum())
        assert drawn.mean() == pytest.approx(mean, abs=5 * sd / np.sqrt(DRAWS))
        assert drawn.std() == pytest.approx(sd, rel=0.08)
        below = grid[np.searchsorted(density.cumsum(), 0.05)]
        assert (drawn < below).mean() == pytest.approx(0.05, abs=0.02)


def test_many_groups_do_not_depend_on_one_another() -> None:
    rng = np.random.default_rng(4)
    rows = {"g": np.repeat(["a", "b", "c"], 5), "n": rng.poisson(2, size=15)}
    run = run_with(COUNTS, rows, {"mean(a)": 0.5, "sd(a)": 1.2}, draws=1000)
    labels = np.repeat([f"new {i}" for i in range(200)], 3)
    counts = rng.poisson(3, size=600)
    done = update(run, {"g": labels, "n": counts})
    alone = update(run, {"g": labels[:3], "n": counts[:3]})

    def of(found: Update) -> np.ndarray:
        drawn: np.ndarray = found.run.data["posterior"]["a"].sel(g="new 0").to_numpy()
        return drawn

    whole, single = of(done).reshape(-1), of(alone).reshape(-1)
    assert whole.mean() == pytest.approx(single.mean(), abs=5 * single.std() / np.sqrt(500))
    assert whole.std() == pytest.approx(single.std(), rel=0.15)
    assert json.loads(json.dumps(done.run.info["update"]))["groups"] == {"g": 200}
