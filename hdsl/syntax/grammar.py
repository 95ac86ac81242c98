"""The grammar that runs: its text, its tokens, its parsing tables.

Knows Lark; knows nothing of statements, trees or messages.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from lark import Lark, Token
from lark.common import LexerConf
from lark.lark import PostLex
from lark.lexer import Lexer

from hdsl.syntax.builder import Builder
from hdsl.syntax.cache import writable_cache

START = "statement"

HIDDEN = (
    "NEWLINE",
    "SEMICOLON",
    "COMMENT",
    "FOREIGN_COMMENT",
    "FOREIGN_POWER",
    "FOREIGN_ASSIGN",
    "FOREIGN_TEXT",
    "FOREIGN_SIGN",
    "UNCLOSED_TEXT",
    "UNKNOWN",
)
"""Terminals that no rule mentions: the layout takes them out before the parser runs."""


def grammar_text() -> str:
    """The grammar: the checkout's copy, else the one that the wheel carries."""
    checkout = Path(__file__).parents[2] / "grammar" / "hdsl.lark"
    if checkout.is_file():
        return checkout.read_text(encoding="utf-8")
    return files("hdsl").joinpath("grammar", "hdsl.lark").read_text(encoding="utf-8")


class Scanner(Lexer):
    """One regular expression made of all terminals of the grammar.

    Lark's own lexer would do, but it checks the terminals for collisions whenever it is built,
    which costs more than a whole run of ``hdsl check``; a test has Lark do it instead.
    """

    __future_interface__ = True  # tells Lark that ``lex`` takes two states

    def __init__(self, conf: LexerConf) -> None:
        # Lark's own order: the longer pattern first
        ranked = sorted(
            conf.terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value))
        )
        words = [t for t in ranked if t.pattern.value.isidentifier()]
        self._words = {str(t.pattern.value): t.name for t in words}
        self._ignored = frozenset(conf.ignore)
        self._pattern = re.compile(
            "|".join(f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in ranked if t not in words)
        )

    def scan(self, text: str) -> Iterator[Token]:
        """All tokens of a text, hidden ones included. Every text has tokens."""
        for match in self._pattern.finditer(text):
            kind = match.lastgroup
            assert kind is not None  # every alternative is named
            if kind in self._ignored:
                continue
            value = match.group(kind)
            if kind == "NAME":
                kind = self._words.get(value, kind)
            yield Token(kind, value, start_pos=match.start(), end_pos=match.end())

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:
        """What Lark calls when it is given a text instead of tokens."""
        return self.scan(str(lexer_state.text))


class _Everything(PostLex):
    """Tells Lark which terminals to keep although no rule mentions them."""

    always_accept = HIDDEN

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def build(**options: Any) -> Lark:
    """Lark's parser for the grammar, built anew; ``options`` go to Lark."""
    return Lark(
        grammar_text(),
        parser="lalr",
        start=START,
        keep_all_tokens=True,
        postlex=_Everything(),
        **options,
    )


@cache
def parser() -> Lark:
    """The parser of one statement; its callbacks build the tree while it runs.

    Lark keeps its tables in the user's cache folder, under a key made of the grammar and the
    versions of Lark and Python: to build them anew takes longer than all else that ``hdsl check``
    does. Without a folder, or with a broken file in it, they are built.
    """
    folder = writable_cache("grammar")
    tables = False if folder is None else str(folder / f"hdsl-lark-{version('lark')}.tables")
    return build(lexer=Scanner, transformer=Builder(), cache=tables)


@cache
def scanner() -> Scanner:
    """The scanner of the grammar's terminals."""
    return Scanner(parser().lexer_conf)


def spelling(terminal: str) -> str:
    """The sign or word that a terminal stands for.

    >>> spelling("VBAR")
    '|'
    """
    return str(parser().get_terminal(terminal).pattern.value)
