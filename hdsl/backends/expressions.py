"""Terms as Python text, for NumPy (`prepare`), NumPyro and PyMC.

The functions of the language are spelled by the families' table; here are only numbers, gathers,
comparisons (0/1 in arithmetic, bare where a condition is wanted) and a few array functions.
"""

from collections.abc import Mapping
from math import inf, isinf, isnan, pi

from hdsl.backends.namer import quoted
from hdsl.backends.program import Call, Gather, Kernel, Number, Term, Text, Variable
from hdsl.expr import Apply
from hdsl.families import ARRAYS
from hdsl.families.code import Binding, Code, fill, infix, prefix
from hdsl.families.functions import Library, function_of
from hdsl.families.tails import TAIL_FUNCTIONS


def _both(numpyro: str, pymc: str) -> Mapping[Library, str]:
    return {Library.NUMPYRO: numpyro, Library.PYMC: pymc}


def _each(template: str) -> Mapping[Library, str]:
    modules = {Library.NUMPY: "np", Library.NUMPYRO: "jnp", Library.PYMC: "pt"}
    return {library: template.replace("{module}", m) for library, m in modules.items()}


ORDERINGS = frozenset(("<", "<=", ">", ">="))
COMPARISONS = ORDERINGS | {"==", "!="}

_ARRAYS: Mapping[str, Mapping[Library, str]] = {
    "missing": dict.fromkeys(Library, "np.nan"),
    "summed": dict.fromkeys(Library, "{0}.sum(axis=-1)"),
    "sum": _each("{module}.sum({0})"),
    "mean": _each("{module}.mean({0})"),
    "sum along": dict.fromkeys(Library, "{0}.sum(axis={1})"),
    "mean along": dict.fromkeys(Library, "{0}.mean(axis={1})"),
    "sum by group": {
        Library.NUMPY: "np.bincount({1}, {0}, {2})",
        Library.NUMPYRO: "jax.ops.segment_sum({0}, {1}, {2})",
        Library.PYMC: "pt.inc_subtensor(pt.zeros({2})[{1}], {0})",
    },
    "completed": _both(
        "jnp.asarray({0}).at[{1}].set({2})", "pt.set_subtensor(pt.as_tensor({0})[{1}], {2})"
    ),
    "list": dict.fromkeys(Library, "[{all}]"),
    "tuple": dict.fromkeys(Library, "({all})"),
    "diagonal": _both("jnp.diag({0})", "pt.diag({0})"),
    "block diagonal": _both("jax.scipy.linalg.block_diag({all})", "pt.linalg.block_diag({all})"),
    "transpose": dict.fromkeys(Library, "{0}.T"),
    "stack": _both("jnp.stack([{all}], axis=-1)", "pt.stack([{all}], axis=-1)"),
    "moved": _both("jnp.moveaxis({0}, -1, {1})", "pt.moveaxis({0}, -1, {1})"),
    "full": _both("jnp.full({0}, {1}, dtype=float)", 'pt.full({0}, {1}, dtype="float64")'),
    "zeros": _both("jnp.zeros({0})", "pt.zeros({0})"),
    "broadcast": _both("jnp.broadcast_to({0}, {1})", "pt.broadcast_to({0}, {1})"),
    "placed": _both("{0}.at[{1}].set({2})", "pt.set_subtensor({0}[{1}], {2})"),
    "angle": _both("jnp.arctan2({0}, {1})", "pt.arctan2({0}, {1})"),
    "matrix2": _both("jnp.array([[{0}, {1}], [{2}, {3}]])", "pt.stack([[{0}, {1}], [{2}, {3}]])"),
}
"""Array functions that the language itself does not have; ``{all}`` is every argument."""


def write(term: Term, library: Library) -> str:
    """The term as a complete Python expression.

    >>> write(Call("*", (Number(2.0), Call("+", (Variable("a"), Variable("b"))))), Library.NUMPYRO)
    '2 * (a + b)'
    """
    return code(term, library).text


