"""Fits a generated PyMC module, by the sampler that was asked for.

The wait of a first fit of radon as it is written (`-O0`; 919 rows, 85 counties, 4 chains of
1000 + 1000, two cores, a fresh process, predictions included) with nothing cached, and with
everything cached:

- `numpyro`, NUTS on the density as JAX (see ``nuts``): 16.9 s, then 9.2 s
- `nutpie`, which compiles by Numba: 18.6 s, then 10.9 s
- `pymc`, PyMC's own: 22.0 s, then 10.3 s

So `numpyro` is the default; it needs no package besides PyMC. On long runs nutpie is the fastest:
its sampling alone took 0.6 s, against 4.4 s and 5.2 s.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from hdsl.fit.checkpoint import Checkpoints
from hdsl.fit.draws import Chains, Draws, NoStartError, Numbers, OutcomeRows, Settings
from hdsl.fit.failure import failure
from hdsl.fit.progress import ChainState, Reporter

if TYPE_CHECKING:
    import pymc
    import xarray

    from hdsl.fit.module import GeneratedModule
    from hdsl.fit.programs import Compiler
    from hdsl.fit.pymc_arranged import Completion

STATISTICS = {
    "lp": ("lp", "logp"),
    "energy": ("energy",),
    "acceptance_rate": ("acceptance_rate", "mean_tree_accept"),
    "diverging": ("diverging",),
    "n_steps": ("n_steps",),
    "tree_depth": ("tree_depth", "depth"),
    "step_size": ("step_size",),
}
"""The statistics that are kept, and what the samplers call them."""


def sample_pymc(
    loaded: GeneratedModule,
    data: Mapping[str, Any],
    outcomes: tuple[OutcomeRows, ...],
    drop: frozenset[str],
    settings: Settings,
    pointwise: bool,
    reporter: Reporter,
    sampler: str,
    checkpoints: Checkpoints,
) -> Draws:
    """Samples a generated PyMC model and computes what the results hold of every draw.

    Where the file has an arranged density that is sampled, and every draw completed afterwards.
    """
    from hdsl.fit.programs import Compiler

    with quiet(), closing(Compiler()) as compiler:
        began = time.perf_counter()
        reporter.stage("compiling")
        model = loaded.call("build", data)
        completion = _completion(loaded, data, model, pointwise, compiler)
        density = model if completion is None else completion.arranged.density
        chains = _sampled(
            density, settings, reporter, sampler, pointwise, checkpoints, completion is not None
        )
        drawn = time.perf_counter()
        if completion is not None:
            chains = completion.of(chains, settings.seed)
        idata = _tree(model, chains.posterior)
        likelihood = chains.log_likelihood
        if pointwise and likelihood is None:
            likelihood = _log_likelihood(model, idata)
        predictive, missing = _predict(loaded, data, outcomes, idata, settings, pointwise)
        done = time.perf_counter()
    return Draws(
        posterior={n: value for n, value in chains.posterior.items() if n not in drop},
        stats=chains.stats,
        log_likelihood=likelihood or {},
        predictive=predictive,
        missing=missing,
        auxiliary={n: value for n, value in chains.posterior.items() if n in drop},
        complete=chains.complete,
        times={
            "compile": chains.compiled - began,
            "sample": drawn - chains.compiled,
            "finish": done - drawn,
        },
    )


def _completion(
    loaded: GeneratedModule,
    data: Mapping[str, Any],
    model: pymc.Model,
    pointwise: bool,
    compiler: Compiler,
) -> Completion | None:
    """The way back from a file's arranged density, None where it has none."""
    from hdsl.fit.pymc_arranged import arranged_of, begin_completing

    arranged = arranged_of(loaded, data, model)
    if arranged is None:
        return None
    with _for_jax("leave the passes out: `-O0`"):
        return begin_completing(arranged, pointwise, compiler)


