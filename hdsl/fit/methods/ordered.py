"""The log density of many rows in an order of its own: the same number, several times as fast.

A generated file looks up each row's coefficients, and the gradient adds up row by row where each
came from: for a million rows that takes longer than all arithmetic. Here the traced density is cut
in three (``cut``): what is between unknowns and coefficients is done by group, linear predictors
are made of coefficients that lie still (``columns``, ``arrangement``), and densities are computed
cell by cell of that order. What depends on the data alone (the logarithms of factorials) is
computed once.

Nothing is taken on trust: at random points the density must be that of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.expr import ROW
from hdsl.fit.draws import Numbers
from hdsl.fit.methods.additive import Addends, known_values, split_known
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.arrangement import Arrangement, arranged
from hdsl.fit.methods.blocks import Array
from hdsl.fit.methods.columns import Column, columns_of
from hdsl.fit.methods.cut import Cut, UncutError, cut, program_of
from hdsl.fit.methods.local import log_terms
from hdsl.fit.methods.objective import Batches, rows_of
from hdsl.fit.methods.pointwise import on_cells

WORTH = 20_000
"""Rows from which on the order pays for itself."""

MOST_CELLS = 100_000_000
"""Numbers of the columns' factors and entries: about a gigabyte."""

MOST_PADDING = 2.0
EXACT = 1e-10  # relative, of the log density

ORDERED = "__ordered__"
"""The key of the arrays of an order among a target's arguments."""


@dataclass(frozen=True)
class Outcome:
    """One outcome's densities on the cells of an order.

    ``known`` are registers of ``parts.program`` whose values are among the arrays, ``inputs`` those
    of its inputs that coefficients need: of the data or a site, and its name. ``rest`` are, with
    their signs, the registers that make what is not linear in predictors. ``whole`` says that no
    cell is empty.
    """

    parts: Cut
    inputs: Mapping[int, tuple[str, str]]
    known: tuple[int, ...]
    rest: tuple[tuple[float, int], ...]
    columns: tuple[Column, ...]  # without what is by row
    arrangement: Arrangement  # without terms
    still: frozenset[tuple[int, str]]  # columns, and what of them: their pieces are the groups
    cells: tuple[int, int]
    whole: bool
    offsets: tuple[bool, ...]

    def total(self, sites: Mapping[str, Array], arrays: Mapping[str, Array]) -> Array:
        """The log density of all terms."""
        values = self._coefficients(sites, arrays)
        found = self.bent(self._predictors(values, arrays), arrays).sum() + arrays["constant"]
        for number, value in enumerate(values):
            if f"slope {number}" in arrays:
                found += (arrays[f"slope {number}"] * value).sum()
        return found

    def _coefficients(self, sites: Mapping[str, Array], arrays: Mapping[str, Array]) -> list[Array]:
        of = {"data": arrays, "site": sites}
        given = {register: of[kind][name] for register, (kind, name) in self.inputs.items()}
        return self.parts.program.run(given, self.parts.coefficients)

    def predictors(
        self, sites: Mapping[str, Array], arrays: Mapping[str, Array]
    ) -> dict[int, Array]:
        """The predictors by register: by cell, or a single number."""
        found = self._predictors(self._coefficients(sites, arrays), arrays)
        single = self.parts.coefficients
        return {r: v if r in single else jnp.broadcast_to(v, self.cells) for r, v in found.items()}

    def _predictors(self, values: list[Array], arrays: Mapping[str, Array]) -> dict[int, Array]:
        found = {}
        for k, register in enumerate(self.parts.predictors):
            if register in self.parts.coefficients:
                found[register] = values[self.parts.coefficients.index(register)]
            else:
                found[register] = self._predictor(k, values, arrays)
        return found

    def bent(self, predictors: Mapping[int, Array], arrays: Mapping[str, Array]) -> Array:
        """What of the log densities by cell is not linear in the predictors, 0 in empty cells."""
        known = {register: arrays[f"known {register}"] for register in self.known}
        given, wanted = {**known, **predictors}, [r for _, r in self.rest]
        values = on_cells(self.parts.program, given, wanted, self.cells)
        pairs = zip(self.rest, values, strict=True)
        found: Array = sum((sign * value for (sign, _), value in pairs), jnp.zeros(()))
        return found if self.whole else jnp.where(arrays["full"], found, 0.0)

    def _predictor(self, k: int, values: list[Array], arrays: Mapping[str, Array]) -> Array:
        """A predictor by cell, or by piece where all of its cells have the same; in empty cells,
        which repeat the first term's data, a fixed one.
        """
        found: Array = arrays[f"offset {k}"] if self.offsets[k] else 0.0
        for number, column in enumerate(self.columns):
            if column.predictor == k:
                value = values[column.coefficient].reshape(column.groups, -1)
                found = found + self._added(number, column, value, arrays)
        if self.whole or found.shape != self.cells:
            return found
        return jnp.where(arrays["full"], found, arrays[f"fill {k}"])

    def _added(
        self, number: int, column: Column, value: Array, arrays: Mapping[str, Array]
    ) -> Array:
        factors = arrays.get(f"factors {number}")
        if number in self.arrangement.grid:
            by_place = value[:, column.slots[0]].reshape(-1, self.cells[1])
            by_run = by_place[arrays[f"index {number}"]][:, None]
            shape = (by_run.shape[0], self.arrangement.run, self.cells[1])
            by_place = jnp.broadcast_to(by_run, shape).reshape(self.cells)
            return by_place if factors is None else by_place * factors[:, 0]
        whole = len(column.slots) == value.shape[1]
        used = value if whole else value[:, column.slots]
        if (number, "still") not in self.still:
            used = used[arrays[f"index {number}"]]
        if number not in self.arrangement.index:  # (piece, place, slot)
            return used[..., 0] if factors is None else jnp.einsum("psl,pls->pl", factors, used)
        if factors is None:
            return used[:, :1]
        if len(column.slots) == 1:
            return used * factors[:, 0]
        return jnp.einsum("psl,ps->pl", factors, used)


