"""From a syntax tree to its canonical spelling.

There is one spelling for each tree: spaces round infix signs except ``^``, brackets only where the
grammar needs them or a reader does. Quantities are named in results as they are spelled here.
"""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from math import inf
from typing import assert_never

from hdsl.syntax.ast import (
    Arg,
    Binary,
    Block,
    Call,
    ConstantTerm,
    DataColumn,
    DataDecl,
    DataDerived,
    Define,
    Expr,
    File,
    Formula,
    LevelCross,
    LevelDecl,
    LevelFixed,
    LevelName,
    Number,
    Ref,
    Report,
    Statement,
    Term,
    Text,
    Tilde,
    Title,
    Unary,
    With,
)
from hdsl.syntax.wrap import Group, Part, flat, wrapped

WIDTH = 100
"""Longest line that the formatter writes where it can break it."""

# How tightly each form binds; an operand that binds less than its place asks for brackets.
_COMPARISON, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(6)
_BINDING = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "@": _PRODUCT, "^": _POWER}


def print_expr(expr: Expr | LevelName) -> str:
    """An expression on one line, as the formatter spells it.

    >>> print_expr(Call("sd", (Arg(Ref("b")), Arg(LevelName(("category", "week"))))))
    'sd(b, category : week)'
    >>> print_expr(Binary("^", Unary("-", Ref("x")), Number(2.0, "2")))
    '(-x)^2'
    """
    return flat(_any(expr))


def print_statement(statement: Statement, width: int | None = None) -> str:
    """A statement as the formatter spells it: on one line, or broken to fit ``width`` columns.

    >>> print_statement(Tilde((Ref("b"),), Formula((Term((LevelName(("region",)),)),))))
    'b ~ region'
    """
    parts = _statement(statement)
    return flat(parts) if width is None else wrapped(parts, width)


def print_file(file: File) -> str:
    r"""A whole file in canonical form: a statement a line, comments and paragraphs kept.

    A comment inside a statement that runs over lines moves above it.

    >>> print_file(File((Define((Ref("a"),), Number(1.0, "1")),)))
    'a = 1\n'
    """
    written = _Lines(deque(file.blank_lines))
    comments = deque(file.comments)
    following = (*(s.span.start for s in file.statements[1:]), inf)
    for statement, next_start in zip(file.statements, following, strict=False):
        span = statement.span
        while comments and comments[0].span.start < span.end:
            comment = comments.popleft()
            written.add(comment.text.rstrip(), min(comment.span.start, span.start))
        written.add(print_statement(statement, WIDTH), span.start, span.end)
        if comments and not comments[0].own_line and comments[0].span.start < next_start:
            written.lines[-1] += "  " + comments.popleft().text.rstrip()
    for comment in comments:
        written.add(comment.text.rstrip(), comment.span.start)
    return "".join(line + "\n" for line in written.lines)


@dataclass(frozen=True)
class _Lines:
    """The lines written so far, and the empty lines of the text that are still to come."""

    empty: deque[int]
    lines: list[str] = field(default_factory=list)

    def add(self, text: str, start: int, end: int = 0) -> None:
        """Adds what stood from ``start`` to ``end``; one empty line before it if there was any."""
        paragraph = self._skip(start) and bool(self.lines)
        self.lines.extend(["", text] if paragraph else [text])
        self._skip(end)

    def _skip(self, offset: int) -> bool:
        """Forgets the empty lines before an offset; whether there were any."""
        any_empty = False
        while self.empty and self.empty[0] < offset:
            self.empty.popleft()
            any_empty = True
        return any_empty


def quoted(text: str) -> str:
    """A text between quotes.

    >>> quoted('5" pipe')
    '"5"" pipe"'
    """
    return '"' + text.replace('"', '""') + '"'


# ------------------------------------------------------------------------- expressions


def _any(value: Expr | LevelName) -> Part:
    return _level(value) if isinstance(value, LevelName) else _expr(value)


def _expr(expr: Expr, least: int = _COMPARISON) -> Part:
    """The parts of an expression, in brackets where it binds less than ``least``."""
    parts = _bare(expr)
    return parts if _binding(expr) >= least else ("(", parts, ")")


def _binding(expr: Expr) -> int:
    match expr:
        case Binary(op=op):
            return _BINDING.get(op, _COMPARISON)
        case Unary():
            return _SIGN
        case Number(text=text):
            return _SIGN if text.startswith("-") else _ATOM
        case Text() | Ref() | Call() | Block():
            return _ATOM
        case _:
            assert_never(expr)


def _bare(expr: Expr) -> Part:
    match expr:
        case Number(text=text):
            return text
        case Text(value=value):
            return quoted(value)
        case Ref(name=name, index=()):
            return name
        case Ref(name=name, index=index):
            members = (quoted(i.value) if isinstance(i, Text) else _level(i) for i in index)
            return (name, "[", _joined(members, ", "), "]")
        case Call(name=name, args=args):
            return (name, _listed("(", args, ")"))
        case Block(items=items):
            return _listed("[", items, "]")
        case Unary(op=op, operand=operand):
            return (op, _expr(operand, _SIGN))
        case Binary():
            return _binary(expr)
        case _:
            assert_never(expr)


