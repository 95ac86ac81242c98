"""Summaries and diagnostics of draws: the figures of ArviZ, for all quantities at once.

ArviZ takes a number at a time, 7 ms each, after an import of 1.3 s: on a model with a few hundred
group effects that is longer than the fit. The tests hold these figures equal to ArviZ's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from hdsl.fit.draws import Numbers

CI_PROB = 0.89
"""The mass of the interval of a summary, as in ArviZ: a number that does not ask to be read as a
test, and whose ends draws of the usual length determine well."""

COLUMNS = ("mean", "sd", "lower", "upper", "ess_bulk", "ess_tail", "r_hat", "mcse_mean", "mcse_sd")
TAIL = (0.05, 0.95)
"""The quantiles whose effective sample size is the tail's, as its inventors and Stan have them."""

CHUNK_VALUES = 300_000  # at a time: more would not stay in the processor's cache


@dataclass(frozen=True)
class Convergence:
    """Each number's r-hat and effective sample sizes; all have the shape of the quantity."""

    r_hat: Numbers
    ess_bulk: Numbers
    ess_tail: Numbers


def describe(draws: Numbers, ci_prob: float = CI_PROB, ci_kind: str = "eti") -> Numbers:
    """A row of ``COLUMNS`` for each number of a quantity, given as (chain, draw, …)."""
    parts = [_describe(part, ci_prob, ci_kind) for part in _chunks(draws)]
    return np.concatenate(parts)


def converge(draws: Numbers) -> Convergence:
    """The convergence of every number of a quantity, given as (chain, draw, …)."""
    parts = [(*_r_hat_and_bulk(part), ess_tail(part)) for part in _chunks(draws)]
    shape = draws.shape[2:]
    return Convergence(*(np.concatenate(each).reshape(shape) for each in zip(*parts, strict=True)))


def moving(draws: Numbers) -> Numbers:
    """Whether each number varies over the draws, given as (chain, draw, …); one draw tells none."""
    if draws.shape[0] * draws.shape[1] < 2:
        return np.ones(draws.shape[2:], bool)
    found: Numbers = (draws != draws[:1, :1]).any(axis=(0, 1))
    return found


def bfmi(energy: Numbers) -> Numbers:
    """Each chain's estimated Bayesian fraction of missing information."""
    found: Numbers = (np.diff(energy, axis=1) ** 2).mean(axis=1) / energy.var(axis=1, ddof=1)
    return found


