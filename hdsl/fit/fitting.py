"""A fit from a checked model and bound data to a run: every step in order, each one call."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hdsl.data.training import remember
from hdsl.expr import ROW
from hdsl.fit.described import centrings, population
from hdsl.fit.devices import Machines, begin
from hdsl.fit.draft import Draft, Record, open_draft
from hdsl.fit.drawing import Plan, draw
from hdsl.fit.draws import (
    Draws,
    OutcomeRows,
    Settings,
    keeps_pointwise,
    predicts_missing,
)
from hdsl.fit.environment import environment, versions
from hdsl.fit.failure import failure, require
from hdsl.fit.fingerprint import fingerprint, fingerprint_of_text
from hdsl.fit.folder import Contents
from hdsl.fit.foresee import foresee, refuse_too_much
from hdsl.fit.methods.names import APPROXIMATE, METHODS
from hdsl.fit.module import GeneratedModule, import_module, write_module
from hdsl.fit.progress import ConsoleReporter, Reporter, Silent
from hdsl.fit.run import Run
from hdsl.ir import model as ir
from hdsl.passes.names import PASS_NAMES

if TYPE_CHECKING:
    from hdsl.backends import Generated
    from hdsl.data.bind import Binding

BACKENDS = ("numpyro", "pymc")
SAMPLERS = {"numpyro": ("numpyro",), "pymc": ("numpyro", "nutpie", "pymc")}
"""What may sample each backend's model; the first does unless another is asked for."""

NEEDED = {"numpyro": (), "pymc": ("pymc",), "nutpie": ("nutpie",)}
"""What a backend or a sampler needs besides what HDSL comes with."""

USUAL, CAREFUL = 0.8, 0.95
"""Acceptance rates that NUTS aims at. On `examples/elasticity/two_components.hdsl` 23 of 2,000
draws diverged at 0.8, none at 0.95, which gave 0.86 times as many effective draws a second."""

DRAWING = ("hdsl", "numpyro", "jax", "jaxlib", "pymc", "pytensor")
"""Those that have a say in the draws: a fit goes on only with the very versions that began it."""


def fit(
    model: ir.Model,
    binding: Binding,
    backend: str = "numpyro",
    *,
    method: str = "nuts",
    chains: int = 4,
    draws: int = 1000,
    warmup: int = 1000,
    seed: int = 0,
    sampler: str | None = None,
    target_accept: float | None = None,
    level: int = 1,
    without: Iterable[str] = (),
    out: str | Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    progress: bool | Reporter = False,
    origin: Mapping[str, Any] | None = None,
    machines: Machines = Machines(),  # noqa: B008 - a frozen value
) -> Run:
    """The posterior of a model given data bound to it; written to the RUN ``out`` if it is named.

    ``method`` is ``nuts``, which samples the posterior; ``laplace``, ``svi`` or ``pathfinder``,
    which approximate it; or ``auto``, which says what it chose and why. ``level`` 0 samples the
    model as written, 1 as the passes arrange it, but those ``without``. Ctrl-C keeps what chains
    have drawn. ``resume`` goes on with the fit that was to write ``out``; ModelError if there is
    none, or another. ``origin`` says where data came from; ``machines`` are what it computes on.
    """
    passes = (level, tuple(sorted(without)))
    if target_accept is None:
        target_accept = _acceptance(model, binding, *passes)
    settings = Settings(chains, draws, warmup, seed, target_accept, *passes)
    chosen = _checked(method, backend, sampler, settings)
    first = begin(machines, method, backend)
    reporter = _reporter(progress if first else False)
    if method == "auto":
        method = _chosen(model, binding, settings, reporter)
    plan = Plan(method, backend, chosen, settings, reporter, origin or {}, machines)
    for package in NEEDED[backend] + NEEDED.get(chosen, ()):
        require(package)
    target = Path(out) if out is not None and first else None
    with open_draft(target, overwrite, resume) as draft:
        try:
            run = _fit_in(draft, model, binding, plan)
        except KeyboardInterrupt:
            left = f"`hdsl fit --resume {target}` goes on" if draft.kept else "nothing is kept"
            plan.reporter.note(f"stopped before every chain had a draw: {left}")
            raise
        return run if target is None else _published(run, draft, target)


def _published(run: Run, draft: Draft, target: Path) -> Run:
    """The run, in its folder."""
    run.write(draft.folder)
    draft.publish(run.complete)
    return run.at(target)


