"""The same model with no pooling, as written, and with complete pooling, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hdsl.check.pooling import Pooling, pooled
from hdsl.compiler import bind_data, model_of
from hdsl.data.bind import Binding
from hdsl.data.table import Table
from hdsl.diagnostics.diagnostic import Diagnostic, ModelError
from hdsl.expr import ROW
from hdsl.fit.draws import NoStartError, Numbers, Settings
from hdsl.fit.failure import failure
from hdsl.fit.progress import Reporter, Silent
from hdsl.fit.statistics import converge
from hdsl.ir.model import LevelKind, Model
from hdsl.source import Source
from hdsl.workflow.poolings import Estimates, Poolings, Variant
from hdsl.workflow.prior import Prepared, prepare_bound
from hdsl.workflow.scores import (
    folds_of,
    left_out_groups,
    left_out_rows,
    sampled_rows,
)

NAMES = (Pooling.NONE.value, "as written", Pooling.COMPLETE.value)


@dataclass(frozen=True)
class _Plan:
    """How the three are fitted and compared."""

    settings: Settings
    method: str
    holdout: str | None
    folds: list[Numbers]
    reporter: Reporter


def variants(source: Source, model: Model, levels: Iterable[str] = ()) -> dict[str, str]:
    """The texts of the three models by what they are called; that of the middle one is as written.

    Raises ModelError where there is nothing to pool.
    """
    chosen = frozenset(levels)
    first, written, last = NAMES
    return {
        first: pooled(source, model, Pooling.NONE, chosen),
        written: source.text,
        last: pooled(source, model, Pooling.COMPLETE, chosen),
    }


def pool(
    source: Source,
    rows: Table,
    tables: Mapping[str, Table] | None = None,
    *,
    levels: Iterable[str] = (),
    holdout: str | None = None,
    folds: int = 5,
    method: str = "nuts",
    chains: int = 4,
    draws: int = 1000,
    warmup: int = 1000,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> Poolings:
    """Three fits of a model that differ in how much its groups share, and how well each predicts.

    ``levels``: only these are pooled otherwise. ``holdout`` is a level whose groups are also left
    out, a fifth of them (or one of ``folds``) at a time, and predicted as groups never seen.
    """
    if folds < 2:
        raise ValueError("folds is 2 or more")
    model = model_of(source)
    texts = variants(source, model, levels)
    binding = _bound(model, rows, tables or {})
    said = reporter or Silent()
    settings = Settings(chains, draws, warmup, seed)
    method = _method(method, model, binding, settings, said)
    parts = [] if holdout is None else folds_of(_size(model, binding, holdout), folds, seed)
    plan = _Plan(settings, method, holdout, parts, said)
    found = []
    for name, text in texts.items():
        said.stage(f"{name}: fitting")
        own = Source(text, source.name)
        checked = model if name == NAMES[1] else model_of(own)
        bound = binding if checked is model else _bound(checked, rows, tables or {})
        found.append(_variant(name, text, prepare_bound(checked, bound), binding, plan))
    return Poolings(model, binding, tuple(found), holdout)


def _method(
    asked: str, model: Model, binding: Binding, settings: Settings, reporter: Reporter
) -> str:
    from hdsl.workflow.refit import method_for  # it imports JAX

    return method_for(asked, model, binding, settings, reporter)


def _bound(model: Model, rows: Table, tables: Mapping[str, Table]) -> Binding:
    known = {name: table for name, table in tables.items() if name in model.levels}
    binding = bind_data(model, rows, known)
    if not binding.sound:
        raise ModelError(binding.diagnostics, model.source)
    return binding


def _size(model: Model, binding: Binding, level: str) -> int:
    """The number of a level's groups; an error where none can be left out."""
    kinds = (LevelKind.COLUMN, LevelKind.CROSS)
    known = [name for name, found in model.levels.items() if found.kind in kinds]
    if level not in known:
        names = ", ".join(f"`{name}`" for name in known)
        said = f"no level `{level}` whose groups could be held out"
        raise ModelError((Diagnostic("H557", said, help=f"there are {names}"),), model.source)
    size = binding.facts.sizes[level]
    if size < 3:
        said = f"`{level}` has {size} groups: too few to hold some of them out"
        raise ModelError((Diagnostic("H557", said, help="3 is the least"),), model.source)
    return size


def _variant(name: str, text: str, prepared: Prepared, binding: Binding, plan: _Plan) -> Variant:
    """One of the three: fitted, scored, and fitted again without some of the groups."""
    from hdsl.workflow.refit import Refit

    refit = Refit(prepared, plan.settings, plan.method, masked=plan.holdout is not None)
    masks = refit.masks({}) if plan.holdout is not None else {}
    try:
        fitted = refit.fit(masks, plan.settings.seed)
        scores = left_out_rows(refit, fitted, sampled_rows(refit, plan.settings.seed))
        groups = _groups(prepared, binding, plan.holdout) if plan.holdout is not None else {}

        def told(number: int) -> None:
            plan.reporter.stage(f"{name}: fold {number + 1} of {len(plan.folds)}")

        unseen = None
        if plan.holdout is not None:
            unseen = left_out_groups(refit, groups, plan.folds, plan.settings.seed, told)
    except NoStartError as error:
        raise failure("H521", f"{name}: no point to start from has a finite log density") from error
    finally:
        refit.close()
    values = fitted.values
    estimates = {q: _estimates(prepared, q, values[q]) for q in prepared.dims if q in values}
    return Variant(name, text, estimates, scores, unseen, _r_hat(fitted.values), fitted.divergences)


def _groups(prepared: Prepared, binding: Binding, level: str) -> dict[str, Numbers]:
    """Which group of a level each observation of each site is of."""
    found = {}
    evaluator = binding.dataset.evaluator
    for outcome in prepared.outcomes:
        node = next(o for o in prepared.model.outcomes if o.name == outcome.name)
        (own,) = node.domain
        same = own == level
        codes = np.arange(outcome.length) if same else evaluator.index(level, own)
        found[outcome.site] = codes if outcome.seen is None else codes[outcome.seen]
    return found


def _estimates(prepared: Prepared, name: str, value: Numbers) -> Estimates:
    """Mean and sd of each number of a quantity, with the labels of its dimensions."""
    flat = value.reshape(-1, *value.shape[2:])
    dims = prepared.dims.get(name, ())
    labels = {d: [str(label) for label in prepared.labels[d]] for d in dims if d != ROW}
    return Estimates(flat.mean(axis=0), flat.std(axis=0, ddof=1), dims, labels)


def _r_hat(values: Mapping[str, Numbers]) -> float | None:
    worst = -np.inf
    for value in values.values():
        moving = np.ptp(value, axis=(0, 1)) > 0
        if value.shape[0] > 1 and np.any(moving):
            worst = max(worst, float(np.nanmax(converge(value[:, :, moving]).r_hat)))
    return worst if np.isfinite(worst) else None
