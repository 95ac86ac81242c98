"""Densities of terms that lie in cells (piece, place): what a whole piece shares is computed once.

A program was traced for a list of terms. Operations that work number by number are run on arrays
that broadcast to the cells, such as one number a piece; all others on the list that they were
traced for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from hdsl.fit.methods.cut import Operand, Program, Step, applied, made_of, shape_of

type Array = Any  # of JAX, traced or not

NUMBER_BY_NUMBER = frozenset(
    (
        *("neg", "add", "add_any", "sub", "mul", "div", "max", "min", "exp", "log", "log1p"),
        *("expm1", "sqrt", "rsqrt", "square", "integer_pow", "pow", "abs", "sign", "logistic"),
        *("tanh", "lgamma", "digamma", "erf", "erfc", "floor", "select_n", "convert_element_type"),
        *("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "is_finite", "copy", "clamp"),
    )
)
"""Operations that give the same number wherever their operands stand."""

FUNCTIONS = {"logaddexp": jnp.logaddexp}
"""Functions with a derivative of their own that are traced anew, by their names."""


def on_cells(
    program: Program,
    given: Mapping[int, Array],
    wanted: Sequence[Operand],
    cells: tuple[int, int],
) -> list[Array]:
    """Values of some registers given those of others, all that have a number a term as arrays that
    broadcast to ``cells``.
    """
    plan, _ = program.plan(given.keys(), wanted)
    terms = (cells[0] * cells[1],)
    constants = {
        r: v.reshape(cells) if program.shapes[r] == terms else v
        for r, v in program.constants.items()
    }
    values: dict[int, Array] = {**constants, **given}

    def read(operand: Operand) -> Array:
        return values[operand] if isinstance(operand, int) else operand.val

    for step in plan:
        operands = [read(operand) for operand in step.operands]
        if all(program.shapes[r] == terms for r in step.results) and _is_free(step, operands):
            found = [_freely(step, operands)]
        else:
            found = [
                each.reshape(cells) if program.shapes[r] == terms else each
                for r, each in zip(
                    step.results, applied(step, _listed(step, operands, terms, cells)), strict=True
                )
            ]
        values |= {r: v for r, v in zip(step.results, found, strict=True) if r not in given}
    return [read(each) for each in wanted]


def spread(value: Array, shape: tuple[int, ...]) -> Array:
    """The value broadcast to a shape; of a derivative, sums are taken of numbers that are there.

    XLA computes what a sum is made of along with it, one number after the other, and logarithms
    and exponentials then take five times as long.
    """
    if np.shape(value) == shape:
        return value
    if np.size(value) == 1:
        return jnp.broadcast_to(value, shape)
    return lax.optimization_barrier(jnp.broadcast_to(value, shape))


def _is_free(step: Step, operands: Sequence[Array]) -> bool:
    """Whether a step can be run on whatever broadcasts to the cells."""
    name = step.eqn.primitive.name
    single = name == "broadcast_in_dim" and np.size(operands[0]) == 1
    return single or name in NUMBER_BY_NUMBER or made_of(step.eqn) in FUNCTIONS


def _freely(step: Step, operands: Sequence[Array]) -> Array:
    if step.eqn.primitive.name == "broadcast_in_dim":
        return jnp.reshape(operands[0], (1, 1))
    function = FUNCTIONS.get(made_of(step.eqn))
    flat = [jnp.reshape(o, (1, 1)) if np.ndim(o) < 2 else o for o in operands]
    if function is not None:
        return function(*flat)
    shape = jnp.broadcast_shapes(*(o.shape for o in flat))
    (found,) = applied(step, [spread(o, shape) for o in flat])
    return found


def _listed(
    step: Step, operands: Sequence[Array], terms: tuple[int, ...], cells: tuple[int, int]
) -> list[Array]:
    """The operands as they were traced: a number for each term of a list."""
    shapes = [shape_of(atom) for atom in step.eqn.invars]
    return [
        jnp.broadcast_to(operand, cells).reshape(terms) if shape == terms else operand
        for operand, shape in zip(operands, shapes, strict=True)
    ]
