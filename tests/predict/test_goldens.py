"""Every golden model replayed from draws of its prior: on its own rows, and with new groups."""

from typing import Any

import jax
import numpy as np
import pytest
import xarray as xr
from numpyro import handlers

from hdsl.backends import emit
from hdsl.compiler import bind_data, model_of
from hdsl.data.frames import from_frame
from hdsl.data.training import remember
from hdsl.diagnostics.diagnostic import ModelError
from hdsl.expr import ROW
from hdsl.fit import Run
from hdsl.fit.auxiliary import GROUP, pack
from hdsl.fit.folder import FORMAT, Contents
from hdsl.fit.module import import_module, write_module
from hdsl.fit.naming import tree_name
from hdsl.fit.prediction import Predictor
from hdsl.fit.replay import Members
from hdsl.fit.session import Session, open_session
from hdsl.fit.setup import prepare_jax
from hdsl.ir.model import LevelKind, Model, Parameter
from tests.backends import densities
from tests.backends.rows import rows
from tests.backends.test_golden import CASES, source

QUICK = {
    "block_correlated",
    "dirichlet",
    "grid_and_interaction",
    "imputed",
    "increasing",
    "mixed_centres",
    "mixture",
    "new_inside",
    "walks",
}
"""The models of which each brings what the others have not; `make slow` tries all of them."""

EVERY = [case if case in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in CASES]

CLOSED = {"H955", "H956"}
"""New labels of a factor and new groups of what hangs together are refused, and rightly."""


def _rows(model: Model) -> dict[str, Any]:
    """The rows; without a column that has the name of a parameter that no statement declares."""
    implied = {n.name for n in model.nodes if isinstance(n, Parameter) and n.implied}
    return {name: values for name, values in rows().items() if name not in implied}


def run_of(case: str, folder: Any) -> tuple[Run, Any]:
    """A run of two points somewhere in the support, and the trace of the first on the data."""
    prepare_jax()
    model = model_of(source(case))
    binding = bind_data(model, from_frame(_rows(model)))
    assert binding.sound, binding.diagnostics
    generated = emit(model, "numpyro", binding.facts)
    loaded = import_module(generated, write_module(generated, folder), model.source)
    data = loaded.prepare(binding.rows, binding.tables)
    points = densities.points(loaded.module.model, data, 2)
    drawn = {site: np.stack([p[site] for p in points])[None] for site in generated.site_domains}
    replayed = handlers.substitute(loaded.module.model, points[0])
    results = {site: value for site, value in drawn.items() if site not in generated.auxiliary}
    posterior = xr.Dataset(
        {
            tree_name(site): (("chain", "draw", *(f"{site} {i}" for i in range(v.ndim - 2))), v)
            for site, v in results.items()
        }
    )
    kept = {site: value for site, value in drawn.items() if site in generated.auxiliary}
    tree = xr.DataTree.from_dict({"posterior": posterior, GROUP: pack(kept, results)})
    training = remember(binding.dataset, binding.facts.missing).as_json()
    info = {"format": FORMAT, "model": "model.hdsl"}
    contents = Contents(model.source.text, {}, data["learned"], info, training)
    return Run(contents, tree), handlers.trace(replayed).get_trace(data)


def outcomes_of(session: Session) -> dict[str, Any]:
    """The sites of the outcomes on the session's rows, for the first draw."""
    members = Predictor(session)._replay.members
    count = session.rows
    row = Members(np.full(count, -1), np.stack([np.arange(count)] * 2, axis=1).astype(np.uint32))
    values = {site: value[0] for site, value in session.draws.items()}
    replay = Predictor(session)._replay
    trace = replay.trace(session.data, values, jax.random.key(0), {**members, ROW: row})
    return {site: trace[site] for site in session.generated.sites.values()}


@pytest.mark.parametrize("case", EVERY)
def test_a_run_replays_on_its_own_rows(case: str, tmp_path: Any) -> None:
    run, trace = run_of(case, tmp_path)
    session = open_session(run, from_frame(_rows(model_of(source(case)))), {}, with_outcomes=True)
    by_row = {ROW} | {axis for axis, (_, lv, _) in session.generated.imputed.items() if lv == ROW}
    if any(by_row & set(domain) for domain in session.generated.site_domains.values()):
        return  # what is drawn for a row is drawn anew
    for name, site in outcomes_of(session).items():
        before = trace[name]
        np.testing.assert_allclose(
            np.asarray(site["fn"].log_prob(site["value"])),
            np.asarray(before["fn"].log_prob(before["value"])),
            rtol=1e-6,
        )


@pytest.mark.parametrize("case", EVERY)
def test_a_run_predicts_groups_that_it_does_not_know(case: str, tmp_path: Any) -> None:
    run, _ = run_of(case, tmp_path)
    model = model_of(source(case))
    new = {name: np.array(values).copy() for name, values in _rows(model).items()}
    for level in model.levels.values():
        column = level.column or level.name
        if level.kind is LevelKind.COLUMN and column in new:
            labels = new[column].astype(object)
            labels[20:] = [f"9{label}" for label in labels[20:]]
            new[column] = labels
    try:
        session = open_session(run, from_frame(new), {})
    except ModelError as error:
        assert {d.code for d in error.diagnostics} <= CLOSED, error.diagnostics
        return
    in_data = any(level.kind is LevelKind.COLUMN for level in model.levels.values())
    assert session.bound.new or not in_data
    for name, site in outcomes_of(session).items():
        found = np.asarray(site["fn"].log_prob(site["value"]))
        assert not np.isnan(found).any(), name
