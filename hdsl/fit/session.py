"""A run and new rows made ready to work with: bound, prepared, its draws at hand."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hdsl.data.new_rows import NewRows, Remembered, bind_new
from hdsl.data.problem import finding, listing
from hdsl.data.table import Table
from hdsl.data.training import Training, from_json
from hdsl.diagnostics.diagnostic import ModelError
from hdsl.expr import ROW
from hdsl.fit.auxiliary import GROUP, sampled_sites
from hdsl.fit.draws import Numbers
from hdsl.fit.failure import failure
from hdsl.fit.module import GeneratedModule, import_module, write_module
from hdsl.ir import model as ir
from hdsl.ir.facts import Facts
from hdsl.ir.imputed import column, missing_level
from hdsl.ir.uses import predictor_data
from hdsl.source import Source

if TYPE_CHECKING:
    from hdsl.backends import Generated
    from hdsl.fit.run import Run


@dataclass(frozen=True)
class Session:
    """``data`` are the new rows as the generated NumPyro file prepares them; ``draws`` are those of
    every sampled site that the run has, (chain × draw, …), ``chains`` of them after one another.
    """

    run: Run
    model: ir.Model
    training: Training
    bound: NewRows
    loaded: GeneratedModule
    data: Mapping[str, Any]
    draws: Mapping[str, Numbers]
    chains: int

    @property
    def generated(self) -> Generated:
        """The generated NumPyro file."""
        return self.loaded.generated

    @property
    def count(self) -> int:
        """How many draws the run has, those of all chains together."""
        return int(next(iter(self.draws.values())).shape[0])

    @property
    def rows(self) -> int:
        """How many rows there are to work on."""
        return len(self.data["coords"][ROW])

    def labels(self) -> dict[str, Any]:
        """The number of each row in its file, and its group of every level."""
        found: dict[str, Any] = {ROW: np.asarray(self.data["coords"][ROW])}
        for level, key in self.generated.row_index.items():
            names = np.array(self.data["coords"][level], dtype=object)
            found[level] = names[np.asarray(self.data[key])]
        return found


def open_session(
    run: Run,
    rows: Table,
    tables: Mapping[str, Table],
    with_outcomes: bool = False,
    whole: bool = False,
) -> Session:
    """The session of a run and rows; raises ModelError with all that is wrong with the rows."""
    from hdsl.compiler import compile_model, model_of

    if not run.training:
        raise failure(
            "H950",
            "the run was written by a version of HDSL that kept too little to go on from it",
            "fit the model again",
        )
    try:
        training = from_json(run.training)
    except ValueError as error:
        where = run.path or "the run"
        said = f"{where} is not whole: training.json is damaged ({error})"
        raise failure("H526", said, "fit the model again") from error
    model = model_of(Source(run.model, run.info["model"]))
    known = Remembered(training, run.learned)
    bound = bind_new(model, rows, tables, known, with_outcomes, whole)
    if not bound.sound:
        raise ModelError(bound.diagnostics, model.source)
    missing = set(training.missing)
    if with_outcomes:
        missing |= {
            outcome.name
            for outcome in model.outcomes
            if outcome.domain != (ROW,)  # of the known groups what was observed is not kept
            or outcome.name not in bound.dataset.columns
            or bound.dataset.columns[outcome.name].missing.any()
        }
    sizes = {level: len(found.labels) for level, found in training.levels.items()}
    sizes |= _missing_predictors(bound)
    facts = Facts(training.rows, sizes, {}, frozenset(missing))
    generated = compile_model(model, "numpyro", facts)
    with tempfile.TemporaryDirectory(prefix="hdsl-") as folder:
        loaded = import_module(generated, write_module(generated, Path(folder)), model.source)
        data = _prepared(loaded, bound, model)
    draws, chains = draws_of_run(run, generated)
    return Session(run, model, training, bound, loaded, data, draws, chains)


def _missing_predictors(bound: NewRows) -> dict[str, int]:
    """How many values each imputed column lacks, by the axis that they have."""
    found = {}
    for outcome in bound.dataset.model.likelihoods:
        if not outcome.imputed:
            continue
        level, column = outcome.domain[0], bound.dataset.columns.get(outcome.name)
        if level != ROW:
            node = bound.dataset.model.by_name[outcome.name]
            assert isinstance(node, ir.Data)
            values = np.asarray(bound.tables[level][node.column or node.name], dtype=float)
            count = int(np.isnan(values).sum())
        else:
            count = len(bound.dataset.kept) if column is None else int(column.missing.sum())
        found[missing_level(outcome.name, level)] = count
    return found


def _prepared(loaded: GeneratedModule, bound: NewRows, model: ir.Model) -> dict[str, Any]:
    """What the generated ``prepare`` makes of the rows; an error where that is no number."""
    try:
        with np.errstate(all="ignore"):  # what is not a number is looked for below
            data: dict[str, Any] = loaded.module.prepare(bound.rows, bound.tables, bound.learned)
    except ValueError as error:
        raise ModelError(
            (finding("H958", f"the new rows cannot be prepared: {error}"),), model.source
        ) from error
    _never_empty(data, loaded.generated, model)
    needed = predictor_data(model)
    for node in model.nodes:
        key = loaded.generated.keys.get(node.name)
        if not isinstance(node, ir.Data) or key is None or node.name not in needed:
            continue
        if node.expr is not None and node.domain[:1] == (ROW,) and not node.impute:
            _check_finite(node, np.asarray(data[key]), data["coords"][ROW], model)
    return data


def _never_empty(data: dict[str, Any], generated: Generated, model: ir.Model) -> None:
    """Where every value of an imputed predictor is missing, one stands for those that are known: a
    plate has at least one member, and what is observed of it is of no account here.
    """
    for outcome in model.likelihoods:
        seen = generated.seen.get(outcome.name) if outcome.imputed else None
        if seen is not None and not len(data[seen]):
            data[seen] = np.zeros(1, dtype=np.int64)
            data[generated.observed[outcome.name]] = np.full(1, 0.5)


def _check_finite(node: ir.Data, values: Numbers, numbers: Numbers, model: ir.Model) -> None:
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
    shown = listing((str(numbers[i]) for i in bad[:6]), len(bad))
    raise ModelError(
        (
            finding(
                "H958",
                f"`{node.name}` cannot be computed in {len(bad):,} of {len(values):,} rows",
                node.span,
                "not a finite number there",
                notes=[f"{'row' if len(bad) == 1 else 'rows'} {shown}"],
                help="correct these rows or leave them out",
            ),
        ),
        model.source,
    )


def draws_of_run(run: Run, generated: Generated) -> tuple[dict[str, Numbers], int]:
    """The draws of every site that does not run over rows, (chain × draw, …), and the chains."""
    found = sampled_sites(run.data)
    sites = generated.site_domains
    of_rows = {ROW} | {axis for axis, (_, lv, _) in generated.imputed.items() if lv == ROW}
    wanted = [site for site, domain in sites.items() if not of_rows & set(domain)]
    for site in wanted:  # missing values of groups are among the results, under their column's name
        if site not in found and column(site) in found:
            found[site] = found[column(site)]
    absent = [site for site in wanted if site not in found and not _is_imputed(site, generated)]
    if absent:
        kept = GROUP in run.data.children
        raise failure(
            "H950",
            f"the run has no draws of `{absent[0]}`"
            + ("" if kept else ": it was written by a version of HDSL that did not keep them"),
            "fit the model again",
        )
    chains = int(run.data["posterior"].sizes["chain"])
    values = {site: found[site] for site in wanted if site in found}
    return {site: value.reshape(-1, *value.shape[2:]) for site, value in values.items()}, chains


def _is_imputed(site: str, generated: Generated) -> bool:
    """Whether a site holds missing values, of which training may have had none."""
    return any(axis in generated.imputed for axis in generated.site_domains[site])


def without_outcomes(session: Session) -> Session:
    """The session with every outcome asked for everywhere, whatever the rows say of it."""
    data, generated = dict(session.data), session.generated
    for outcome in session.model.outcomes:
        (level,) = outcome.domain or (ROW,)
        count = len(data["coords"][level])
        data[generated.observed[outcome.name]] = np.zeros(count)
        if outcome.name in generated.seen:
            data[generated.seen[outcome.name]] = np.arange(count)
    return replace(session, data=data)
