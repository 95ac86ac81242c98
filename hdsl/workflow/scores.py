"""How well fits predict what they have not seen: left-out rows, and left-out groups.

Left-out rows: importance sampling from the fit to all rows, the weights' tail smoothed (Vehtari,
Gelman and Gabry 2017, "Practical Bayesian model evaluation using leave-one-out cross-validation
and WAIC"). Left-out groups: the model is fitted without them, fold by fold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.methods.psis import RELIABLE, smooth
from hdsl.workflow.refit import Fitted, Refit

MOST = 5000
SAMPLED = 2000
"""With more than ``MOST`` observations, so many of them are scored, the same for every model."""


@dataclass(frozen=True)
class LeftOut:
    """The score of each left-out observation: its log predictive density.

    ``of`` counts all observations where only a sample of them was scored. ``unreliable`` marks
    scores that are no more than a guess. ``parameters`` is the effective number of parameters.
    """

    scores: Numbers
    of: int
    unreliable: Numbers
    parameters: float

    @property
    def total(self) -> float:
        """The sum over all observations, estimated where they were sampled."""
        return float(self.scores.mean() * self.of)


@dataclass(frozen=True)
class Gap:
    """How much better one model predicts than another; ``error`` is its standard error."""

    difference: float
    error: float

    @property
    def is_clear(self) -> bool:
        """Whether it is more than chance is likely to make."""
        return abs(self.difference) > 2 * self.error


def gap(best: Numbers, other: Numbers, of: int) -> Gap:
    """The difference of the sums of scores of the same observations, or of the same groups."""
    each = best - other
    count = len(each)
    spread = float(each.std(ddof=1)) if count > 1 else 0.0
    return Gap(float(each.mean() * of), spread * of / np.sqrt(count))


def sampled_rows(refit: Refit, seed: int) -> dict[str, Numbers]:
    """The observations that are scored, by site: all of them, or a sample."""
    lengths = {o.site: len(o.observed) for o in refit.prepared.outcomes}
    total = sum(lengths.values())
    if total <= MOST:
        return {site: np.arange(length) for site, length in lengths.items()}
    chosen = np.random.default_rng(seed).choice(total, SAMPLED, replace=False)
    kept, begin = {}, 0
    for site, length in lengths.items():
        inside = chosen[(chosen >= begin) & (chosen < begin + length)] - begin
        kept[site] = np.sort(inside)
        begin += length
    return kept


def left_out_rows(refit: Refit, fitted: Fitted, kept: Mapping[str, Numbers]) -> LeftOut:
    """The score of each observation as if it had been left out."""
    found = refit.log_likelihood(fitted, kept)
    each = np.concatenate([found[site].reshape(-1, found[site].shape[2]) for site in kept], axis=1)
    scores, pareto = leave_one_out(each)
    of = sum(len(outcome.observed) for outcome in refit.prepared.outcomes)
    seen = np.logaddexp.reduce(each, axis=0) - np.log(len(each))
    parameters = float((seen - scores).sum()) * of / len(scores)
    return LeftOut(scores, of, pareto > RELIABLE, parameters)


def leave_one_out(log_likelihood: Numbers) -> tuple[Numbers, Numbers]:
    """Each observation's log density given the others, and its Pareto k, from
    log-likelihoods (draw, observation) of the fit to all of them.
    """
    scores, pareto = np.empty(log_likelihood.shape[1]), np.empty(log_likelihood.shape[1])
    for place, each in enumerate(log_likelihood.T):
        weights, pareto[place] = smooth(-each)
        with np.errstate(divide="ignore"):
            scores[place] = np.logaddexp.reduce(np.log(weights) + each)
    return scores, pareto


def left_out_groups(
    refit: Refit, groups: Mapping[str, Numbers], fold: Numbers, seed: int
) -> Numbers:
    """The score of each group of a fold, predicted by a fit that has not seen any of them.

    ``groups`` says, by site, which group each observation is of. A group that is left out has no
    part in the likelihood, so that its coefficients are drawn from the population as the fit knows
    it: from its predictors, its parent, and their correlations.
    """
    found = np.zeros(1 + max(int(g.max()) for g in groups.values()))
    out = {site: np.flatnonzero(np.isin(g, fold)) for site, g in groups.items()}
    fitted = refit.fit(refit.masks(out), seed)
    for site, scores in refit.log_scores(fitted, {}).items():
        np.add.at(found, groups[site][out[site]], scores[out[site]])
    return found[fold]


def folds_of(size: int, count: int, seed: int) -> list[Numbers]:
    """The groups in so many folds of about equal size, at random."""
    order = np.random.default_rng(seed).permutation(size)
    return [np.sort(part) for part in np.array_split(order, min(count, size))]
