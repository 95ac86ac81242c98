"""Groups that a run does not know: their distribution, worked out by hand."""

from typing import Any

import numpy as np
import pytest

from hdsl.fit import Run
from tests.predict.exact import run_with

TREE = """\
level sub in market
data y, x : real
data w : real per sub
y ~ normal(a + b * x, sigma)
a, b ~ market / sub | w
"""
DRAWS = 20_000
POPULATION = {
    "mean(a)": 1.0,
    "mean(b)": 2.0,
    "slope(a, w)": 0.7,
    "slope(b, w)": -0.3,
    "sd(a, market)": 0.5,
    "sd(b, market)": 0.4,
    "sd(a, sub)": 0.3,
    "sd(b, sub)": 0.2,
    "cor(a, b, market)": 0.6,
    "cor(a, b, market) unit": 0.8,
    "cor(a, b, sub)": -0.5,
    "cor(a, b, sub) unit": 0.25,
    "sigma": 0.1,
}
MARKET = np.array([[0.25, 0.12], [0.12, 0.16]])
SUB = np.array([[0.09, -0.03], [-0.03, 0.04]])


def _rows() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "market": np.repeat(["m1", "m2", "m3"], 20),
        "sub": np.repeat([f"s{i}" for i in range(12)], 5),
        "x": rng.normal(size=60),
        "y": rng.normal(size=60),
        "w": np.repeat(rng.normal(size=12), 5),
    }


@pytest.fixture(scope="module", params=["", " with centered"], ids=["z", "centred"])
def tree(request: pytest.FixtureRequest) -> Run:
    text = TREE.rstrip() + request.param + "\n"
    known = {"a[market]": np.array([1.5, 0, 0]), "z(a, market)": np.array([1.0, 0, 0])}
    other = {"b[market]": np.array([2.3, 0, 0]), "z(b, market)": np.zeros(3)}
    return run_with(text, _rows(), {**POPULATION, **known, **other}, draws=DRAWS)


def _drawn(run: Run, rows: dict[str, Any], **options: Any) -> np.ndarray:
    found = run.predict(rows, draws=True, **options)
    assert found.draws is not None
    return found.draws["y"].to_numpy().reshape(-1, len(rows["x"]))


