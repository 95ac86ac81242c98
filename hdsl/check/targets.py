"""The left side of a statement: which quantity it is about, and under which function."""

from dataclasses import dataclass

from hdsl.ir.model import Transform
from hdsl.source import NOWHERE, Span
from hdsl.syntax import ast

ACCESSORS = ("mean", "sd", "cor", "slope", "dev", "new", "cut")
LINKS = ("log", "logit", "probit", "cloglog", "sqrt", "exp")


@dataclass(frozen=True)
class Target:
    """A left side taken apart.

    ``name`` is the bare name at its heart (`b` in `sd(log(b), market)^2`); ``subject`` the text of
    what an accessor is asked of (`log(b)`); ``accessor`` and ``arguments`` are its own.
    """

    name: str
    span: Span
    expr: ast.Expr
    index: tuple[ast.LevelName | ast.Text, ...] = ()
    transform: Transform | None = None
    accessor: str | None = None
    arguments: tuple[ast.Arg, ...] = ()
    name_span: Span = NOWHERE


def parse_target(expr: ast.Expr) -> Target | str:
    """The parts of a left side, or the reason why it cannot stand there."""
    match expr:
        case ast.Ref(name=name, index=index):
            return Target(name, expr.span, expr, index, name_span=expr.span)
        case ast.Binary(op="^", left=left, right=right):
            power = _number(right)
            if power is None or power == 0:
                return "the power must be a number other than 0"
            return _transformed(expr, left, Transform("power", power))
        case ast.Call(name=name, args=args) if name in ACCESSORS:
            return _accessor(expr, args)
        case ast.Call(name=name, args=args) if name in LINKS:
            if len(args) != 1 or args[0].keyword or isinstance(args[0].value, ast.LevelName):
                return f"`{name}` takes one name here"
            inner = args[0].value
            negated = isinstance(inner, ast.Unary)
            if isinstance(inner, ast.Unary):
                inner = inner.operand
            return _transformed(expr, inner, Transform(name, negated=negated))
        case ast.Call(name=name):
            return f"`{name}` cannot be inverted here"
        case _:
            return "a statement is about a name, an accessor such as `sd(b)`, or a function of one"


def _transformed(whole: ast.Expr, inner: ast.Expr, transform: Transform) -> Target | str:
    target = parse_target(inner)
    if isinstance(target, str):
        return target
    if target.transform is not None:
        return "one function of a name can stand here, not two"
    return Target(
        target.name,
        whole.span,
        inner,
        target.index,
        transform,
        target.accessor,
        target.arguments,
        target.name_span,
    )


def _accessor(call: ast.Call, args: tuple[ast.Arg, ...]) -> Target | str:
    if not args or isinstance(args[0].value, ast.LevelName):
        return f"`{call.name}` needs a coefficient"
    heart = parse_target(args[0].value)
    if isinstance(heart, str):
        return heart
    return Target(
        heart.name,
        call.span,
        call,
        heart.index,
        None,
        call.name,
        args,
        heart.name_span,
    )


def _number(expr: ast.Expr) -> float | None:
    match expr:
        case ast.Number(value=value):
            return value
        case ast.Unary(operand=ast.Number(value=value)):
            return -value
        case ast.Binary(op="/", left=left, right=right):
            above, below = _number(left), _number(right)
            return above / below if above is not None and below else None
        case _:
            return None