def _sampled(
    model: pymc.Model,
    settings: Settings,
    reporter: Reporter,
    sampler: str,
    pointwise: bool,
    checkpoints: Checkpoints,
    sites_alone: bool,
) -> Chains:
    """Draws of a model; ``sites_alone``: there is no need of more than what is sampled."""
    pointwise = pointwise and not sites_alone
    if sampler != "numpyro" and checkpoints.folder is not None:
        reporter.note(f"the sampler {sampler} keeps no checkpoints: killed, it begins again")
    match sampler:
        case "numpyro":
            from hdsl.fit.pymc_jax import sample_by_jax

            with _for_jax("choose another sampler: `--sampler pymc`"):
                given = (model, settings, reporter, pointwise, checkpoints)
                return sample_by_jax(*given, sites_alone)
        case "nutpie":
            return _by_nutpie(model, settings, reporter)
        case "pymc":
            return _by_pymc(model, settings, reporter)
        case _:
            raise ValueError(f"no sampler {sampler!r}")


@contextmanager
def _for_jax(remedy: str) -> Iterator[None]:
    """Within it, PyTensor writes models for JAX; where it cannot, the remedy is to be told."""
    try:
        yield
    except NotImplementedError as error:  # PyTensor has not taught JAX everything
        headline = f"PyTensor cannot write this model for JAX: {str(error).splitlines()[0]}"
        raise failure("H520", headline, remedy) from error


def _by_pymc(model: pymc.Model, settings: Settings, reporter: Reporter) -> Chains:
    import pymc as pm

    watch = _Watch(settings, reporter)
    try:
        tree = pm.sample(
            draws=settings.draws,
            tune=settings.warmup,
            chains=settings.chains,
            cores=settings.chains,  # all at once, so that stopping early leaves no chain empty
            random_seed=settings.seed,
            target_accept=settings.target_accept,
            nuts_sampler="pymc",
            progressbar=False,
            quiet=True,
            compute_convergence_checks=False,
            callback=watch.pymc,
            model=model,
        )
    except pm.exceptions.SamplingError as error:
        if watch.began is None:  # before the first draw: PyMC has tried its starting points
            raise NoStartError from error
        raise
    finally:
        reporter.end()
    return _taken(tree, settings, watch.began or time.perf_counter())


def _by_nutpie(model: pymc.Model, settings: Settings, reporter: Reporter) -> Chains:
    import nutpie

    compiled = nutpie.compile_pymc_model(model)
    began = time.perf_counter()
    watch = _Watch(settings, reporter)
    running = nutpie.sample(
        compiled,
        draws=settings.draws,
        tune=settings.warmup,
        chains=settings.chains,
        cores=settings.chains,
        seed=settings.seed,
        target_accept=settings.target_accept,
        save_warmup=False,
        progress_bar=False,
        progress_callback=watch.nutpie,
        blocking=False,
    )
    try:
        while not _is_finished(running):
            watch.pass_on()
            time.sleep(0.1)
        tree = running.wait()
        watch.pass_on()
    except KeyboardInterrupt:
        tree = running.abort()
    finally:
        reporter.end()
    return _taken(tree, settings, began)


def _is_finished(running: Any) -> bool:
    try:
        return bool(running.is_finished)
    except TimeoutError:  # it is busy, and so not finished
        return False


class _Watch:
    """Hears of draws in the words of each sampler and passes them on, not too often."""

    def __init__(self, settings: Settings, reporter: Reporter) -> None:
        self._settings = settings
        self._reporter = reporter
        self._states = [ChainState() for _ in range(settings.chains)]
        self._shown = 0.0
        self.began: float | None = None

    def pymc(self, trace: object, draw: Any) -> None:
        """Called by PyMC at every draw."""
        old = self._states[draw.chain]
        diverging = not draw.tuning and any(stat.get("diverging") for stat in draw.stats)
        self._states[draw.chain] = ChainState(old.done + 1, old.divergences + int(diverging))
        if time.perf_counter() - self._shown > 0.1 or draw.is_last:
            self.pass_on()

    def nutpie(self, chains: list[Any]) -> None:
        """Called by nutpie from a thread of its own: keeps the numbers only."""
        self._states = [
            ChainState(chain.finished_draws, 0 if chain.tuning else chain.divergences)
            for chain in chains
        ]

    def pass_on(self) -> None:
        """Tells the reporter where the chains are."""
        self._shown = time.perf_counter()
        if self.began is None:
            self.began = self._shown
            self._reporter.begin(self._settings.chains, self._settings.warmup, self._settings.draws)
        for chain, state in enumerate(self._states):
            self._reporter.update(chain, state)


