"""Densities and curvatures of rows by way of their groups' coefficients.

Where a row's density depends on the numbers in question through a few linear predictors, each made
of the coefficients C of the row's group, all rows of a group have one Hessian in C: the Gram matrix
of their predictors' columns, weighted by second derivatives of the densities. Rows are laid out
once as pieces of equal length, one group each, so that predictors, gradients and Gram matrices are
products of dense arrays, and what is between C and the numbers is done by group and not by row.
Measured on 942,000 rows with 23 features of 1,000 stores: see docs/methods.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.devices import on_devices
from hdsl.fit.draws import Numbers
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.blocks import Array
from hdsl.fit.methods.cut import Cut, UncutError, cut, program_of
from hdsl.fit.methods.local import log_terms
from hdsl.fit.methods.structure import Level, Site, Structure

WORTH = 2_000
"""Rows from which on the layout pays for itself."""

MOST_CELLS = 100_000_000
"""Numbers of the predictors' columns: about a gigabyte."""

MOST_PREDICTORS = 4
MOST_SLOTS = 60
MOST_GUESSES = 4
SAME = 1e-9  # relative to the largest
LENGTHS = tuple(8 * 2**k for k in range(9))
"""Of a piece, to choose from."""

type Homes = tuple[Numbers | None, ...]
"""By coefficient: of each group the entry of its leading axis; None where it has no such axis."""


@dataclass(frozen=True)
class Predictors:
    """The densities of one outcome as a function of its groups' coefficients C (group, slot).

    ``slots`` has by predictor those that it is made of. Arrays are arguments of all that is
    compiled: ``group`` (piece,); ``at`` (term,), the cell of each term among all (piece, place);
    ``design k`` (piece, place, slot of the predictor k); ``offset k`` (term,).
    """

    parts: Cut
    inputs: tuple[tuple[str, str], ...]  # of the program: of the data or a site, and its name
    homes: Homes
    groups: int
    slots: tuple[Numbers, ...]
    arrays: Mapping[str, Numbers]

    def coefficients(self, arguments: Any, sites: Mapping[str, Array]) -> Array:
        """C, of the unconstrained sites."""
        given = _given(self, arguments, sites)
        values = self.parts.program.run(given, self.parts.coefficients)
        return _stacked(values, self.homes, self.groups)

    def densities(
        self, arguments: Any, sites: Mapping[str, Array], predictors: Sequence[Array]
    ) -> Array:
        """The log density of each term given its predictors."""
        given = _given(self, arguments, sites)
        given |= dict(zip(self.parts.predictors, predictors, strict=True))
        found: Array = self.parts.program.run(given, self.parts.program.outputs)[0]
        return found

    def predicted(self, arrays: Mapping[str, Array], c: Array) -> list[Array]:
        """The predictors of all terms."""
        mine, found = c[arrays["group"]], []
        for k, slots in enumerate(self.slots):
            cells = (arrays[f"design {k}"] * mine[:, None, slots]).sum(axis=2)
            found.append(cells.reshape(-1)[arrays["at"]] + arrays[f"offset {k}"])
        return found

    def total(
        self, arguments: Any, sites: Mapping[str, Array], arrays: Mapping[str, Array]
    ) -> Array:
        """The log density of all terms."""
        c = self.coefficients(arguments, sites)
        return self.densities(arguments, sites, self.predicted(arrays, c)).sum()

    def expansion(
        self, arguments: Any, sites: Mapping[str, Array], arrays: Mapping[str, Array]
    ) -> tuple[Array, Array, Array]:
        """C at a point, and the terms' slope (group, slot) and Hessian (group, slot, slot) in C."""
        c = self.coefficients(arguments, sites)
        predictors = self.predicted(arrays, c)

        def slopes_at(predictors: list[Array]) -> list[Array]:
            def total(given: list[Array]) -> Array:
                return self.densities(arguments, sites, given).sum()

            found: list[Array] = jax.grad(total)(predictors)
            return found

        slope = jax.vjp(lambda at: self.predicted(arrays, at), c)[1](slopes_at(predictors))[0]
        hessian = jnp.zeros((self.groups, c.shape[1], c.shape[1]))
        for j, rows in enumerate(self.slots):
            tangent = [jnp.full_like(p, float(i == j)) for i, p in enumerate(predictors)]
            weights = jax.jvp(slopes_at, (predictors,), (tangent,))[1]
            for k, columns in enumerate(self.slots[j:], start=j):
                gram = self._gram(arrays, weights[k], j, k)
                hessian = hessian.at[:, rows[:, None], columns[None, :]].add(gram)
                if j != k:
                    turned = gram.transpose(0, 2, 1)
                    hessian = hessian.at[:, columns[:, None], rows[None, :]].add(turned)
        return c, slope, hessian

    def _gram(self, arrays: Mapping[str, Array], weights: Array, j: int, k: int) -> Array:
        """The products of two predictors' columns, weighted by term and added up by group."""
        left, right = arrays[f"design {j}"], arrays[f"design {k}"]
        cells = jnp.zeros(prod(left.shape[:2]), weights.dtype)
        cells = cells.at[arrays["at"]].set(weights, unique_indices=True)
        weighted = left * cells.reshape(left.shape[:2])[:, :, None]
        each = jnp.einsum("prk,prl->pkl", weighted, right)
        return jax.ops.segment_sum(each, arrays["group"], self.groups)


