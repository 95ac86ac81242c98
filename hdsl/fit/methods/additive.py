"""Takes a log density of rows apart into what is known, what is linear in predictors, and the rest.

Of `y * eta - exp(eta) - log(y!)` the sum over rows of the last term is a number, that of the first
a fixed product with the coefficients: neither needs the rows again. So it is with all exponential
families with their own links.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

import jax
import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.methods.cut import Cut, Operand, Program, Step, known_ends

KEEPING = frozenset(("copy", "convert_element_type"))


@dataclass(frozen=True)
class Addends:
    """A value as a sum. Each part has its sign; ``linear`` are (sign, weight, predictor), of which
    the weight is a known register, or None for 1.
    """

    known: tuple[tuple[float, int], ...]
    linear: tuple[tuple[float, int | None, int], ...]
    rest: tuple[tuple[float, int], ...]


def addends(
    program: Program,
    predictors: Set[int],
    known: Set[int],
    chosen: Callable[[int], int | None],
) -> Addends:
    """The output of a program as a sum.

    ``chosen`` gives the case that a known register selects everywhere, None where it does not.
    """
    makers = {result: step for step in program.steps for result in step.results}
    output = program.outputs[0]
    assert isinstance(output, int)
    shape = program.shapes[output]
    found: tuple[list[tuple[float, int]], list[tuple[float, int | None, int]]] = ([], [])
    rest: list[tuple[float, int]] = []

    def inner(step: Step) -> list[tuple[float, Operand]] | None:
        """What a step adds up, with signs."""
        name, given = step.eqn.primitive.name, step.operands
        if name in ("add", "add_any", "sub"):
            return [(1.0, given[0]), (-1.0 if name == "sub" else 1.0, given[1])]
        if name == "neg" or name in KEEPING:
            return [(-1.0 if name == "neg" else 1.0, given[0])]
        if name == "select_n" and isinstance(given[0], int):
            case = chosen(given[0])
            return None if case is None else [(1.0, given[1 + case])]
        return None

    def walk(register: int, sign: float) -> None:
        step = makers.get(register)
        parts = None if step is None or register in predictors | known else inner(step)
        if register in known:
            found[0].append((sign, register))
        elif register in predictors:
            found[1].append((sign, None, register))
        elif parts is not None and all(
            isinstance(each, int) and program.shapes[each] == shape for _, each in parts
        ):
            for own, each in parts:
                assert isinstance(each, int)
                walk(each, sign * own)
        elif step is not None and (product := _product(step, predictors, known)) is not None:
            found[1].append((sign, *product))
        else:
            rest.append((sign, register))

    walk(output, 1.0)
    return Addends(tuple(found[0]), tuple(found[1]), tuple(rest))


def _product(step: Step, predictors: Set[int], known: Set[int]) -> tuple[int, int] | None:
    """The weight and the predictor where a step multiplies such."""
    if step.eqn.primitive.name != "mul" or len(step.registers) != 2:
        return None
    for weight, predictor in (step.registers, step.registers[::-1]):
        if weight in known and predictor in predictors:
            return weight, predictor
    return None


def known_values(
    parts: Cut, inputs: Mapping[int, tuple[str, str]], data: Mapping[str, Numbers]
) -> dict[int, Numbers] | None:
    """What the densities need besides their predictors, computed from the data; None where they
    need more than that.
    """
    numbers = {r for r, (kind, _) in inputs.items() if kind == "site"}
    known, moving = known_ends(parts.program, frozenset(parts.predictors), numbers)
    if moving:
        return None
    given = {r: data[key] for r, (kind, key) in inputs.items() if kind == "data"}
    found = jax.jit(lambda given: parts.program.run(given, known))(given)
    return {r: np.asarray(v) for r, v in zip(known, found, strict=True)}


def _case(predicate: Numbers | None) -> int | None:
    """The case that a predicate selects everywhere."""
    if predicate is None or not predicate.size or (predicate != predicate.flat[0]).any():
        return None
    return int(predicate.flat[0])


def split_known(parts: Cut, known: Mapping[int, Numbers]) -> tuple[Addends, tuple[int, ...]]:
    """The sum that densities are, and which known registers what is not linear in it needs."""
    predictors = frozenset(parts.predictors)
    sums = addends(parts.program, predictors, known.keys(), lambda r: _case(known.get(r)))
    own = parts.program.plan(predictors | known.keys(), [r for _, r in sums.rest])[1]
    return sums, tuple(r for r in known if r in own)
