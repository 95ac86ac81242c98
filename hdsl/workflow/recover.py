"""Simulate from the prior, fit, compare: what a design gives back of what was put into it.

Where truth comes from the prior and the fit is right, an interval of 90% holds the truth in 90% of
the replicates and the truth's rank among the draws is uniform (Talts et al. 2018, "Validating
Bayesian inference algorithms with simulation-based calibration").
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hdsl.check.fixed import fix
from hdsl.data.bind import Binding
from hdsl.data.table import Table
from hdsl.fit.draws import NoStartError, Numbers, Settings
from hdsl.fit.fingerprint import fingerprint
from hdsl.fit.progress import Reporter, Silent
from hdsl.fit.statistics import converge
from hdsl.ir.model import Model
from hdsl.workflow.design import Design, design
from hdsl.workflow.prior import Prepared, Prior, PriorDraws, check_proper, overflows, prepare
from hdsl.workflow.record import Record
from hdsl.workflow.recovery import Recovery

QUANTILES = (0.05, 0.16, 0.25, 0.75, 0.84, 0.95)
RANKED = 100
"""The truth's rank is taken among so many draws, which are far enough apart to count each."""

PRIOR_DRAWS = 1000
NUMBERS = 2000
"""Of each quantity so many numbers are compared; with more groups, every second, third …"""

SECONDS = 5.0  # how often progress is told


@dataclass(frozen=True)
class _Plan:
    """What is fitted, how, and how often."""

    truth: Prior
    prepared: Prepared  # of the model as it is fitted
    binding: Binding
    settings: Settings
    method: str
    times: int


def recover(
    model: Model,
    rows: Table,
    tables: Mapping[str, Table] | None = None,
    *,
    times: int = 20,
    method: str = "nuts",
    chains: int = 2,
    draws: int = 500,
    warmup: int = 500,
    seed: int = 0,
    settings: Iterable[str] = (),
    out: str | Path | None = None,
    overwrite: bool = False,
    reporter: Reporter | None = None,
) -> Recovery:
    """How well a design gives back what was put in: ``times`` replicates, simulated and fitted.

    The outcomes of the rows, where they have any, scale default priors and say which are missing.
    ``out`` is a file to which each replicate is added when it is done; a call that finds it goes on
    from there. Ctrl-C ends it early: the recovery is then of the replicates that are done.
    """
    if times < 1:
        raise ValueError("times is 1 or more")
    settings = tuple(settings)
    fixed = fix(model, settings)
    check_proper(fixed)
    ready = design(model, rows, tables)
    asked = Settings(chains, draws, warmup, seed)
    header = _header(model, ready, asked, method, settings)
    record: Record[int] = Record(None if out is None else Path(out), header, overwrite)
    prepared = prepare(ready)
    truth = Prior(prepared if fixed == model else prepare(ready, fixed))
    plan = _Plan(truth, prepared, ready.binding, asked, method, times)
    complete = _replicates(plan, record, reporter or Silent())
    prior = Prior(prepared).draw(PRIOR_DRAWS, seed + 1)
    widths = {name: _width(value) for name, value in prior.values.items()}
    done = {n: r for n, r in sorted(record.done.items()) if n <= times}
    return Recovery(prepared, widths, done, times, complete, tuple(settings))


def _header(
    model: Model, ready: Design, asked: Settings, method: str, settings: Iterable[str]
) -> dict[str, Any]:
    """What must be the same for replicates to belong together."""
    binding = ready.binding
    return {
        "model": model.source.text,
        "data": fingerprint(binding.rows, binding.tables),
        "method": method,
        "settings": sorted(settings),
        **asdict(asked),
    }


