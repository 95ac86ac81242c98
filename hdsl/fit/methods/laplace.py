"""The nested Laplace approximation: group effects and locations given the hyper-parameters, and
these by the marginal density that it leaves them (Rue, Martino and Chopin, 2009, Approximate
Bayesian inference for latent Gaussian models, without its grid; Kristensen et al., 2016, TMB).

Hyper-parameters are drawn from a normal or t distribution around the marginal's mode, all others
given them from a normal distribution around their mode. Where that is affordable, the mode is found
anew for every draw, and the draws are weighted by what the posterior really is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.draws import NoStartError, Numbers, Settings
from hdsl.fit.failure import failure
from hdsl.fit.methods.approximation import Approximation, Problem
from hdsl.fit.methods.arrow import Arrow, arrows
from hdsl.fit.methods.blocks import Array
from hdsl.fit.methods.by_cells import by_cells
from hdsl.fit.methods.conditional import Drawn, draw_along, draw_anew
from hdsl.fit.methods.dispatch import Place
from hdsl.fit.methods.frozen import FrozenRows, may_be_frozen
from hdsl.fit.methods.local import local_reading
from hdsl.fit.methods.marginal import Optimum, Outer
from hdsl.fit.methods.newton import Inner, NoModeError
from hdsl.fit.methods.ordered import ordered
from hdsl.fit.methods.predictors import predictors_of
from hdsl.fit.methods.psis import RELIABLE, effective, figure, resample, smooth
from hdsl.fit.methods.structure import Site, Structure
from hdsl.fit.progress import Reporter

PATIENCE = 60.0
"""Seconds that modes for every single draw may take; beyond, they follow to first order."""


@dataclass(frozen=True)
class Parts:
    """The sites inside, whose mode Newton finds, and outside, the hyper-parameters."""

    inner: tuple[Site, ...]
    outer: tuple[Site, ...]


def parts(structure: Structure) -> Parts:
    """Group effects and locations inside; scales, correlations and shapes of the population, and
    whatever else of it is not any real number, outside. The mean of effects is a location whatever
    they are effects on: `mean(log(phi))` where `log(phi) ~ store`.
    """
    outer = tuple(
        site
        for site in structure.population
        if not site.real or (site.is_scale and not _effects(site, "mean", structure))
    )
    return Parts(tuple(s for s in structure.sites if s not in outer), outer)


def laplace(problem: Problem, settings: Settings, reporter: Reporter) -> Approximation:
    """Draws from the nested Laplace approximation of a posterior."""
    split = parts(problem.structure)
    made = fitted(problem, reporter)
    outer, best = made.outer, made.best
    reporter.stage("laplace: drawing")
    drawn, anew = _draw(outer, best, settings)
    z, khats, notes = _weighted(drawn, anew, settings)
    shape = (settings.chains, settings.draws)
    notes = (*_said(split, outer.inner.arrow, best), *notes)
    return Approximation(
        z=z.reshape(*shape, -1),
        stats={"lp": drawn.log_density.reshape(shape)},
        notes=notes,
        diagnostics={
            **khats,
            "hyper": [site.name for site in split.outer],
            "log_marginal": -best.marginal.energy,
            "evaluations": best.evaluations,
            "tiers": {t.level: [t.groups, t.width] for t in outer.inner.arrow.tiers},
            "border": len(outer.inner.arrow.border),
        },
    )


@dataclass(frozen=True)
class Fitted:
    """The modes of a posterior: of its hyper-parameters, and of all others given these."""

    outer: Outer
    best: Optimum


def fitted(problem: Problem, reporter: Reporter) -> Fitted:
    """The nested approximation before anything is drawn from it.

    ModelError where there is no mode, or no room for the curvature.
    """
    split = parts(problem.structure)
    theta, start = _start(problem, split)
    place = Place.of(problem.checkpoints, "laplace", reporter.note)
    theta = theta if place.theta is None else place.theta
    reporter.stage("laplace: the mode")
    try:
        inner, groups = _inner(problem, split, theta, start), effects(problem.structure, split)
        frozen = may_be_frozen(inner, frozenset(site.name for site in split.outer))
        near = Outer(FrozenRows.of(inner), groups) if frozen else None
        outer = Outer(inner, groups, near)
        return Fitted(outer, outer.optimum(theta, start, _said_by(reporter), place.save))
    except NoModeError as error:
        raise _no_mode(problem.structure, error) from error


def _said_by(reporter: Reporter) -> Callable[[str], None]:
    return lambda text: reporter.stage(f"laplace: {text}")


def _start(problem: Problem, split: Parts) -> tuple[Numbers, Array]:
    """The likelier of the prior's centre and zero."""
    target = problem.target
    noise = np.zeros(target.size)
    points = [target.place(target.arguments, noise, centre, 0.0) for centre in (1.0, 0.0)]
    potential = jax.jit(target.potential)
    energies = [float(potential(target.arguments, point)) for point in points]
    if not np.isfinite(energies).any():
        raise NoStartError(at=np.asarray(points[0]))
    point = np.asarray(points[int(np.nanargmin(np.where(np.isfinite(energies), energies, np.inf)))])
    return point[positions(split.outer)], jnp.asarray(point[positions(split.inner)])


def effects(structure: Structure, split: Parts) -> Numbers:
    """Of how many group effects each hyper-parameter is the standard deviation; 0: it is none."""
    found = []
    for site in split.outer:
        count = sum(s.size for s in _effects(site, "sd", structure)) // max(site.size, 1)
        found.append(np.full(site.size, count))
    return np.concatenate([*found, np.arange(0)])


