"""Where one statement ends and the next begins.

A newline or ``;`` ends a statement. A newline counts for nothing inside brackets, after an infix
sign, and before a line that begins with one, since no statement can. Where a bracket was left
open, or a line ends with a sign that nothing follows, the next line that can only be a statement
begins one all the same, so that one slip does not swallow the rest of the file.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lark import Token

INFIX = frozenset(
    {
        *("PLUS", "MINUS", "STAR", "SLASH", "AT", "CIRCUMFLEX", "COMPARE"),
        *("COMMA", "TILDE", "EQUAL", "VBAR", "COLON"),
    }
)
OPENING = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
CLOSING = frozenset(OPENING.values())
WORDS = frozenset({"FROM", "PER", "IN", "ORDERED", "WITH", "IMPUTE", "DROP"})
STATEMENT_WORDS = frozenset({"MODEL", "LEVEL", "DATA", "REPORT"})
NAMES = WORDS | STATEMENT_WORDS | {"NAME"}
OPERANDS = NAMES | {"NUMBER", "STRING"}

_AFTER_TARGET = frozenset({"TILDE", "EQUAL", "COMMA", "LSQB", "CIRCUMFLEX"})


@dataclass(frozen=True)
class Layout:
    """The tokens of each statement, and the comments, in the order of the text."""

    statements: tuple[tuple[Token, ...], ...]
    comments: tuple[tuple[Token, bool], ...]  # with whether it has a line of its own


@dataclass(frozen=True)
class _Piece:
    """The tokens between two ends of lines or ``;``."""

    tokens: tuple[Token, ...]
    after_semicolon: bool


def split(tokens: Iterable[Token]) -> Layout:
    """The statements of a text."""
    comments: list[tuple[Token, bool]] = []
    statements: list[tuple[Token, ...]] = []
    current: list[Token] = []
    opened: list[Token] = []
    for piece in _pieces(tokens, comments):
        if current and not _continues(current, opened, piece):
            statements.append(_typed(current))
            current, opened = [], []
        current += piece.tokens
        _track(opened, piece.tokens)
    if current:
        statements.append(_typed(current))
    return Layout(tuple(statements), tuple(comments))


def _pieces(tokens: Iterable[Token], comments: list[tuple[Token, bool]]) -> Iterator[_Piece]:
    """The pieces that hold any token; comments are put aside."""
    piece: list[Token] = []
    semicolon = line_begins = True
    for token in tokens:
        match token.type:
            case "COMMENT":
                comments.append((token, line_begins))
                continue
            case "NEWLINE" | "SEMICOLON":
                if piece:
                    yield _Piece(tuple(piece), semicolon)
                    piece, semicolon = [], False
                semicolon = semicolon or token.type == "SEMICOLON"
            case _:
                piece.append(token)
        line_begins = token.type == "NEWLINE"
    if piece:
        yield _Piece(tuple(piece), semicolon)


def _continues(current: Sequence[Token], opened: Sequence[Token], piece: _Piece) -> bool:
    """Whether a piece belongs to the statement before it."""
    if piece.after_semicolon:
        return False
    if opened:
        return not _must_begin(current[-1], len(opened), piece.tokens)
    if current[-1].type not in INFIX and piece.tokens[0].type not in INFIX:
        return False
    # `alpha ~` and on the next line `beta ~ region`: two statements, the first unfinished
    return not (_declares(piece.tokens) or (_relates(piece.tokens) and _relates(current)))


def _must_begin(before: Token, depth: int, piece: Sequence[Token]) -> bool:
    """Whether a line inside brackets can only be a statement: a bracket was left open."""
    types = [token.type for token in piece]
    if _tilde_inside(piece, depth) or _declares(piece):
        return True
    unfinished = before.type in INFIX or before.type in OPENING
    opened: list[Token] = []
    balanced = _track(opened, piece) and not opened
    return not unfinished and balanced and types[-1] != "COMMA" and _relates(piece)


def _declares(tokens: Sequence[Token]) -> bool:
    """Whether the tokens begin as only a statement can: ``level region``, ``model "…"``."""
    types = [token.type for token in tokens[:2]]
    return types[0] in STATEMENT_WORDS and types[1:] in (["NAME"], ["STRING"])


def _relates(tokens: Iterable[Token]) -> bool:
    """Whether a ``~`` or ``=`` stands outside all brackets."""
    depth = 0
    for token in tokens:
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if depth == 0 and token.type in ("TILDE", "EQUAL"):
            return True
    return False


def _tilde_inside(tokens: Iterable[Token], depth: int) -> bool:
    """Whether a ``~`` stands inside brackets, where none can; ``depth`` are open before."""
    for token in tokens:
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if token.type == "TILDE" and depth > 0:
            return True
    return False


def _track(opened: list[Token], tokens: Iterable[Token]) -> bool:
    """Keeps the list of open brackets; False where one was closed that was never opened."""
    sound = True
    for token in tokens:
        if token.type in OPENING:
            opened.append(token)
        elif token.type in CLOSING:
            sound = sound and bool(opened)
            del opened[-1:]
    return sound


def _typed(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """A statement whose words are statement words only at its start, and only if no target."""
    first = tokens[0]
    if first.type in STATEMENT_WORDS and len(tokens) > 1 and tokens[1].type in _AFTER_TARGET:
        first = first.update(type="NAME")
    rest = (t.update(type="NAME") if t.type in STATEMENT_WORDS else t for t in tokens[1:])
    return (first, *rest)
