"""Cuts the computation of rows' log densities in three: coefficients of groups, the linear
predictors of rows that they make, and the densities given these.

Read from the traced program and not from the model, so that it holds for whatever a model is
compiled to. A program that does not come apart is left whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import IntEnum
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn, Literal, Var

from hdsl.fit.methods.special import log_gamma

type Array = Any  # of JAX, traced or not
type Operand = int | Literal  # a register, or a number written into the program

NESTED = ("jit", "pjit", "closed_call")
SHAPING = frozenset(("broadcast_in_dim", "reshape", "squeeze", "transpose", "slice", "concatenate"))
LINEAR = SHAPING | {"add", "add_any", "sub", "neg", "reduce_sum", "copy", "convert_element_type"}
ONE_FACTOR = frozenset(("mul", "dot_general"))
ONLY_FIRST = frozenset(("div", "gather"))
ONLY_LATER = frozenset(("select_n",))
POINTWISE = frozenset(("neg", "mul", "div", "add", "sub", "convert_element_type", "copy"))


class Depth(IntEnum):
    """What a value of the program is."""

    KNOWN = 0  # depends on none of the numbers in question
    GROUP = 1  # has no axis of rows
    LINEAR = 2  # of rows, a linear function of values of groups
    DENSITY = 3  # of rows, any other function


class UncutError(Exception):
    """The program does not come apart."""


@dataclass(frozen=True)
class Step:
    """One operation: registers and literals in, registers out."""

    eqn: JaxprEqn
    operands: tuple[Operand, ...]
    results: tuple[int, ...]

    @property
    def registers(self) -> tuple[int, ...]:
        """The operands that are no literals."""
        return tuple(each for each in self.operands if isinstance(each, int))


@dataclass
class Program:
    """A traced function without nested calls; the same operation on the same operands stands once.

    ``inputs`` and ``outputs`` are in the order of the function's flat arguments and results;
    ``shapes`` are those of all registers.
    """

    steps: list[Step] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    constants: dict[int, Any] = field(default_factory=dict)
    inputs: tuple[int, ...] = ()
    outputs: tuple[Operand, ...] = ()
    _seen: dict[Any, tuple[int, ...]] = field(default_factory=dict)
    _logs: dict[int, int] = field(default_factory=dict)  # of an exponential its argument

    def register(self, shape: Iterable[int]) -> int:
        """A new register."""
        self.shapes.append(tuple(shape))
        return len(self.shapes) - 1

    def inline(self, closed: Any, operands: Sequence[Operand]) -> tuple[Operand, ...]:
        """Adds a function's operations; its results."""
        jaxpr = closed.jaxpr
        known: dict[Var, Operand] = dict(zip(jaxpr.invars, operands, strict=True))
        for var, value in zip(jaxpr.constvars, closed.consts, strict=True):
            known[var] = self.register(value.shape)
            self.constants[len(self.shapes) - 1] = value

        def read(atom: Any) -> Operand:
            return atom if isinstance(atom, Literal) else known[atom]

        for eqn in jaxpr.eqns:
            given = tuple(read(atom) for atom in eqn.invars)
            results: Sequence[Operand]
            if eqn.primitive.name in NESTED:
                results = self.inline(eqn.params.get("jaxpr", eqn.params.get("call_jaxpr")), given)
            else:
                results = self._step(eqn, given)
            known.update(zip(eqn.outvars, results, strict=True))
        return tuple(read(atom) for atom in jaxpr.outvars)

    def _step(self, eqn: JaxprEqn, operands: tuple[Operand, ...]) -> tuple[Operand, ...]:
        only = operands[0] if operands else None
        if made_of(eqn) == "xlogy" and (log := self._log(operands[1])) is not None:
            product = jax.make_jaxpr(jnp.multiply)(*(each.aval for each in eqn.invars))
            return self.inline(product, (operands[0], log))
        if eqn.primitive.name == "log" and (log := self._log(operands[0])) is not None:
            return (log,)  # of a rate that is an exponential, where it is taken back
        named = (o if isinstance(o, int) else (str(o.val), str(o.aval)) for o in operands)
        key = (eqn.primitive.name, str(eqn.params), *named)
        if key not in self._seen:
            results = tuple(self.register(shape_of(each)) for each in eqn.outvars)
            self.steps.append(Step(eqn, operands, results))
            self._seen[key] = results
            if eqn.primitive.name == "exp" and isinstance(only, int):
                self._logs[results[0]] = only
        return self._seen[key]

    def _log(self, operand: Operand) -> int | None:
        """The logarithm of a value that was made as an exponential."""
        return self._logs.get(operand) if isinstance(operand, int) else None

    def plan(self, given: Set[int], wanted: Sequence[Operand]) -> tuple[list[Step], frozenset[int]]:
        """The steps from given registers to wanted ones, and those given that they begin with."""
        needed = {each for each in wanted if isinstance(each, int)}
        found, used = [], needed & given
        needed -= given
        for step in reversed(self.steps):
            if needed & set(step.results):
                found.append(step)
                used |= set(step.registers) & given
                needed = (needed - set(step.results)) | (set(step.registers) - given)
        return found[::-1], frozenset(used)

    def run(self, given: Mapping[int, Array], wanted: Sequence[Operand]) -> list[Array]:
        """Values of some registers given those of others; no more is computed than that needs."""
        plan, _ = self.plan(given.keys(), wanted)
        values: dict[int, Array] = {**self.constants, **given}

        def read(operand: Operand) -> Array:
            return values[operand] if isinstance(operand, int) else operand.val

        for step in plan:
            found = applied(step, [read(operand) for operand in step.operands])
            values |= {r: v for r, v in zip(step.results, found, strict=True) if r not in given}
        return [read(each) for each in wanted]