def _acceptance(model: ir.Model, binding: Binding, level: int, without: tuple[str, ...]) -> float:
    """How many proposals are to be accepted, where nobody says: nearly all where coefficients are
    sampled one given the other, as steps must be short where their correlation nears 1.
    """
    from hdsl.compiler import arranged

    if level == 0:
        return USUAL
    totals = arranged(model, binding.facts, without).totals
    return CAREFUL if any(len(each.sites) > 1 for each in totals) else USUAL


def _chosen(model: ir.Model, binding: Binding, settings: Settings, reporter: Reporter) -> str:
    """The method that `auto` takes, having said why."""
    from hdsl.fit.survey import survey

    found = survey(model, binding, settings)
    reporter.note(found.sentence)
    return found.method


def _checked(method: str, backend: str, sampler: str | None, settings: Settings) -> str:
    """The sampler to use; a ValueError where what is asked for cannot be had."""
    if method not in METHODS:
        raise ValueError(f"no method {method!r}: one of {', '.join(METHODS)}")
    if method != "nuts" and (backend != "numpyro" or sampler is not None):
        raise ValueError(
            f"the method {method!r} runs on the NumPyro file, without a sampler: leave "
            "backend and sampler out"
        )
    if backend not in SAMPLERS:
        raise ValueError(f"no backend {backend!r}: one of {', '.join(BACKENDS)}")
    chosen = sampler or SAMPLERS[backend][0]
    if chosen not in SAMPLERS[backend]:
        possible = ", ".join(SAMPLERS[backend])
        raise ValueError(f"{backend} models are not sampled by {chosen!r}: one of {possible}")
    if settings.chains < 1 or settings.draws < 4 or settings.warmup < 0:
        raise ValueError("a fit needs at least 1 chain, 4 draws, and 0 warm-up steps")
    if not 0 <= settings.seed < 2**31:
        raise ValueError("the seed lies between 0 and 2147483647")
    if not 0 < settings.target_accept < 1:
        raise ValueError("target_accept lies between 0 and 1")
    if settings.level not in (0, 1):
        raise ValueError("the level of optimisation is 0 or 1")
    unknown = sorted(set(settings.without) - set(PASS_NAMES))
    if unknown:
        raise ValueError(f"no pass {unknown[0]!r}: one of {', '.join(PASS_NAMES)}")
    return chosen


def _reporter(progress: bool | Reporter) -> Reporter:
    if progress is False:
        return Silent()
    if progress is True:
        from rich.console import Console

        return ConsoleReporter(Console(stderr=True))
    return progress


def _fit_in(draft: Draft, model: ir.Model, binding: Binding, plan: Plan) -> Run:
    """The fit, with the generated file written to, and imported from, a folder."""
    from hdsl.fit.setup import prepare_jax

    if not any(isinstance(n, ir.Parameter | ir.Deviations | ir.Correlation) for n in model.nodes):
        raise failure("H522", "there is nothing to sample: the model has no parameter")
    began, started = time.perf_counter(), datetime.now(UTC)
    prepare_jax()
    generated = _compiled(model, binding, plan)
    record = _record(model, generated, binding, plan, draft.overwrite)
    checkpoints = draft.begin(record)
    file = write_module(generated, draft.folder)
    loaded = import_module(generated, file, model.source)
    data = loaded.prepare(binding.rows, binding.tables)
    outcomes = _with_predictions(outcome_rows(model, generated, data, loaded), plan)
    pointwise = _pointwise(outcomes, plan)
    labels = labels_of(data, loaded)
    rows = binding.facts.rows
    refuse_too_much(
        foresee(generated, labels, outcomes, pointwise, plan.settings, rows), plan.settings
    )
    prepared = time.perf_counter()
    drawn = draw(loaded, data, outcomes, pointwise, model, plan, checkpoints, record)
    tree = _tree(model, generated, data, outcomes, drawn, loaded)
    seconds = {"prepare": prepared - began, **drawn.times, "total": time.perf_counter() - began}
    info = {
        **environment(),
        "status": "complete" if drawn.complete else "partial",
        "model": model.source.name,
        "title": model.title,
        "method": plan.method,
        "backend": plan.backend,
        "sampler": None if plan.method in APPROXIMATE else plan.sampler,
        "options": options_of(plan.settings),
        "approximation": dict(drawn.diagnostics),
        "draws": next(iter(drawn.stats.values())).shape[1],
        "pointwise": pointwise,
        "population": population(model, drawn, tuple(generated.dims)),
        "centrings": centrings(model),
        "data": {**_described(binding), "fingerprint": record.data},
        "resumable": not drawn.complete and draft.kept,
        "started": started.isoformat(timespec="seconds"),
        "seconds": seconds,
    }
    learned = dict(data.get("learned", {}))
    training = remember(binding.dataset, binding.facts.missing).as_json()
    python = {file.name: generated.text}
    return Run(Contents(model.source.text, python, learned, info, training), tree)


