"""From what the grammar recognises to nodes of the syntax tree.

Lark calls one method per rule, bottom up, while it parses: there is no tree in between and no
recursion. Every child is passed, punctuation too, so that a node's span is that of its children.
"""

# ruff: noqa: D102 - each method is a rule of the grammar, and what it gives is its type

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from lark import Token, Transformer

from hdsl.source import Span
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
    Formula,
    LevelCross,
    LevelDecl,
    LevelFixed,
    LevelName,
    Node,
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


class _Word(NamedTuple):
    """A name or string that a rule singles out: a column, a parent, a member."""

    role: str
    text: str
    span: Span


class _Type(NamedTuple):
    name: str
    members: tuple[str, ...]
    span: Span
    name_span: Span


_Child = Token | Node | _Word | _Type


def span_of(child: _Child) -> Span:
    """The place of a token, a node, or a word."""
    if isinstance(child, Token):
        assert child.start_pos is not None
        assert child.end_pos is not None
        return Span(child.start_pos, child.end_pos)
    return child.span


def _cover(children: Sequence[_Child]) -> Span:
    return span_of(children[0]).to(span_of(children[-1]))


def unquote(token: Token) -> str:
    """The text of a string token; a quote inside is written twice.

    >>> unquote(Token("STRING", '"5"" pipe"'))
    '5" pipe'
    """
    return str(token)[1:-1].replace('""', '"')


def _plain(token: Token) -> str:
    """The name, label or column that a token stands for."""
    return unquote(token) if token.type == "STRING" else str(token.value)


def _number(token: Token) -> Number:
    return Number(float(token.value), str(token.value), span=span_of(token))


def _words(children: Sequence[_Child], role: str) -> Iterator[_Word]:
    return (c for c in children if isinstance(c, _Word) and c.role == role)


def _column(children: Sequence[_Child]) -> str | None:
    return next((word.text for word in _words(children, "source")), None)


def _has(children: Sequence[_Child], kind: str) -> bool:
    return any(isinstance(c, Token) and c.type == kind for c in children)


def _level(children: Sequence[_Child]) -> LevelName | None:
    return next((c for c in children if isinstance(c, LevelName)), None)


def _expressions(children: Sequence[_Child]) -> tuple[Expr, ...]:
    return tuple(c for c in children if isinstance(c, Expr))


