"""Hand-written NumPyro: NUTS, chains on a device each, as the documentation advises."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.contestants.fitted import Fitted
from benchmarks.measure import compiling, seconds_per_gradient, seconds_per_step
from benchmarks.settings import Order
from benchmarks.workload import Columns, Workload

PARTICLES = 8


def fitting(tuned: bool) -> Callable[[Workload, Order], Fitted]:
    """The stage that samples."""

    def fit(workload: Workload, order: Order) -> Fitted:
        import numpyro

        settings = order.settings
        numpyro.set_host_device_count(settings.chains)
        numpyro.enable_x64()
        import jax
        from numpyro.infer import MCMC, NUTS

        data = workload.read(order.files)
        mcmc = MCMC(
            NUTS(_model(workload, tuned)),
            num_warmup=settings.warmup,
            num_samples=settings.draws,
            num_chains=settings.chains,
            chain_method="parallel",
            progress_bar=False,
        )
        with compiling() as heard:
            began = time.perf_counter()
            mcmc.run(jax.random.key(settings.seed), data)
            draws = {name: np.asarray(v) for name, v in mcmc.get_samples(True).items()}
            taken = time.perf_counter() - began
        return Fitted(workload.quantities(draws), heard.seconds, taken - heard.seconds)

    return fit


def gradient(tuned: bool) -> Callable[[Workload, Order], dict[str, Any]]:
    """The stage that times a gradient of the density that NUTS sees."""

    def measure(workload: Workload, order: Order) -> dict[str, Any]:
        import jax
        import numpyro
        from numpyro.infer.util import initialize_model

        numpyro.enable_x64()
        data = workload.read(order.files)
        model = _model(workload, tuned)
        start = initialize_model(jax.random.key(order.settings.seed), model, model_args=(data,))
        seconds = seconds_per_gradient(start.potential_fn, start.param_info.z)
        return {"gradient": seconds}

    return measure


def svi_step(tuned: bool) -> Callable[[Workload, Order], dict[str, Any]]:
    """The stage that times a step of SVI: a mean-field guide, eight particles, Adam."""

    def measure(workload: Workload, order: Order) -> dict[str, Any]:
        import numpyro

        numpyro.enable_x64()
        data = workload.read(order.files)
        return {"svi_step": seconds_of_svi(_model(workload, tuned), data, order.settings.seed)}

    return measure


def seconds_of_svi(
    model: Callable[[Columns], None], data: Columns, seed: int, at_once: bool = True
) -> float:
    """Seconds of a step of SVI on a NumPyro model; ``at_once``: all particles side by side, as
    NumPyro does unless told otherwise.
    """
    import jax
    from numpyro.infer import SVI, Trace_ELBO
    from numpyro.infer.autoguide import AutoNormal
    from numpyro.infer.initialization import init_to_value
    from numpyro.optim import Adam

    guide = AutoNormal(model, init_loc_fn=init_to_value, init_scale=1e-3)
    svi = SVI(model, guide, Adam(1e-3), Trace_ELBO(PARTICLES, vectorize_particles=at_once))
    state = svi.init(jax.random.key(seed), data)
    return seconds_per_step(lambda s: svi.update(s, data)[0], state)


def _model(workload: Workload, tuned: bool) -> Callable[[Columns], None]:
    return workload.numpyro.tuned if tuned else workload.numpyro.plain
