"""Expressions of the families table written as formulas: ``formula("sigma^2 * nu / (nu - 2)")``.

The language's own parser stands above this package, so the few operators that moments and
spellings need are read with Python's. Knows no distribution.
"""

import ast
from math import inf, pi

from hdsl.expr import Constant, Expr, Value, apply

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "^",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_CONSTANTS = {"pi": pi, "inf": inf}


def formula(text: str) -> Expr:
    """The expression that a formula in the language's notation stands for; names become values.

    >>> formula("exp(mu) + 1")
    Apply(function='+', arguments=(Apply(function='exp', arguments=(Value(name='mu'),)), \
Constant(value=1.0)))
    """
    return _expr(ast.parse(text.replace("^", "**"), mode="eval").body)


def _expr(node: ast.expr) -> Expr:
    match node:
        case ast.Constant(value=int() | float() as value):
            return Constant(float(value))
        case ast.Name(id=name) if name in _CONSTANTS:
            return Constant(_CONSTANTS[name])
        case ast.Name(id=name):
            return Value(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return apply("-", _expr(operand))
        case ast.BinOp(left=left, op=op, right=right):
            return apply(_OPERATORS[type(op)], _expr(left), _expr(right))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return apply(_OPERATORS[type(op)], _expr(left), _expr(right))
        case ast.Call(func=ast.Name(id=name), args=args):
            return apply(name, *(_expr(arg) for arg in args))
        case _:
            raise ValueError(f"not a formula: {ast.unparse(node)}")