def _chunks(draws: Numbers) -> list[Numbers]:
    """The quantity as (number, chain, draw), some numbers at a time."""
    flat = np.asarray(draws, dtype=float).reshape(*draws.shape[:2], -1)
    numbers = np.ascontiguousarray(np.moveaxis(flat, 2, 0))
    size = max(1, CHUNK_VALUES // max(flat.shape[0] * flat.shape[1], 1))
    return [numbers[begin : begin + size] for begin in range(0, max(len(numbers), 1), size)]


def _describe(draws: Numbers, ci_prob: float, ci_kind: str) -> Numbers:
    flat = draws.reshape(len(draws), -1)
    mean, sd = flat.mean(axis=1), flat.std(axis=1, ddof=1)
    lower, upper = _interval(flat, ci_prob, ci_kind)
    deviations = (draws - mean[:, None, None]) ** 2
    variance = deviations.mean(axis=(1, 2))
    with np.errstate(all="ignore"):
        mcse_mean = sd / np.sqrt(ess(split_chains(draws)))
        spread = (deviations**2).mean(axis=(1, 2)) - variance**2
        mcse_sd = np.sqrt(spread / ess(split_chains(deviations)) / variance / 4)
    largest, bulk = _r_hat_and_bulk(draws)
    columns = (mean, sd, lower, upper, bulk, ess_tail(draws), largest, mcse_mean, mcse_sd)
    return np.stack(columns, axis=1)


def _interval(flat: Numbers, prob: float, kind: str) -> tuple[Numbers, Numbers]:
    """The ends of the equal-tailed interval, or of the shortest one."""
    if kind == "eti":
        lower, upper = np.quantile(flat, [(1 - prob) / 2, (1 + prob) / 2], axis=1)
        return lower, upper
    ordered = np.sort(flat, axis=1)
    count = ordered.shape[1]
    inside = int(np.floor(prob * count))
    best = (ordered[:, inside:] - ordered[:, : count - inside]).argmin(axis=1)
    number = np.arange(len(flat))
    return ordered[number, best], ordered[number, best + inside]


# Below, draws are (number, chain, draw): each chain lies in one piece.


def split_chains(draws: Numbers) -> Numbers:
    """Each chain as two, its first and its last half."""
    half = draws.shape[2] // 2
    return np.concatenate([draws[:, :, :half], draws[:, :, -half:]], axis=1)


def z_scale(draws: Numbers) -> Numbers:
    """The normal scores of the ranks among all draws of a number; ties have their mean rank."""
    flat = draws.reshape(len(draws), -1)
    total = flat.shape[1]
    order = flat.argsort(axis=1)
    ranks = np.empty(flat.shape)
    np.put_along_axis(ranks, order, np.arange(1.0, total + 1)[None], axis=1)
    ordered = np.take_along_axis(flat, order, axis=1)
    tied = np.flatnonzero((np.diff(ordered, axis=1) == 0).any(axis=1))
    mean_ranks = np.empty((len(tied), total))
    np.put_along_axis(mean_ranks, order[tied], _mean_ranks(ordered[tied]), axis=1)
    ranks[tied] = mean_ranks
    found: Numbers = _scores(total)[(2 * ranks).astype(int)]
    return found.reshape(draws.shape)


def _mean_ranks(ordered: Numbers) -> Numbers:
    """The ranks of numbers in order; those that are equal have the mean of theirs."""
    place = np.arange(1.0, ordered.shape[1] + 1)
    edge = np.ones((len(ordered), 1), bool)
    rises = np.diff(ordered, axis=1) != 0
    begins, ends = np.hstack([edge, rises]), np.hstack([rises, edge])
    first = np.maximum.accumulate(np.where(begins, place, 0.0), axis=1)
    last = np.minimum.accumulate(np.where(ends, place, np.inf)[:, ::-1], axis=1)[:, ::-1]
    found: Numbers = (first + last) / 2
    return found


@lru_cache(maxsize=4)
def _scores(total: int) -> Numbers:
    """The normal score of each half rank among so many."""
    score = NormalDist().inv_cdf
    halves = np.arange(2, 2 * total + 1) / 2
    return np.array([np.nan, np.nan, *(score((r - 0.375) / (total + 0.25)) for r in halves)])


def _r_hat_and_bulk(draws: Numbers) -> tuple[Numbers, Numbers]:
    """The larger of the rank-normalised split r-hats of the draws and of the folded draws, and the
    effective sample size in the bulk, which has the same normal scores.
    """
    split = split_chains(draws)
    scores = z_scale(split)
    if draws.shape[1] < 2 or split.shape[2] < 2:
        return np.full(len(draws), np.nan), ess(scores)
    folded = np.abs(split - np.median(split, axis=(1, 2), keepdims=True))
    largest = np.maximum(_plain_r_hat(scores), _plain_r_hat(z_scale(folded)))
    return largest, ess(scores)


def _plain_r_hat(draws: Numbers) -> Numbers:
    length = draws.shape[2]
    between = length * draws.mean(axis=2).var(axis=1, ddof=1)
    within = draws.var(axis=2, ddof=1).mean(axis=1)
    with np.errstate(all="ignore"):
        found: Numbers = np.sqrt((between / within + length - 1) / length)
    return found


def ess_tail(draws: Numbers) -> Numbers:
    """The smaller effective sample size of the two tails."""
    quantiles = np.quantile(draws.reshape(len(draws), -1), TAIL, axis=1)
    below = [ess(split_chains((draws <= q[:, None, None]).astype(float))) for q in quantiles]
    return np.minimum(*below)


def ess(draws: Numbers) -> Numbers:
    """The effective sample size of each number's mean, by Geyer's initial monotone sequence."""
    _, chains, length = draws.shape
    if length < 3:
        return np.full(len(draws), np.nan)
    covariance = _autocovariance(draws)
    within = covariance[:, :1] * length / (length - 1)
    means = draws.mean(axis=2)
    total = covariance[:, :1] + (means.var(axis=1, ddof=1)[:, None] if chains > 1 else 0.0)
    with np.errstate(all="ignore"):
        rho = 1 - (within - covariance) / total
    rho[:, 0] = 1.0
    size = chains * length
    tau = np.maximum(_geyer(rho), 1 / np.log10(size))
    constant = np.ptp(draws, axis=(1, 2)) < np.finfo(float).resolution
    found: Numbers = np.where(constant, float(size), size / tau)
    return found


def _geyer(rho: Numbers) -> Numbers:
    """The autocorrelation time from the autocorrelations by lag.

    Sums of neighbours count up to the first that is not positive, none larger than the one
    before; of the pair that ends them, the first member counts where it is positive.
    """
    length = rho.shape[1]
    limit = (length - 1) // 2 - 1
    even, odd = rho[:, 0 : length - length % 2 : 2], rho[:, 1::2]
    pairs = even + odd
    ended = pairs[:, :limit] <= 0
    last = np.where(ended.any(axis=1), ended.argmax(axis=1), limit) if limit > 0 else 0
    last = np.broadcast_to(last, len(rho))
    counted = np.arange(pairs.shape[1]) < last[:, None]
    monotone = np.minimum.accumulate(np.where(counted, pairs, np.inf), axis=1)
    number = np.arange(len(rho))
    final = even[number, last]
    final = np.where((final > 0) | (pairs[number, last] >= 0), final, 0.0)
    found: Numbers = -1 + 2 * np.where(counted, monotone, 0.0).sum(axis=1) + final
    return found


def _autocovariance(draws: Numbers) -> Numbers:
    """Autocovariances by lag, averaged over the chains."""
    length = draws.shape[2]
    padded = 2 ** int(np.ceil(np.log2(2 * length)))
    transformed = np.fft.rfft(draws - draws.mean(axis=2, keepdims=True), padded, axis=2)
    power = (transformed.real**2 + transformed.imag**2).mean(axis=1)
    found: Numbers = np.fft.irfft(power, padded, axis=1)[:, :length] / length
    return found
