"""Statements of a file once some of its coefficients vary otherwise than they did."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from hdsl.check.targets import Target, parse_target
from hdsl.ir.model import Data, Model, Parameter
from hdsl.source import Span
from hdsl.syntax import ast
from hdsl.syntax.printer import print_expr, print_statement

AGGREGATES = ("average", "total")
ACCESSORS = ("mean", "sd", "cor", "slope", "dev", "new")


class Dead(Exception):  # noqa: N818  an answer, which the caller makes an error of
    """What a statement that must stay is made of is no longer there."""

    def __init__(self, name: str, user: str = "", span: Span | None = None) -> None:
        self.name = name
        self.user = user
        self.span = span
        super().__init__(name)


def spelled(level: ast.LevelName) -> str:
    """The name of a level in a formula."""
    return ":".join(level.names)


@dataclass(frozen=True)
class Rewriter:
    """``targets`` are the coefficients that change, by name; ``unpooled``: each group has its own
    (otherwise all groups share one).
    """

    model: Model
    targets: Mapping[str, Target]
    unpooled: bool

    def means(self, statements: Sequence[ast.Statement]) -> frozenset[str]:
        """The coefficients whose mean a statement is about."""
        return frozenset(
            name
            for statement in statements
            if isinstance(statement, ast.Tilde | ast.Define)
            for expr in statement.targets
            if (name := self._mean_of(expr)) is not None
        )

    def kept(self, statement: ast.Statement) -> Iterator[ast.Statement]:
        """What remains of a statement that is not itself about how coefficients vary."""
        match statement:
            case ast.Tilde(targets=targets) | ast.Define(targets=targets):
                left = tuple(e for t in targets for e in self._target(t))
                if left:
                    yield from self._with_targets(statement, left)
            case ast.Report(targets=targets, expr=None):
                left = tuple(e for t in targets for e in self._reported(t))
                if left:
                    yield replace(statement, targets=left)
            case ast.Report(expr=expr):
                try:
                    yield replace(statement, expr=self._expr(expr))
                except Dead:
                    return
            case _:
                yield statement

    def _with_targets(
        self, statement: ast.Tilde | ast.Define, left: tuple[ast.Expr, ...]
    ) -> Iterator[ast.Statement]:
        """The statement for the targets that are left; a definition goes with what it is made of"""
        try:
            match statement:
                case ast.Tilde(right=ast.Call() as right):
                    yield replace(statement, targets=left, right=self._expr(right))
                case ast.Tilde():
                    yield replace(statement, targets=left)
                case ast.Define(expr=expr):
                    yield replace(statement, targets=left, expr=self._expr(expr))
        except Dead as dead:
            if isinstance(statement, ast.Tilde):
                raise Dead(dead.name, print_statement(statement), statement.span) from dead

    def _mean_of(self, expr: ast.Expr) -> str | None:
        """The coefficient whose whole mean a target is, or is a function of."""
        target = parse_target(expr)
        if isinstance(target, str) or target.accessor != "mean" or target.index:
            return None
        return target.name if target.name in self.targets else None

    def _target(self, expr: ast.Expr) -> Iterator[ast.Expr]:
        """A target as it is now, if there still is what it is about."""
        target = parse_target(expr)
        if isinstance(target, str) or target.name not in self.targets:
            yield expr
            return
        if target.accessor is None:
            if self.unpooled:  # one group set to a value: it still is one group
                yield expr
            return
        if self._mean_of(expr) is not None and not self.unpooled:
            yield _put(expr, self.targets[target.name])

    def _reported(self, expr: ast.Expr) -> Iterator[ast.Expr]:
        try:
            found = self._expr(expr)
        except Dead:
            return
        if isinstance(found, ast.Ref | ast.Call):
            yield found

    def _expr(self, expr: Any) -> Any:
        """An expression in which what is gone is replaced by what it comes to; raises Dead where
        it comes to nothing.
        """
        match expr:
            case ast.Call(name=name, args=(first, *_)) if name in ACCESSORS:
                heart = parse_target(expr)
                if isinstance(heart, str) or heart.name not in self.targets:
                    return self._inside(expr)
                if self.unpooled or name in ("sd", "cor", "slope"):
                    raise Dead(print_expr(expr))
                return ast.Number(0.0, "0") if name == "dev" else first.value
            case ast.Call(name=name) if name in AGGREGATES and not self.unpooled:
                if self.targets.keys() & set(_names(expr)):
                    raise Dead(print_expr(expr))  # one value cannot be added up over groups
                return self._inside(expr)
            case ast.Ref(name=name, index=index) if name in self.targets and index:
                levels = [i for i in index if isinstance(i, ast.LevelName)]
                if self.unpooled:
                    if levels:
                        raise Dead(print_expr(expr))
                    return expr
                return ast.Ref(name)
            case _:
                return self._inside(expr)

    def _inside(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(self._expr(item) for item in value)
        if not isinstance(value, ast.Node):
            return value
        return replace(value, **{f.name: self._expr(getattr(value, f.name)) for f in fields(value)})


def _put(expr: ast.Expr, target: Target) -> ast.Expr:
    """A statement's target with `mean(b)` replaced by `b` as its own statement writes it."""
    match expr:
        case ast.Call(name="mean", args=(arg, *_)):
            assert not isinstance(arg.value, ast.LevelName)
            return _with_index(arg.value, target)
        case ast.Call(args=(arg,)) if not isinstance(arg.value, ast.LevelName):
            return replace(expr, args=(replace(arg, value=_put(arg.value, target)),))
        case ast.Unary(operand=operand):
            return replace(expr, operand=_put(operand, target))
        case ast.Binary(left=left):
            return replace(expr, left=_put(left, target))
        case _:
            return expr


