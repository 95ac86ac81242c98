"""Fits a generated NumPyro module: where its chains start, and what is made of their draws.

NumPyro itself is imported where a model is traced: a fit whose programs are kept never is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.arranged import ArrangedModel
from hdsl.fit.checkpoint import Checkpoints
from hdsl.fit.devices import Shares
from hdsl.fit.draws import Draws, NoStartError, Numbers, OutcomeRows, Settings
from hdsl.fit.laws import draw, unexpanded
from hdsl.fit.layout import Layout
from hdsl.fit.module import GeneratedModule
from hdsl.fit.nuts import Arrays, Sampled, Target, compile_program, sample
from hdsl.fit.programs import Compiler, Kept, in_chunks
from hdsl.fit.progress import Reporter
from hdsl.fit.results import import_early

type Model = Callable[[Mapping[str, Any]], Any]


def model_of(loaded: GeneratedModule) -> Model:
    """The NumPyro model of a generated file."""
    return lambda data: loaded.call("model", data)


CHUNK_VALUES = 4_000_000  # numbers per call after sampling
CHUNK = 500  # draws per call after sampling


@dataclass(frozen=True)
class Split:
    """Prepared data in two: ``arrays`` are arguments of compiled code, the rest is written into
    it, so that code compiled once serves other data of the same shape.
    """

    arrays: Mapping[str, Numbers]
    fixed: Mapping[str, Any]

    def merged(self, arrays: Arrays) -> dict[str, Any]:
        """Prepared data again, with traced arrays in place of the plain ones."""
        return {**self.fixed, **arrays}


def split_data(data: Mapping[str, Any]) -> Split:
    """Prepared data split into arrays of numbers and all else."""
    arrays = {
        key: value
        for key, value in data.items()
        if isinstance(value, np.ndarray) and value.ndim > 0 and value.dtype.kind in "fiub"
    }
    return Split(arrays, {key: value for key, value in data.items() if key not in arrays})


def numpyro_target(model: Model, data: Mapping[str, Any]) -> tuple[Target, Layout]:
    """The density of a NumPyro model on prepared data, and how its vectors are laid out."""
    split = split_data(data)
    layout = layout_of(model, split)
    return target_on(layout, model, split), layout


def layout_of(model: Model, split: Split) -> Layout:
    """How the vectors of a model are laid out."""

    def nowhere(arrays: Arrays) -> dict[str, Any]:
        data = split.merged(arrays)
        return starting_point(model, data, lambda _, shape: jnp.zeros(shape), 0.0, 0.0)[0]

    shapes = jax.eval_shape(nowhere, split.arrays)
    return Layout({name: leaf.shape for name, leaf in shapes.items()})


def target_on(layout: Layout, model: Model, split: Split) -> Target:
    """The density of a NumPyro model on vectors of a layout."""

    def potential(arrays: Arrays, z: Any) -> Any:
        from numpyro.infer.util import potential_energy

        return potential_energy(model, (split.merged(arrays),), {}, layout.split(z))

    def place(arrays: Arrays, noise: Any, centre: Any, spread: Any) -> Any:
        noises = layout.split(noise)
        data = split.merged(arrays)
        point, _ = starting_point(model, data, lambda name, _: noises[name], centre, spread)
        return layout.join(point)

    return Target(potential, place, split.arrays, layout.size)


def starting_point(
    model: Model,
    data: Mapping[str, Any],
    noise: Callable[[str, tuple[int, ...]], Any],
    centre: Any,
    spread: Any,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A point near the prior's mean (or near 0), each site given those above it: the values
    without constraints, and the values.

    ``centre`` weighs the means, ``spread`` the noise, which is in prior standard deviations.
    Where neither mean nor scale is known it counts as 0 unconstrained: 1 for a positive quantity.
    """
    from numpyro import handlers
    from numpyro.distributions import biject_to

    points: dict[str, Any] = {}
    values: dict[str, Any] = {}

    def place(site: dict[str, Any]) -> Any:
        if site["type"] != "sample" or site["is_observed"]:
            return None
        transform = biject_to(site["fn"].support)
        middle, sd = _location(site["fn"], transform)
        # A vague prior says where to start, not how far away: chains that set out far from the data
        # find them by way of a large residual scale, which makes all groups alike.
        sd = jnp.minimum(sd, 1.0)
        point = centre * middle + spread * sd * noise(site["name"], middle.shape)
        points[site["name"]] = point
        values[site["name"]] = transform(point)
        return values[site["name"]]

    handlers.trace(handlers.substitute(model, substitute_fn=place)).get_trace(data)
    return points, values