def _close(drawn: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> None:
    """Within five standard errors, everywhere."""
    count = len(drawn)
    error = np.sqrt(np.diag(covariance) / count)
    assert np.all(np.abs(drawn.mean(axis=0) - mean) < 5 * error)
    variances = np.outer(np.diag(covariance), np.diag(covariance))
    spread = np.sqrt((variances + covariance**2) / count)
    assert np.all(np.abs(np.cov(drawn.T) - covariance) < 5 * spread)


NEW: dict[str, list[Any]] = {
    "market": ["m9", "m9", "m9", "m8"],
    "sub": ["t1", "t1", "t2", "t3"],
    "x": [0.0, 1.0, 0.5, 1.0],
    "w": [1.0, 1.0, 0.0, -1.0],
}


def test_new_children_of_a_new_parent_share_its_draw(tree: Run) -> None:
    x = np.stack([np.ones(4), NEW["x"]], axis=1)
    same = np.array([[a == b for b in NEW["market"]] for a in NEW["market"]])
    own = np.array([[a == b for b in NEW["sub"]] for a in NEW["sub"]])
    covariance = same * (x @ MARKET @ x.T) + own * (x @ SUB @ x.T) + 0.01 * np.eye(4)
    coefficients = np.array([[1 + 0.7 * w, 2 - 0.3 * w] for w in NEW["w"]])
    _close(_drawn(tree, NEW), (x * coefficients).sum(axis=1), covariance)


def test_a_new_child_of_a_known_parent_has_its_effect(tree: Run) -> None:
    """The market's own effect is known: a is 0.5 above the mean there (with centred code the
    totals are given; its b is then 2.3).
    """
    rows = {"market": ["m1", "m1"], "sub": ["t1", "t1"], "x": [0.0, 0.0], "w": [1.0, 1.0]}
    drawn = _drawn(tree, rows)
    covariance = np.full((2, 2), 0.09) + 0.01 * np.eye(2)
    centred = "centred" in tree.model
    # in centred code a[market] holds what is said of the market's subs on average, w apart
    expected = 1.5 + 0.7
    assert centred or expected == 2.2
    _close(drawn, np.full(2, expected), covariance)


def test_draws_depend_on_the_labels_alone(tree: Run) -> None:
    whole = _drawn(tree, NEW)
    order = [3, 1, 0, 2]
    np.testing.assert_allclose(_drawn(tree, {k: [v[i] for i in order] for k, v in NEW.items()}),
                               whole[:, order])  # fmt: skip
    alone = _drawn(tree, {k: v[1:2] for k, v in NEW.items()})
    np.testing.assert_allclose(alone[:, 0], whole[:, 1])
    assert not np.allclose(_drawn(tree, NEW, seed=1), whole)


def test_the_expected_group_has_no_deviation(tree: Run) -> None:
    drawn = _drawn(tree, NEW, unseen="mean")
    expected = [(1 + 0.7 * w) + (2 - 0.3 * w) * x for x, w in zip(NEW["x"], NEW["w"], strict=True)]
    _close(drawn, np.array(expected), 0.01 * np.eye(4))


CASES = {
    "three coefficients": (
        "data y, x, v : real\ny ~ normal(a + b * x + c * v, 1)\na, b, c ~ g\n",
        {
            "mean(a)": 0.0, "mean(b)": 0.0, "mean(c)": 0.0,
            "sd(a)": 1.0, "sd(b)": 2.0, "sd(c)": 0.5,
            "cholesky(a, b, c)": np.linalg.cholesky(
                np.array([[1, 0.5, 0.2], [0.5, 1, -0.3], [0.2, -0.3, 1]])
            ),
        },
        {"x": [1.0, 0.0], "v": [0.0, 2.0]},
        # a + b: 1 + 4 + 2 * 1; a + 2c: 1 + 1 + 4 * 0.1; between: 1 + 2 * 0.1 + 1 - 2 * 0.3; noise 1
        np.array([[8.0, 1.6], [1.6, 3.4]]),
    ),
    "a sign": (
        "data y, x : real\nlog(y) ~ normal(b * x, 1)\nlog(-b) ~ g\n",
        {"mean(log(-b))": 0.0, "sd(log(-b))": 0.5},
        {"x": [1.0, 1.0]},
        None,
    ),
    "sigma by group": (
        "data y : real\ny ~ normal(0, sigma)\nlog(sigma) ~ g\n",
        {"mean(log(sigma))": 0.0, "sd(log(sigma))": 0.5},
        {"x": [0.0, 0.0]},
        np.eye(2) * np.exp(0.5),
    ),
    "its own distribution": (
        "data y : real\ny ~ normal(b, 1)\nb[g] ~ gamma(4, 2)\n",
        {},
        {"x": [0.0, 0.0]},
        np.ones((2, 2)) + np.eye(2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_site(name: str, request: pytest.FixtureRequest) -> None:
    text, values, columns, covariance = CASES[name]
    rng = np.random.default_rng(3)
    rows: dict[str, Any] = {"g": np.repeat(["a", "b", "c", "d"], 4), "y": rng.gamma(2.0, size=16)}
    rows |= {"x": rng.normal(size=16), "v": rng.normal(size=16)}
    run = run_with(text, rows, values, draws=DRAWS)
    drawn = _drawn(run, {"g": ["new", "new"], **columns})
    match name:
        case "a sign":
            drawn = np.log(drawn)
            mean = -np.exp(0.125)
            variance = np.exp(0.25) * (np.exp(0.25) - 1)
            assert drawn.mean() == pytest.approx(mean, abs=0.05)
            assert np.cov(drawn.T)[0, 1] == pytest.approx(variance, abs=0.05)
        case "sigma by group":
            assert np.cov(drawn.T) == pytest.approx(covariance, abs=0.15)
            squares = np.cov((drawn**2).T)[0, 1]
            assert squares == pytest.approx(np.exp(2) - np.exp(1), rel=0.25)
        case "its own distribution":
            _close(drawn, np.full(2, 2.0), covariance)
        case _:
            _close(drawn, np.zeros(2), covariance)


def test_a_walk_goes_on_from_where_it_ended() -> None:
    text = "level t ordered\ndata y : real\ny ~ normal(m, 0.1)\n"
    text += "m[t] ~ randomwalk(s)\ns ~ halfnormal(1)\n"
    rows = {"t": [1, 2, 3], "y": [0.0, 1.0, 2.0]}
    run = run_with(text, rows, {"s": 0.5, "z(m)": np.array([1.0, 1.0, 2.0])}, draws=DRAWS)
    found = run.predict({"t": [5, 4, 3]}, draws=True).draws
    assert found is not None
    drawn = found["y"].to_numpy().reshape(-1, 3)
    steps = np.array([[0.5, 0.25, 0.0], [0.25, 0.25, 0.0], [0.0, 0.0, 0.0]])
    _close(drawn, np.full(3, 2.0), steps + 0.01 * np.eye(3))
    alone = run.predict({"t": [5]}, draws=True).draws
    assert alone is not None  # the step to 4 is taken, whether it is asked for or not
    np.testing.assert_allclose(alone["y"].to_numpy().reshape(-1), drawn[:, 0])


def test_new_rows_need_not_say_how_they_were_observed() -> None:
    text = "data y, stock : positive\ny ~ censored(lognormal(m, 0.5), upper = stock)\nm ~ 1\n"
    stock = np.repeat([1.0, 5.0], 4)
    rows = {"y": np.minimum(np.linspace(0.5, 4, 8), stock), "stock": stock}
    run = run_with(text, rows, {"m": 1.0}, draws=DRAWS)
    wanted = run.predict({"id": [1, 2]}, quantiles=(0.25, 0.75)).columns
    expected = np.exp(1 + 0.5 * np.array([-0.6745, 0.6745]))
    found = np.array([wanted["y_q25"].mean(), wanted["y_q75"].mean()])
    assert found == pytest.approx(expected, rel=0.03)
    sold = run.predict({"stock": [1.0]}).columns
    assert (sold["y_q50"][0], sold["y_q95"][0]) == (1.0, 1.0)