def applied(step: Step, operands: Sequence[Array]) -> Sequence[Array]:
    """The results of one operation."""
    primitive = step.eqn.primitive
    if primitive.name == "lgamma":
        return [log_gamma(*operands)]
    found = primitive.bind(*operands, **primitive.get_bind_params(step.eqn.params))
    return found if primitive.multiple_results else [found]


@dataclass(frozen=True)
class Cut:
    """A program whose one output has an entry for each term, in three.

    ``coefficients`` are the registers of groups that the rows' predictors are made of,
    ``predictors`` those that the densities are made of: one number a term each, or a single one
    (a coefficient then) for which an array of one number a term may be put in.
    """

    program: Program
    terms: int
    coefficients: tuple[int, ...]
    predictors: tuple[int, ...]

    def predicted(self, given: Mapping[int, Array]) -> list[Array]:
        """The predictors, each with a number a term, given the values of some registers."""
        found = self.program.run(given, self.predictors)
        return [jnp.broadcast_to(each, (self.terms,)) for each in found]


def made_of(eqn: JaxprEqn) -> str:
    """The name of the function that an operation with a derivative of its own stands for."""
    inside = eqn.params.get("call_jaxpr")
    return "" if inside is None else str(inside.jaxpr.debug_info.func_name)


def shape_of(atom: Any) -> tuple[int, ...]:
    """The shape of a value of a traced function."""
    found: tuple[int, ...] = atom.aval.shape
    return found


def program_of(closed: Any) -> Program:
    """The program of a traced function."""
    found = Program()
    found.inputs = tuple(found.register(shape_of(each)) for each in closed.jaxpr.invars)
    found.outputs = found.inline(closed, found.inputs)
    return found


def cut(
    program: Program, numbers: frozenset[int], lengths: frozenset[int], spread: bool = True
) -> Cut:
    """A program in three; UncutError where it cannot be.

    ``numbers`` are the inputs that count as unknown, ``lengths`` those that an axis of rows has.
    ``spread``: in place of single numbers there will be arrays of one number a term.
    """
    output = program.outputs[0]
    if not isinstance(output, int) or len(program.shapes[output]) != 1:
        raise UncutError
    makers = _needed(program, output)
    depth = _depths(program, makers, numbers, lengths)
    if depth.get(output, Depth.KNOWN) < Depth.LINEAR:
        raise UncutError
    shape = program.shapes[output]
    ends = {output} if depth[output] is Depth.LINEAR else set()
    for step in makers.values():
        if any(depth.get(r) is Depth.DENSITY for r in step.results):
            ends |= {r for r in step.registers if Depth.KNOWN < depth.get(r, Depth.KNOWN) < 3}
            single = any(depth.get(r) is Depth.GROUP for r in step.registers)
            if spread and single and _has_inside(step):
                raise UncutError
    ends = {_origin(program, makers, depth, end) for end in ends}
    singles = {end for end in ends if depth[end] is Depth.GROUP}
    if any(prod(program.shapes[end]) != 1 for end in singles):
        raise UncutError
    if any(program.shapes[end] != shape for end in ends - singles):
        raise UncutError
    found, pending, done = set(singles), list(ends - singles), set(ends)
    while pending:
        for register in makers[pending.pop()].registers:
            kind = depth.get(register, Depth.KNOWN)
            if kind is Depth.GROUP:
                found.add(register)
            elif kind is Depth.LINEAR and register not in done:
                done.add(register)
                pending.append(register)
    return Cut(program, shape[0], tuple(sorted(found)), tuple(sorted(ends)))