def _compiled(model: ir.Model, binding: Binding, plan: Plan) -> Generated:
    """The generated file; only chains sample what the passes arrange."""
    from hdsl.compiler import compile_model

    settings = plan.settings
    level = settings.level if plan.method == "nuts" else 0
    return compile_model(model, plan.backend, binding.facts, level, settings.without)


def _with_predictions(outcomes: tuple[OutcomeRows, ...], plan: Plan) -> tuple[OutcomeRows, ...]:
    """The outcomes, those whose missing values are too many marked as not to be predicted."""
    draws = plan.settings.chains * plan.settings.draws
    found = tuple(replace(o, predicted=predicts_missing(o, draws)) for o in outcomes)
    for outcome in found:
        if not outcome.predicted:
            plan.reporter.note(
                f"the {outcome.unseen.size:,} missing values of {outcome.name} are not drawn with "
                "the rest, they are too many: `hdsl predict` gives them"
            )
    return found


def _pointwise(outcomes: tuple[OutcomeRows, ...], plan: Plan) -> bool:
    """Whether log-likelihood and predictions of every row are kept; says so where not."""
    settings = plan.settings
    kept = keeps_pointwise(outcomes, settings.chains * settings.draws)
    if not kept:
        plan.reporter.note(
            "log-likelihood and predictions of every row are not kept: "
            f"{sum(o.length for o in outcomes)} rows × {settings.chains} chains × "
            f"{settings.draws} draws are too many numbers"
        )
    return kept


def _described(binding: Binding) -> dict[str, Any]:
    """What a run remembers of the data."""
    return {
        "rows": binding.facts.rows,
        "groups": {name: size for name, size in binding.facts.sizes.items() if name != ROW},
    }


def _record(
    model: ir.Model, generated: Generated, binding: Binding, plan: Plan, overwrite: bool
) -> Record:
    """What the fit is asked for."""
    return Record(
        model=model.source.text,
        name=model.source.name,
        method=plan.method,
        backend=plan.backend,
        sampler=plan.sampler,
        options=options_of(plan.settings),
        code=fingerprint_of_text(generated.text),
        data=fingerprint(binding.rows, binding.tables),
        versions={name: found for name, found in versions().items() if name in DRAWING},
        overwrite=overwrite,
        origin=plan.origin,
    )


def options_of(settings: Settings) -> dict[str, Any]:
    """The settings as a file of JSON has them."""
    return {**asdict(settings), "without": list(settings.without)}


def outcome_rows(
    model: ir.Model, generated: Generated, data: Mapping[str, Any], loaded: GeneratedModule
) -> tuple[OutcomeRows, ...]:
    """Where each outcome stands in the prepared data."""
    labels = labels_of(data, loaded)
    found = []
    for outcome in model.outcomes:
        key, seen_key = generated.observed[outcome.name], generated.seen.get(outcome.name)
        found.append(
            OutcomeRows(
                name=outcome.name,
                site=generated.sites[outcome.name],
                key=key,
                length=prod(len(labels[level]) for level in outcome.domain),
                observed=np.asarray(data[key]),
                seen_key=seen_key,
                seen=None if seen_key is None else np.asarray(data[seen_key]),
            )
        )
    return tuple(found)


def labels_of(data: Mapping[str, Any], loaded: GeneratedModule) -> dict[str, Any]:
    """The labels of every dimension: those that the model fixes and those of the data."""
    return {**getattr(loaded.module, "COORDS", {}), **data["coords"]}


def _tree(
    model: ir.Model,
    generated: Generated,
    data: Mapping[str, Any],
    outcomes: tuple[OutcomeRows, ...],
    drawn: Draws,
    loaded: GeneratedModule,
) -> Any:
    from hdsl.fit.results import Names, Results

    names = Names(
        labels_of(data, loaded),
        {level: np.asarray(data[key]) for level, key in generated.row_index.items()},
    )
    return Results(model, generated, data, outcomes, names, drawn).tree()
