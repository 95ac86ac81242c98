"""Turns draws into an ArviZ DataTree whose names, dimensions and labels are those of the model.

The only module, with ``netcdf`` and ``statistics``, that knows xarray and ArviZ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from hdsl.expr import ROW
from hdsl.fit.auxiliary import GROUP, pack
from hdsl.fit.draws import ROWS_KEPT
from hdsl.fit.inverse import invert
from hdsl.fit.labels import from_codes, labels_of
from hdsl.fit.naming import model_name, tree_name
from hdsl.ir import model as ir
from hdsl.ir.imputed import column

if TYPE_CHECKING:
    import xarray

    from hdsl.backends import Generated
    from hdsl.fit.draws import Draws, Numbers, OutcomeRows

type Variable = tuple[tuple[str, ...], Numbers]
SAMPLE = ("chain", "draw")


@dataclass(frozen=True)
class Names:
    """What the axes of the results are called: labels by dimension, each row's group by level."""

    labels: Mapping[str, Any]
    group_of_row: Mapping[str, Numbers]

    def of_rows(self, rows: Numbers) -> dict[str, Numbers]:
        """The labels of the rows' groups, by level."""
        return {
            level: np.asarray(self.labels[level], dtype=object)[groups[rows]]
            for level, groups in self.group_of_row.items()
        }


