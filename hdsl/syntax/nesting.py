"""How deeply a statement is nested: a bound that every later stage may rely on.

Stages after the parser walk expressions by recursion, and so does Python when it reads the code
that is generated. A model that comes near these bounds was written by a program.
"""

from collections.abc import Iterator, Sequence
from typing import assert_never

from lark import Token

from hdsl.diagnostics.diagnostic import Diagnostic, Label
from hdsl.syntax.ast import (
    Binary,
    Block,
    Call,
    DataDecl,
    DataDerived,
    Define,
    Expr,
    Formula,
    LevelCross,
    LevelDecl,
    LevelFixed,
    LevelName,
    Number,
    Ref,
    Report,
    Statement,
    Text,
    Tilde,
    Title,
    Unary,
)
from hdsl.syntax.builder import span_of
from hdsl.syntax.layout import CLOSING, OPENING

MAX_BRACKETS = 50
MAX_DEPTH = 200


def too_many_brackets(tokens: Sequence[Token]) -> Diagnostic | None:
    """What to say if brackets stand inside one another more than ``MAX_BRACKETS`` deep."""
    depth = 0
    for token in tokens:
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if depth > MAX_BRACKETS:
            headline = f"more than {MAX_BRACKETS} brackets inside one another"
            text = "name a part of the expression by a definition: `part = …`"
            return Diagnostic("H117", headline, Label(span_of(token)), help=text)
    return None


def too_many_operations(statement: Statement, size: int) -> Diagnostic | None:
    """What to say if an expression of a statement of ``size`` tokens is nested too deeply."""
    if size <= MAX_DEPTH:  # every step of nesting takes a token
        return None
    for expr in _roots(statement):
        pending = [(expr, 1)]
        while pending:
            node, depth = pending.pop()
            if depth > MAX_DEPTH:
                return _too_deep(node)
            pending += [(child, depth + 1) for child in _operands(node)]
    return None


def _too_deep(node: Expr) -> Diagnostic:
    headline = f"more than {MAX_DEPTH} operations depend on one another in one expression"
    text = (
        "name parts of it by definitions; a long sum of coefficients and columns is written "
        "`X @ theta` with a block `data X = [a, b, c]`"
    )
    return Diagnostic("H117", headline, Label(node.span, "the innermost part"), help=text)


def _roots(statement: Statement) -> Iterator[Expr]:
    """The outermost expressions of a statement."""
    match statement:
        case Title() | LevelDecl() | LevelFixed() | LevelCross() | DataDecl():
            return
        case DataDerived(expr=expr):
            yield expr
        case Define(targets=targets, expr=expr):
            yield from targets
            yield expr
        case Report(targets=targets, expr=maybe):
            yield from targets
            yield from () if maybe is None else (maybe,)
        case Tilde(targets=targets, right=right):
            yield from targets
            if isinstance(right, Formula):
                for term in right.terms:
                    yield from term.predictors
            else:
                yield right
        case _:
            assert_never(statement)


def _operands(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case Number() | Text() | Ref():
            return ()
        case Call(args=args) | Block(items=args):
            return tuple(a.value for a in args if not isinstance(a.value, LevelName))
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case _:
            assert_never(expr)
