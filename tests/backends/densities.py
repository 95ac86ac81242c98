"""Log densities of the two generated files of a model at the same points."""

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import numpy as np
import numpyro
from numpyro import handlers
from numpyro.infer import init_to_uniform
from numpyro.infer.util import log_density
from pytensor.graph.replace import graph_replace

from hdsl.fit.naming import tree_name

numpyro.enable_x64()

Point = Mapping[str, np.ndarray]


def load(text: str, folder: Path, name: str) -> ModuleType:
    """The generated file as a module."""
    file = folder / f"{name}.py"
    file.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def points(model: Any, data: Mapping[str, Any], count: int, seed: int = 0) -> list[Point]:
    """Random values of every latent site, within its support."""
    found = []
    for i in range(count):
        key = jax.random.key(seed + i)
        start = handlers.substitute(
            handlers.seed(model, key), substitute_fn=init_to_uniform(radius=1)
        )
        trace = handlers.trace(start).get_trace(data)
        found.append(
            {
                name: np.asarray(site["value"])
                for name, site in trace.items()
                if site["type"] == "sample" and not site["is_observed"]
            }
        )
    return found


def numpyro_density(model: Any, data: Mapping[str, Any], point: Point) -> float:
    """Log joint of NumPyro's model."""
    return float(log_density(model, (data,), {}, dict(point))[0])


def pymc_density(model: Any, point: Point) -> float:
    """Log joint of PyMC's model, without the Jacobians of its transforms."""
    point = {tree_name(site): value for site, value in point.items()}
    names = {rv.name for rv in model.free_RVs}
    assert names == set(point), f"sites differ: {names ^ set(point)}"
    values = {
        rv: rv.type.filter_variable(np.asarray(point[rv.name], dtype=rv.dtype))
        for rv in model.free_RVs
    }
    start = {}
    for rv in model.free_RVs:
        transform, value = model.rvs_to_transforms[rv], values[rv]
        if transform is not None:
            value = transform.forward(value, *rv.owner.inputs)
            value = graph_replace([value], values, strict=False)[0]
        start[model.rvs_to_values[rv].name] = value.eval(mode="FAST_COMPILE")
    return float(model.compile_logp(jacobian=False, mode="FAST_COMPILE")(start))
