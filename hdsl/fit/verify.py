"""Compares the log densities of a model's two generated files at random points, site by site."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.failure import require
from hdsl.fit.module import GeneratedModule, import_module, write_module
from hdsl.fit.naming import model_name

if TYPE_CHECKING:
    from hdsl.data.bind import Binding
    from hdsl.ir.model import Model

TOLERANCE = 1e-6
"""How far two densities may lie apart, relative to their size (or absolutely, below 1)."""

SPREADS = (1.0, 0.3, 0.1, 0.03, 0.01)
"""Prior standard deviations from the prior's centre, tried until no value is out of the world."""

UNLIKELY = (-20.0, -50.0)
"""A log density below the first, of one value, is where rounding may tell the backends apart: the
logit of a probability that is 1 to the last bit. A sum of many trials is ordinary down to the
second, and is taken before the prior's centre, which is no random point."""


@dataclass(frozen=True)
class Comparison:
    """The two log densities at one point; ``sites`` holds both for each site that differs."""

    numpyro: float
    pymc: float
    sites: Mapping[str, tuple[float, float]]

    @property
    def agrees(self) -> bool:
        """Whether the totals, and every site's part of them, are the same."""
        return not self.sites and _same(self.numpyro, self.pymc)


def verify(
    model: Model, binding: Binding, points: int = 5, seed: int = 0
) -> tuple[Comparison, ...]:
    """The log densities of both backends at random points: all agree where the backends do."""
    require("pymc")
    from hdsl.compiler import compile_model
    from hdsl.fit.setup import prepare_jax

    prepare_jax()
    with tempfile.TemporaryDirectory(prefix="hdsl-") as folder:
        loaded = {}
        for backend in ("numpyro", "pymc"):
            generated = compile_model(model, backend, binding.facts)
            file = write_module(generated, Path(folder))
            loaded[backend] = import_module(generated, file, model.source)
        data = loaded["numpyro"].prepare(binding.rows, binding.tables)
        data_pymc = loaded["pymc"].prepare(binding.rows, binding.tables)
        return compare(loaded["numpyro"], loaded["pymc"], data, data_pymc, points, seed)


def compare(
    numpyro_file: GeneratedModule,
    pymc_file: GeneratedModule,
    data: Mapping[str, Any],
    data_pymc: Mapping[str, Any],
    points: int,
    seed: int,
) -> tuple[Comparison, ...]:
    """The comparison of two imported files, each with the data that it has prepared itself."""
    density = _precisely(lambda: pymc_densities(pymc_file.call("build", data_pymc)))
    numpyro_density = numpyro_densities(numpyro_file, data)
    rows = []
    for number in range(points):
        point, ours = numpyro_density(np.random.default_rng((seed, number)))
        theirs = density(point)
        theirs = {model_name(name): part for name, part in theirs.items()}
        ours = {model_name(name): part for name, part in ours.items()}
        names = {**ours, **theirs}
        pairs = {n: (ours.get(n, float("nan")), theirs.get(n, float("nan"))) for n in names}
        differing = {name: pair for name, pair in pairs.items() if not _same(*pair)}
        rows.append(Comparison(sum(ours.values()), sum(theirs.values()), differing))
    return tuple(rows)


def _precisely[T](build: Callable[[], T]) -> T:
    """What ``build`` gives where PyTensor takes the numbers of a file in full precision.

    By itself it takes `25` for a number of 32 bits, and its gamma function in as many.
    """
    from pytensor.configdefaults import config

    with config.change_flags(cast_policy="numpy+floatX"):
        return build()


def _same(one: float, other: float) -> bool:
    if not (np.isfinite(one) and np.isfinite(other)):
        return one == other
    return abs(one - other) <= TOLERANCE * max(1.0, abs(one), abs(other))


type RandomPoint = tuple[dict[str, Numbers], dict[str, float]]


def numpyro_densities(
    loaded: GeneratedModule, data: Mapping[str, Any]
) -> Callable[[np.random.Generator], RandomPoint]:
    """A function that gives random values of all sites and each site's log density, by NumPyro."""
    import jax
    import jax.numpy as jnp
    from numpyro import handlers

    from hdsl.fit.numpyro_sampler import model_of, numpyro_target, split_data, starting_point

    model, split = model_of(loaded), split_data(data)
    _, layout = numpyro_target(model, data)

    def densities(arrays: Mapping[str, Any], noise: Any, spread: Any) -> Any:
        prepared, noises = split.merged(arrays), layout.split(noise)
        _, values = starting_point(model, prepared, lambda name, _: noises[name], 1.0, spread)
        trace = handlers.trace(handlers.substitute(model, data=values)).get_trace(prepared)
        sampled = {name: site for name, site in trace.items() if site["type"] == "sample"}
        parts = {name: site["fn"].log_prob(site["value"]) for name, site in sampled.items()}
        least = jnp.array([part.min() for part in parts.values()]).min()
        return values, {name: part.sum() for name, part in parts.items()}, least

    compiled = jax.jit(densities)

    def random_point(rng: np.random.Generator) -> RandomPoint:
        noise = rng.standard_normal(layout.size)
        tries = [(bound, spread) for bound in UNLIKELY for spread in SPREADS]
        for bound, spread in (*tries, (UNLIKELY[-1], 0.0)):
            values, parts, least = compiled(split.arrays, noise, spread)
            if least > bound:
                break
        return (
            {name: np.asarray(value) for name, value in values.items()},
            {name: float(part) for name, part in parts.items()},
        )

    return random_point


class pymc_densities:  # noqa: N801  used as a function that remembers what it compiled
    """Each site's log density at a point of constrained values, by PyMC, without Jacobians."""

    def __init__(self, model: Any) -> None:
        from pytensor.compile.maker import function
        from pytensor.graph.replace import graph_replace

        sites = model.basic_RVs
        values = {variable: variable.type() for variable in model.free_RVs}
        moved = {}
        for variable, value in values.items():
            transform = model.rvs_to_transforms[variable]
            moved[model.rvs_to_values[variable]] = (
                value if transform is None else transform.forward(value, *variable.owner.inputs)
            )
        parts = [part.sum() for part in model.logp(vars=sites, jacobian=False, sum=False)]
        parts = graph_replace(parts, moved, strict=False)
        parts = graph_replace(parts, values, strict=False)
        self._inputs = [model_name(variable.name) for variable in values]
        self._sites = [variable.name for variable in sites]
        self._types = [value.type.dtype for value in values.values()]
        self._function = function(
            list(values.values()), parts, mode="FAST_COMPILE", on_unused_input="ignore"
        )

    def __call__(self, point: Mapping[str, Numbers]) -> dict[str, float]:
        """The log densities by site; none where the file has a site that the point lacks."""
        point = {model_name(name): value for name, value in point.items()}
        if set(self._inputs) != set(point):
            return {}
        values = [
            np.asarray(point[name], dtype=dtype)
            for name, dtype in zip(self._inputs, self._types, strict=True)
        ]
        found = self._function(*values)
        return {name: float(part) for name, part in zip(self._sites, found, strict=True)}