def _given(
    made: Predictors | Draft, arguments: Any, sites: Mapping[str, Array]
) -> dict[int, Array]:
    of = {"data": arguments, "site": sites}
    pairs = zip(made.parts.program.inputs, made.inputs, strict=True)
    return {register: of[kind][name] for register, (kind, name) in pairs}


def _stacked(values: Sequence[Array], homes: Homes, groups: int) -> Array:
    """Coefficients as (group, slot)."""
    found = []
    for value, home in zip(values, homes, strict=True):
        if home is None:
            flat = value.reshape(1, -1)
            found.append(jnp.broadcast_to(flat, (groups, flat.shape[1])))
        else:
            found.append(value.reshape(value.shape[0], -1)[home])
    return jnp.concatenate(found, axis=1)


@dataclass(frozen=True)
class Draft:
    """An outcome's densities, cut, before its columns are known."""

    parts: Cut
    inputs: tuple[tuple[str, str], ...]


def predictors_of(
    problem: Problem, inner: tuple[Site, ...], least: int = WORTH
) -> Mapping[str, Predictors] | None:
    """The predictors of each outcome on rows; None where that does not pay or one has none.

    ``inner`` are the sites in question. What comes out is tried at random points before it is used.
    """
    structure = problem.structure
    outcomes = [name for name in problem.outcomes if name in structure.outcome_rows]
    if structure.rows < least or not outcomes:
        return None
    found = {}
    for name in outcomes:
        made = _of_outcome(problem, name, inner)
        if made is None:
            return None
        found[name] = made
    return found


def _of_outcome(problem: Problem, name: str, inner: tuple[Site, ...]) -> Predictors | None:
    try:
        draft = _draft(problem, name, inner)
    except UncutError:
        return None
    shapes = [draft.parts.program.shapes[r] for r in draft.parts.coefficients]
    if not 0 < len(draft.parts.predictors) <= MOST_PREDICTORS:
        return None
    rows = problem.structure.outcome_rows[name]
    if draft.parts.terms != len(rows):
        return None
    for level, homes in islice(_guesses(problem.structure, shapes), MOST_GUESSES):
        made = _laid_out(problem, draft, level, homes, rows)
        if made is not None and _holds(problem, made):
            return made
    return None


def _draft(problem: Problem, name: str, inner: tuple[Site, ...]) -> Draft:
    terms, arguments = log_terms(problem), problem.target.arguments
    sites = {site.name: jnp.zeros(site.shape) for site in problem.structure.sites}
    inputs = (*(("data", key) for key in arguments), *(("site", key) for key in sites))

    def run(*values: Array) -> Array:
        count = len(arguments)
        data = dict(zip(arguments, values[:count], strict=True))
        return terms(data, dict(zip(sites, values[count:], strict=True)))[name]

    program = program_of(jax.make_jaxpr(run)(*arguments.values(), *sites.values()))
    unknown = {("site", site.name) for site in inner}
    numbers = frozenset(r for r, i in zip(program.inputs, inputs, strict=True) if i in unknown)
    lengths = {problem.structure.rows, len(problem.structure.outcome_rows[name])}
    return Draft(cut(program, numbers, frozenset(lengths)), inputs)


