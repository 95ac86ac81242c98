"""A model with some of its parameters set to numbers, as `sd(beta) = 0.3` in its text would."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from hdsl.check.spelling import nearest, quoted
from hdsl.diagnostics.diagnostic import Diagnostic, ModelError
from hdsl.expr import Constant
from hdsl.ir.model import Coefficient, Correlation, Definition, Model, Node, Parameter
from hdsl.ir.text import text_of_number, text_of_support
from hdsl.source import Source
from hdsl.syntax import ast
from hdsl.syntax.parser import parse
from hdsl.syntax.printer import print_expr


@dataclass(frozen=True)
class _Setting:
    """One quantity as it was written, and its number."""

    name: str
    value: float


def fix(model: Model, settings: Iterable[str]) -> Model:
    """The model in which each `sd(beta) = 0.3` holds: its parameter is that number everywhere.

    `sd(beta)` of a coefficient with several levels is each of them. Raises ModelError where there
    is no such parameter, or where the number lies outside its support.
    """
    values: dict[str, float] = {}
    for text in settings:
        setting = _read(model, text)
        for node in _parameters(model, setting.name):
            values[node.name] = _allowed(model, node, setting.value)
    return replace(model, nodes=tuple(_fixed(node, values) for node in model.nodes))


def _read(model: Model, text: str) -> _Setting:
    file, _ = parse(Source(text))
    match file.statements:
        case (ast.Define(targets=(target,), expr=expr),):
            value = _number(expr)
            if value is not None:
                return _Setting(print_expr(target), value)
    advice = "write a parameter of the model and its number: `sd(beta) = 0.3`"
    found = Diagnostic("H550", f"`{text}` sets nothing", help=advice)
    raise ModelError((found,), model.source)


def _number(expr: ast.Expr) -> float | None:
    match expr:
        case ast.Number(value=value):
            return value
        case ast.Unary(operand=ast.Number(value=value)):
            return -value
        case _:
            return None


def _parameters(model: Model, name: str) -> tuple[Parameter, ...]:
    """The parameters that a name means: the one called so, or one for each level."""
    known = [node for node in model.nodes if isinstance(node, Parameter)]
    several = name.removesuffix(")") + ", " if name.endswith(")") else None
    found = [node for node in known if node.name == name]
    if not found and several is not None:
        found = [node for node in known if node.name.startswith(several)]
    if found:
        return tuple(found)
    raise ModelError((_unknown(model, name, [node.name for node in known]),), model.source)


def _unknown(model: Model, name: str, known: list[str]) -> Diagnostic:
    coefficient = next((c for c in model.coefficients if c.name == name), None)
    if coefficient is not None:
        parts = quoted(_parts(coefficient))
        return Diagnostic(
            "H550", f"`{name}` is made of {parts}", help=f"set those, and `{name}` follows"
        )
    if isinstance(model.by_name.get(name), Correlation):
        return Diagnostic(
            "H550",
            f"`{name}` is one of a matrix of correlations, which are drawn together",
            help="write its prior in the model: `lkj(100)` draws all of them near 0",
        )
    if name in model.by_name:
        what = "follows from other quantities, and is no parameter"
        return Diagnostic("H550", f"`{name}` {what}", help=f"set one of {quoted(known)}")
    near = nearest(name, known)
    return Diagnostic(
        "H550",
        f"the model has no parameter `{name}`",
        help=f"did you mean `{near}`?" if near else f"it has {quoted(known)}",
    )


def _parts(coefficient: Coefficient) -> list[str]:
    mean = [] if coefficient.mean is None else [coefficient.mean]
    slopes = [slope for part in coefficient.parts for slope, _ in part.slopes]
    return [*mean, *slopes, *(part.sd for part in coefficient.parts)]


def _allowed(model: Model, node: Parameter, value: float) -> float:
    support = node.support
    inside = support.lower <= value <= support.upper and not (
        (support.open_lower and value == support.lower)
        or (support.open_upper and value == support.upper)
        or (support.discrete and value != int(value))
    )
    if inside:
        return value
    headline = f"`{node.name}` cannot be {text_of_number(value)}: it is {text_of_support(support)}"
    advice = "choose a number that it can be"
    raise ModelError((Diagnostic("H550", headline, help=advice),), model.source)


def _fixed(node: Node, values: Mapping[str, float]) -> Node:
    if not isinstance(node, Parameter) or node.name not in values:
        return node
    value = Constant(values[node.name])
    return Definition(name=node.name, domain=node.domain, expr=value, span=node.span)