def _with_index(expr: ast.Expr, target: Target) -> ast.Expr:
    match expr:
        case ast.Ref(name=name):
            return ast.Ref(name, target.index)
        case ast.Call(args=(arg,)) if not isinstance(arg.value, ast.LevelName):
            return replace(expr, args=(replace(arg, value=_with_index(arg.value, target)),))
        case ast.Unary(operand=operand):
            return replace(expr, operand=_with_index(operand, target))
        case _:
            return expr


def prune(statements: Sequence[ast.Statement], model: Model) -> list[ast.Statement]:
    """The statements without definitions that mention what is gone, and without parameters that
    nothing uses any more. Raises Dead where a distribution mentions what is gone.
    """
    kept = list(statements)
    while True:
        fewer = _without_gone(kept, model)
        fewer = _without_unused(fewer, model)
        if len(fewer) == len(kept) and all(a is b for a, b in zip(fewer, kept, strict=True)):
            return kept
        kept = fewer


def _without_gone(statements: list[ast.Statement], model: Model) -> list[ast.Statement]:
    """Without definitions of what once had a statement and has none now."""
    made = {name for s in statements for name in _made(s)}
    written = {n.name for n in model.nodes if not isinstance(n, Data) and n.name.isidentifier()} | {
        c.name for c in model.coefficients
    }
    implied = {n.name for n in model.nodes if isinstance(n, Parameter) and n.implied}
    gone = written - made - implied
    kept: list[ast.Statement] = []
    for statement in statements:
        missing = gone & _used(statement)
        if not missing:
            kept.append(statement)
        elif isinstance(statement, ast.Tilde):
            raise Dead(min(missing), print_statement(statement), statement.span)
    return kept


def _without_unused(statements: list[ast.Statement], model: Model) -> list[ast.Statement]:
    kept: list[ast.Statement] = []
    for statement in statements:
        if not isinstance(statement, ast.Tilde):
            kept.append(statement)
            continue
        others = {n for s in statements if s is not statement for n in _used(s)}
        left = tuple(t for t in statement.targets if _is_needed(t, others, model))
        if len(left) == len(statement.targets):
            kept.append(statement)
        elif left:
            kept.append(replace(statement, targets=left))
    return kept


def _is_needed(expr: ast.Expr, used: set[str], model: Model) -> bool:
    target = parse_target(expr)
    if isinstance(target, str) or target.accessor is not None:
        return True
    return target.name in used or isinstance(model.by_name.get(target.name), Data)


def _made(statement: ast.Statement) -> Iterator[str]:
    match statement:
        case ast.Tilde(targets=targets) | ast.Define(targets=targets):
            pass
        case ast.Report(targets=targets, expr=expr) if expr is not None:
            pass
        case _:
            return
    for expr in targets:
        target = parse_target(expr)
        if not isinstance(target, str) and target.accessor is None:
            yield target.name


def _used(statement: ast.Statement) -> set[str]:
    """The names that a statement is made of; not those that it is about."""
    match statement:
        case ast.Tilde(right=right):
            return set(_names(right))
        case ast.Define(expr=expr):
            return set(_names(expr))
        case ast.Report(targets=targets, expr=None):
            return set(_names(targets))
        case ast.Report(expr=expr):
            return set(_names(expr))
        case ast.DataDerived(expr=expr):
            return set(_names(expr))
        case _:
            return set()


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, tuple):
        for item in value:
            yield from _names(item)
    elif isinstance(value, ast.Node):
        if isinstance(value, ast.Ref):
            yield value.name
        for f in fields(value):
            yield from _names(getattr(value, f.name))