def _binary(expr: Binary) -> Part:
    """An infix operation; a line that is too long breaks before the loosest signs."""
    match _BINDING.get(expr.op, _COMPARISON):
        case binding if binding == _POWER:
            return (_expr(expr.left, _ATOM), "^", _expr(expr.right, _SIGN))
        case binding if binding == _COMPARISON:
            return (_expr(expr.left, _SUM), f" {expr.op} ", _expr(expr.right, _SUM))
        case binding:
            return _chain(expr, binding)


def _chain(expr: Binary, binding: int) -> Part:
    """``a + b - c``: the operands of signs that bind alike, from the left."""
    operands: list[Part] = []
    left: Expr = expr
    while isinstance(left, Binary) and _BINDING.get(left.op) == binding:
        operands.append((f"{left.op} ", _expr(left.right, binding + 1)))
        left = left.left
    return Group("", (_expr(left, binding), *reversed(operands)), " ", "")


def _listed(opening: str, args: Iterable[Arg], closing: str) -> Part:
    return Group(opening, tuple(_argument(a) for a in args), ", ", closing)


def _argument(arg: Arg) -> Part:
    if arg.keyword is None:
        return _any(arg.value)
    value = _level(arg.value) if isinstance(arg.value, LevelName) else _defined(arg.value)
    return (f"{arg.keyword} = ", value)


def _defined(expr: Expr) -> Part:
    """What stands right of ``=``: a comparison in brackets, or two signs would stand in a row."""
    return _expr(expr, _SUM)


def _level(level: LevelName) -> str:
    return " : ".join(level.names)


def _joined(parts: Iterable[Part], separator: str) -> Part:
    """A list without brackets, broken after its separators."""
    return Group("", tuple(parts), separator, "")


# --------------------------------------------------------------------------- statements


def _statement(statement: Statement) -> Part:
    match statement:
        case Title(text=text):
            return f"model {quoted(text)}"
        case LevelDecl() | LevelFixed() | LevelCross():
            return ("level ", _level_statement(statement))
        case DataDecl():
            return ("data ", _declared(statement))
        case DataDerived(name=name, expr=expr, per=per):
            return (f"data {name} = ", _defined(expr), _per(per))
        case Report(targets=targets, expr=expr):
            right = () if expr is None else (" = ", _defined(expr))
            return ("report ", _targets(targets), right)
        case Define(targets=targets, expr=expr):
            return (_targets(targets), " = ", _defined(expr))
        case Tilde(targets=targets, right=right, option=option):
            side = _formula(right) if isinstance(right, Formula) else _expr(right)
            return (_targets(targets), " ~ ", side, _option(option))
        case _:
            assert_never(statement)


def _level_statement(level: LevelDecl | LevelFixed | LevelCross) -> Part:
    match level:
        case LevelDecl(name=name, column=column, parents=parents, ordered=ordered):
            nested = "".join(f" in {parent}" for parent in parents)
            return name + _source(column) + nested + " ordered" * ordered
        case LevelFixed(name=name, members=members):
            return (f"{name} = ", _members(members))
        case LevelCross(name=name, components=components, ordered=ordered):
            return f"{name} = " + " : ".join(components) + " ordered" * ordered
        case _:
            assert_never(level)


def _declared(data: DataDecl) -> Part:
    members = (" ", _members(data.members)) if data.members else ()
    missing = " impute" * data.impute + " drop" * data.drop
    columns = _joined((_data_column(c) for c in data.columns), ", ")
    return (columns, f" : {data.type}", members, missing, _per(data.per))


def _data_column(column: DataColumn) -> str:
    return column.name + _source(column.column)


def _source(column: str | None) -> str:
    return "" if column is None else f" from {_word(column, 'NAME')}"


def _members(members: Iterable[str]) -> Part:
    return Group("{", tuple(_word(m, "NAME", "NUMBER") for m in members), ", ", "}")


def _word(text: str, *terminals: str) -> str:
    """A text as it stands where the grammar has a terminal for it, else between quotes."""
    return text if any(_terminal(t).fullmatch(text) for t in terminals) else quoted(text)


@cache
def _terminal(name: str) -> re.Pattern[str]:
    from hdsl.syntax.grammar import parser  # only unusual names need the grammar

    return re.compile(parser().get_terminal(name).pattern.to_regexp())


def _per(level: LevelName | None) -> str:
    return "" if level is None else f" per {_level(level)}"


def _targets(targets: Iterable[Expr]) -> Part:
    return _joined((_expr(t) for t in targets), ", ")


def _option(option: With | None) -> str:
    if option is None:
        return ""
    levels = ", ".join(level.replace(":", " : ") for level in option.levels)
    return f" with {option.name}" + (f"({levels})" if levels else "")


# ----------------------------------------------------------------------------- formulas


def _formula(formula: Formula) -> Part:
    """Terms with a sign between; one with a bar in brackets, unless it is the only one."""
    alone = len(formula.terms) == 1
    first, *others = (_term(t, alone) for t in formula.terms)
    return Group("", (first, *(("+ ", t) for t in others)), " ", "")


def _term(term: Term | ConstantTerm, alone: bool) -> Part:
    match term:
        case Term(path=path):
            left = " / ".join(_level(level) for level in path)
        case ConstantTerm(number=number):
            left = number.text
        case _:
            assert_never(term)
    if not term.predictors:
        return left
    predictors = _joined((_expr(p, _PRODUCT) for p in term.predictors), ", ")
    bar: Part = (f"{left} | ", predictors)
    return bar if alone else ("(", bar, ")")
