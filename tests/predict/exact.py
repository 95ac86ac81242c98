"""Runs whose posterior is written down, so that what is predicted from them is known exactly."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

import hdsl
from hdsl.fit import Run
from hdsl.fit.auxiliary import GROUP


def run_with(
    model: str,
    rows: Mapping[str, Any],
    values: Mapping[str, Any],
    tables: Mapping[str, Any] | None = None,
    draws: int = 4000,
) -> Run:
    """A run of the model on the rows whose draws are all these values, or those given by draw.

    Quantities without a value keep those of a few steps of the sampler.
    """
    short = hdsl.parse(model, "exact.hdsl").fit(rows, tables, chains=1, draws=4, warmup=4, seed=0)
    groups = {}
    for name, group in short.data.children.items():
        if name not in ("posterior", GROUP, "sample_stats"):
            continue
        dataset = group.dataset.isel({"draw": [0] * draws}, missing_dims="ignore").assign_coords(
            draw=np.arange(draws)
        )
        for site, value in values.items():
            if site in dataset:
                wanted = np.asarray(value, dtype=float)
                by_draw = wanted.ndim == dataset[site].ndim - 1 and wanted.shape[0] == draws
                whole = wanted[None] if by_draw else np.broadcast_to(wanted, dataset[site].shape)
                dataset[site] = (dataset[site].dims, np.array(whole))
        if "energy" in dataset:  # no chain has the same energy throughout
            noise = np.random.default_rng(0).normal(size=dataset["energy"].shape)
            dataset["energy"] = (dataset["energy"].dims, noise)
        groups[name] = dataset
    info = {**short.info, "draws": draws}
    return Run(replace(short._contents, info=info), xr.DataTree.from_dict(groups))