@dataclass(frozen=True)
class Ordered:
    """The log density of a problem in an order of its own.

    ``arguments`` are those of the problem's target with the arrays of the order under ``ORDERED``;
    ``terms`` are by outcome those of each piece and place, -1 where a cell is empty.
    """

    problem: Problem
    outcomes: Mapping[str, Outcome]
    arrays: Mapping[str, Mapping[str, Numbers]]
    terms: Mapping[str, Numbers]

    @property
    def arguments(self) -> dict[str, Any]:
        """What ``potential`` takes."""
        return {**self.problem.target.arguments, ORDERED: self.arrays}

    def potential(self, arguments: Mapping[str, Any], z: Array) -> Array:
        """Minus the log density of the unconstrained vector."""
        sites = self.problem.layout.split(z)
        data = {key: arguments[key] for key in self.problem.target.arguments}
        terms = log_terms(self.problem)(data, sites)
        rest = sum(term.sum() for name, term in terms.items() if name not in self.outcomes)
        own = arguments[ORDERED]
        return -rest - sum(made.total(sites, own[name]) for name, made in self.outcomes.items())


def ordered(problem: Problem, least: int = WORTH) -> Ordered | None:
    """The density of a problem in an order; None where there are few rows or it has none."""
    structure = problem.structure
    rows = rows_of(problem)
    names = [name for name in problem.outcomes if name in structure.outcome_rows]
    if rows is None or rows.rows < least or not names:
        return None
    outcomes, arrays, terms = {}, {}, {}
    for name in names:
        try:
            made = _outcome(problem, rows, name)
        except UncutError:
            made = None
        if made is None:
            return None
        outcomes[name], arrays[name], terms[name] = made
    found = Ordered(problem, outcomes, arrays, terms)
    return found if _holds(found) else None


