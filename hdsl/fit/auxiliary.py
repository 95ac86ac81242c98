"""The draws of auxiliary sites, kept so that a model can be replayed, and kept small.

`z(alpha)`, `centred(a, b)` and their like are no results: nobody asked for them. A prediction
needs them: it runs the model again with every site set to what was drawn. A site that a result
repeats is kept as a reference to that result, and a large one in single precision.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.naming import model_name, tree_name

if TYPE_CHECKING:
    import xarray

GROUP = "auxiliary"
REFERENCES = "references"  # attribute: site -> the result that it equals, or one for each part
LARGE = 1_000_000
"""More numbers than this are kept in single precision, seven digits."""

type Reference = str | list[str]


def pack(sites: Mapping[str, Numbers], results: Mapping[str, Numbers]) -> xarray.Dataset:
    """A dataset of the sites' draws, given as (chain, draw, …)."""
    import xarray as xr

    references: dict[str, Reference] = {}
    variables = {}
    for name, value in sites.items():
        found = _reference(value, results)
        if found is not None:
            references[name] = found
            continue
        kept = value.astype(np.float32) if value.size > LARGE else value
        axes = [f"{tree_name(name)} axis {i}" for i in range(1, value.ndim - 1)]
        variables[tree_name(name)] = (("chain", "draw", *axes), kept)
    return xr.Dataset(variables, attrs={REFERENCES: json.dumps(references)})


def _reference(value: Numbers, results: Mapping[str, Numbers]) -> Reference | None:
    """The result that a site repeats, or those that stand side by side in it."""
    whole = _equal(value, results)
    if whole is not None or value.ndim < 3:
        return whole
    parts = [_equal(value[..., i], results) for i in range(value.shape[-1])]
    return [part for part in parts if part is not None] if all(parts) else None


def _equal(value: Numbers, results: Mapping[str, Numbers]) -> str | None:
    for name, result in results.items():
        alike = result.shape == value.shape and np.array_equal(result[:, :1], value[:, :1])
        if alike and np.array_equal(result, value):
            return name
    return None


def sampled_sites(tree: xarray.DataTree) -> dict[str, Numbers]:
    """The draws that a run holds, by site or result name, as (chain, draw, …)."""
    results = {
        model_name(str(name)): array.transpose("chain", "draw", ...).to_numpy()
        for name, array in tree["posterior"].dataset.data_vars.items()
    }
    if GROUP not in tree.children:
        return results
    dataset = tree[GROUP].dataset
    kept = {
        model_name(str(name)): np.asarray(array.to_numpy(), dtype=float)
        for name, array in dataset.data_vars.items()
    }
    references: dict[str, Reference] = json.loads(dataset.attrs.get(REFERENCES, "{}"))
    for name, found in references.items():
        single = isinstance(found, str)
        kept[name] = (
            results[str(found)] if single else np.stack([results[part] for part in found], axis=-1)
        )
    return {**results, **kept}
