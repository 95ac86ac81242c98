"""Statements broken over lines as `ruff format` breaks them, from one flat line of Python.

The generated files pass the formatter unchanged without needing it. What is known here: names,
numbers, strings, brackets, commas and binary operators; nothing of the language or a backend.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

WIDTH = 100

_TOKEN = re.compile(
    r"""\s*(?P<token>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[()\[\]{},]|\*\*|[<>=!]=|[@+*/<>=:%|&~-]"""
    r"""|\d+\.?\d*(?:e[+-]?\d+)?|\.\.\.|\.?\w+)"""
)
_STRENGTH = {
    **dict.fromkeys(("<", ">", "<=", ">=", "==", "!="), 1),
    **dict.fromkeys(("+", "-"), 2),
    **dict.fromkeys(("*", "/", "@", "%"), 3),
    "**": 4,
}
_CLOSE = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Word:
    """A token that cannot be broken."""

    text: str


@dataclass(frozen=True)
class Bracket:
    """A bracketed list; ``called`` tells a call or an index from a tuple, a list, a parenthesis."""

    opening: str
    items: tuple["Sequence", ...]
    text: str
    attached: bool


Sequence = tuple[Word | Bracket, ...]


def lay_out(statement: str, indent: int = 0, width: int = WIDTH) -> list[str]:
    """The lines of a simple statement.

    >>> for line in lay_out("mu = alpha[region_of_row] + beta * x", width=30): print(line)
    mu = (
        alpha[region_of_row]
        + beta * x
    )
    """
    pad = " " * indent
    if len(pad + statement) <= width:
        return [pad + statement]
    target, assigns, value = _split_assignment(statement)
    layout, sequence = _Layout(width), parse(value)
    if not assigns:
        return layout.value(pad, sequence, indent)
    *above, head = layout.target(target, sequence, indent)
    return [*above, *layout.value(f"{head} = ", sequence, indent)]


def lay_out_entry(key: str, value: str, indent: int = 0, width: int = WIDTH) -> list[str]:
    """The lines of an entry of a dictionary.

    >>> lay_out_entry('"a"', '["b", "c"]', 4)
    ['    "a": ["b", "c"],']
    """
    return _Layout(width).item(f"{' ' * indent}{key}: ", parse(value), indent, ",")


def _split_assignment(statement: str) -> tuple[str, bool, str]:
    """The target, whether there is one, and the value."""
    depth = 0
    for match in _TOKEN.finditer(statement):
        token = match["token"]
        depth += token in _CLOSE
        depth -= token in _CLOSE.values()
        if token == "=" and depth == 0:
            return statement[: match.start()], True, statement[match.end() + 1 :]
    return "", False, statement


# ---------------------------------------------------------------- reading


def parse(text: str) -> Sequence:
    """The tokens of an expression with their brackets nested."""
    tokens = [match["token"] for match in _TOKEN.finditer(text)]
    sequence, rest = _sequence(tokens, 0)
    assert rest == len(tokens), f"unbalanced brackets: {text}"
    return sequence


def _sequence(tokens: list[str], at: int) -> tuple[Sequence, int]:
    found: list[Word | Bracket] = []
    while at < len(tokens) and tokens[at] not in (",", ")", "]", "}"):
        token = tokens[at]
        if token in _CLOSE:
            attached = bool(found) and not (
                isinstance(found[-1], Word) and _is_operator(found[-1].text)
            )
            bracket, at = _bracket(tokens, at, attached)
            found.append(bracket)
        else:
            found.append(Word(token))
            at += 1
    return tuple(found), at


def _is_operator(token: str) -> bool:
    return not (token[0].isalnum() or token[0] in "_.\"'") or token == ":"


def _bracket(tokens: list[str], at: int, attached: bool) -> tuple[Bracket, int]:
    opening = tokens[at]
    items: list[Sequence] = []
    at += 1
    comma = False
    while tokens[at] != _CLOSE[opening]:
        item, at = _sequence(tokens, at)
        items.append(item)
        comma = tokens[at] == ","
        at += comma
    inside = ", ".join(flat(item) for item in items)
    if comma:  # the comma of a tuple of one
        inside += ","
    return Bracket(opening, tuple(items), f"{opening}{inside}{_CLOSE[opening]}", attached), at + 1


def flat(sequence: Sequence) -> str:
    """The tokens on one line, spaced as the formatter spaces them.

    >>> flat(parse("f( a,b = -1 )+ x[i,:]**2"))
    'f(a, b=-1) + x[i, :] ** 2'
    """
    return _text(sequence, 0, len(sequence))


def _text(sequence: Sequence, start: int, end: int) -> str:
    return "".join(_spaced(sequence, i) for i in range(start, end))


def _spaced(sequence: Sequence, i: int) -> str:
    """A token with the spaces that its place asks for."""
    piece = sequence[i]
    if isinstance(piece, Bracket):
        return piece.text
    if not _is_binary(sequence, i) or (piece.text == "**" and _hugs(sequence, i)):
        return piece.text
    return f" {piece.text} "


def _is_binary(sequence: Sequence, i: int) -> bool:
    piece = sequence[i]
    if not isinstance(piece, Word) or piece.text not in _STRENGTH or i == 0:
        return False
    before = sequence[i - 1]
    return isinstance(before, Bracket) or not _is_operator(before.text)


def _hugs(sequence: Sequence, i: int) -> bool:
    """Whether both sides of a power are simple: names, attributes, numbers."""
    left, right = i - 1, i + 1
    while left >= 0 and isinstance(sequence[left], Word) and _is_name(sequence[left]):
        left -= 1
    start = left < 0 or (isinstance(sequence[left], Word) and left + 1 < i)
    if right < len(sequence) and sequence[right] == Word("-"):
        right += 1
    while right < len(sequence) and _is_name(sequence[right]):
        right += 1
    end = right == len(sequence) or isinstance(sequence[right], Word)
    return start and left + 1 < i and end


def _is_name(piece: Word | Bracket) -> bool:
    return isinstance(piece, Word) and not _is_operator(piece.text)


# ---------------------------------------------------------------- breaking


@dataclass(frozen=True)
class _Layout:
    """Breaks sequences so that lines stay within the width; ``head`` is the line so far."""

    width: int

    def fits(self, text: str) -> bool:
        return len(text) <= self.width

    def target(self, target: str, sequence: Sequence, indent: int) -> list[str]:
        """What stands left of `=`: several targets in parentheses where they are too long."""
        pad = " " * indent
        targets = parse(f"({target})")[0]
        assert isinstance(targets, Bracket)
        start = f"{pad}{target} = {_until_bracket(sequence, 0)}"
        if len(targets.items) == 1 or self.fits(start):
            return [pad + target]
        inner = indent + 4
        lines = [n for t in targets.items for n in self.item(" " * inner, t, inner, ",")]
        return [f"{pad}(", *lines, f"{pad})"]

    def value(self, head: str, sequence: Sequence, indent: int) -> list[str]:
        """The right side of an assignment, or a statement of its own."""
        operators = _weakest(sequence)
        if self.fits(head + flat(sequence)):
            return [head + flat(sequence)]
        if not operators and _is_fluent(sequence):
            return self._fluent(head, sequence, indent)
        if not operators and (not head.strip() or self.fits(head + _until_bracket(sequence, 0))):
            return self.chain(head, sequence, indent)
        if len(operators) == 1 and _has_open_edge(sequence) and self._explodes(head, sequence):
            return self.chain(head, sequence, indent)
        inner = " " * (indent + 4)
        body = [f"{head}(", *self.item(inner, sequence, indent + 4), " " * indent + ")"]
        if operators or all(self.fits(line) for line in body):
            return body
        return self.chain(head, sequence, indent)

    def item(self, head: str, sequence: Sequence, indent: int, tail: str = "") -> list[str]:
        """An argument or a parenthesised value: broken before its weakest operators."""
        if self.fits(head + flat(sequence) + tail):
            return [head + flat(sequence) + tail]
        start = _keyword_length(sequence)
        if start:
            return self.item(head + flat(sequence[:start]), sequence[start:], indent, tail)
        operators = _weakest(sequence)
        if not operators:
            return self.chain(head, sequence, indent, tail)
        edges = (0, *operators, len(sequence))
        lines: list[str] = []
        for begin, end in pairwise(edges):
            part = sequence[begin:end]
            first = head if begin == 0 else " " * indent
            if begin:
                operator = part[0]
                assert isinstance(operator, Word)
                first, part = f"{first}{operator.text} ", part[1:]
            lines += self.item(first, part, indent, tail if end == len(sequence) else "")
        return lines

    def chain(self, head: str, sequence: Sequence, indent: int, tail: str = "") -> list[str]:
        """Names and brackets: the first bracket is broken whose end is too far."""
        lines: list[str] = []
        line = head
        for i, piece in enumerate(sequence):
            if isinstance(piece, Word):
                line += _spaced(sequence, i)
                continue
            rest = _until_bracket(sequence, i + 1) if i + 1 < len(sequence) else tail
            if piece.items and not self.fits(line + piece.text + rest):
                *above, line = self.bracket(line, piece, indent)
                lines += above
            else:
                line += piece.text
        return [*lines, line + tail]

    def _explodes(self, head: str, sequence: Sequence) -> bool:
        """Whether what stands between the brackets fits, were all of them broken."""
        start = 0
        for i, piece in enumerate(sequence):
            if isinstance(piece, Bracket) and piece.items:
                if not self.fits(head + _text(sequence, start, i) + piece.opening):
                    return False
                head, start = " " * (len(head) - len(head.lstrip())) + ")", i + 1
        return self.fits(head + _text(sequence, start, len(sequence)))

    def bracket(self, head: str, bracket: Bracket, indent: int) -> list[str]:
        """The items of a bracket on a line of their own, or each on its own."""
        inner = " " * (indent + 4)
        close = " " * indent + _CLOSE[bracket.opening]
        together = ", ".join(flat(item) for item in bracket.items)
        single = len(bracket.items) == 1
        literal = not bracket.attached and (bracket.opening != "(" or not single)
        if not literal and self.fits(inner + together):  # a list or a tuple has an item a line
            return [head + bracket.opening, inner + together, close]
        comma = "" if single and (bracket.attached or bracket.opening == "(") else ","
        body = [
            line for item in bracket.items for line in self.item(inner, item, indent + 4, comma)
        ]
        return [head + bracket.opening, *body, close]

    def _fluent(self, head: str, sequence: Sequence, indent: int) -> list[str]:
        """A chain of method calls in parentheses, one call a line."""
        inner = " " * (indent + 4)
        if self.fits(inner + flat(sequence)):
            return [f"{head}(", inner + flat(sequence), " " * indent + ")"]
        lines: list[str] = []
        part: list[Word | Bracket] = []
        called = False
        for piece in sequence:
            if isinstance(piece, Word) and piece.text.startswith(".") and called:
                lines += self.chain(inner, tuple(part), indent + 4)
                part, called = [], False
            called = called or isinstance(piece, Bracket)
            part.append(piece)
        lines += self.chain(inner, tuple(part), indent + 4)
        return [f"{head}(", *lines, " " * indent + ")"]


def _weakest(sequence: Sequence) -> tuple[int, ...]:
    """Positions of the binary operators that bind least; none inside a keyword argument's name."""
    found = [i for i in range(len(sequence)) if _is_binary(sequence, i)]
    strengths = {i: _STRENGTH[flat((sequence[i],)).strip()] for i in found}
    least = min(strengths.values(), default=0)
    return tuple(i for i in found if strengths[i] == least)


def _keyword_length(sequence: Sequence) -> int:
    """How many tokens the `name=` of a keyword argument takes."""
    return 2 if len(sequence) > 2 and sequence[1] == Word("=") else 0


def _has_open_edge(sequence: Sequence) -> bool:
    """Whether an operation starts with a parenthesis, or ends with one or with a call."""
    first, last = sequence[0], sequence[-1]
    if isinstance(first, Bracket) and first.items:
        return True
    if not isinstance(last, Bracket) or not last.items:
        return False
    return last.opening == "(" or not last.attached


def _until_bracket(sequence: Sequence, start: int) -> str:
    """The text up to where a line may next be broken."""
    for i in range(start, len(sequence)):
        piece = sequence[i]
        if isinstance(piece, Bracket) and piece.items:
            return _text(sequence, start, i) + piece.opening
    return _text(sequence, start, len(sequence))


def _is_fluent(sequence: Sequence) -> bool:
    """Whether methods are called on what calls gave: the formatter indents such chains."""
    calls = 0
    for before, piece in pairwise(sequence):
        if isinstance(piece, Bracket) and piece.opening == "(" and isinstance(before, Word):
            calls += 1
    return calls > 1
