"""`average` and `total` of both generated files against sums written with NumPy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pymc as pm
import pytest
from numpyro import handlers

from hdsl.backends import emit
from hdsl.compiler import model_of
from hdsl.source import Source
from tests.backends.densities import load
from tests.backends.rows import rows

MODEL = (Path(__file__).parents[1] / "golden" / "aggregates" / "model.hdsl").read_text("utf-8")
INNER = MODEL + "report mu, alpha[market]\n"


def drawn(backend: str, folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """One draw of every recorded quantity from the prior, and the prepared data."""
    module = load(emit(model_of(Source(INNER)), backend).text, folder, f"aggregates_{backend}")
    data = module.prepare(rows())
    if backend == "numpyro":
        trace = handlers.trace(handlers.seed(module.model, jax.random.key(0))).get_trace(data)
        return {name: np.asarray(site["value"]) for name, site in trace.items()}, data
    model = module.build(data)
    names = [variable.name for variable in (*model.free_RVs, *model.deterministics)]
    values = pm.draw([model[name] for name in names], random_seed=1, mode="FAST_COMPILE")
    return dict(zip(names, values, strict=True)), data


def by_group(values: Any, groups: Any) -> Any:
    return np.array([values[groups == group].sum() for group in np.unique(groups)])


@pytest.mark.parametrize("backend", ["numpyro", "pymc"])
def test_they_are_sums_by_group(backend: str, tmp_path: Path) -> None:
    found, data = drawn(backend, tmp_path)
    market, week = data["market_of_row"], data["week_of_row"]
    n, x, mu, alpha = data["n"], rows()["x"], found["mu"], found["alpha"]
    of_store = data["market_of_store"]
    both = found["alpha[market]"][:, None] + found["gamma"][None, :]
    weight = 1 + np.abs(found["alpha[market]"])[:, None] * np.ones_like(both)
    expected = {
        "overall": (n * mu).sum() / n.sum(),
        "by_market": by_group(n * mu, market) / by_group(n, market),
        "plain": by_group(mu, market) / by_group(np.ones_like(mu), market),
        "sums": by_group(mu, week),
        "stores": by_group(alpha, of_store) / by_group(np.ones_like(alpha), of_store),
        "all_stores": alpha.mean(),
        "grid": both.mean(axis=0),
        "grid_weighted": (both * weight).sum(axis=0) / weight.sum(axis=0),
        "prices": by_group(x, market) / by_group(np.ones_like(x), market),
        "chain": np.exp(found["alpha[market]"]).sum(),
        "share": by_group(n * np.exp(mu), market) / (n * np.exp(mu)).sum(),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-10, err_msg=name)