def _outcome(
    problem: Problem, rows: Batches, name: str
) -> tuple[Outcome, dict[str, Numbers], Numbers] | None:
    """One outcome on the cells of its order, and the arrays of these."""
    structure = problem.structure
    terms = structure.outcome_rows[name]
    parts, inputs = _cut(problem, problem.target.arguments, name, len(terms), structure.rows)
    found = columns_of(_linear(problem, parts, inputs), _shapes(parts, parts.coefficients))
    if found is None:
        return None
    offsets, columns = found
    single = {k for k, r in enumerate(parts.predictors) if r in parts.coefficients}
    columns = [each for each in columns if each.predictor not in single]
    groupings = [level.of_row[terms] for level in structure.levels.values()]
    order = arranged(columns, [*groupings, np.zeros(len(terms), dtype=np.int64)])
    width = sum(len(c.slots) + 1 for c in columns if c.factors is not None) + len(parts.predictors)
    padded = order.term.size > MOST_PADDING * len(terms)
    if padded or order.term.size * width > MOST_CELLS:
        return None
    return _on_cells(problem, rows, name, columns, offsets, order)


def _on_cells(
    problem: Problem,
    rows: Batches,
    name: str,
    columns: list[Column],
    offsets: list[Numbers],
    order: Arrangement,
) -> tuple[Outcome, dict[str, Numbers], Numbers] | None:
    """The same traced anew on the rows in their order, empty cells holding the first term's."""
    cell = order.term.reshape(-1)
    full, term = cell >= 0, np.maximum(cell, 0)
    placed, data = _placed(problem, rows, term)
    parts, inputs = _cut(placed, data, name, len(term), len(term))
    known = known_values(parts, inputs, data)
    if known is None:
        return None
    sums, used = split_known(parts, known)
    cells = (order.term.shape[0], order.term.shape[1])
    by_term = {r: parts.program.shapes[r] == (len(term),) for r in used}
    arrays = {f"known {r}": known[r].reshape(cells) if by_term[r] else known[r] for r in used}
    needed = parts.program.plan(frozenset(inputs), parts.coefficients)[1]
    arrays |= {inputs[r][1]: data[inputs[r][1]] for r in needed if inputs[r][0] == "data"}
    if not full.all():
        fill = jax.jit(lambda given: _still(problem, parts, inputs, given))(data)
        arrays |= {"full": full.reshape(cells)}
        arrays |= {f"fill {k}": np.asarray(each[0]) for k, each in enumerate(fill)}
    far = tuple(bool(each.any()) for each in offsets)
    arrays |= {f"offset {k}": o[term].reshape(cells) for k, o in enumerate(offsets) if far[k]}
    still = set()
    for number, column in enumerate(columns):
        arrays |= _column_arrays(number, column, order, term)
        at = order.index.get(number)
        if at is not None and np.array_equal(at, np.arange(column.groups)):
            still.add((number, "still"))
            del arrays[f"index {number}"]
    nothing = np.zeros(0, dtype=np.int64)
    bare = tuple(replace(c, index=nothing, factors=None) for c in columns)
    made = Outcome(
        parts=parts,
        inputs={r: inputs[r] for r in needed},
        known=used,
        rest=sums.rest,
        columns=bare,
        arrangement=replace(order, term=nothing),
        still=frozenset(still),
        cells=cells,
        whole=bool(full.all()),
        offsets=far,
    )
    return made, arrays | _linear_part(made, sums, known, arrays, full), order.term


def _linear_part(
    made: Outcome,
    sums: Addends,
    values: Mapping[int, Numbers],
    arrays: Mapping[str, Numbers],
    full: Numbers,
) -> dict[str, Numbers]:
    """The sum of all that is known or linear in predictors, as a function of the coefficients: a
    constant and slopes.
    """
    program, parts = made.parts.program, made.parts
    constant = sum(sign * float(values[r][full].sum()) for sign, r in sums.known)
    weights = {
        k: sum(
            (sign * (1.0 if w is None else values[w]) for sign, w, p in sums.linear if p == r),
            np.zeros(full.shape),
        )
        * full
        for k, r in enumerate(parts.predictors)
        if any(p == r for _, _, p in sums.linear)
    }

    def linear(values: list[Array]) -> Array:
        found = made._predictors(values, arrays)
        by_cell = {k: w.reshape(made.cells) for k, w in weights.items()}
        return sum((w * found[parts.predictors[k]]).sum() for k, w in by_cell.items())

    found: dict[str, Numbers] = {}
    if weights:
        still = [jnp.zeros(program.shapes[r]) for r in parts.coefficients]
        more, slopes = jax.jit(jax.value_and_grad(linear))(still)
        constant += float(more)
        found = {f"slope {number}": np.asarray(slope) for number, slope in enumerate(slopes)}
    return found | {"constant": np.asarray(constant)}