def code(term: Term, library: Library) -> Code:
    """The term as code whose value is a number: a comparison counts as 0 or 1."""
    written = _code(term, library)
    if _is_truth(term):
        return infix("*", Code("1.0"), Code(f"({written.text})"))
    return written


def _code(term: Term, library: Library) -> Code:
    match term:
        case Number(value=value):
            return number(value)
        case Text(text=text):
            return Code(quoted(text))
        case Variable(name=name):
            return Code(name)
        case Gather(of=of, index=index):
            return Code(f"{code(of, library).within(Binding.ATOM)}[{', '.join(index)}]")
        case Call(function=function, arguments=arguments):
            return _call(function, arguments, library)
        case Kernel(name=name, arguments=arguments):
            return Code(f"{name}({', '.join(write(argument, library) for argument in arguments)})")


def number(value: float) -> Code:
    """A number as short as it can be: whole ones without a point.

    >>> number(2.0).text, number(-0.5).text, number(1e-12).text, number(float("inf")).text
    ('2', '-0.5', '1e-12', 'np.inf')
    """
    if isnan(value):
        return Code("np.nan")
    if value < 0:
        return prefix("-", number(-value))
    if isinf(value) or value == pi:
        return Code("np.inf" if value == inf else "np.pi")
    if value == int(value) and value < 1e9:
        return Code(str(int(value)))
    return Code(repr(value).replace("e+", "e"))


def _call(function: str, arguments: tuple[Term, ...], library: Library) -> Code:
    if function in COMPARISONS:
        return _comparison(function, arguments, library)
    if function in _ARRAYS:
        return _array(function, arguments, library)
    if function in TAIL_FUNCTIONS:
        return Code(f"{function}({', '.join(write(argument, library) for argument in arguments)})")
    if function in ARRAYS:
        parts = tuple(code(argument, library) for argument in arguments)
        return Code(fill(ARRAYS[function].template(library), parts))
    if function == "matmul":
        left, right = (code(argument, library).within(Binding.SIGN) for argument in arguments)
        return Code(f"{left} @ {right}", Binding.PRODUCT)
    bare = _bare(function, arguments)
    written = (
        _code(argument, library) if i in bare else code(argument, library)
        for i, argument in enumerate(arguments)
    )
    if function == "-" and len(arguments) == 1:
        return _negated(code(arguments[0], library))
    return function_of(Apply(function, tuple(_dummies(len(arguments))))).written(library, *written)


def _negated(operand: Code) -> Code:
    """A minus before a power stands before brackets, as the formatter has it."""
    if operand.binding is Binding.POWER:
        operand = Code(f"({operand.text})")
    return prefix("-", operand)


def _dummies(count: int) -> list[Apply]:
    """Stand-ins: the table is asked by name and number of arguments alone."""
    return [Apply("", ())] * count


def _bare(function: str, arguments: tuple[Term, ...]) -> frozenset[int]:
    """The arguments that may stay truth values: a condition, one factor of a product."""
    if function == "where":
        return frozenset((0,))
    truths = [i for i, argument in enumerate(arguments) if _is_truth(argument)]
    return frozenset(truths) if function == "*" and len(truths) == 1 else frozenset()


def _is_truth(term: Term) -> bool:
    return isinstance(term, Call) and term.function in COMPARISONS


def _comparison(function: str, arguments: tuple[Term, ...], library: Library) -> Code:
    left, right = (code(argument, library) for argument in arguments)
    if library is Library.PYMC and function not in ORDERINGS:
        name = "pt.eq" if function == "==" else "pt.neq"
        return Code(f"{name}({left.text}, {right.text})")
    sides = left.within(Binding.SUM), right.within(Binding.SUM)
    return Code(f" {function} ".join(sides), Binding.COMPARISON)


def _array(function: str, arguments: tuple[Term, ...], library: Library) -> Code:
    template = _ARRAYS[function][library]
    if "{all}" in template:
        return Code(template.replace("{all}", ", ".join(write(a, library) for a in arguments)))
    place = Binding.ATOM if "{0}." in template or "{0}[" in template else Binding.COMPARISON
    return Code(template.format(*(code(a, library).within(place) for a in arguments)))
