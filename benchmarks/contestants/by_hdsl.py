"""HDSL by its public API, at each level of optimisation, and by its command."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contestants.by_numpyro import seconds_of_svi
from benchmarks.contestants.by_pymc import drawn
from benchmarks.contestants.fitted import Fitted
from benchmarks.measure import seconds_per_gradient
from benchmarks.settings import Order, Settings
from benchmarks.workload import Workload

if TYPE_CHECKING:
    from hdsl.fit.module import GeneratedModule
    from hdsl.fit.numpyro_sampler import Finish
    from hdsl.fit.nuts import Target
    from hdsl.fit.pymc_arranged import ArrangedModel
    from hdsl.ir import model as ir


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
            level=level,
        )
        seconds = {**run.info["seconds"]}
        for stage in ("prepare", "total"):
            del seconds[stage]
        compiling = seconds.pop("compile", None)
        after = None
        if method == "nuts":  # `finish` makes predictions and log-likelihoods besides
            del seconds["finish"]
            after = partial(seconds_of_quantities, workload, order, level, backend)
        return Fitted(drawn(run.data), compiling, sum(seconds.values()), after)

    return fit


def seconds_of_quantities(workload: Workload, order: Order, level: int, backend: str) -> float:
    """Seconds for the quantities of all draws, and exact draws of what was integrated out; of
    PyMC's file as it is written they are in the time of sampling.
    """
    import jax
    import numpy as np

    settings = order.settings
    made = opened(workload, order, level, backend)
    if made.finish is None:
        return 0.0 if made.arranged is None else seconds_of_completing(made.arranged, settings)
    arrays = jax.device_put(made.finish.arrays())
    total = settings.chains * settings.draws
    size = made.finish.chunk(total)
    vectors, numbers = np.zeros((size, made.finish.layout.size)), np.arange(size, dtype=np.uint32)
    many = jax.jit(jax.vmap(made.finish.one, in_axes=(None, 0, None, 0)))
    jax.block_until_ready(many(arrays, vectors, np.uint32(0), numbers))
    began = time.perf_counter()
    for _ in range(0, total, size):
        jax.tree.map(np.asarray, many(arrays, vectors, np.uint32(0), numbers))
    return time.perf_counter() - began


def seconds_of_completing(arranged: ArrangedModel, settings: Settings) -> float:
    """Seconds in which draws of PyMC's arranged density become those of the model."""
    import numpy as np

    from hdsl.fit.draws import Chains
    from hdsl.fit.programs import Compiler
    from hdsl.fit.pymc_arranged import begin_completing

    size = settings.chains, settings.draws
    inside = {site: np.full((*size, *arranged.shapes[site]), 0.5) for site in arranged.sites}
    chains = Chains(inside, {}, complete=True, compiled=0.0)
    with closing(Compiler()) as compiler:
        completion = begin_completing(arranged, False, compiler)
        completion.of(chains, settings.seed)
        began = time.perf_counter()
        completion.of(chains, settings.seed)
        return time.perf_counter() - began


def by_command(workload: Workload, order: Order) -> Fitted:
    """`hdsl fit` as a user types it, from nothing to the printed table."""
    settings = order.settings
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "benchmark.run"
        tables = [f"--table={name}={path}" for name, path in order.files.tables.items()]
        counts = (f"--{n}={getattr(settings, n)}" for n in ("chains", "warmup", "draws", "seed"))
        program = "import sys; from hdsl.cli import main; sys.argv[0] = 'hdsl'; main()"
        command = [sys.executable, "-c", program, "fit", workload.model, order.files.rows]
        began = time.perf_counter()
        subprocess.run(
            [*map(str, command), *tables, *counts, "-o", str(out)],
            check=True,
            stdout=sys.stderr,
        )
        wall = time.perf_counter() - began
        import hdsl

        run = hdsl.load(out)
        return Fitted(drawn(run.data), run.info["seconds"].get("compile"), None, wall=wall)