def _location(prior: Any, transform: Any) -> tuple[Any, Any]:
    """The prior's mean, unconstrained, and its spread there; 0 and 1 where there is none."""
    shape = transform.inverse_shape(prior.shape())
    mean = _typical(prior)
    if mean is None:
        return jnp.zeros(shape), jnp.ones(shape)
    mean = jnp.broadcast_to(mean, prior.shape())
    known = jnp.isfinite(mean).all()
    centre = transform.inv(jnp.where(known, mean, transform(jnp.zeros(shape))))
    centre = jnp.where(jnp.isfinite(centre), centre, 0.0)
    if not is_real(prior):
        return centre, jnp.ones(shape)
    try:
        spread = jnp.sqrt(jnp.broadcast_to(prior.variance, shape))
    except (NotImplementedError, AttributeError):
        return centre, jnp.ones(shape)
    return centre, jnp.where(jnp.isfinite(spread), spread, 1.0)


def _typical(prior: Any) -> Any:
    """The prior's mean; the scale of a half-Student or a half-Cauchy, which know or have none."""
    from numpyro.distributions import FoldedDistribution, HalfCauchy

    inner = unexpanded(prior)
    inner = getattr(inner, "each", inner)  # of one that is sampled by its score
    match inner:
        case FoldedDistribution(base_dist=base) if hasattr(base, "scale"):
            return base.scale
        case HalfCauchy(scale=scale):
            return scale
    try:
        return prior.mean
    except (NotImplementedError, AttributeError):
        return None


def is_real(prior: Any) -> bool:
    """Whether any number may be drawn, so that nothing need be transformed."""
    from numpyro.distributions import constraints

    base = getattr(prior.support, "base_constraint", prior.support)
    return base is constraints.real


