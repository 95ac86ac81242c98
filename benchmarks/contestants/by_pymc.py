"""Hand-written PyMC, sampled by nutpie or by PyMC's own NUTS."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.contestants.fitted import Fitted
from benchmarks.measure import seconds_per_call
from benchmarks.settings import Order
from benchmarks.workload import Workload


def can(workload: Workload) -> bool:
    """Whether the workload has a PyMC model."""
    return workload.pymc is not None


def by_nutpie(workload: Workload, order: Order) -> Fitted:
    """Samples by nutpie, compiled by Numba as is its default."""
    import nutpie

    settings = order.settings
    model = _model(workload, order)
    began = time.perf_counter()
    compiled = nutpie.compile_pymc_model(model)
    ready = time.perf_counter()
    tree = nutpie.sample(
        compiled,
        draws=settings.draws,
        tune=settings.warmup,
        chains=settings.chains,
        cores=settings.chains,
        seed=settings.seed,
        progress_bar=False,
    )
    taken = time.perf_counter() - ready
    return Fitted(workload.quantities(drawn(tree)), ready - began, taken)


def by_pymc(workload: Workload, order: Order) -> Fitted:
    """Samples by PyMC's own NUTS."""
    import pymc as pm

    settings = order.settings
    began = time.perf_counter()
    with _model(workload, order):
        tree = pm.sample(
            draws=settings.draws,
            tune=settings.warmup,
            chains=settings.chains,
            cores=settings.chains,
            random_seed=settings.seed,
            nuts_sampler="pymc",
            progressbar=False,
            compute_convergence_checks=False,
        )
    taken = time.perf_counter() - began
    sampling = float(tree["posterior"].attrs["sampling_time"])
    return Fitted(workload.quantities(drawn(tree)), taken - sampling, sampling)


def gradient_pymc(workload: Workload, order: Order) -> dict[str, Any]:
    """Times a gradient as PyMC's own NUTS calls it."""
    import numpy as np

    model = _model(workload, order)
    function = model.logp_dlogp_function(ravel_inputs=True)
    function.set_extra_values({})
    point = model.initial_point()
    vector = np.concatenate([np.ravel(point[v.name]) for v in model.value_vars]).astype(float)
    return {"gradient": seconds_per_call(lambda: function(vector))}


def gradient_nutpie(workload: Workload, order: Order) -> dict[str, Any]:
    """Times a gradient by PyTensor's Numba mode, which is what nutpie compiles."""
    import numpy as np

    model = _model(workload, order)
    function = model.logp_dlogp_function(ravel_inputs=True, mode="NUMBA")
    function.set_extra_values({})
    point = model.initial_point()
    vector = np.concatenate([np.ravel(point[v.name]) for v in model.value_vars]).astype(float)
    return {"gradient": seconds_per_call(lambda: function(vector))}


def drawn(tree: Any) -> dict[str, Any]:
    """The draws of an ArviZ tree as arrays, (chain, draw, …)."""
    posterior = tree["posterior"].dataset
    return {
        str(name): array.transpose("chain", "draw", ...).to_numpy()
        for name, array in posterior.data_vars.items()
    }


def _model(workload: Workload, order: Order) -> Any:
    assert workload.pymc is not None
    return workload.pymc(workload.read(order.files))