def _taken(tree: xarray.DataTree, settings: Settings, compiled: float) -> Chains:
    """Draws and statistics as arrays, as long as the shortest chain."""
    stats = tree["sample_stats"].dataset
    kept = {
        name: np.asarray(stats[spelling].to_numpy())
        for name, spellings in STATISTICS.items()
        for spelling in spellings
        if spelling in stats
    }
    if stats.sizes["chain"] < settings.chains:
        raise KeyboardInterrupt  # a chain without any draw: nothing that could be compared
    lengths = np.isfinite(kept["energy"]).sum(axis=1)
    length = int(lengths.min())
    if length == 0:
        raise KeyboardInterrupt
    posterior = {
        str(name): array.transpose("chain", "draw", ...).to_numpy()[:, :length]
        for name, array in tree["posterior"].dataset.data_vars.items()
    }
    stats_kept = {name: value[:, :length] for name, value in kept.items()}
    return Chains(posterior, stats_kept, length == settings.draws, compiled)


def _tree(model: pymc.Model, posterior: Mapping[str, Numbers]) -> xarray.DataTree:
    """The draws of the free variables, in the form that PyMC's own functions read."""
    import xarray as xr

    free = {variable.name for variable in model.free_RVs}
    dataset = xr.Dataset(
        {
            name: (("chain", "draw", *(f"{name}:{i}" for i in range(value.ndim - 2))), value)
            for name, value in posterior.items()
            if name in free
        }
    )
    sizes = next(iter(dataset.data_vars.values())).shape
    dataset = dataset.assign_coords(chain=np.arange(sizes[0]), draw=np.arange(sizes[1]))
    return xr.DataTree.from_dict({"posterior": dataset})


def _log_likelihood(model: pymc.Model, idata: xarray.DataTree) -> dict[str, Numbers]:
    import pymc as pm

    found = pm.compute_log_likelihood(
        idata, model=model, extend_inferencedata=False, progressbar=False
    )
    return _arrays(found)


def _predict(
    loaded: GeneratedModule,
    data: Mapping[str, Any],
    outcomes: tuple[OutcomeRows, ...],
    idata: xarray.DataTree,
    settings: Settings,
    pointwise: bool,
) -> tuple[dict[str, Numbers], dict[str, Numbers]]:
    """Predictions of all rows where they are kept, and of the rows without an outcome."""
    import pymc as pm

    unseen = {outcome.site: outcome.wanted for outcome in outcomes if outcome.wanted.size}
    if not pointwise and not unseen:
        return {}, {}
    wanted = dict(data)
    for outcome in outcomes:
        wanted |= outcome.on(np.arange(outcome.length) if pointwise else outcome.wanted)
    found = pm.sample_posterior_predictive(
        idata,
        model=loaded.call("build", wanted),
        var_names=[o.site for o in outcomes if pointwise or o.site in unseen],
        random_seed=settings.seed,
        extend_inferencedata=False,
        progressbar=False,
    )
    drawn = _arrays(found["posterior_predictive"].dataset)
    if not pointwise:
        return {}, drawn
    return drawn, {site: drawn[site][:, :, rows] for site, rows in unseen.items()}


def _arrays(dataset: Any) -> dict[str, Numbers]:
    return {
        str(name): array.transpose("chain", "draw", ...).to_numpy()
        for name, array in dataset.data_vars.items()
    }


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps PyMC's and PyTensor's remarks, which are meant for their own users, to themselves."""
    loggers = [logging.getLogger(name) for name in ("pymc", "pytensor")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
