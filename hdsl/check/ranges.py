"""Where the value of an expression can lie, as far as the model alone tells.

Columns of real numbers have no range before the data are known: an expression of such data alone is
given the benefit of the doubt, and the data decide when they are bound.
"""

from collections.abc import Callable, Mapping
from math import inf, isinf

from hdsl.expr import Apply, Constant, Expr, Label, Member, Summary, Value, names
from hdsl.families.family import BINARY, COUNT, NONNEGATIVE, POSITIVE, REAL, UNIT, Support
from hdsl.families.functions import FUNCTIONS, NEGATION
from hdsl.families.ranges import point
from hdsl.ir.model import Data, DataType, Definition, Deviations, Node, Parameter

TYPES: Mapping[DataType, Support | None] = {
    DataType.REAL: None,
    DataType.POSITIVE: POSITIVE,
    DataType.PROPORTION: Support(0.0, 1.0, False, False),
    DataType.COUNT: COUNT,
    DataType.BINARY: BINARY,
    DataType.FACTOR: REAL,
    DataType.ORDERED: COUNT,
}


def range_of(expr: Expr, node_of: Callable[[str], Node | None]) -> Support:
    """The interval that holds the expression's value, whatever the parameters are."""
    if not isinstance(expr, Constant) and _is_unknown(expr, node_of):
        return point(1.0)
    match expr:
        case Constant(value=value):
            return point(value)
        case Label():
            return REAL
        case Value(name=name):
            return _of_node(node_of(name), node_of)
        case Member(of=of):
            return range_of(of, node_of)
        case Summary(function=function, argument=argument):
            inner = range_of(argument, node_of)
            if function == "sd":
                return NONNEGATIVE
            return Support(inner.lower, inner.upper, inner.open_lower, inner.open_upper)
        case Apply(function="-", arguments=(operand,)):
            return NEGATION.range((range_of(operand, node_of),))
        case Apply(function=function, arguments=arguments):
            row = FUNCTIONS.get(function)
            if row is None:
                return REAL
            return row.range(tuple(range_of(a, node_of) for a in arguments))


def _is_unknown(expr: Expr, node_of: Callable[[str], Node | None]) -> bool:
    """Whether an expression is data alone and some column in it may be any real number."""
    if isinstance(expr, Summary):
        return expr.function != "sd" and _is_unknown(expr.argument, node_of)
    used = [node_of(name) for name in names(expr)]
    if not used or not all(isinstance(node, Data) for node in used):
        return False
    return any(
        isinstance(node, Data)
        and (
            (node.expr is None and TYPES[node.type] is None)
            or (node.expr is not None and _is_unknown(node.expr, node_of))
        )
        for node in used
    )


def _of_node(node: Node | None, node_of: Callable[[str], Node | None]) -> Support:
    match node:
        case Data(expr=None, type=kind):
            return TYPES[kind] or REAL
        case Data(expr=expr):
            assert expr is not None
            return range_of(expr, node_of)
        case Parameter(support=support):
            return support
        case Definition(expr=expr):
            return range_of(expr, node_of)
        case Deviations() | None:
            return REAL
        case _:
            return Support(-1.0, 1.0)


def misfit(found: Support, wanted: Support) -> str | None:
    """How a range leaves a support: "surely" (it may be any number), "perhaps", or None."""
    at_bound = (found.upper == wanted.lower and wanted.open_lower) or (
        found.lower == wanted.upper and wanted.open_upper
    )
    if at_bound and found.lower == found.upper:
        return "surely"
    if found.lower >= wanted.lower and found.upper <= wanted.upper:
        return None
    if found.upper < wanted.lower or found.lower > wanted.upper:
        return "surely"
    below = found.lower < wanted.lower
    above = found.upper > wanted.upper
    unbounded = (below and isinf(found.lower)) or (above and isinf(found.upper))
    whole_line = found.lower == -inf and found.upper == inf
    return "surely" if unbounded and whole_line else "perhaps"


__all__ = ["TYPES", "UNIT", "misfit", "range_of"]