class Builder(Transformer[Token, Statement]):
    """The callbacks of the grammar's rules, named after them."""

    # ------------------------------------------------------------ expressions

    def number(self, children: list[Token]) -> Number:
        return _number(children[0])

    def text(self, children: list[Token]) -> Text:
        return Text(unquote(children[0]), span=span_of(children[0]))

    def ref(self, children: list[_Child]) -> Ref:
        index = tuple(c for c in children if isinstance(c, LevelName | Text))
        return Ref(str(children[0]), index, span=_cover(children))

    def level_name(self, children: list[Token]) -> LevelName:
        return LevelName(tuple(str(c) for c in children[::2]), span=_cover(children))

    def call(self, children: list[_Child]) -> Call:
        arguments = tuple(c for c in children if isinstance(c, Arg))
        name = children[0]
        return Call(str(name), arguments, name_span=span_of(name), span=_cover(children))

    def argument(self, children: list[_Child]) -> Arg:
        value = children[-1]
        assert isinstance(value, Expr)
        if len(children) == 1:
            return Arg(value, span=value.span)
        name = children[0]
        return Arg(value, str(name), keyword_span=span_of(name), span=_cover(children))

    def crossed_argument(self, children: list[Token]) -> Arg:
        level = self.level_name(children)
        return Arg(level, span=level.span)

    item = argument

    def block(self, children: list[_Child]) -> Block:
        items = tuple(c for c in children if isinstance(c, Arg))
        return Block(items, span=_cover(children))

    def binary(self, children: list[_Child]) -> Binary:
        left, operator, right = children
        assert isinstance(left, Expr)
        assert isinstance(right, Expr)
        return Binary(str(operator), left, right, span=_cover(children))

    def negated(self, children: list[_Child]) -> Unary:
        operand = children[1]
        assert isinstance(operand, Expr)
        return Unary("-", operand, span=_cover(children))

    def bracketed(self, children: list[_Child]) -> Expr:
        inner = children[1]
        assert isinstance(inner, Expr)
        return replace(inner, span=_cover(children))

    # --------------------------------------------------------------- formulas

    def path(self, children: list[_Child]) -> Term:
        levels = tuple(c for c in children if isinstance(c, LevelName))
        return Term(levels, span=_cover(children))

    def term(self, children: list[Token | Term]) -> Term | ConstantTerm:
        child = children[0]
        return (
            child if isinstance(child, Term) else ConstantTerm(_number(child), span=span_of(child))
        )

    def bar(self, children: list[_Child]) -> Term | ConstantTerm:
        child = children[0]
        assert isinstance(child, Token | Term)
        return replace(
            self.term([child]), predictors=_expressions(children[1:]), span=_cover(children)
        )

    def formula(self, children: list[_Child]) -> Formula:
        terms = tuple(c for c in children if isinstance(c, Term | ConstantTerm))
        return Formula(terms, span=_cover(children))

    # ------------------------------------------------------------- statements

    def title(self, children: list[Token]) -> Title:
        return Title(unquote(children[1]), span=_cover(children))

    def parent(self, children: list[Token]) -> _Word:
        return _Word("parent", str(children[1]), span_of(children[1]))

    def source(self, children: list[Token]) -> _Word:
        return _Word("source", _plain(children[1]), _cover(children))

    def member(self, children: list[Token]) -> _Word:
        return _Word("member", _plain(children[0]), span_of(children[0]))

    def level_column(self, children: list[_Child]) -> LevelDecl:
        parents = tuple(_words(children, "parent"))
        return LevelDecl(
            str(children[1]),
            _column(children),
            tuple(p.text for p in parents),
            _has(children[2:], "ORDERED"),
            name_span=span_of(children[1]),
            parent_spans=tuple(p.span for p in parents),
            span=_cover(children),
        )

    def level_fixed(self, children: list[_Child]) -> LevelFixed:
        members = tuple(m.text for m in _words(children, "member"))
        name_span = span_of(children[1])
        return LevelFixed(str(children[1]), members, name_span=name_span, span=_cover(children))

    def level_cross(self, children: list[Token]) -> LevelCross:
        # LEVEL name = name : name … ORDERED?: the components are every second token from the third
        return LevelCross(
            str(children[1]),
            tuple(str(c) for c in children[3::2]),
            len(children) % 2 == 1,
            name_span=span_of(children[1]),
            span=_cover(children),
        )

    def column(self, children: list[_Child]) -> DataColumn:
        return DataColumn(str(children[0]), _column(children), span=_cover(children))

    def type(self, children: list[_Child]) -> _Type:
        members = tuple(m.text for m in _words(children, "member"))
        return _Type(str(children[0]), members, _cover(children), span_of(children[0]))

    def per(self, children: list[_Child]) -> LevelName:
        level = children[1]
        assert isinstance(level, LevelName)
        return level

    def data_declared(self, children: list[_Child]) -> DataDecl:
        (kind,) = (c for c in children if isinstance(c, _Type))
        return DataDecl(
            tuple(c for c in children if isinstance(c, DataColumn)),
            kind.name,
            kind.members,
            _has(children, "IMPUTE"),
            _has(children, "DROP"),
            _level(children),
            type_span=kind.name_span,
            span=_cover(children),
        )

    def data_derived(self, children: list[_Child]) -> DataDerived:
        expr = children[3]
        assert isinstance(expr, Expr)
        name_span = span_of(children[1])
        return DataDerived(
            str(children[1]), expr, _level(children), name_span=name_span, span=_cover(children)
        )

    def report(self, children: list[_Child]) -> Report:
        expressions = _expressions(children)
        if not _has(children, "EQUAL"):
            return Report(expressions, span=_cover(children))
        return Report(expressions[:-1], expressions[-1], span=_cover(children))

    def define(self, children: list[_Child]) -> Define:
        *targets, expr = _expressions(children)
        return Define(tuple(targets), expr, span=_cover(children))

    def option(self, children: list[_Child]) -> With:
        levels = (":".join(c.names) for c in children if isinstance(c, LevelName))
        return With(str(children[1]), tuple(levels), span=_cover(children))

    def tilde(self, children: list[_Child]) -> Tilde:
        option = children[-1] if isinstance(children[-1], With) else None
        right = children[-1 if option is None else -2]
        assert isinstance(right, Call | Formula)
        left = children[: -2 if option is None else -3]
        return Tilde(_expressions(left), right, option, span=_cover(children))
