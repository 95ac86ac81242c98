"""The same model with no pooling, as written, and with complete pooling, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hdsl.check.pooling import Pooling, pooled
from hdsl.compiler import bind_data, model_of
from hdsl.data.bind import Binding
from hdsl.data.problem import numbered
from hdsl.data.table import Table
from hdsl.diagnostics.diagnostic import Diagnostic, ModelError
from hdsl.expr import ROW
from hdsl.fit.draws import NoStartError, Numbers, Settings
from hdsl.fit.failure import failure
from hdsl.fit.fingerprint import fingerprint
from hdsl.fit.progress import Reporter, Silent
from hdsl.fit.statistics import converge
from hdsl.ir.model import LevelKind, Model
from hdsl.source import Source
from hdsl.workflow.poolings import Estimates, Poolings, Variant
from hdsl.workflow.prior import Prepared, prepare_bound
from hdsl.workflow.record import Record
from hdsl.workflow.scores import LeftOut, folds_of, left_out_groups, left_out_rows, sampled_rows

if TYPE_CHECKING:
    from hdsl.workflow.refit import Refit

NAMES = (Pooling.NONE.value, "as written", Pooling.COMPLETE.value)


@dataclass(frozen=True)
class _Plan:
    """How the three are fitted and compared."""

    settings: Settings
    method: str
    holdout: str | None
    folds: list[Numbers]
    reporter: Reporter
    record: Record[str]


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
    out: str | Path | None = None,
    overwrite: bool = False,
    reporter: Reporter | None = None,
) -> Poolings:
    """Three fits of a model that differ in how much its groups share, and how well each predicts.

    ``levels``: only these are pooled otherwise. ``holdout`` is a level whose groups are also left
    out, a fifth of them (or one of ``folds``) at a time, and predicted as groups never seen.
    ``out`` is a file to which each fit is added when it is done; a call that finds it goes on from
    there.
    """
    if folds < 2:
        raise ValueError("folds is 2 or more")
    model, levels = model_of(source), tuple(levels)
    texts = variants(source, model, levels)
    binding = _bound(model, rows, tables or {})
    said = reporter or Silent()
    settings = Settings(chains, draws, warmup, seed)
    parts = [] if holdout is None else folds_of(_size(model, binding, holdout), folds, seed)
    header = _header(source, binding, levels, method, settings)
    record: Record[str] = Record(None if out is None else Path(out), header, overwrite, "fit")
    method = _method(method, model, binding, settings, said)
    plan = _Plan(settings, method, holdout, parts, said, record)
    if record.done:
        said.note(f"{numbered(len(record.done), 'fit')} of {record.path} need not be done again")
    found = []
    for name, text in texts.items():
        own = Source(text, source.name)
        checked = model if name == NAMES[1] else model_of(own)
        bound = binding if checked is model else _bound(checked, rows, tables or {})
        found.append(_variant(name, text, prepare_bound(checked, bound), binding, plan))
    return Poolings(model, binding, tuple(found), holdout)


def _header(
    source: Source, binding: Binding, levels: Iterable[str], method: str, settings: Settings
) -> dict[str, Any]:
    """What must be the same for fits to belong together."""
    return {
        "command": "pool",
        "model": source.text,
        "data": fingerprint(binding.rows, binding.tables),
        "levels": sorted(levels),
        "method": method,
        **asdict(settings),
    }


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
    groups = _groups(prepared, binding, plan.holdout) if plan.holdout is not None else {}
    fitter = _Fitter(name, prepared, plan)
    record = plan.record
    try:
        if name not in record.done:
            plan.reporter.stage(f"{name}: fitting")
            record.add(name, fitter.whole())
        scores = np.zeros(sum(len(fold) for fold in plan.folds))
        for number, fold in enumerate(plan.folds):
            part = f"fold {number + 1} of {len(plan.folds)}"
            key = f"{name}: {plan.holdout} {part}"
            if key not in record.done:
                plan.reporter.stage(f"{name}: {part}")
                seed = plan.settings.seed + 1 + number
                own = left_out_groups(fitter.refit, groups, fold, seed)
                record.add(key, {"scores": own.tolist()})
            scores[fold] = record.done[key]["scores"]
    except NoStartError as error:
        raise failure("H521", f"{name}: no point to start from has a finite log density") from error
    finally:
        fitter.close()
    done = record.done[name]
    estimates = {q: _estimates(prepared, q, value) for q, value in done["estimates"].items()}
    left_out = LeftOut(
        np.array(done["scores"]), done["of"], np.array(done["unreliable"]), done["parameters"]
    )
    unseen = scores if plan.folds else None
    return Variant(name, text, estimates, left_out, unseen, done["r_hat"], done["divergences"])


@dataclass
class _Fitter:
    """Makes the fits of one of the three; its code is compiled once it is needed."""

    name: str
    prepared: Prepared
    plan: _Plan
    _refit: Refit | None = None

    @property
    def refit(self) -> Refit:
        """What fits it."""
        from hdsl.workflow.refit import Refit

        if self._refit is None:
            masked = self.plan.holdout is not None
            self._refit = Refit(self.prepared, self.plan.settings, self.plan.method, masked)
        return self._refit

    def whole(self) -> dict[str, Any]:
        """What is kept of the fit to all rows: estimates, and the scores of left-out rows."""
        refit, seed = self.refit, self.plan.settings.seed
        fitted = refit.fit(refit.masks({}) if self.plan.holdout is not None else {}, seed)
        scores = left_out_rows(refit, fitted, sampled_rows(refit, seed))
        return {
            "estimates": {
                name: _moments(value)
                for name, value in fitted.values.items()
                if ROW not in self.prepared.dims.get(name, (ROW,))
            },
            "scores": scores.scores.tolist(),
            "of": scores.of,
            "unreliable": scores.unreliable.tolist(),
            "parameters": scores.parameters,
            "r_hat": _r_hat(fitted.values),
            "divergences": fitted.divergences,
        }

    def close(self) -> None:
        """Lets go of the threads that compile."""
        if self._refit is not None:
            self._refit.close()


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


def _moments(value: Numbers) -> dict[str, Any]:
    """Mean and sd of each number of a quantity."""
    flat = value.reshape(-1, *value.shape[2:])
    return {"mean": flat.mean(axis=0).tolist(), "sd": flat.std(axis=0, ddof=1).tolist()}


def _estimates(prepared: Prepared, name: str, found: Mapping[str, Any]) -> Estimates:
    """Mean and sd of each number of a quantity, with the labels of its dimensions."""
    dims = prepared.dims.get(name, ())
    labels = {d: [str(label) for label in prepared.labels[d]] for d in dims}
    return Estimates(np.array(found["mean"]), np.array(found["sd"]), dims, labels)


def _r_hat(values: Mapping[str, Numbers]) -> float | None:
    worst = -np.inf
    for value in values.values():
        moving = np.ptp(value, axis=(0, 1)) > 0
        if value.shape[0] > 1 and np.any(moving):
            worst = max(worst, float(np.nanmax(converge(value[:, :, moving]).r_hat)))
    return worst if np.isfinite(worst) else None