def _replicates(plan: _Plan, record: Record[int], reporter: Reporter) -> bool:
    """Does the replicates that are not done yet; False where Ctrl-C ended it."""
    missing = [n for n in range(1, plan.times + 1) if n not in record.done]
    if not missing:
        return True
    if len(missing) < plan.times:
        reporter.note(f"{plan.times - len(missing)} of {plan.times} replicates were done before")
    from hdsl.workflow.refit import Refit, method_for

    model = plan.prepared.model
    method = method_for(plan.method, model, plan.binding, plan.settings, reporter)
    reporter.stage("compiling")
    refit = Refit(plan.prepared, plan.settings, method)
    began = told = time.perf_counter()
    try:
        for count, number in enumerate(missing):
            if count and time.perf_counter() - told > SECONDS:
                told = time.perf_counter()
                left = (told - began) / count * (len(missing) - count)
                reporter.stage(f"replicate {number} of {plan.times}, about {left:.0f} s left")
            record.add(number, _replicate(plan, refit, number))
    except KeyboardInterrupt:
        reporter.note(f"stopped after {len(record.done)} of {plan.times} replicates")
        return False
    finally:
        refit.close()
    return True


def _replicate(plan: _Plan, refit: Any, number: int) -> dict[str, Any]:
    """One replicate: what was put in, and what the fit gave back."""
    seed = plan.settings.seed
    drawn = plan.truth.draw(1, seed, number).one(0)
    if any(overflows(value).any() for value in drawn.outcomes.values()):
        return {"failed": "the prior predicted what no number can hold"}
    changed = plan.prepared.simulated(drawn)
    own = int(np.random.SeedSequence((seed, number)).generate_state(1)[0] % 2**31)
    began = time.perf_counter()
    try:
        fitted = refit.fit(changed, own)
    except NoStartError:
        return {"failed": "no point to start from"}
    compared = _compared(drawn, fitted.values)
    return {
        "seconds": round(time.perf_counter() - began, 3),
        "r_hat": _worst_r_hat(fitted.values, plan.settings),
        "divergences": fitted.divergences,
        "quantities": compared,
    }


def _compared(truth: PriorDraws, posterior: Mapping[str, Numbers]) -> dict[str, Any]:
    """Truth, mean, sd, quantiles and the truth's rank, of each number of each quantity."""
    found = {}
    for name, value in posterior.items():
        if name not in truth.values:
            continue
        true = np.broadcast_to(np.asarray(truth.values[name], float), value.shape[2:]).ravel()
        draws = value.reshape(value.shape[0] * value.shape[1], -1)
        kept = numbers_kept(len(true))
        true, draws = true[kept], draws[:, kept]
        thinned = draws[:: max(1, len(draws) // RANKED)]
        if not np.ptp(draws, axis=0).any():
            continue  # set to a number: there is nothing to recover
        found[name] = {
            "truth": true.tolist(),
            "mean": draws.mean(axis=0).tolist(),
            "sd": draws.std(axis=0, ddof=1).tolist(),
            "quantiles": np.quantile(draws, QUANTILES, axis=0).T.tolist(),
            "rank": ((thinned < true).mean(axis=0)).tolist(),
        }
    return found


def numbers_kept(size: int) -> Numbers:
    """The positions of those numbers of a quantity that are compared."""
    return np.arange(0, size, -(-size // NUMBERS)) if size else np.arange(0)


def _worst_r_hat(posterior: Mapping[str, Numbers], settings: Settings) -> float | None:
    """The largest r-hat; None where there is one chain, or nothing that moves."""
    if settings.chains < 2:
        return None
    worst = -np.inf
    for value in posterior.values():
        flat = value.reshape(*value.shape[:2], -1)[:, :, numbers_kept(value[0, 0].size)]
        moving = np.ptp(flat, axis=(0, 1)) > 0
        if moving.any():
            worst = max(worst, float(np.nanmax(converge(flat[:, :, moving]).r_hat)))
    return worst if np.isfinite(worst) else None


def _width(draws: Numbers) -> Numbers:
    """Half the width of the middle 68% of each number of a quantity: its sd, were it normal.

    A prior with heavy tails has this and no sd.
    """
    flat = np.asarray(draws, float).reshape(len(draws), -1)
    low, high = np.quantile(flat[:, numbers_kept(flat.shape[1])], [0.16, 0.84], axis=0)
    half: Numbers = (high - low) / 2
    return half
