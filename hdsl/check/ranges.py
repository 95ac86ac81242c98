"""Where the value of an expression can lie, as far as the model alone tells.

Columns of real numbers have no range before the data are known: an expression of such data alone is
given the benefit of the doubt, and the data decide when they are bound.
"""

from collections.abc import Callable, Mapping
from math import inf, isinf

from hdsl.expr import (
    Aggregate,
    Apply,
    Block,
    Constant,
    Contraction,
    Expr,
    Label,
    Member,
    Summary,
    Value,
    names,
)
from hdsl.families.family import (
    BINARY,
    CORRELATION,
    COUNT,
    NONNEGATIVE,
    POSITIVE,
    REAL,
    Support,
)
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


class Ranges:
    """Ranges of expressions of one model; what a quantity may be is worked out once."""

    def __init__(self, node_of: Callable[[str], Node | None]) -> None:
        self._node_of = node_of
        self._known: dict[str, Support] = {}
        self._free: dict[str, bool] = {}  # derived data of which any real number may come

    def of(self, expr: Expr) -> Support:
        """The interval that holds the expression's value, whatever the parameters are."""
        if not isinstance(expr, Constant) and self._is_unknown(expr):
            return point(1.0)
        match expr:
            case Constant(value=value):
                return point(value)
            case Label():
                return REAL
            case Value(name=name):
                if name not in self._known:
                    self._known[name] = self._of_node(self._node_of(name))
                return self._known[name]
            case Member(of=of):
                return self.of(of)
            case Summary(function=function, argument=argument):
                inner = self.of(argument)
                if function == "sd":
                    return NONNEGATIVE
                return Support(inner.lower, inner.upper, inner.open_lower, inner.open_upper)
            case Aggregate():
                return self._of_aggregate(expr)
            case Apply():
                return self._of_call(expr)
            case Block() | Contraction():
                return REAL

    def _of_aggregate(self, expr: Aggregate) -> Support:
        """An average lies between the extremes; a total of what is above zero is above zero."""
        inner = self.of(expr.argument)
        if expr.function in ("average", "groupmean"):
            return Support(inner.lower, inner.upper, inner.open_lower, inner.open_upper)
        if expr.weight is not None or inner.lower < 0:
            return REAL
        return POSITIVE if inner.open_lower else NONNEGATIVE

    def _of_call(self, call: Apply) -> Support:
        arguments = tuple(self.of(argument) for argument in call.arguments)
        if call.function == "completed":  # a column is of its type where it is missing too
            return arguments[0]
        if call.function == "-" and len(arguments) == 1:
            return NEGATION.range(arguments)
        row = FUNCTIONS.get(call.function)
        return REAL if row is None else row.range(arguments)

    def _is_unknown(self, expr: Expr) -> bool:
        """Whether an expression is data alone and some column in it may be any real number."""
        if isinstance(expr, Summary):
            return expr.function != "sd" and self._is_unknown(expr.argument)
        used = [(name, self._node_of(name)) for name in names(expr)]
        if not used or not all(isinstance(node, Data) for _, node in used):
            return False
        return any(self._is_free(name, node) for name, node in used if isinstance(node, Data))

    def _is_free(self, name: str, node: Data) -> bool:
        if node.expr is None:
            return TYPES[node.type] is None
        if name not in self._free:
            self._free[name] = self._is_unknown(node.expr)
        return self._free[name]

    def _of_node(self, node: Node | None) -> Support:
        match node:
            case Data(expr=None, type=kind):
                return TYPES[kind] or REAL
            case Data(expr=expr):
                assert expr is not None
                return self.of(expr)
            case Parameter(support=support):
                return support
            case Definition(expr=expr):
                return self.of(expr)
            case Deviations() | None:
                return REAL
            case _:
                return CORRELATION


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
