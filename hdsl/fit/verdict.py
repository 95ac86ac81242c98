"""Whether the chains have converged, in words that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hdsl.fit.draws import MAX_TREE_DEPTH
from hdsl.fit.methods.names import APPROXIMATE
from hdsl.fit.statistics import bfmi, converge, moving
from hdsl.fit.summary import member_labels

if TYPE_CHECKING:
    import xarray

    from hdsl.fit.draws import Numbers

R_HAT = 1.01
ESS = 400
BFMI = 0.3
DEEP = 0.01
K_HAT = 0.7
UNRELIABLE = "Do not rely on these draws yet."
DOUBTFUL = "The chains agree, but not all is well."
UNCHECKED = (
    "How far to rely on it is not known. Fit a part of the groups, some hundred, with this method "
    "and with `--method nuts`, and compare means and standard deviations."
)
CHECKED = 2000
"""So many numbers of each quantity are looked at; with more groups, at every second, third …"""


_EITHER = ("centered", "noncentered")
_REMEDIES = {
    _EITHER: "Write `with centered` behind the coefficients of levels whose groups have many rows "
    "(`with noncentered` where they have few), give group sds tighter priors",
    ("centered",): "Write `with centered` behind the coefficients of levels whose groups have many "
    "rows, give group sds tighter priors",
    ("noncentered",): "Write `with noncentered` behind the coefficients of levels whose groups "
    "have few rows, give group sds tighter priors",
    (): "Give the parameters tighter priors",
}
"""What to do about divergences, by the forms of group effects that are there to be tried."""

_HELP = {
    _EITHER: "Tighter priors on group sds, or the other of `with centered` and "
    "`with noncentered`, help",
    ("centered",): "Tighter priors on group sds, or `with centered`, help",
    ("noncentered",): "Tighter priors on group sds, or `with noncentered`, help",
    (): "Tighter priors help",
}


@dataclass(frozen=True)
class Verdict:
    """The finding line by line, the first the verdict; ``sound`` where nothing is to be done."""

    sound: bool
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Worst:
    """The worst r-hat and effective sample sizes, each with the quantity that has it."""

    r_hat: tuple[float, str]
    bulk: tuple[float, str]
    tail: tuple[float, str]
    above: int  # how many numbers have an r-hat that is too large
    checked: int


def judge(tree: xarray.DataTree, info: Mapping[str, Any]) -> Verdict:
    """The verdict on a run."""
    if info.get("method", "nuts") in APPROXIMATE:
        return judge_approximation(info["method"], info["approximation"])
    stats = tree["sample_stats"].dataset
    observed = set(tree["observed_data"].dataset.data_vars) if "observed_data" in tree else set()
    worst = _worst(tree["posterior"].dataset, observed)
    chains, draws = stats["diverging"].shape
    centrings = tuple(info.get("centrings", _EITHER))
    serious = [*_interrupted(info, draws), *_mixing(worst, chains)]
    others = [
        *_divergences(int(stats["diverging"].to_numpy().sum()), chains * draws, centrings),
        *_energy(stats["energy"].to_numpy(), centrings),
    ]
    measured = (
        f"largest r-hat {_shown(worst.r_hat, '.3f')}, smallest effective sample size "
        f"{_shown(worst.bulk, '.0f')} in the bulk, {_shown(worst.tail, '.0f')} in the tails; "
        f"{worst.checked} numbers checked"
    )
    slow = _depth(stats["tree_depth"].to_numpy())  # costs time, not truth
    if serious or others:
        first = UNRELIABLE if serious else DOUBTFUL
        return Verdict(False, (first, *serious, *others, *slow, measured))
    return Verdict(True, (f"The chains have converged: no divergences, {measured}.", *slow))


def judge_approximation(method: str, found: Mapping[str, Any]) -> Verdict:
    """The verdict on an approximation: what its own checks say, and how far to rely on it.

    A Pareto shape of the importance ratios below 0.7 says that the draws can stand for the
    posterior's (Vehtari, Simpson, Gelman, Yao and Gabry, 2024, Pareto smoothed importance
    sampling).
    """
    khat, notes = found.get("khat"), tuple(found.get("notes", ()))
    passed = bool(found.get("trusted", True))  # what the method found out besides
    if not found.get("checked", khat is not None or not passed):
        first = f"An approximation ({method}) that was not checked: Pareto k-hat unknown."
        return Verdict(False, (first, UNCHECKED, *notes))
    said = "infinite" if khat is None else f"{khat:.2f}"
    first = f"An approximation ({method}), Pareto k-hat {said}"
    if passed and khat is not None and khat < K_HAT:
        return Verdict(True, (f"{first}, below {K_HAT}: close to the posterior.", *notes))
    hyper = found.get("khat_hyper")
    if hyper is not None and hyper < K_HAT:
        advice = (
            f"Its scales and correlations agree with the posterior (k-hat {hyper:.2f}); all the "
            "numbers taken together do not, as is usual with many groups. Means and standard "
            "deviations of single quantities are mostly close, tails and joint statements less so: "
            "compare some with `--method nuts`."
        )
        return Verdict(False, (f"{first}: near the posterior, not the posterior.", advice, *notes))
    advice = "Do not rely on its standard deviations and tails: fit with `--method nuts`."
    return Verdict(False, (f"{first}: not close to the posterior.", advice, *notes))


def _shown(figure: tuple[float, str], form: str) -> str:
    value, label = figure
    return f"{value:{form}} ({label})" if label else "unknown"


def _worst(posterior: xarray.Dataset, skipped: set[Any]) -> _Worst:
    r_hat, bulk, tail = (-np.inf, ""), (np.inf, ""), (np.inf, "")
    above = checked = 0
    for name in posterior.data_vars:
        if name in skipped:  # predictions of missing outcomes, no parameters
            continue
        array = posterior[name].transpose("chain", "draw", ...)
        values = array.to_numpy().reshape(*array.shape[:2], -1)
        step = -(-values.shape[2] // CHECKED)
        values = values[:, :, ::step]
        learned = moving(values)
        if not learned.any():
            continue
        labels = np.array(member_labels(array)[::step], dtype=object)[learned]
        found = converge(values[:, :, learned])
        r_hat = max(r_hat, _extreme(found.r_hat, labels, largest=True))
        bulk = min(bulk, _extreme(found.ess_bulk, labels, largest=False))
        tail = min(tail, _extreme(found.ess_tail, labels, largest=False))
        above += int((found.r_hat > R_HAT).sum())
        checked += len(labels)
    return _Worst(r_hat, bulk, tail, above, checked)


def _extreme(values: Numbers, labels: Numbers, largest: bool) -> tuple[float, str]:
    """The largest or the smallest value with its label; harmless where none is known."""
    sign = 1.0 if largest else -1.0
    known = np.where(np.isnan(values), -np.inf, sign * values)
    at = int(known.argmax())
    return (sign * float(known[at]), str(labels[at]) if np.isfinite(known[at]) else "")


def _interrupted(info: Mapping[str, Any], draws: int) -> list[str]:
    if info["status"] == "complete":
        return []
    asked = info["options"]["draws"]
    rest = "`hdsl fit --resume` draws the rest" if info.get("resumable") else "fit again for all"
    return [f"Partial: stopped after {draws} of {asked} draws a chain; {rest}."]


def _mixing(worst: _Worst, chains: int) -> list[str]:
    found = []
    if chains == 1:
        found.append("One chain cannot be compared with others: run 4 (`--chains 4`).")
    elif worst.above:
        found.append(
            f"The chains disagree about {worst.above} of {worst.checked} numbers (r-hat above "
            f"{R_HAT}): run longer (`--warmup`, `--draws` twice as many); if that does not help, "
            "something is not identified by data and priors: tighten the priors or drop a term."
        )
    small = min(worst.bulk, worst.tail)
    if small[0] < ESS:
        found.append(
            f"Too few independent draws of {small[1]} (effective sample size {small[0]:.0f}, below "
            f"{ESS}): its mean, or the ends of its interval, are uncertain; run longer "
            "(`--draws` twice as many)."
        )
    return found


def _divergences(count: int, total: int, centrings: tuple[str, ...]) -> list[str]:
    if not count:
        return []
    share = 100 * count / total
    return [
        f"{count} of {total} draws diverged ({share:.2g}%): a part of the posterior was not "
        f"entered. {_REMEDIES[centrings]}, or take smaller steps (`--target-accept 0.95`)."
    ]


def _depth(depth: Numbers) -> list[str]:
    share = float((depth >= MAX_TREE_DEPTH).mean())
    if share < DEEP:
        return []
    return [
        f"{100 * share:.0f}% of the steps were cut off at depth {MAX_TREE_DEPTH}: slow, not wrong. "
        "Predictors on very different scales do that: `standardize` them."
    ]


def _energy(energy: Numbers, centrings: tuple[str, ...]) -> list[str]:
    if energy.shape[1] < 3:
        return []
    low = [i + 1 for i, value in enumerate(bfmi(energy)) if value < BFMI]
    if not low:
        return []
    chains = ", ".join(map(str, low))
    return [
        f"Low energy information (E-BFMI below {BFMI}) in chain {chains}: the tails are explored "
        f"slowly. {_HELP[centrings]}."
    ]
