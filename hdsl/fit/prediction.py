"""Predictions for new rows: every outcome, row by row, from every draw of a run.

A row's draws depend on what the row says, on its groups and on the seed: not on its place in the
file or on the rows beside it. The model is run for one row at a time, and the compiler makes of
that one program over all rows of a chunk, in which what belongs to groups is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zlib import crc32

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.check.domains import domain_of
from hdsl.data.problem import finding, listing, numbered, quoted
from hdsl.diagnostics.diagnostic import Diagnostic, ModelError
from hdsl.expr import ROW, Aggregate, walk
from hdsl.fit.draws import Numbers
from hdsl.fit.failure import failure
from hdsl.fit.inverse import invert
from hdsl.fit.labels import are_numbers, from_codes, label_statistics, labels_of
from hdsl.fit.new_cells import Unseen, keys_of
from hdsl.fit.numpyro_sampler import model_of, split_data
from hdsl.fit.replay import Members, Replay, members_of
from hdsl.fit.row_keys import row_hashes
from hdsl.fit.session import Session, without_outcomes
from hdsl.ir import model as ir
from hdsl.ir.uses import expressions, outcome_data

if TYPE_CHECKING:
    import pandas
    import xarray

QUANTILES = (0.05, 0.5, 0.95)
HELD_VALUES = 40_000_000
"""So many numbers of a chunk of rows are held at once: all draws of its rows."""

MOST_VALUES = 400_000_000
"""So many at most, where rows cannot be predicted one by one."""

MOST_DRAWN = 25_000_000
LEAST_DRAWS = 200
"""Statistics of very many rows are made of fewer draws: so many numbers, so many draws at least."""

CALL_VALUES = 2_000_000
"""So many numbers one call computes."""


@dataclass(frozen=True)
class Chunk:
    """All draws of some rows: ``values`` by outcome, (chain × draw, row)."""

    rows: slice
    values: Mapping[str, Numbers]


@dataclass(frozen=True)
class Predictor:
    """Draws the outcomes of a session's rows; ``sparing``: of fewer draws where rows are many."""

    session: Session
    unseen: Unseen = "draw"
    seed: int = 0
    sparing: bool = False

    @cached_property
    def used(self) -> Numbers:
        """Which of the draws of all chains are used, evenly spaced."""
        count = self.session.count
        fits = max(LEAST_DRAWS, MOST_DRAWN // max(self.session.rows, 1))
        kept = min(count, fits) if self.sparing else count
        return np.linspace(0, count - 1, kept).round().astype(np.int64)

    @cached_property
    def _open(self) -> Session:
        return without_outcomes(self.session)

    @cached_property
    def _replay(self) -> Replay:
        session = self._open
        members = members_of(session.generated, session.data, session.training)
        return Replay(
            model_of(session.loaded), session.generated.site_domains, members, self.unseen
        )

    @cached_property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """The labels of the outcomes that are labels, by name."""
        learned = self.session.data["learned"]
        known = {o.name: labels_of(learned, o.name) for o in self.session.model.outcomes}
        return {name: labels for name, labels in known.items() if labels is not None}

    @cached_property
    def _hashes(self) -> Numbers:
        """A number for each row, from its predictors and groups alone."""
        session = self.session
        outcomes = {
            node.column
            for node in session.model.nodes
            if isinstance(node, ir.Data) and node.name in outcome_data(session.model)
        }
        columns: dict[str, Numbers] = {
            name: np.asarray(values)[session.bound.dataset.kept]
            for name, values in session.bound.rows.items()
            if name not in outcomes
        }
        return row_hashes(columns, session.rows)

    @cached_property
    def by_row(self) -> bool:
        """Whether a row can be predicted without the others."""
        model = self.session.model
        data, imputed = self.session.data, self.session.generated.imputed
        if any(level == ROW and len(data[key]) for _, level, key in imputed.values()):
            return False
        for node in model.nodes:
            if isinstance(node, ir.Parameter) and node.distribution.along == ROW:
                return False
            for _, expr in () if isinstance(node, ir.Data) else expressions(node):
                for part in walk(expr):
                    if isinstance(part, Aggregate) and ROW in domain_of(part.argument, model):
                        return False
        return True

    def chunks(self) -> Iterator[Chunk]:
        """The outcomes by site, chunk of rows after chunk of rows, each with all draws in use."""
        session = self._open
        rows, count = session.rows, len(self.used)
        if not self.by_row and rows * count > MOST_VALUES:
            raise failure(
                "H958",
                f"{rows:,} rows × {count:,} draws are too many to be held at once, and these rows "
                "depend on one another",
                "predict them in several files",
            )
        held = rows if not self.by_row else max(1, min(rows, HELD_VALUES // count))
        groups = sum(int(np.prod(v.shape[1:])) for v in session.draws.values())
        size = int(np.clip(CALL_VALUES // max(held, groups, 1), 1, count))
        arrays = split_data(session.data).arrays
        keys = [key for key in session.generated.by_row if key not in self._of_imputed]
        row_arrays = {key: arrays[key] for key in keys if key in arrays}
        rest = jax.device_put({k: v for k, v in arrays.items() if k not in row_arrays})
        call = jax.jit(jax.vmap(self._rows, in_axes=(0, 0, None, None, None)))
        for begin in range(0, rows, held):
            index = np.minimum(np.arange(begin, begin + held), rows - 1)
            here = jax.device_put({key: value[index] for key, value in row_arrays.items()})
            hashes = jnp.asarray(self._hashes[index])
            kept = min(held, rows - begin)
            parts = []
            for first in range(0, count, size):
                draws = self.used[np.minimum(np.arange(first, first + size), count - 1)]
                values = {site: value[draws] for site, value in session.draws.items()}
                found = call(values, draws.astype(np.uint32), rest, here, hashes)
                many = min(size, count - first)
                parts.append({k: np.asarray(v)[:many, :kept] for k, v in found.items()})
            joined = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
            yield Chunk(slice(begin, begin + kept), self._on_both_scales(joined))

    @cached_property
    def _of_imputed(self) -> frozenset[str]:
        """What was known of imputed predictors: it stays, whatever rows are asked for."""
        generated = self.session.generated
        names = {o.name for o in self.session.model.likelihoods if o.imputed}
        kinds = (generated.observed, generated.seen)
        return frozenset(kind[name] for kind in kinds for name in names if name in kind)

    def _rows(self, values: Any, number: Any, rest: Any, rows: Any, hashes: Any) -> dict[str, Any]:
        """The outcomes of all rows of a chunk for one draw, by site."""
        key = jax.random.fold_in(jax.random.key(self.seed), number)
        if not self.by_row:
            return self._outcomes(values, key, {**rest, **rows}, hashes)

        def one(row: Any, hashed: Any) -> dict[str, Any]:
            single = jax.tree.map(lambda value: value[None], row)
            found = self._outcomes(values, key, {**rest, **single}, hashed[None])
            return {site: value[0] for site, value in found.items()}

        found: dict[str, Any] = jax.vmap(one)(rows, hashes)
        return found

    def _outcomes(self, values: Any, key: Any, arrays: Any, hashes: Any) -> dict[str, Any]:
        """The outcomes of some rows for one draw, by site."""
        session = self._open
        count = hashes.shape[0]
        fixed = split_data(session.data).fixed
        coords = {**session.data["coords"], ROW: np.arange(count)}
        data = {**fixed, **arrays, "coords": coords}
        seen = {
            session.generated.seen.get(o.name) for o in session.model.outcomes if o.domain == (ROW,)
        }
        data |= {name: np.arange(count) for name in seen if name is not None}
        row = Members(np.full(count, -1), hashes)
        trace = self._replay.trace(data, values, key, {ROW: row})
        found = {}
        for outcome in session.model.outcomes:
            site = session.generated.sites[outcome.name]
            law, own = trace[site]["fn"], jax.random.fold_in(key, crc32(f"outcome {site}".encode()))
            if outcome.domain != (ROW,):
                of_row = data[session.generated.row_index[outcome.domain[0]]]
                found[site] = law.sample(own)[of_row]
            elif self.by_row:
                found[site] = law.sample(keys_of(own, [hashes])[0])
            else:
                found[site] = law.sample(own)
        return found

    def _on_both_scales(self, values: Mapping[str, Numbers]) -> dict[str, Numbers]:
        """The outcomes by name, a transformed one on its own scale and on that of the model."""
        found: dict[str, Numbers] = {}
        for outcome in self.session.model.outcomes:
            site = self.session.generated.sites[outcome.name]
            if outcome.name in self.labels:
                found[site] = from_codes(self.labels[outcome.name], values[site])
                continue
            if outcome.transform is not None:
                found[outcome.name] = invert(outcome.transform, values[site])
            found[site] = values[site]
        return found


@dataclass(frozen=True)
class Prediction:
    """Predictions of rows. ``columns`` are, row by row, the number of the row in its file, its
    group of every level, and the mean, the sd and quantiles of each outcome; ``new`` are the groups
    that the run did not know, by level. ``draws``, where they were asked for, have each outcome as
    (chain, draw, row). ``used`` are how many draws the statistics are of, and of how many;
    ``diagnostics`` what there is to say of the rows: which of them are left out, and why.
    """

    columns: Mapping[str, Any]
    new: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    draws: xarray.Dataset | None = None
    used: tuple[int, int] = (0, 0)
    diagnostics: tuple[Diagnostic, ...] = ()

    def frame(self) -> pandas.DataFrame:
        """The predictions as a table, one line per row."""
        import pandas as pd

        return pd.DataFrame(dict(self.columns))

    def __len__(self) -> int:
        return len(self.columns[ROW])


def statistics(
    values: Mapping[str, Numbers],
    quantiles: Sequence[float],
    labels: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Numbers]:
    """Mean, sd and quantiles over the draws of each outcome, given as (draw, row).

    Of an outcome that is one of ``labels``: the likeliest label and the probability of each; with
    the statistics of numbers where all labels are numbers.
    """
    found: dict[str, Numbers] = {}
    for name, drawn in values.items():
        own = (labels or {}).get(name)
        if own is not None:
            found |= label_statistics(name, own, drawn)
            if not are_numbers(own):
                continue
        found[f"{name}_mean"] = drawn.mean(axis=0)
        found[f"{name}_sd"] = drawn.std(axis=0, ddof=1)
        if quantiles:
            levels = np.quantile(drawn, quantiles, axis=0)
            found |= {quantile_name(name, q): levels[i] for i, q in enumerate(quantiles)}
    return found


def quantile_name(outcome: str, quantile: float) -> str:
    """The column of a quantile.

    >>> quantile_name("units", 0.05), quantile_name("units", 0.025)
    ('units_q5', 'units_q2.5')
    """
    return f"{outcome}_q{100 * quantile:.6g}"


def refuse_unseen(session: Session) -> None:
    """An error that lists the groups that the run does not know, where there are any."""
    if not session.bound.new:
        return
    raise ModelError(
        tuple(
            finding(
                "H957",
                f"{numbered(len(labels), 'group')} of `{level}` "
                f"{'is' if len(labels) == 1 else 'are'} new",
                session.model.levels[level].span,
                "the run does not know all of its groups",
                notes=[listing(map(quoted, labels))],
                help="`--unseen draw` gives each new group draws of its own",
            )
            for level, labels in session.bound.new.items()
        ),
        session.model.source,
    )


def summarised(
    predictor: Predictor,
    quantiles: Sequence[float],
    also: Callable[[Chunk], None] | None = None,
) -> Prediction:
    """The statistics of all rows; ``also`` is handed every chunk with its draws."""
    parts = []
    for chunk in predictor.chunks():
        parts.append(statistics(chunk.values, quantiles, predictor.labels))
        if also is not None:
            also(chunk)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    session = predictor.session
    used = (len(predictor.used), session.count)
    return Prediction(
        {**session.labels(), **columns},
        session.bound.new,
        used=used,
        diagnostics=session.bound.diagnostics,
    )