@dataclass(frozen=True)
class Finish:
    """What is computed of each draw: quantities, and for outcomes on ``rows`` their predictions
    and, where ``pointwise``, log-likelihoods.
    """

    model: Model
    data: Mapping[str, Any]
    drop: frozenset[str]
    outcomes: tuple[OutcomeRows, ...]
    pointwise: bool
    layout: Layout
    arranged: ArrangedModel | None = None

    def arrays(self) -> Mapping[str, Numbers]:
        """The prepared data with outcomes on the rows that predictions are wanted for."""
        data = dict(self.data)
        for outcome in self.outcomes:
            rows = np.arange(outcome.length) if self.pointwise else outcome.wanted
            data |= outcome.on(rows if rows.size else np.arange(1))  # no plate may be empty
        condensed = {} if self.arranged is None else self.arranged.arrays
        return {**split_data(data).arrays, **condensed}

    def one(self, arrays: Arrays, vector: Any, seed: Any, number: Any) -> dict[str, Any]:
        """The results of one draw, by group."""
        from numpyro import handlers

        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), 2**31), number)
        if self.arranged is None:
            own = self.layout.split(vector)
        else:
            own = self.arranged.widened(arrays, vector, jax.random.fold_in(key, 2**31))
        data = split_data(self.data).merged(arrays)
        trace = handlers.trace(
            handlers.substitute(self.model, substitute_fn=lambda site: self._value(site, own))
        ).get_trace(data)
        values = {
            name: site["value"]
            for name, site in trace.items()
            if (name in own or site["type"] == "deterministic") and name not in self.drop
        }
        auxiliary = {name: trace[name]["value"] for name in own if name in self.drop}
        predictive, pointwise = {}, {}
        for place, outcome in enumerate(self.outcomes):
            law, value = trace[outcome.site]["fn"], trace[outcome.site]["value"]
            if self.pointwise or outcome.wanted.size:
                predictive[outcome.site] = draw(law, jax.random.fold_in(key, place))
            if self.pointwise:
                each = law.log_prob(value)
                pointwise[outcome.site] = each if outcome.seen is None else each[outcome.seen]
        found = {"values": values, "predictive": predictive, "log_likelihood": pointwise}
        return {**found, "auxiliary": auxiliary}

    def _value(self, site: dict[str, Any], own: Arrays) -> Any:
        """The value of a site of a draw; None where it is not sampled."""
        return constrained(site, own) if self.arranged is None else own.get(site["name"])

    def chunk(self, draws: int) -> int:
        """How many draws are finished per call."""
        rows = sum(outcome.length for outcome in self.outcomes)
        if rows > CHUNK_VALUES // CHUNK and not self.pointwise:  # then hardly any are kept
            vector, number = np.zeros(self.layout.size), np.uint32(0)
            found = jax.eval_shape(self.one, self.arrays(), vector, number, number)
            rows = sum(leaf.size for leaf in jax.tree.leaves(found))
        values = self.layout.size + rows
        return int(np.clip(CHUNK_VALUES // max(values, 1), 1, min(CHUNK, draws)))


def constrained(site: dict[str, Any], z: Arrays) -> Any:
    """The value of a site among unconstrained ones; None where it is none of them."""
    from numpyro.distributions import biject_to

    if site["name"] not in z:
        return None
    return biject_to(site["fn"].support)(z[site["name"]])


def sample_numpyro(
    model: Model,
    data: Mapping[str, Any],
    outcomes: tuple[OutcomeRows, ...],
    drop: frozenset[str],
    settings: Settings,
    pointwise: bool,
    reporter: Reporter,
    checkpoints: Checkpoints,
    arranged: ArrangedModel | None = None,
    kept: Kept | None = None,
    shares: Shares | None = None,
) -> Draws:
    """Samples a generated model and computes what the results hold of every draw, by programs
    ``kept`` of an earlier fit where there are some.

    Where it is ``arranged`` that density is sampled, and every draw completed afterwards. Many
    devices have ``shares`` of the rows while it is sampled; results are computed on one.
    """
    density, read = (model, data) if arranged is None else (arranged.density, arranged.condensed)
    compiler = Compiler(kept)
    began = time.perf_counter()
    try:
        reporter.stage("compiling")
        split = split_data(read)
        layout = compiler.kept.fact("layout", lambda: layout_of(density, split))
        target = target_on(layout, density, split)
        target = target if shares is None else shares.target(target)
        program = compile_program(target, settings, compiler)
        if arranged is not None:
            arranged = replace(arranged, layout=layout)
        finish = Finish(model, data, drop, outcomes, pointwise, layout, arranged)
        size = finish.chunk(settings.draws * settings.chains)
        arrays = finish.arrays()
        finisher = compile_finish(finish, arrays, size, compiler)
        import_early()
        program.start.result(), program.block.result()
        compiled = time.perf_counter()
        try:
            sampled = sample(target, settings, program, reporter, checkpoints)
        except NoStartError as error:
            raise NoStartError(infinite_sites(density, read, layout, error.at)) from error
        drawn = time.perf_counter()
        results = finish_draws(finisher.result(), arrays, sampled, settings.seed, size)
        compiler.kept.write()
    finally:
        compiler.close()
    times = {"compile": compiled - began, "sample": drawn - compiled}
    times["finish"] = time.perf_counter() - drawn
    return draws_of(results, sampled, outcomes, pointwise, times)


def draws_of(
    results: Mapping[str, Mapping[str, Numbers]],
    sampled: Sampled,
    outcomes: tuple[OutcomeRows, ...],
    pointwise: bool,
    times: Mapping[str, float],
    diagnostics: Mapping[str, Any] | None = None,
) -> Draws:
    """The results of all draws, missing outcomes apart."""
    predictive = results["predictive"]
    unseen = {o.site: o.wanted for o in outcomes if o.wanted.size}
    return Draws(
        posterior=results["values"],
        stats=sampled.stats,
        log_likelihood=results["log_likelihood"],
        predictive=predictive if pointwise else {},
        missing={
            site: predictive[site][:, :, rows] if pointwise else predictive[site]
            for site, rows in unseen.items()
        },
        complete=sampled.complete,
        times=times,
        diagnostics=diagnostics or {},
        auxiliary=results["auxiliary"],
    )


def infinite_sites(
    model: Model, data: Mapping[str, Any], layout: Layout, at: Numbers | None
) -> tuple[str, ...]:
    """The sites whose log density is not finite at a point."""
    if at is None:
        return ()
    from numpyro import handlers

    split = split_data(data)

    def finite(arrays: Arrays, vector: Any) -> dict[str, Any]:
        z = layout.split(vector)
        substituted = handlers.substitute(model, substitute_fn=lambda site: constrained(site, z))
        trace = handlers.trace(substituted).get_trace(split.merged(arrays))
        sampled = {name: site for name, site in trace.items() if site["type"] == "sample"}
        return {n: jnp.isfinite(s["fn"].log_prob(s["value"])).all() for n, s in sampled.items()}

    # compiled, because NumPyro refuses bad arguments of a distribution where it sees their values
    found = jax.jit(finite)(split.arrays, at)
    return tuple(name for name, fine in found.items() if not fine)


def compile_finish(
    finish: Finish, arrays: Mapping[str, Numbers], size: int, compiler: Compiler
) -> Future[Callable[..., Any]]:
    """A function of ``size`` unconstrained vectors that gives the results of each."""
    vectors = jax.ShapeDtypeStruct((size, finish.layout.size), np.float64)
    many = jax.vmap(finish.one, in_axes=(None, 0, None, 0))
    numbers = np.zeros(size, np.uint32)
    return compiler.submit(many, arrays, vectors, np.uint32(0), numbers, name="finish")


def finish_draws(
    finisher: Callable[..., Any],
    arrays: Mapping[str, Numbers],
    sampled: Sampled,
    seed: int,
    size: int,
) -> dict[str, dict[str, Numbers]]:
    """Results of all draws by group and name, (chain, draw, …), computed ``size`` at a time."""
    placed, key = jax.device_put(arrays), np.uint32(seed)
    found: dict[str, dict[str, Numbers]] = in_chunks(
        lambda vectors, numbers: finisher(placed, vectors, key, numbers), sampled.z, size
    )
    return found
