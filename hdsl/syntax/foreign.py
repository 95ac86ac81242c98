"""Characters and words that HDSL does not have: what they are called and what to type instead.

Where the meaning is plain (``**``, curly quotes) the word is reported and read as what was meant,
so that the rest of its statement is checked as well.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from math import isinf
from unicodedata import name as unicode_name

from lark import Token

from hdsl.diagnostics.diagnostic import Diagnostic, Label
from hdsl.syntax.builder import span_of
from hdsl.syntax.layout import NAMES

_SIGNS: Mapping[str, tuple[str, str]] = {
    "−": ("MINUS", "-"),
    "–": ("MINUS", "-"),
    "×": ("STAR", "*"),
    "·": ("STAR", "*"),
    "÷": ("SLASH", "/"),
    "≤": ("COMPARE", "<="),
    "≥": ("COMPARE", ">="),
    "≠": ("COMPARE", "!="),
    "∼": ("TILDE", "~"),
    "～": ("TILDE", "~"),
}

_HINTS: Mapping[str, str] = {
    "%": "write a share as a number (0.05); a comment begins with `#`",
    "!": "`!=` is the only sign with `!`; the opposite of a 0/1 value `a` is `1 - a`",
    "&": "a product of comparisons is their `and`: `(a > 0) * (b > 0)`",
    "$": "a column is called by its name alone; HDSL is given the data when it runs",
    "?": "a value that is missing is written `missing`",
    **dict.fromkeys("'“”„«»‘’", 'a text stands between straight double quotes: `"A"`'),
    "`": 'a column with an unusual name is declared once: `data price from "Unit price" : real`',
    "\\": "a line continues by itself after an operator or a comma, and inside brackets",
    "\0": "the file does not look like text in UTF-8",
    "�": "the file does not look like text in UTF-8",
    **dict.fromkeys("⁰¹²³⁴⁵⁶⁷⁸⁹", "a power is written with `^`: `sigma^2`"),
    "…": "write the expression in full",
}


def mend(tokens: Iterable[Token], found: list[Diagnostic]) -> Iterator[Token]:
    """The tokens with foreign words replaced by ours; what is wrong goes to ``found``."""
    for token in tokens:
        if token.type.startswith("FOREIGN_"):
            diagnostic, mended = _translated(token)
            found.append(diagnostic)
            if mended is not None:
                yield mended
        else:
            if token.type == "NUMBER" and _overflows(token):
                found.append(_too_large(token))
            yield token


def unreadable(tokens: tuple[Token, ...]) -> Diagnostic | None:
    """What makes a statement unreadable before its grammar is looked at, if anything."""
    for i, token in enumerate(tokens):
        if token.type == "UNCLOSED_TEXT":
            return _unclosed(token)
        if token.type == "UNKNOWN":
            return _dotted(tokens, i) if token == "." else _unknown(token)
    return None


def _translated(token: Token) -> tuple[Diagnostic, Token | None]:
    """What to say of a foreign word, and the token that was meant (a comment: none)."""
    label = Label(span_of(token))
    match token.type:
        case "FOREIGN_COMMENT":
            headline = f"`{token[:2]}` does not begin a comment"
            return Diagnostic("H116", headline, label, help="comments begin with `#`"), None
        case "FOREIGN_POWER":
            headline = "`**` is not a sign of HDSL"
            text = "a power is written with `^`: `sigma^2`"
            return Diagnostic("H110", headline, label, help=text), _as(token, "CIRCUMFLEX", "^")
        case "FOREIGN_ASSIGN":
            text = "a definition is written with `=`: `mu = alpha + beta * x`"
            diagnostic = Diagnostic("H109", "`:=` does not define anything", label, help=text)
            return diagnostic, _as(token, "EQUAL", "=")
        case "FOREIGN_TEXT":
            meant = f'"{token[1:-1]}"'
            kind = "single" if token.startswith("'") else "curly"
            headline = f"a text in {kind} quotes"
            diagnostic = Diagnostic("H103", headline, label, help=f"type `{meant}`")
            return diagnostic, _as(token, "STRING", meant)
        case _:
            terminal, meant = _SIGNS[token.value]
            headline = f"`{token}` is not the sign of the keyboard"
            diagnostic = Diagnostic("H102", headline, label, help=f"type `{meant}`")
            return diagnostic, _as(token, terminal, meant)


def _as(token: Token, terminal: str, value: str) -> Token:
    """Another token in the same place."""
    return Token(terminal, value, start_pos=token.start_pos, end_pos=token.end_pos)


def _overflows(token: Token) -> bool:
    short = len(token) < 300 and "e" not in token and "E" not in token
    return not short and isinf(float(token))


def _too_large(token: Token) -> Diagnostic:
    label = Label(span_of(token), "the largest number is about 1.8e308")
    return Diagnostic("H123", "this number is too large", label)


def _unclosed(token: Token) -> Diagnostic:
    label = Label(span_of(token), 'the line ends before a second `"`')
    text = 'a text ends on the line where it begins; a `"` inside is written twice: `"5"" pipe"`'
    return Diagnostic("H104", "this text has no closing quote", label, help=text)


def _unknown(token: Token) -> Diagnostic:
    character = token.value
    code_point = f"the character U+{ord(character):04X}"
    shown = f"`{character}`" if character.isprintable() else code_point
    called = unicode_name(character, "").lower()
    label = Label(span_of(token), called if character.isprintable() else "")
    text = _HINTS.get(character)
    return Diagnostic("H102", f"{shown} does not belong to HDSL", label, help=text)


def _dotted(tokens: tuple[Token, ...], i: int) -> Diagnostic:
    """A dot: most often inside the name of a column, as R allows."""
    place = span_of(tokens[i])
    around = tokens[max(i - 1, 0) : i + 2]
    whole = "".join(around)
    touching = all(a.end_pos == b.start_pos for a, b in pairwise(around))
    if len(around) == 3 and touching and around[0].type in NAMES and around[2].type in NAMES:
        place = span_of(around[0]).to(span_of(around[2]))
        text = (
            f'give the column another name: `data {whole.replace(".", "_")} from "{whole}" : real`'
        )
    else:
        text = "a name is made of letters, digits and `_`"
    return Diagnostic("H102", "a name cannot hold a `.`", Label(place), help=text)
