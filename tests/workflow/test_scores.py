"""Scores of what was left out, against ArviZ and against what can be computed exactly."""

import numpy as np
import pytest

from hdsl.workflow.scores import folds_of, gap, leave_one_out


def test_left_out_rows_are_scored_as_arviz_does() -> None:
    from arviz_stats.base import array_stats

    rng = np.random.default_rng(4)
    y = np.append(rng.normal(size=30), 6.0)  # the last is an outlier
    mu = rng.normal(y.mean(), 1 / np.sqrt(31), size=2000)
    log_likelihood = -0.5 * (y - mu[:, None]) ** 2 - 0.5 * np.log(2 * np.pi)
    scores, pareto = leave_one_out(log_likelihood)

    expected, expected_pareto, _ = array_stats.loo(log_likelihood.T[:, None, :])
    assert scores == pytest.approx(expected, abs=2e-3)
    assert pareto == pytest.approx(expected_pareto, abs=0.02)
    assert pareto.argmax() == 30


def test_left_out_rows_are_scored_as_fits_without_them_would() -> None:
    """A normal mean with a flat prior and known noise: each predictive density is in closed form"""
    rng = np.random.default_rng(1)
    y = rng.normal(size=40)
    mu = rng.normal(y.mean(), 1 / np.sqrt(40), size=20_000)
    scores, _ = leave_one_out(-0.5 * (y - mu[:, None]) ** 2 - 0.5 * np.log(2 * np.pi))

    others = (y.sum() - y) / 39
    variance = 1 + 1 / 39
    exact = -0.5 * (y - others) ** 2 / variance - 0.5 * np.log(2 * np.pi * variance)
    assert scores == pytest.approx(exact, abs=0.01)


def test_a_gap_has_the_error_of_a_sum_of_differences() -> None:
    best, other = np.array([1.0, 2.0, 3.0, 5.0]), np.array([0.0, 2.0, 1.0, 4.0])

    found = gap(best, other, 4)
    assert found.difference == pytest.approx(4)
    assert found.error == pytest.approx(2 * np.array([1, 0, 2, 1]).std(ddof=1))
    assert found.is_clear
    sampled = gap(best, other, 400)  # four of 400
    assert (sampled.difference, sampled.is_clear) == (pytest.approx(400), True)
    assert not gap(best, best[::-1], 4).is_clear


def test_folds_hold_every_group_once() -> None:
    folds = folds_of(11, 4, seed=0)

    assert [len(fold) for fold in folds] == [3, 3, 3, 2]
    assert sorted(np.concatenate(folds).tolist()) == list(range(11))
    assert len(folds_of(3, 5, seed=0)) == 3