def known_ends(
    program: Program, predictors: Set[int], numbers: Set[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the way from predictors to the output needs besides: the registers that depend on the
    program's inputs but not on ``numbers``, the last ones before they meet the predictors; and what
    remains that does depend on the numbers (nothing, where the program was cut).
    """
    inputs = frozenset(program.inputs)
    moving, known = set(numbers), set(inputs - numbers)
    for step in program.steps:
        if moving & set(step.registers):
            moving |= set(step.results)
        elif known & set(step.registers):
            known |= set(step.results)
    steps, _ = program.plan(predictors, program.outputs)
    given = set(predictors)
    own = {r for step in steps for r in step.results if _follows(step, given)}
    used = {r for step in steps if set(step.results) & own for r in step.registers} - own
    used |= {r for r in program.outputs if isinstance(r, int)} - own
    used -= predictors
    return tuple(sorted(used & known)), tuple(sorted(used & moving))


def _follows(step: Step, given: set[int]) -> bool:
    """Whether a step depends on what is given; if so, its results do."""
    found = bool(given & set(step.registers))
    if found:
        given |= set(step.results)
    return found


def _needed(program: Program, output: int) -> dict[int, Step]:
    """The steps that an output needs, by the registers that they fill, in their order."""
    needed, kept = {output}, []
    for step in reversed(program.steps):
        if needed & set(step.results):
            kept.append(step)
            needed |= set(step.registers)
    return {result: step for step in reversed(kept) for result in step.results}


def _depths(
    program: Program, makers: Mapping[int, Step], numbers: frozenset[int], lengths: frozenset[int]
) -> dict[int, Depth]:
    """The depths of all registers that are not known."""
    depth: dict[int, Depth] = dict.fromkeys(numbers, Depth.GROUP)
    for result, step in makers.items():
        inside = [depth.get(r, Depth.KNOWN) for r in step.registers]
        deepest = max(inside, default=Depth.KNOWN)
        if deepest is Depth.KNOWN:
            continue
        if lengths.isdisjoint(program.shapes[result]):
            if deepest is not Depth.GROUP:
                raise UncutError  # a sum over rows
            depth[result] = Depth.GROUP
        elif deepest is Depth.DENSITY or not _is_linear(step, depth):
            depth[result] = Depth.DENSITY
        else:
            depth[result] = Depth.LINEAR
    return depth


def _is_linear(step: Step, depth: Mapping[int, Depth]) -> bool:
    name = step.eqn.primitive.name
    unknown = [isinstance(each, int) and each in depth for each in step.operands]
    if name in ONE_FACTOR:
        return sum(unknown) == 1
    if name in ONLY_FIRST:
        return not any(unknown[1:])
    if name in ONLY_LATER:
        return not unknown[0]
    return name in LINEAR


def _has_inside(step: Step) -> bool:
    """Whether an operation is made of others, which are traced for the shapes of its operands."""
    return any("jaxpr" in name or name == "branches" for name in step.eqn.params)


def _origin(
    program: Program, makers: Mapping[int, Step], depth: Mapping[int, Depth], register: int
) -> int:
    """What a predictor is a multiple of, or differs from by what is known: one stands for both."""
    while register in makers:
        step = makers[register]
        inside = [r for r in set(step.registers) if r in depth]
        same = len(inside) == 1 and program.shapes[inside[0]] == program.shapes[register]
        if step.eqn.primitive.name not in POINTWISE or not same:
            break
        if depth[inside[0]] is not Depth.LINEAR:
            break
        register = inside[0]
    return register
