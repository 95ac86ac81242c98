"""Blocks of columns where there is little room: the first few, and how many there are besides."""

from dataclasses import replace

from hdsl.expr import Block, Expr
from hdsl.ir.text import text_of

MOST = 8
"""So many columns of a block are shown; of more, the first ``MOST - 2``."""


def shown(expr: Expr) -> str:
    """An expression in HDSL, a long block cut short.

    >>> from hdsl.expr import Value
    >>> shown(Block("X", tuple((name, Value(name)) for name in "abcdefghij")))
    '[a, b, c, d, e, f, … 4 more]'
    """
    if not isinstance(expr, Block):
        return text_of(expr)
    first, rest = cut(expr)
    text = text_of(first)
    return f"{text[:-1]}, … {rest} more]" if rest else text


def cut(block: Block) -> tuple[Block, int]:
    """The columns of a block that are shown, and how many are not."""
    if len(block.items) <= MOST:
        return block, 0
    return replace(block, items=block.items[: MOST - 2]), len(block.items) - MOST + 2