@dataclass(frozen=True)
class Results:
    """Draws of a model on prepared data, as the groups of a DataTree."""

    model: ir.Model
    generated: Generated
    data: Mapping[str, Any]
    outcomes: tuple[OutcomeRows, ...]
    names: Names
    draws: Draws

    @cached_property
    def _node(self) -> Mapping[str, ir.Outcome]:
        return {outcome.name: outcome for outcome in self.model.outcomes}

    @cached_property
    def _dims(self) -> Mapping[str, tuple[str, ...]]:
        return {model_name(name): dims for name, dims in self.generated.dims.items()}

    @cached_property
    def _labels(self) -> Mapping[str, tuple[str, ...]]:
        learned = self.data.get("learned", {})
        found = {name: labels_of(learned, name) for name in self._node}
        return {name: labels for name, labels in found.items() if labels is not None}

    def tree(self) -> xarray.DataTree:
        """The DataTree: posterior, sample statistics, and what is known of each observation."""
        import xarray as xr

        attributes = _attributes(self.generated, self.draws)
        groups = {
            "posterior": self._posterior(),
            "sample_stats": self._dataset(
                {name: (SAMPLE, value) for name, value in self.draws.stats.items()}
            ),
            "log_likelihood": self._log_likelihood(),
            "posterior_predictive": self._predictive(),
            "observed_data": self._observed(),
            "constant_data": self._constant(),
            GROUP: pack(self.draws.auxiliary, self.draws.posterior),
        }
        filled = {n: group for n, group in groups.items() if group.data_vars or group.attrs}
        tree: xarray.DataTree = xr.DataTree.from_dict(
            {name: group.assign_attrs(attributes) for name, group in filled.items()}
        )
        return tree

    def _posterior(self) -> xarray.Dataset:
        """Every recorded quantity, and each missing outcome on the rows where it is missing."""
        variables: dict[str, Variable] = {}
        for site, value in self.draws.posterior.items():
            name = column(model_name(site))  # missing values are those of their column
            variables[name] = ((*SAMPLE, *self._dims[model_name(site)]), value)
        used = {dimension for dimensions, _ in variables.values() for dimension in dimensions}
        missing = [o for o in self.outcomes if o.site in self.draws.missing]
        kept = {dimension: self._all(dimension) for dimension in used}
        for outcome in missing:
            (dimension,) = self._node[outcome.name].domain
            if dimension not in used:
                kept[dimension] = np.union1d(kept.get(dimension, np.arange(0)), outcome.unseen)
        for outcome in missing:
            (dimension,) = self._node[outcome.name].domain
            value = self._completed(outcome, kept[dimension])
            variables[outcome.name] = ((*SAMPLE, dimension), value)
        return self._dataset(variables, kept)

    def _completed(self, outcome: OutcomeRows, rows: Numbers) -> Numbers:
        """The draws of an outcome on rows; where it was observed, what was observed."""
        assert outcome.seen is not None
        drawn = self.draws.missing[outcome.site]
        full = np.empty((*drawn.shape[:2], outcome.length), np.result_type(drawn, float))
        full[:, :, outcome.seen] = outcome.observed
        full[:, :, outcome.unseen] = drawn
        return self._on_own_scale(outcome, full[:, :, rows])

    def _on_own_scale(self, outcome: OutcomeRows, value: Numbers) -> Numbers:
        labels = self._labels.get(outcome.name)
        if labels is not None:
            return from_codes(labels, value)
        transform = self._node[outcome.name].transform
        return value if transform is None else invert(transform, value)

    def _predictive(self) -> xarray.Dataset:
        """Each outcome's predictions on all rows; of a transformed one on both scales."""
        variables: dict[str, Variable] = {}
        for outcome in self.outcomes:
            if outcome.site in self.draws.predictive:
                value = self.draws.predictive[outcome.site]
                dimensions = (*SAMPLE, *self._node[outcome.name].domain)
                if outcome.site != outcome.name:
                    variables[outcome.site] = (dimensions, value)
                variables[outcome.name] = (dimensions, self._on_own_scale(outcome, value))
        return self._dataset(variables)

    def _log_likelihood(self) -> xarray.Dataset:
        """Each observation's log-likelihood, on the rows where the outcome is observed.

        Outcomes observed on different rows have each an axis of their own.
        """
        variables: dict[str, Variable] = {}
        kept: dict[str, Numbers] = {}
        named: dict[str, str] = {}
        for outcome in self.outcomes:
            if outcome.site not in self.draws.log_likelihood:
                continue
            value = self.draws.log_likelihood[outcome.site]
            (dimension,) = self._node[outcome.name].domain
            seen = self._all(dimension) if outcome.seen is None else outcome.seen
            axis = dimension
            if dimension in kept and not np.array_equal(kept[dimension], seen):
                axis = f"{dimension}_of_{outcome.name}"
                named[axis] = dimension
            kept[axis] = seen
            variables[outcome.name] = ((*SAMPLE, axis), value)
        return self._dataset(variables, kept, named)

    def _observed(self) -> xarray.Dataset:
        """What was observed, on all rows; not a number where it is missing."""
        variables: dict[str, Variable] = {}
        for outcome in self.outcomes:
            if outcome.length > ROWS_KEPT:
                continue
            value = outcome.observed
            if outcome.seen is not None and outcome.unseen.size:
                value = np.full(outcome.length, np.nan)
                value[outcome.seen] = outcome.observed
            domain = self._node[outcome.name].domain
            if outcome.site != outcome.name:
                variables[outcome.site] = (domain, value)
            variables[outcome.name] = (domain, self._on_own_scale(outcome, value))
        return self._dataset(variables)

    def _constant(self) -> xarray.Dataset:
        """The numbers that the model was given, by the names that it has for them."""
        variables: dict[str, Variable] = {}
        for node in self.model.nodes:
            key = self.generated.keys.get(node.name)
            if not isinstance(node, ir.Data) or node.name in self._node or key is None:
                continue
            if node.name in node.domain:  # a block: no variable may be called as its axis is
                continue
            value = np.asarray(self.data.get(key))
            sizes = tuple(len(self.names.labels.get(level, ())) for level in node.domain)
            small = value.shape[:1] <= (ROWS_KEPT,)
            if value.dtype.kind in "fiub" and value.shape == sizes and small:
                variables[node.name] = (node.domain, value)
        return self._dataset(variables)

    def _all(self, dimension: str) -> Numbers:
        """The positions of all members of a dimension."""
        return np.arange(len(self.names.labels.get(dimension, ())))

    def _dataset(
        self,
        variables: Mapping[str, Variable],
        kept: Mapping[str, Numbers] | None = None,
        named: Mapping[str, str] | None = None,
    ) -> xarray.Dataset:
        """A dataset with labels; ``kept`` are the positions of those members that it holds, and
        ``named`` the true names of dimensions that are called otherwise.
        """
        import xarray as xr

        kept, named = kept or {}, named or {}
        variables = {tree_name(name): variable for name, variable in variables.items()}
        sizes: dict[str, int] = {}
        for dimensions, value in variables.values():
            sizes |= dict(zip(dimensions, value.shape, strict=True))
        coords: dict[str, Any] = {}
        for dimension, size in sizes.items():
            true = named.get(dimension, dimension)
            if dimension in SAMPLE:
                coords[dimension] = np.arange(size)
            elif true in self.names.labels:
                members = kept.get(dimension, np.arange(size))
                labels = self.names.labels[true]
                numeric = isinstance(labels, np.ndarray) and labels.dtype.kind in "iu"
                all_labels = np.asarray(labels) if numeric else np.asarray(labels, dtype=object)
                coords[dimension] = all_labels[members]
        for dimension in sizes:
            if named.get(dimension, dimension) == ROW:
                rows = kept.get(dimension, np.arange(sizes[dimension]))
                for level, groups in self.names.of_rows(rows).items():
                    free = level not in sizes and level not in coords and level not in variables
                    coords[level if free else f"{level}_of_{dimension}"] = (dimension, groups)
        dataset = xr.Dataset(variables, coords)
        for name in self._labels.keys() & variables.keys():
            dataset[name].attrs["labels"] = list(self._labels[name])
        return dataset


def import_early() -> None:
    """Imports in the background what makes the results, while the sampler compiles or draws."""
    Thread(target=_import, name="hdsl-import").start()


def _import() -> None:
    import netCDF4  # noqa: F401 - what writes them, asked for by name later
    import xarray as xr

    xr.Dataset({"x": ("i", np.zeros(1))})  # looks for all kinds of arrays, and imports them


def _attributes(generated: Generated, draws: Draws) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "created_at": datetime.now(UTC).isoformat(),
        "creation_library": "HDSL",
        "inference_library": generated.backend,
        "inference_library_version": version(generated.backend),
        "sampling_time": float(draws.times.get("sample", np.nan)),
        "sample_dims": list(SAMPLE),
    }
