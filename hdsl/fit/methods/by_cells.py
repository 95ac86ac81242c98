"""A Hessian read from second derivatives of single terms (``local``) that stand in an order.

All terms of a piece meet one number of the piece's group, those of a place one of the place: second
derivatives are summed along the cells before they are added to a block, and are products of what
the predictors' are, which take one pass over the cells for each site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.methods.blocks import Array, Blocks
from hdsl.fit.methods.local import Local, Sums
from hdsl.fit.methods.ordered import Ordered, Outcome

type Sites = Callable[[Array], Mapping[str, Array]]


@dataclass(frozen=True)
class ByCells:
    """The reading of all terms: those of an outcome by cells, all others by ``rest``.

    ``meets`` has by outcome the colours that its terms depend on; ``numbers`` by outcome and colour
    the number of each cell, (run, piece, place), with axes of length 1 where it does not vary.
    """

    rest: Local
    quick: Ordered
    meets: Mapping[str, tuple[int, ...]]
    numbers: Mapping[str, Numbers]

    def places(self) -> dict[str, Array]:
        """The arrays that the compiled reading takes as arguments."""
        return {**self.rest.places(), **{k: jnp.asarray(v) for k, v in self.numbers.items()}}

    def read(
        self,
        terms: Callable[[Array], dict[str, Array]],
        sites: Sites,
        at: Array,
        places: Mapping[str, Array],
        arrays: Mapping[str, Mapping[str, Array]],
    ) -> Blocks:
        """The Hessian of minus the sum of all terms; ``sites`` are those of the inner numbers."""
        found = self.rest.read(terms, at, places)
        for name, made in self.quick.outcomes.items():
            sums = self.rest.zeros()
            self._add(sums, name, made, sites, at, places, arrays[name])
            more = Blocks(tuple(sums.own), tuple(sums.above), sums.border)
            found = jax.tree.map(jnp.add, found, more)
        return found

    def _add(
        self,
        sums: Sums,
        name: str,
        made: Outcome,
        sites: Sites,
        at: Array,
        places: Mapping[str, Array],
        arrays: Mapping[str, Array],
    ) -> None:
        run = made.arrangement.run
        shape = (made.cells[0] // run, run, made.cells[1])

        def predictors(v: Array) -> dict[int, Array]:
            return made.predictors(sites(v), arrays)

        def slopes(given: dict[int, Array]) -> dict[int, Array]:
            found: dict[int, Array] = jax.grad(lambda p: made.bent(p, arrays).sum())(given)
            return found

        values = predictors(at)
        registers = [r for r in values if r not in made.parts.coefficients]
        bends = {}
        for r in registers:
            one = {o: jnp.full_like(x, float(o == r)) for o, x in values.items()}
            bends[r] = jax.jvp(slopes, (values,), (one,))[1]
        moves = {}
        for colour in self.meets[name]:
            tangent = (places["colour"] == colour).astype(at.dtype)
            moves[colour] = jax.jvp(predictors, (at,), (tangent,))[1]
        for a, b in combinations_with_replacement(self.meets[name], 2):
            second = sum(
                (bends[i][j] * moves[a][i] * moves[b][j]).reshape(shape)
                for i in registers
                for j in registers
            )
            ends = [places.get(f"{name} cells {colour}") for colour in (a, b)]
            kept = [e.shape if e is not None else (1, 1, 1) for e in ends]
            along = tuple(axis for axis in range(3) if all(k[axis] == 1 for k in kept))
            second = -second.sum(axis=along, keepdims=True)
            first, last = (
                None if e is None else jnp.broadcast_to(e, second.shape).reshape(-1) for e in ends
            )
            self.rest.add(sums, second.reshape(-1), (a, b), (first, last), places)


def by_cells(local: Local, quick: Ordered | None) -> ByCells | None:
    """The same reading by cells; None where there is no order, or where a predictor is one number
    for all rows and of those in question.
    """
    if quick is None or any(name not in local.cells for name in quick.outcomes):
        return None
    meets, numbers = {}, {}
    for name, made in quick.outcomes.items():
        term, run = quick.terms[name], made.arrangement.run
        full = term >= 0
        grouped = local.cells[name]
        meets[name] = (*range(local.single), *grouped)
        for colour, at in grouped.items():
            by_cell = at[np.maximum(term, 0)].reshape(-1, run, term.shape[1])
            numbers[f"{name} cells {colour}"] = _narrowed(by_cell, full.reshape(by_cell.shape))
    others = {name: cells for name, cells in local.cells.items() if name not in quick.outcomes}
    return ByCells(replace(local, cells=others), quick, meets, numbers)


def _narrowed(number: Numbers, full: Numbers) -> Numbers:
    """The same with length 1 along the pieces of a run, or the places, where it does not vary."""
    for axis in (1, 2):
        most = np.where(full, number, -1).max(axis=axis, keepdims=True)
        if (np.where(full, number, most) == most).all():
            number, full = np.maximum(most, 0), full.any(axis=axis, keepdims=True)
    return number
