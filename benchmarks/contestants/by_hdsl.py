"""HDSL by its public API, at each level of optimisation, and by its command."""

from __future__ import annotations

import inspect
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.contestants.by_numpyro import seconds_of_svi
from benchmarks.contestants.by_pymc import drawn
from benchmarks.contestants.fitted import Fitted
from benchmarks.measure import seconds_per_gradient
from benchmarks.settings import Order
from benchmarks.workload import Workload


class AbsentError(Exception):
    """What a cell needs is not in this version."""


def fitting(level: int, backend: str, method: str) -> Callable[[Workload, Order], Fitted]:
    """The stage that samples, or approximates by another method."""

    def fit(workload: Workload, order: Order) -> Fitted:
        import hdsl

        settings = order.settings
        run = hdsl.read(workload.model).fit(
            order.files.rows,
            dict(order.files.tables),
            backend=backend,
            method=method,
            chains=settings.chains,
            draws=settings.draws,
            warmup=settings.warmup,
            seed=settings.seed,
            **_level(level),
        )
        seconds = run.info["seconds"]
        return Fitted(drawn(run.data), seconds.get("compile"), _sampling(seconds))

    return fit


def _sampling(seconds: dict[str, float]) -> float:
    """Everything from the first warm-up step to the last quantity of the last draw."""
    return seconds["sample"] + seconds["finish"]


def _level(level: int) -> dict[str, Any]:
    from hdsl.fit import fit

    if "level" in inspect.signature(fit).parameters:
        return {"level": level}
    if level:
        raise AbsentError("this version of HDSL has no -O1")
    return {}


def by_command(workload: Workload, order: Order) -> Fitted:
    """`hdsl fit` as a user types it, from nothing to the printed table."""
    settings = order.settings
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "benchmark.run"
        tables = [f"--table={name}={path}" for name, path in order.files.tables.items()]
        counts = (f"--{n}={getattr(settings, n)}" for n in ("chains", "warmup", "draws", "seed"))
        program = "import sys; from hdsl.cli import main; sys.argv[0] = 'hdsl'; main()"
        command = [sys.executable, "-c", program, "fit", workload.model, order.files.rows]
        subprocess.run(
            [*map(str, command), *tables, *counts, "-o", str(out)],
            check=True,
            stdout=sys.stderr,
        )
        import hdsl

        run = hdsl.load(out)
        seconds = run.info["seconds"]
        return Fitted(drawn(run.data), seconds.get("compile"), _sampling(seconds))


def gradient(level: int, backend: str) -> Callable[[Workload, Order], dict[str, Any]]:
    """The stage that times a gradient of the density that NUTS sees."""

    def measure(workload: Workload, order: Order) -> dict[str, Any]:
        import jax.numpy as jnp

        target = density(workload, order, level, backend)
        seconds = seconds_per_gradient(
            lambda z: target.potential(target.arguments, z), jnp.zeros(target.size)
        )
        return {"gradient": seconds, "size": target.size}

    return measure


def svi_step(level: int) -> Callable[[Workload, Order], dict[str, Any]]:
    """The stage that times a step of SVI: the guide of the hand-written one, our density."""

    def measure(workload: Workload, order: Order) -> dict[str, Any]:
        import numpyro
        from numpyro.distributions import ImproperUniform, constraints

        target = density(workload, order, level, "numpyro")

        def model(arguments: Any) -> None:
            anywhere = ImproperUniform(constraints.real, (), (target.size,))
            z = numpyro.sample("z", anywhere)
            numpyro.factor("density", -target.potential(arguments, z))

        return {"svi_step": seconds_of_svi(model, target.arguments, order.settings.seed)}

    return measure


def density(workload: Workload, order: Order, level: int, backend: str) -> Any:
    """The target that `hdsl fit` samples at a level, on the workload's data."""
    from hdsl import compiler
    from hdsl.data.frames import read_table
    from hdsl.fit.module import import_module, write_module
    from hdsl.fit.numpyro_sampler import model_of, numpyro_target
    from hdsl.fit.setup import prepare_jax
    from hdsl.source import Source

    _level(level)
    prepare_jax()
    source = Source(workload.model.read_text(encoding="utf-8"), workload.model.name)
    model, found = compiler.check_source(source)
    assert model is not None, found
    tables = {name: read_table(path) for name, path in order.files.tables.items()}
    binding = compiler.bind_data(model, read_table(order.files.rows), tables)
    generated = compiler.compile_model(model, backend, binding.facts)
    with tempfile.TemporaryDirectory() as folder:
        loaded = import_module(generated, write_module(generated, Path(folder)), source)
        data = loaded.prepare(binding.rows, binding.tables)
        if backend == "pymc":
            from hdsl.fit.pymc_jax import pymc_target

            return pymc_target(loaded.call("build", data))[0]
        return numpyro_target(model_of(loaded), data)[0]
