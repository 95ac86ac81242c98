"""Texts that can be broken over lines: the formatter's printing algebra.

Knows nothing of the language but that a line may break after a comma, before an infix sign, and
inside brackets.
"""

from dataclasses import dataclass
from typing import assert_never

INDENT = 4


@dataclass(frozen=True)
class Group:
    """Items between brackets, or between nothing, that stand on one line or on one line each."""

    opening: str
    items: "tuple[Part, ...]"
    separator: str
    closing: str

    def on_one_line(self) -> "tuple[Part, ...]":
        """Its parts, none of which breaks here."""
        separated = (p for item in self.items for p in (self.separator, item))
        return (self.opening, *tuple(separated)[1:], self.closing)

    def on_lines(self, indent: int) -> "list[tuple[int, Part | _Break]]":
        """Its parts with a break before each item; without brackets the first stays in place."""
        inner = indent + INDENT
        separator = self.separator.rstrip()
        parts: list[tuple[int, Part | _Break]] = [(indent, self.opening)]
        for number, item in enumerate(self.items):
            if number:
                parts.append((inner, separator))
            if number or self.opening:
                parts.append((inner, _Break(inner)))
            parts.append((inner, item))
        if self.closing:
            parts += [(indent, _Break(indent)), (indent, self.closing)]
        return parts


@dataclass(frozen=True)
class _Break:
    """The end of a line, and the column at which the next one begins."""

    indent: int


Part = str | Group | tuple["Part", ...]


def flat(part: Part) -> str:
    """The text on one line.

    >>> flat(("f", Group("(", ("a", "b"), ", ", ")")))
    'f(a, b)'
    """
    written: list[str] = []
    pending = [part]
    while pending:
        match pending.pop():
            case str() as text:
                written.append(text)
            case Group() as group:
                pending += reversed(group.on_one_line())
            case tuple() as parts:
                pending += reversed(parts)
            case never:
                assert_never(never)
    return "".join(written)


def wrapped(part: Part, width: int) -> str:
    """The text with as many groups broken, the outermost first, as it takes to fit ``width``.

    >>> print(wrapped(("f", Group("(", ("first", "second"), ", ", ")")), 10))
    f(
        first,
        second
    )
    """
    written: list[str] = []
    column = 0
    pending: list[tuple[int, Part | _Break]] = [(0, part)]
    while pending:
        indent, current = pending.pop()
        match current:
            case str():
                written.append(current)
                column += len(current)
            case _Break():
                written.append("\n" + " " * current.indent)
                column = current.indent
            case tuple():
                pending += [(indent, p) for p in reversed(current)]
            case Group():
                text = flat(current)
                if len(current.items) == 0 or _fits(text, width - column, pending):
                    pending.append((indent, text))
                else:
                    pending += reversed(current.on_lines(indent))
            case _:
                assert_never(current)
    return "".join(written)


def _fits(text: str, room: int, after: list[tuple[int, Part | _Break]]) -> bool:
    """Whether a text fits the line together with what follows it up to where that may break."""
    room -= len(text)
    follows = (part for _, part in reversed(after))
    inner: list[Part | _Break] = []  # parts of what follows, the next one last
    while room >= 0:
        match inner.pop() if inner else next(follows, None):
            case None | _Break():
                return True
            case str() as plain:
                room -= len(plain)
            case tuple() as parts:
                inner += reversed(parts)
            case Group(opening=opening, items=items):
                room -= len(opening)
                if opening:
                    return room >= 0
                inner += [_Break(0), *items[:1]] if len(items) > 1 else items
            case never:
                assert_never(never)
    return False
