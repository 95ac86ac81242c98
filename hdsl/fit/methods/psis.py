"""Pareto-smoothed importance sampling: weights that a few wild ratios cannot spoil, and k-hat.

Vehtari, Simpson, Gelman, Yao and Gabry (2024), Pareto smoothed importance sampling, Journal of
Machine Learning Research 25(72); the fit of the tail is that of Zhang and Stephens (2009), A new
and efficient estimation method for the generalized Pareto distribution, Technometrics 51.
"""

from __future__ import annotations

import numpy as np

from hdsl.fit.draws import Numbers

RELIABLE = 0.7
"""Below this Pareto shape the weighted draws can stand for those of the target."""

FEWEST = 5  # ratios in the tail


def smooth(log_ratios: Numbers) -> tuple[Numbers, float]:
    """Normalised weights and k-hat, from the log of target over proposal at each draw.

    A ratio that is no number counts as 0. k-hat is infinite where too few ratios are left.
    """
    logs = np.where(np.isfinite(log_ratios), log_ratios, -np.inf)
    if not np.isfinite(logs).any():
        return np.full(logs.shape, 1 / logs.size), float("inf")
    weights = np.exp(logs - logs.max())
    tail = int(np.ceil(min(0.2 * logs.size, 3 * np.sqrt(logs.size))))
    if tail < FEWEST or (weights > 0).sum() <= tail:
        return weights / weights.sum(), float("inf")
    order = np.argsort(weights)
    cut, largest = weights[order[-tail - 1]], order[-tail:]
    excess = weights[largest] - cut
    if excess[-1] <= 1e-12 * weights[largest[-1]]:
        return weights / weights.sum(), float("-inf")  # all alike: nothing to smooth
    shape, scale = pareto(np.maximum(excess, 1e-300))
    ranks = (np.arange(tail) + 0.5) / tail
    steps = np.expm1(-shape * np.log1p(-ranks)) / shape if shape else -np.log1p(-ranks)
    weights[largest] = np.minimum(cut + scale * steps, weights.max())
    return weights / weights.sum(), shape


def figure(shape: float) -> float | None:
    """A k-hat that JSON knows: 0 where all ratios are alike, None where there is none.

    >>> figure(0.5), figure(float("-inf")), figure(float("inf"))
    (0.5, 0.0, None)
    """
    if shape == float("-inf"):
        return 0.0
    return shape if np.isfinite(shape) else None


def pareto(excess: Numbers) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution, from an increasing sample above 0.

    The shape is drawn towards 0.5 a little, as small samples need it.
    """
    count = excess.size
    points = 30 + int(np.sqrt(count))
    quartile = excess[int(count / 4 + 0.5) - 1]
    theta = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
    theta = theta / (3 * quartile) + 1 / excess[-1]
    shapes = np.log1p(-theta[:, None] * excess).mean(axis=1)
    likelihood = count * (np.log(-theta / shapes) - shapes - 1)
    weights = 1 / np.exp(likelihood - likelihood[:, None]).sum(axis=1)
    theta_hat = float((theta * weights).sum() / weights.sum())
    shape = float(np.log1p(-theta_hat * excess).mean())
    scale = -shape / theta_hat
    return shape * count / (count + 10) + 0.5 * 10 / (count + 10), scale


def resample(weights: Numbers, count: int, seed: int) -> Numbers:
    """Positions of draws, each as often as its weight says, in random order (systematic)."""
    rng = np.random.default_rng((seed, 17))
    marks = (rng.random() + np.arange(count)) / count
    chosen = np.searchsorted(np.cumsum(weights / weights.sum()), marks)
    return rng.permutation(np.minimum(chosen, weights.size - 1))


def effective(weights: Numbers) -> float:
    """How many equally weighted draws the weights are worth."""
    return float(weights.sum() ** 2 / (weights**2).sum())
