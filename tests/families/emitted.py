"""Runs what the table spells: the texts that a generated file would hold, executed."""

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

from hdsl.expr import Apply, Constant, Expr, Value, substitute
from hdsl.families import FAMILIES, Code, Library, called, folded, function_of
from hdsl.families.code import Binding

numpyro.enable_x64()


def evaluate(expr: Expr, values: Mapping[str, float] | None = None) -> float | None:
    """The number that an expression comes to; None where it has none."""
    constants: dict[str, Expr] = {k: Constant(v) for k, v in (values or {}).items()}
    match folded(substitute(expr, constants)):
        case Constant(value=value):
            return value
        case _:
            return None


def written(expr: Expr, library: Library) -> Code:
    """An expression of values and constants as code."""
    match expr:
        case Constant(value=value):
            return Code(repr(value), Binding.SIGN if value < 0 else Binding.ATOM)
        case Value(name=name):
            return Code(name)
        case Apply(arguments=arguments):
            parts = (written(a, library) for a in arguments)
            return function_of(expr).written(library, *parts)
        case _:
            raise NotImplementedError(expr)


def helpers(expr: Expr, library: Library) -> tuple[str, ...]:
    """The definitions that an expression's spelling needs."""
    if not isinstance(expr, Apply):
        return ()
    own = function_of(expr).helper(library)
    below = tuple(h for a in expr.arguments for h in helpers(a, library))
    return below if own is None else (*below, own)


def spelled(name: str, library: Library, arguments: Mapping[str, Expr]) -> tuple[str, str, str]:
    """Constructor, arguments and helper code of a family as a generated file would hold them."""
    call = called(FAMILIES[name], library, arguments)
    texts = {slot: written(expr, library).text for slot, expr in call.slots.items()}
    needed = [h for expr in call.slots.values() for h in helpers(expr, library)]
    if call.spelling.helper is not None:
        needed.append(call.spelling.helper)
    code = "\n\n".join(dict.fromkeys(needed))
    return call.spelling.constructor, call.spelling.arguments.format(**texts), code


def numpyro_distribution(
    name: str, arguments: Mapping[str, Expr], values: Mapping[str, Any]
) -> Any:
    """The NumPyro distribution that the table spells, with these values for its names."""
    constructor, texts, code = spelled(name, Library.NUMPYRO, arguments)
    scope: dict[str, Any] = {"np": np, "jax": jax, "jnp": jnp, "dist": dist}
    exec(code, scope)
    return eval(f"{constructor}({texts})", scope, dict(values))


def pymc_variable(
    name: str,
    arguments: Mapping[str, Expr],
    values: Mapping[str, Any],
    label: str,
    options: str = "",
) -> Any:
    """The PyMC variable that the table spells, made in the model on the stack."""
    import pymc as pm
    import pytensor.tensor as pt

    constructor, texts, code = spelled(name, Library.PYMC, arguments)
    scope: dict[str, Any] = {"np": np, "pm": pm, "pt": pt}
    exec(code, scope)
    call = ", ".join(part for part in (repr(label), texts, options) if part)
    return eval(f"{constructor}({call})", scope, dict(values))


def names(arguments: Iterable[str]) -> dict[str, Expr]:
    """Arguments that are the values of their own names."""
    return {name: Value(name) for name in arguments}