def _guesses(
    structure: Structure, shapes: Sequence[tuple[int, ...]]
) -> Iterator[tuple[Level, Homes]]:
    """Levels whose groups may hold all coefficients, and where each group's stand."""
    whole = Level("", 1, np.zeros(structure.rows, dtype=np.int64), {})
    for level in (*(structure.levels[name] for name in structure.levels), whole):
        maps = [np.arange(level.size), *level.parents.values()]
        sizes = [level.size, *(structure.levels[name].size for name in level.parents)]
        options: list[list[Numbers | None]] = []
        for shape in shapes:
            fits = [at for at, size in zip(maps, sizes, strict=True) if shape[:1] == (size,)]
            options.append([*(fits if level is not whole else []), None])
        for homes in product(*options):
            slots = sum(
                prod(shape if home is None else shape[1:])
                for shape, home in zip(shapes, homes, strict=True)
            )
            if slots <= MOST_SLOTS and (level is whole or any(h is not None for h in homes)):
                yield level, homes


def _laid_out(
    problem: Problem, draft: Draft, level: Level, homes: Homes, rows: Numbers
) -> Predictors | None:
    """The rows in pieces and the columns of every predictor; None where they take too much room."""
    program, coefficients = draft.parts.program, draft.parts.coefficients
    group, at = _pieces(level.of_row[rows], level.size)
    sites = {site.name: jnp.zeros(site.shape) for site in problem.structure.sites}

    @jax.jit
    def linear(arguments: Any, values: list[Array]) -> list[Array]:
        given = _given(draft, arguments, sites) | dict(zip(coefficients, values, strict=True))
        return draft.parts.predicted(given)

    arguments = on_devices(problem.target.arguments)
    shapes = [program.shapes[r] for r in coefficients]
    offsets = [np.asarray(o) for o in linear(arguments, [jnp.zeros(s) for s in shapes])]
    columns: list[list[Numbers]] = [[] for _ in offsets]
    slots: list[list[int]] = [[] for _ in offsets]
    length = int(at[1])
    cells = len(group) * length
    count = 0
    for number, (shape, home) in enumerate(zip(shapes, homes, strict=True)):
        for place in range(prod(shape if home is None else shape[1:])):
            values = [np.zeros(s) for s in shapes]
            flat = values[number].reshape(1 if home is None else shape[0], -1)
            flat[:, place] = 1.0
            for k, found in enumerate(linear(arguments, values)):
                column = np.asarray(found) - offsets[k]
                if column.any():
                    slots[k].append(count)
                    columns[k].append(column)
            count += 1
        if cells * sum(map(len, slots)) > MOST_CELLS:
            return None
    arrays: dict[str, Numbers] = {"group": group, "at": at[0]}
    for k, each in enumerate(columns):
        design = np.zeros((cells, len(each)))
        for slot, column in enumerate(each):
            design[at[0], slot] = column
        arrays |= {f"design {k}": design.reshape(len(group), length, -1), f"offset {k}": offsets[k]}
    used = tuple(np.array(each, dtype=np.int64) for each in slots)
    return Predictors(draft.parts, draft.inputs, homes, level.size, used, arrays)


def _pieces(group: Numbers, groups: int) -> tuple[Numbers, tuple[Numbers, int]]:
    """Each piece's group, and each term's cell with the length of a piece.

    Of the lengths to choose from that which leaves fewest cells empty; of two alike the longer.
    """
    counts = np.bincount(group, minlength=groups)
    length = min(reversed(LENGTHS), key=lambda n: (-(-counts // n)).sum() * n)
    pieces = -(-counts // length)
    first = np.cumsum(pieces) - pieces
    order = np.argsort(group, kind="stable")
    within = np.arange(len(group)) - np.repeat(np.cumsum(counts) - counts, counts)
    at = np.empty(len(group), dtype=np.int64)
    at[order] = first[group[order]] * length + within
    return np.repeat(np.arange(groups), pieces), (at, length)


def _holds(problem: Problem, made: Predictors) -> bool:
    """Whether predictors by columns are those of the program, at two random points."""

    @jax.jit
    def both(arguments: Any, arrays: Any, z: Array) -> Any:
        sites = problem.layout.split(z)
        exact = made.parts.predicted(_given(made, arguments, sites))
        return exact, made.predicted(arrays, made.coefficients(arguments, sites))

    arguments, arrays = on_devices((problem.target.arguments, made.arrays))
    rng = np.random.default_rng(0)
    for _ in range(2):
        exact, own = both(arguments, arrays, 0.5 * rng.standard_normal(problem.target.size))
        for one, other in zip(exact, own, strict=True):
            scale = float(jnp.abs(one).max())
            if not np.isfinite(scale) or float(jnp.abs(one - other).max()) > SAME * (1 + scale):
                return False
    return True
