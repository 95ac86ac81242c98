"""A run brought up to date: its population stays as it was drawn, new groups are learned.

The result is a run like any other, with all groups, the old and the new. Its rows are the new ones.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from hdsl.data.problem import finding, numbered
from hdsl.data.training import KnownLevel, Training
from hdsl.diagnostics.diagnostic import ModelError
from hdsl.fit.cold_start import Piece
from hdsl.fit.described import population
from hdsl.fit.draft import open_draft
from hdsl.fit.draws import Draws, Numbers, OutcomeRows, keeps_pointwise, predicts_missing
from hdsl.fit.environment import environment
from hdsl.fit.fingerprint import fingerprint
from hdsl.fit.fitting import labels_of, outcome_rows
from hdsl.fit.folder import Contents
from hdsl.fit.laws import draw
from hdsl.fit.learning import Learned, Learner, carried, given
from hdsl.fit.numpyro_sampler import CHUNK_VALUES, draws_of, split_data
from hdsl.fit.nuts import Sampled
from hdsl.fit.predict import table_of
from hdsl.fit.replay import members_of
from hdsl.fit.results import Names, Results
from hdsl.fit.run import Run
from hdsl.fit.session import Session, open_session
from hdsl.fit.setup import prepare_jax

if TYPE_CHECKING:
    from hdsl.fit.progress import Reporter

DRAWS = 1000
"""So many draws of the population are gone on from, if the run has as many."""


@dataclass(frozen=True)
class Update:
    """What was done: the run, how many groups were learned by level, and what is to be said."""

    run: Run
    learned: Mapping[str, int]
    notes: tuple[str, ...]


def update(
    run: Run,
    rows: Any,
    tables: Mapping[str, Any] | None = None,
    *,
    all_groups: bool = False,
    draws: int = DRAWS,
    seed: int = 0,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: Reporter | None = None,
) -> Update:
    """The run with the groups learned that the rows are of; written to ``out`` if it is named.

    Every quantity of the population keeps its draws. With ``all_groups`` known groups are learned
    anew as well, from these rows alone: what training taught of them is forgotten.
    """
    if draws < 4:
        raise ValueError("an update needs at least 4 draws")
    prepare_jax()
    target = None if out is None else Path(out)
    with open_draft(target, overwrite) as draft:
        for name, text in run.python.items():  # tells whose folder it is, should this be killed
            (draft.folder / name).write_text(text, encoding="utf-8")
        by_level = {level: table_of(frame) for level, frame in (tables or {}).items()}
        found = _updated(run, table_of(rows), by_level, all_groups, draws, seed, progress)
        if target is None:
            return found
        found.run.write(draft.folder)
        draft.publish()
    return replace(found, run=found.run.at(target))


def _updated(
    run: Run,
    rows: Any,
    tables: Mapping[str, Any],
    all_groups: bool,
    draws: int,
    seed: int,
    progress: Reporter | None,
) -> Update:
    began = time.perf_counter()
    small, kept = _thinned(open_session(run, rows, tables, with_outcomes=True), draws)
    anew = _anew(small) if all_groups else {}
    learner = _learner(small, anew, seed)
    if not learner.layout.count:
        raise _nothing(small, all_groups)
    if progress is not None:
        progress.stage("learning")
    learned = learner.learn()
    whole = open_session(run, rows, tables, with_outcomes=True, whole=True)
    session = replace(whole, draws=small.draws)
    everyone = _learner(session, anew, seed)
    given_cells = carried(learner, everyone)
    drawn, outcomes, pointwise = _drawn(everyone, given_cells, learned, run, kept)
    counts = {level: len(labels) for level, labels in _which(session, anew).items()}
    info = {
        **run.info,
        **environment(),
        "draws": len(kept),
        "pointwise": pointwise,
        "population": population(session.model, drawn, tuple(session.generated.dims)),
        "data": _described(session),
        "resumable": False,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": {"total": time.perf_counter() - began},
        "lineage": [*run.info.get("lineage", ()), _ancestor(run)],
        "update": {
            "groups": counts,
            "all_groups": all_groups,
            "seed": seed,
            "steps": learned.steps,
            "accepted": float(learned.taken.mean()),
            "least_accepted": float(learned.taken.min()),
        },
    }
    contents = Contents(
        run.model, run.python, dict(session.data["learned"]), info, _training(session).as_json()
    )
    tree = _tree(session, outcomes, drawn)
    return Update(Run(contents, tree), counts, _notes(session, learner, learned, anew))


def _described(session: Session) -> dict[str, Any]:
    """What the run remembers of the new rows."""
    groups = {
        level: len(labels)
        for level, labels in session.data["coords"].items()
        if level in session.training.levels
    }
    return {
        "rows": session.rows,
        "groups": groups,
        "fingerprint": fingerprint(session.bound.rows, session.bound.tables),
    }


def _learner(session: Session, anew: Mapping[str, frozenset[str]], seed: int) -> Learner:
    members = members_of(session.generated, session.data, session.training, anew)
    return Learner(session, members, seed)


def _thinned(session: Session, draws: int) -> tuple[Session, Numbers]:
    """The session with so many of its draws, evenly from each chain; their places in a chain."""
    length = session.count // session.chains
    many = min(length, max(1, draws // session.chains))
    kept = np.linspace(0, length - 1, many).round().astype(int)
    places = (np.arange(session.chains)[:, None] * length + kept).reshape(-1)
    thinned = {site: value[places] for site, value in session.draws.items()}
    return replace(session, draws=thinned), kept


def _anew(session: Session) -> dict[str, frozenset[str]]:
    """The known groups to learn again: those in the rows whose members are all in the rows."""
    here = {
        level: frozenset(session.bound.dataset.groups[level].labels)
        for level in session.training.levels
        if level in session.bound.dataset.groups
    }
    found: dict[str, frozenset[str]] = {}
    for level in reversed(tuple(here)):
        torn: set[str] = set()
        for child, known in session.training.levels.items():
            for label, parent in zip(known.labels, known.parents.get(level, ()), strict=False):
                if label not in found.get(child, here.get(child, frozenset())):
                    torn.add(parent)
        found[level] = (here[level] & set(session.training.levels[level].labels)) - torn
    return found


def _which(session: Session, anew: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    """The groups that were learned, by level."""
    found = {level: list(labels) for level, labels in session.bound.new.items()}
    for level, labels in anew.items():
        if labels:
            found.setdefault(level, []).extend(sorted(labels))
    return found


def _nothing(session: Session, all_groups: bool) -> ModelError:
    informed = "a known outcome that belong to a group"
    which = "" if all_groups else " that the run does not know"
    help = None if all_groups else "`--all-groups` learns the known groups of the rows anew"
    headline = f"there is nothing to learn: no rows with {informed}{which}"
    return ModelError((finding("H959", headline, help=help),), session.model.source)


def _ancestor(run: Run) -> dict[str, Any]:
    """What a run says of the one that it was made from."""
    return {
        "run": run.path.name if run.path is not None else None,
        "started": run.info["started"],
        "data": run.info["data"],
        "update": run.info.get("update"),
    }


# ---------------------------------------------------------------- results


def _drawn(
    learner: Learner, pieces: tuple[Piece, ...], learned: Learned, run: Run, kept: Numbers
) -> tuple[Draws, tuple[OutcomeRows, ...], bool]:
    """Everything that the results hold, of every draw."""
    session = learner.session
    generated = session.generated
    outcomes = tuple(
        replace(found, predicted=predicts_missing(found, session.count))
        for found in outcome_rows(session.model, generated, session.data, session.loaded)
    )
    pointwise = keeps_pointwise(outcomes, session.count)
    data = dict(session.data)
    for outcome in outcomes:
        data |= outcome.on(np.arange(outcome.length) if pointwise else outcome.wanted)
    split = split_data(data)
    drop = frozenset(generated.auxiliary)

    def one(values: Any, number: Any, u: Any, arrays: Any) -> dict[str, Any]:
        key = jax.random.fold_in(jax.random.key(learner.seed), number)
        trace = learner.replay.trace(split.merged(arrays), values, key, given=given(pieces, u))
        sites = {n: s["value"] for n, s in trace.items() if n in generated.site_domains}
        made = {n: s["value"] for n, s in trace.items() if s["type"] == "deterministic"}
        predictive, likelihood = {}, {}
        for place, outcome in enumerate(outcomes):
            law, value = trace[outcome.site]["fn"], trace[outcome.site]["value"]
            if pointwise or outcome.wanted.size:
                predictive[outcome.site] = draw(law, jax.random.fold_in(key, 2**31 + place))
            if pointwise:
                each = law.log_prob(value)
                likelihood[outcome.site] = each if outcome.seen is None else each[outcome.seen]
        return {
            "values": {**made, **{n: v for n, v in sites.items() if n not in drop}},
            "auxiliary": {n: v for n, v in sites.items() if n in drop},
            "predictive": predictive,
            "log_likelihood": likelihood,
        }

    found = _in_parts(one, session, learned, split.arrays)
    stats = {
        str(name): array.transpose("chain", "draw").to_numpy()[:, kept]
        for name, array in run.data["sample_stats"].dataset.data_vars.items()
    }
    sampled = Sampled(np.empty((session.chains, len(kept), 0)), stats, run.complete)
    return draws_of(found, sampled, outcomes, pointwise, {}), outcomes, pointwise


def _in_parts(
    one: Any, session: Session, learned: Learned, arrays: Mapping[str, Numbers]
) -> dict[str, dict[str, Numbers]]:
    """A function of every draw, some draws at a time; (chain, draw, …)."""
    width = session.rows + sum(int(np.prod(v.shape[1:])) for v in session.draws.values())
    size = int(np.clip(CHUNK_VALUES // max(width, 1), 1, session.count))
    call = jax.jit(jax.vmap(one, in_axes=(0, 0, 0, None)))
    placed = jax.device_put(arrays)
    parts = []
    for begin in range(0, session.count, size):
        numbers = np.minimum(np.arange(begin, begin + size), session.count - 1)
        values = {site: value[numbers] for site, value in session.draws.items()}
        part = call(values, numbers.astype(np.uint32), learned.u[numbers], placed)
        many = min(size, session.count - begin)
        parts.append(jax.tree.map(lambda leaf, n=many: np.asarray(leaf)[:n], part))
    joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    shaped: dict[str, dict[str, Numbers]] = jax.tree.map(
        lambda leaf: leaf.reshape(session.chains, -1, *leaf.shape[1:]), joined
    )
    return shaped


def _tree(session: Session, outcomes: tuple[OutcomeRows, ...], drawn: Draws) -> Any:
    names = Names(
        labels_of(session.data, session.loaded),
        {k: np.asarray(session.data[key]) for k, key in session.generated.row_index.items()},
    )
    return Results(session.model, session.generated, session.data, outcomes, names, drawn).tree()


def _training(session: Session) -> Training:
    """What the new run remembers: the groups of both, their parents and their data."""
    old, coords, dataset = session.training, session.data["coords"], session.bound.dataset
    levels = {}
    for level, known in old.levels.items():
        labels = tuple(str(label) for label in coords.get(level, known.labels))
        parents = {
            parent: _joined(known.labels, above, labels, _parents_here(session, level, parent))
            for parent, above in known.parents.items()
        }
        data = {}
        for name, values in known.data.items():
            column = dataset.columns.get(name)
            here: dict[str, Any] = {}
            if column is not None and level in dataset.groups:
                told = zip(column.values.tolist(), column.missing.tolist(), strict=True)
                pairs = zip(dataset.groups[level].labels, told, strict=True)
                here = {label: value for label, (value, gone) in pairs if not gone}
            data[name] = _joined(known.labels, values, labels, here)
        levels[level] = KnownLevel(labels, parents, data)
    factors = {
        name: tuple(sorted({*known, *_labels_here(session, name)}))
        for name, known in old.factors.items()
    }
    missing = {o.name for o in session.model.outcomes if o.name in session.generated.seen}
    return Training(old.rows + session.rows, old.missing | missing, levels, factors)


def _joined(
    known: tuple[str, ...],
    values: tuple[Any, ...],
    labels: tuple[str, ...],
    here: Mapping[str, Any],
) -> tuple[Any, ...]:
    by_label = {**dict(zip(known, values, strict=True)), **here}
    return tuple(by_label.get(label) for label in labels)


def _parents_here(session: Session, level: str, parent: str) -> dict[str, Any]:
    groups = session.bound.dataset.groups
    if level not in groups or parent not in groups:
        return {}
    above = groups[parent].codes[groups[level].first]
    return {
        label: groups[parent].labels[i]
        for label, i in zip(groups[level].labels, above, strict=True)
    }


def _labels_here(session: Session, name: str) -> list[str]:
    column = session.bound.dataset.columns.get(name)
    return [] if column is None else [str(v) for v in column.values[~column.missing].tolist()]


def _notes(
    session: Session, learner: Learner, learned: Learned, anew: Mapping[str, frozenset[str]]
) -> tuple[str, ...]:
    """What the user should know of the update."""
    notes = []
    idle = int((learner.layout.of_row < 0).sum())
    if idle:
        notes.append(
            f"{numbered(idle, 'row')} taught nothing: a missing outcome, or known groups only"
            + ("" if anew else " (`--all-groups` learns these anew)")
        )
    if learned.taken.min() < 0.02:
        notes.append(
            "some groups are learned roughly: a normal distribution is far from what their rows "
            f"and the population say of them ({100 * learned.taken.min():.1f}% of the proposals "
            "were taken); fit the model again to be sure"
        )
    return tuple(notes)
