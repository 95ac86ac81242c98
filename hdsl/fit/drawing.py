"""The draws of a fit, by the backend, the method and the sampler that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from hdsl.diagnostics.diagnostic import Diagnostic, Label, ModelError
from hdsl.expr import ROW
from hdsl.fit.checkpoint import Checkpoints
from hdsl.fit.devices import Machines, Shares, shares_of
from hdsl.fit.draft import Record
from hdsl.fit.draws import (
    MANY_NUMBERS,
    MANY_ROWS,
    SOME_ROWS,
    Draws,
    NoStartError,
    OutcomeRows,
    Settings,
)
from hdsl.fit.methods.names import APPROXIMATE
from hdsl.fit.module import GeneratedModule
from hdsl.fit.progress import Reporter
from hdsl.ir import model as ir


@dataclass(frozen=True)
class Plan:
    """What was asked for, checked."""

    method: str
    backend: str
    sampler: str
    settings: Settings
    reporter: Reporter
    origin: Mapping[str, Any]
    machines: Machines = field(default_factory=Machines)


def draw(
    loaded: GeneratedModule,
    data: Mapping[str, Any],
    outcomes: tuple[OutcomeRows, ...],
    pointwise: bool,
    model: ir.Model,
    plan: Plan,
    checkpoints: Checkpoints,
    record: Record,
) -> Draws:
    """The draws of the backend and the sampler that were asked for."""
    drop = frozenset(loaded.generated.auxiliary)
    given = (data, outcomes, drop, plan.settings, pointwise, plan.reporter)
    try:
        if plan.method in APPROXIMATE:
            from hdsl.fit.approximate import approximate, problem_of

            problem = problem_of(loaded, data, model, checkpoints)
            shares = _shares(loaded, data, plan)
            problem = problem if shares is None else shares.problem(problem)
            return approximate(plan.method, problem, *given)
        if plan.backend == "numpyro":
            return _by_numpyro(loaded, given, model, plan, checkpoints, record)
        from hdsl.fit.pymc_sampler import sample_pymc

        return sample_pymc(loaded, *given, plan.sampler, checkpoints)
    except NoStartError as error:
        raise _no_start(error, model) from error


def _no_start(error: NoStartError, model: ir.Model) -> ModelError:
    """Which quantity has no density where the chains would start."""
    spans = {outcome.name: outcome.span for outcome in model.outcomes}
    spans |= {name: node.span for name, node in model.by_name.items() if name not in spans}
    blamed = [site for site in error.sites if site in spans] or list(error.sites)
    said = f": that of `{blamed[0]}` is not" if blamed else ""
    label = Label(spans[blamed[0]]) if blamed and blamed[0] in spans else None
    return ModelError(
        (
            Diagnostic(
                "H521",
                f"no point to start from has a finite log density{said}",
                label,
                help="look for a prior far too wide for its predictor's scale (`standardize` the "
                "predictor), or for arguments that leave what the distribution allows",
            ),
        ),
        model.source,
    )


def _may_be_large(loaded: GeneratedModule, data: Mapping[str, Any]) -> bool:
    """Whether there may be rows or unknowns enough for an approximation to be worth its time."""
    rows = len(data["coords"][ROW])
    sizes = {**getattr(loaded.module, "COORDS", {}), **data["coords"]}
    domains = loaded.generated.site_domains.values()
    unknown = sum(prod(len(sizes.get(level, ())) or 1 for level in domain) for domain in domains)
    return rows >= MANY_ROWS or (rows >= SOME_ROWS and unknown >= MANY_NUMBERS)


def _by_numpyro(
    loaded: GeneratedModule,
    given: tuple[Any, ...],
    model: ir.Model,
    plan: Plan,
    checkpoints: Checkpoints,
    record: Record,
) -> Draws:
    """The draws of NumPyro's sampler: of the arranged density, or of a large one, or as written."""
    from hdsl.fit.arranged import arranged_of
    from hdsl.fit.numpyro_sampler import model_of, sample_numpyro
    from hdsl.fit.programs import kept_programs

    data, outcomes, _, _, pointwise, _ = given
    large = plan.settings.level > 0 and not loaded.generated.condensed
    if large and not plan.machines.many and _may_be_large(loaded, data):
        from hdsl.fit.large import large_problem, sample_large

        problem = large_problem(loaded, data, model, checkpoints)
        found = None if problem is None else sample_large(problem, *given)
        if found is not None:
            return found
    arranged = arranged_of(loaded, data)
    shares = None if loaded.generated.condensed else _shares(loaded, data, plan)
    if loaded.generated.condensed and plan.machines.many:
        plan.reporter.note("one device is used: -O1 has left no rows to be shared")
    predicted = [outcome.predicted for outcome in outcomes]
    asked = {**record.programs, "pointwise": pointwise, "predicted": predicted}
    kept = None if plan.machines.many else kept_programs(asked)
    return sample_numpyro(
        model_of(loaded),
        data,
        outcomes,
        given[2],
        plan.settings,
        pointwise,
        plan.reporter,
        checkpoints,
        arranged,
        kept,
        shares,
    )


def _shares(loaded: GeneratedModule, data: Mapping[str, Any], plan: Plan) -> Shares | None:
    """How the rows are shared among the devices that were asked for, if there are many."""
    return shares_of(plan.machines, loaded.generated.by_row, len(data["coords"][ROW]))