def gradient(level: int, backend: str) -> Callable[[Workload, Order], dict[str, Any]]:
    """The stage that times a gradient of the density that NUTS sees."""

    def measure(workload: Workload, order: Order) -> dict[str, Any]:
        import jax.numpy as jnp

        target = opened(workload, order, level, backend).target
        seconds = seconds_per_gradient(
            lambda z: target.potential(target.arguments, z), jnp.zeros(target.size)
        )
        return {"gradient": seconds, "size": target.size}

    return measure


def svi_step(level: int) -> Callable[[Workload, Order], dict[str, Any]]:
    """The stage that times a step of SVI: the guide of the hand-written one, our density."""

    def measure(workload: Workload, order: Order) -> dict[str, Any]:
        import numpyro
        from numpyro import handlers
        from numpyro.distributions import ImproperUniform, constraints

        target = opened(workload, order, level, "numpyro").target

        def model(arguments: Any) -> None:
            anywhere = ImproperUniform(constraints.real, (), (target.size,))
            z = numpyro.sample("z", anywhere)
            with handlers.block():  # the sites within are not sites of this model
                potential = target.potential(arguments, z)
            numpyro.factor("density", -potential)

        # one particle after another: the rows' arrays of eight side by side fill no cache
        seconds = seconds_of_svi(model, target.arguments, order.settings.seed, at_once=False)
        return {"svi_step": seconds}

    return measure


@dataclass(frozen=True)
class Opened:
    """What `hdsl fit` samples, and what gives a draw's quantities: of NumPyro's file, and of an
    arranged one of PyMC's.
    """

    target: Target
    finish: Finish | None = None
    arranged: ArrangedModel | None = None


def opened(workload: Workload, order: Order, level: int, backend: str) -> Opened:
    """The density that `hdsl fit` samples at a level, on the workload's data."""
    from hdsl import compiler
    from hdsl.data.frames import read_table
    from hdsl.fit.module import import_module, write_module
    from hdsl.fit.setup import prepare_jax
    from hdsl.source import Source

    prepare_jax()
    source = Source(workload.model.read_text(encoding="utf-8"), workload.model.name)
    model, found = compiler.check_source(source)
    assert model is not None, found
    tables = {name: read_table(path) for name, path in order.files.tables.items()}
    binding = compiler.bind_data(model, read_table(order.files.rows), tables)
    generated = compiler.compile_model(model, backend, binding.facts, level)
    with tempfile.TemporaryDirectory() as folder:
        loaded = import_module(generated, write_module(generated, Path(folder)), source)
        data = loaded.prepare(binding.rows, binding.tables)
        if backend == "numpyro":
            return _opened_numpyro(loaded, data, model, level)
        return _opened_pymc(loaded, data)


def _opened_pymc(loaded: GeneratedModule, data: Mapping[str, Any]) -> Opened:
    from hdsl.fit.pymc_arranged import arranged_of
    from hdsl.fit.pymc_jax import pymc_target

    written = loaded.call("build", data)
    arranged = arranged_of(loaded, data, written)
    density = written if arranged is None else arranged.density
    return Opened(pymc_target(density)[0], arranged=arranged)


def _opened_numpyro(
    loaded: GeneratedModule, data: Mapping[str, Any], model: ir.Model, level: int
) -> Opened:
    from hdsl.fit.arranged import arranged_of
    from hdsl.fit.checkpoint import NOWHERE
    from hdsl.fit.large import large_problem
    from hdsl.fit.methods.ordered import ordered
    from hdsl.fit.numpyro_sampler import Finish, model_of, numpyro_target

    written = model_of(loaded)
    large = None
    if level and not loaded.generated.condensed:
        large = large_problem(loaded, data, model, NOWHERE)
    if large is not None:
        quick, target = ordered(large), large.target
        if quick is not None:
            target = replace(target, potential=quick.potential, arguments=quick.arguments)
        return Opened(target, Finish(written, data, frozenset(), (), False, large.layout))
    arranged = arranged_of(loaded, data)
    if arranged is not None:
        target, layout = numpyro_target(arranged.density, arranged.condensed)
        whole = replace(arranged, layout=layout)
        return Opened(target, Finish(written, data, frozenset(), (), False, layout, whole))
    target, layout = numpyro_target(written, data)
    return Opened(target, Finish(written, data, frozenset(), (), False, layout))