def _effects(site: Site, what: str, structure: Structure) -> list[Site]:
    """The effects that a site is the mean or the standard deviation of: of `sd(alpha, shop)` those
    of `z(alpha, shop)`, or of `centred(alpha, beta, shop)`.
    """
    if not site.name.startswith(f"{what}("):
        return []
    own = _inside(site.name)
    return [other for other in structure.grouped if own <= _inside(other.name)]


def _inside(name: str) -> frozenset[str]:
    """What stands in a name's brackets, told apart by the commas that are in no others."""
    found, depth = [""], 0
    for letter in name.partition("(")[2].removesuffix(")"):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return frozenset(each.strip() for each in found)


def positions(sites: tuple[Site, ...]) -> Numbers:
    """Where the numbers of some sites stand in the vector."""
    found = [site.indices.reshape(-1) for site in sites]
    return np.concatenate([*found, np.arange(0)])


def _inner(problem: Problem, split: Parts, theta: Numbers, start: Array) -> Inner:
    """Newton's method on the cheapest arrow that reads the curvature right."""
    inner, outer = positions(split.inner), positions(split.outer)
    nudged = start + 0.01 * jnp.asarray(np.random.default_rng(0).standard_normal(inner.size))
    rowwise = predictors_of(problem, split.inner) or {}
    shared = problem.target.everywhere is not None  # in the order in which the devices have them
    quick = None if shared else ordered(problem)
    rows = 0 if rowwise else problem.structure.rows
    for arrow in arrows(problem.structure, split.inner, rows):
        if rowwise:
            found = Inner(problem, inner, outer, arrow, rowwise=rowwise, quick=quick)
            if found.reads_true(theta, nudged, seed=1):
                return found
        by_terms = local_reading(problem, split.inner, arrow)
        cells = None if by_terms is None else by_cells(by_terms, quick)
        for local in (*(each for each in (cells, by_terms) if each is not None), None):
            found = Inner(problem, inner, outer, arrow, local, quick=quick)
            if found.reads_true(theta, nudged, seed=1):
                return found
    raise failure(
        "H530",
        f"laplace cannot hold the curvature of {inner.size:,} numbers in memory: too many levels "
        "cross, or all groups of a level depend on each other",
        "fit with `--method svi` or `--method nuts`",
    )


def _no_mode(structure: Structure, error: NoModeError) -> Exception:
    site = next(s for s in structure.sites if s.start <= error.position < s.start + s.size)
    return failure(
        "H529",
        f"laplace finds no mode: `{site.name}` runs away",
        "where a predictor tells the outcomes apart without error nothing holds its coefficient "
        "back: give it a prior that is not flat. Else fit with `--method nuts`",
    )


def _draw(outer: Outer, best: Optimum, settings: Settings) -> tuple[Drawn, bool]:
    """Draws, and whether the mode was found anew for each."""
    count = settings.chains * settings.draws
    inner, mode = outer.inner, best.marginal.mode
    theta = jnp.asarray(mode.theta)
    inner.system(inner.arguments, theta, mode.at, inner.places)[0].block_until_ready()
    began = time.perf_counter()
    inner.system(inner.arguments, theta, mode.at, inner.places)[1].block_until_ready()
    seconds = (time.perf_counter() - began) * count * 4
    if seconds <= PATIENCE:
        return draw_anew(outer, best, count, settings.seed), True
    return draw_along(outer, best, count, settings.seed), False


def _weighted(
    drawn: Drawn, anew: bool, settings: Settings
) -> tuple[Numbers, dict[str, float | None], tuple[str, ...]]:
    """The draws, taken as often as their importance says where that can be relied on; k-hats."""
    if not anew:
        note = (
            "the mode of the group effects follows the hyper-parameters to first order, and no "
            "importance ratios were computed"
        )
        return drawn.z, {"khat": None}, (note,)
    count = len(drawn.z)
    joint, khat = smooth(drawn.log_density - drawn.log_proposal)
    marginal, khat_hyper = smooth(drawn.log_marginal - drawn.log_proposal_hyper)
    khats: dict[str, float | None] = {"khat": figure(khat), "khat_hyper": figure(khat_hyper)}
    for weights, shape, of in ((joint, khat, "posterior"), (marginal, khat_hyper, "marginal")):
        if shape < RELIABLE:
            note = (
                f"draws were taken in proportion to the {of}'s density over the approximation's: "
                f"they are worth {effective(weights):.0f} of {count}"
            )
            return drawn.z[resample(weights, count, settings.seed)], khats, (note,)
    return drawn.z, khats, ()


def _said(split: Parts, arrow: Arrow, best: Optimum) -> tuple[str, ...]:
    """How it was done, in words."""
    levels = ", ".join(f"{t.level} ({t.groups:,} × {t.width})" for t in arrow.tiers)
    chain = f"eliminated by {levels}; " if levels else ""
    found = [
        f"laplace: {arrow.size:,} numbers {chain}{len(arrow.border):,} dense; "
        f"{sum(s.size for s in split.outer)} hyper-parameters"
    ]
    if best.flat:
        found.append(
            f"the marginal density is flat in {best.flat} directions of the hyper-parameters: "
            "their spread is a guess; tighter priors would help"
        )
    return tuple(found)
