"""Pieces of generated Python with their binding strength, so that brackets stand only where needed.

Knows Python's grammar of expressions and nothing of the language or of a backend.
"""

import re
from dataclasses import dataclass
from enum import IntEnum


class Binding(IntEnum):
    """How tightly the outermost operator of a piece of Python binds."""

    COMPARISON = 1
    SUM = 2
    PRODUCT = 3
    SIGN = 4
    POWER = 5
    ATOM = 6


@dataclass(frozen=True)
class Code:
    """A Python expression and how tightly it binds."""

    text: str
    binding: Binding = Binding.ATOM

    def within(self, binding: Binding) -> str:
        """The text, in brackets if it binds more loosely than its place demands.

        >>> Code("a + b", Binding.SUM).within(Binding.PRODUCT)
        '(a + b)'
        """
        return self.text if self.binding >= binding else f"({self.text})"


_ALONE = re.compile(r"(?:(?<=\()|(?<=, ))\{(\d)\}(?=[),])")
_SLOT = re.compile(r"\{(\d)\}")


def fill(template: str, arguments: tuple[Code, ...]) -> str:
    """A template with its slots filled: bare between brackets and commas, bracketed elsewhere.

    >>> fill("np.log({0} / (1.0 - {0}))", (Code("a + b", Binding.SUM),))
    'np.log((a + b) / (1.0 - (a + b)))'
    """

    def put(slot: re.Match[str]) -> str:
        alone = _ALONE.match(template, slot.start())
        return arguments[int(slot[1])].within(Binding.COMPARISON if alone else Binding.ATOM)

    return _SLOT.sub(put, template)


_SIMPLE = re.compile(r"-?[\w.]+")


def infix(symbol: str, left: Code, right: Code) -> Code:
    """Two operands joined by ``+ - * / **``, as a formatter would set them.

    >>> infix("**", Code("x"), Code("2.0")).text
    'x**2.0'
    """
    match symbol:
        case "+" | "-":
            binding, right_binding = Binding.SUM, Binding.PRODUCT
        case "*" | "/":
            binding, right_binding = Binding.PRODUCT, Binding.SIGN
        case "**":
            base, exponent = left.within(Binding.ATOM), right.within(Binding.SIGN)
            tight = _SIMPLE.fullmatch(base) and _SIMPLE.fullmatch(exponent)
            return Code(f"{base}{'**' if tight else ' ** '}{exponent}", Binding.POWER)
        case _:
            raise ValueError(f"no infix operator: {symbol}")
    text = f"{left.within(binding)} {symbol} {right.within(right_binding)}"
    return Code(text, binding)


def prefix(symbol: str, operand: Code) -> Code:
    """An operand with a sign before it."""
    return Code(f"{symbol}{operand.within(Binding.SIGN)}", Binding.SIGN)
