"""Bambi, where its formulas can express the model: correlated group effects they cannot."""

from __future__ import annotations

import time

from benchmarks.contestants.fitted import Fitted
from benchmarks.settings import Order
from benchmarks.workload import Workload


def can(workload: Workload) -> bool:
    """Whether the workload has a Bambi model."""
    return workload.bambi is not None


def fitting(workload: Workload, order: Order) -> Fitted:
    """Samples by nutpie, the faster of its samplers."""
    import nutpie

    assert workload.bambi is not None
    settings = order.settings
    bambi = workload.bambi.build(order.files)
    began = time.perf_counter()
    bambi.build()
    compiled = nutpie.compile_pymc_model(bambi.backend.model)
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
    quantities = workload.bambi.quantities(tree["posterior"].dataset)
    return Fitted(quantities, ready - began, taken)