def _placed(problem: Problem, rows: Batches, term: Numbers) -> tuple[Problem, dict[str, Numbers]]:
    """The problem whose rows are those of some terms, and its data."""
    extra = {} if rows.seen is None else {"__seen__": rows.seen}
    found = rows.arguments({**problem.target.arguments, **extra}, term)

    def merged(arrays: Any) -> dict[str, Any]:
        whole = problem.merged(arrays)
        return {**whole, "coords": {**whole["coords"], ROW: np.arange(len(term))}}

    return replace(problem, merged=merged), {key: np.asarray(v) for key, v in found.items()}


def _still(
    problem: Problem, parts: Cut, inputs: Mapping[int, tuple[str, str]], data: Mapping[str, Any]
) -> list[Array]:
    """The predictors where the unconstrained numbers are 0."""
    of = {"data": data, "site": problem.layout.split(jnp.zeros(problem.target.size))}
    given = {register: of[kind][name] for register, (kind, name) in inputs.items()}
    values = parts.program.run(given, parts.coefficients)
    return parts.predicted(given | dict(zip(parts.coefficients, values, strict=True)))


def _column_arrays(
    number: int, column: Column, order: Arrangement, term: Numbers
) -> dict[str, Numbers]:
    """The groups of a column and its factors (piece, slot, place)."""
    found, cells = {}, order.term.shape
    if number in order.grid:
        found[f"index {number}"] = order.grid[number]
    elif number in order.index:
        found[f"index {number}"] = order.index[number]
    else:
        found[f"index {number}"] = np.maximum(column.index, 0)[term].reshape(cells)
    if column.factors is not None:
        by_cell = column.factors[:, term].reshape(-1, *cells)
        found[f"factors {number}"] = np.ascontiguousarray(by_cell.transpose(1, 0, 2))
    return found


def _cut(
    problem: Problem, data: Mapping[str, Any], name: str, terms: int, rows: int
) -> tuple[Cut, dict[int, tuple[str, str]]]:
    """An outcome's densities in three, all sites unknown; and what the program's inputs are."""
    run_terms = log_terms(problem)
    sites = {site.name: jnp.zeros(site.shape) for site in problem.structure.sites}
    inputs = (*(("data", key) for key in data), *(("site", key) for key in sites))

    def run(*values: Array) -> Array:
        given = dict(zip(data, values[: len(data)], strict=True))
        return run_terms(given, dict(zip(sites, values[len(data) :], strict=True)))[name]

    program = program_of(jax.make_jaxpr(run)(*data.values(), *sites.values()))
    of = dict(zip(program.inputs, inputs, strict=True))
    numbers = frozenset(r for r, (kind, _) in of.items() if kind == "site")
    found = cut(program, numbers, frozenset({rows, terms}), spread=False)
    if found.terms != terms or not found.predictors:
        raise UncutError
    return found, of


def _shapes(parts: Cut, registers: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [parts.program.shapes[register] for register in registers]


def _linear(problem: Problem, parts: Cut, inputs: Mapping[int, tuple[str, str]]) -> Any:
    """From coefficients to predictors, compiled."""

    @jax.jit
    def run(arguments: Any, values: list[Array]) -> list[Array]:
        given = {r: arguments[key] for r, (kind, key) in inputs.items() if kind == "data"}
        return parts.predicted(given | dict(zip(parts.coefficients, values, strict=True)))

    arguments = jax.device_put(dict(problem.target.arguments))
    return lambda values: run(arguments, list(values))


def _holds(found: Ordered) -> bool:
    """Whether the density is the model's at two random points."""
    target = found.problem.target
    exact, own = jax.jit(target.potential), jax.jit(found.potential)
    arguments, given = jax.device_put((dict(target.arguments), found.arguments))
    rng = np.random.default_rng(0)
    for _ in range(2):
        z = 0.3 * rng.standard_normal(target.size)
        one, other = float(exact(arguments, z)), float(own(given, z))
        if not np.isfinite(one) or abs(one - other) > EXACT * (1 + abs(one)):
            return False
    return True
