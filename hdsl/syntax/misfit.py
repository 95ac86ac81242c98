"""The place where a statement stops making sense, and what is known of it there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from lark import Token

from hdsl.diagnostics.diagnostic import Diagnostic, Label
from hdsl.source import Source, Span
from hdsl.syntax.builder import span_of
from hdsl.syntax.grammar import spelling
from hdsl.syntax.layout import CLOSING, NAMES, OPENING

OPERATORS = frozenset({"PLUS", "MINUS", "STAR", "SLASH", "AT", "CIRCUMFLEX", "COMPARE"})
_EXPRESSION = NAMES | {"NUMBER", "STRING", "LPAR", "LSQB", "MINUS"}

# If the first terminals can stand somewhere, the second ones are meant by the phrase.
_PHRASES: tuple[tuple[frozenset[str], frozenset[str], str], ...] = (
    (frozenset({"NAME", "NUMBER", "LPAR", "MINUS"}), _EXPRESSION, "an expression"),
    (frozenset({"NAME"}), NAMES, "a name"),
    (frozenset({"STRING"}), frozenset({"STRING"}), "a text in quotes"),
    (frozenset({"NUMBER"}), frozenset({"NUMBER"}), "a number"),
    (frozenset({"PLUS", "STAR"}), OPERATORS, "an operator"),
)


@dataclass(frozen=True)
class Misfit:
    """A statement, the first of its tokens that cannot stand where it does, and what could.

    ``index`` is that of the token; it is ``len(tokens)`` where the statement ends too early.
    ``accepts`` names the terminals that could stand there, ``$END`` for the end.
    """

    source: Source
    tokens: tuple[Token, ...]
    index: int
    accepts: frozenset[str]

    @property
    def token(self) -> Token | None:
        """The token that does not fit; None at the end of the statement."""
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    @property
    def type(self) -> str:
        """The terminal of the token that does not fit, ``$END`` at the end of the statement."""
        return "$END" if self.token is None else self.token.type

    @property
    def before(self) -> Token | None:
        """The last token that fits."""
        return self.tokens[self.index - 1] if self.index else None

    @property
    def head(self) -> str:
        """The terminal that begins the statement."""
        return self.tokens[0].type

    @property
    def place(self) -> Span:
        """The token that does not fit or, at the end, the last one of the statement."""
        return span_of(self.tokens[min(self.index, len(self.tokens) - 1)])

    @cached_property
    def opened(self) -> tuple[Token, ...]:
        """The brackets that are open where the statement goes wrong."""
        return still_open(self.tokens[: self.index])

    @cached_property
    def relation(self) -> Token | None:
        """The ``~`` or ``=`` of the statement, if it stands before the place."""
        return next(iter(relations(self.tokens[: self.index])), None)

    @property
    def in_index(self) -> bool:
        """Whether the innermost open bracket belongs to a name: ``alpha[``."""
        if not self.opened or self.opened[-1].type != "LSQB":
            return False
        at = self.position(self.opened[-1])
        return at > 0 and self.tokens[at - 1].type in NAMES

    def position(self, token: Token) -> int:
        """The index of a token of the statement; tokens of the same text are told apart."""
        return next(i for i, t in enumerate(self.tokens) if t is token)

    def text(self, tokens: Sequence[Token]) -> str:
        """Tokens as they stand in the text, on one line."""
        return " ".join(self.source.slice(cover(tokens)).split()) if tokens else ""

    def says(
        self,
        code: str,
        headline: str,
        text: str = "",
        *,
        at: Span | None = None,
        others: tuple[Label, ...] = (),
        help: str | None = None,
    ) -> Diagnostic:
        """A diagnostic that points at the place, or at another one."""
        label = Label(self.place if at is None else at, text)
        return Diagnostic(code, headline, label, others, help=help)


def cover(tokens: Sequence[Token]) -> Span:
    """The place of several tokens in a row."""
    return span_of(tokens[0]).to(span_of(tokens[-1]))


def still_open(tokens: Iterable[Token]) -> tuple[Token, ...]:
    """The brackets that the tokens open and do not close."""
    opened: list[Token] = []
    for token in tokens:
        if token.type in OPENING:
            opened.append(token)
        elif token.type in CLOSING:
            del opened[-1:]
    return tuple(opened)


def relations(tokens: Iterable[Token]) -> tuple[Token, ...]:
    """The ``~`` and ``=`` that stand outside all brackets."""
    depth = 0
    found: list[Token] = []
    for token in tokens:
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if depth == 0 and token.type in ("TILDE", "EQUAL"):
            found.append(token)
    return tuple(found)


def expected(accepts: frozenset[str]) -> str:
    """What could stand somewhere, in words.

    >>> expected(frozenset({"PLUS", "MINUS", "STAR", "COMMA", "RPAR"}))
    'an operator, `)` or `,`'
    """
    rest = accepts
    phrases: list[str] = []
    for sign, covered, phrase in _PHRASES:
        if sign <= rest:
            rest -= covered
            phrases.append(phrase)
    phrases += sorted(f"`{spelling(terminal)}`" for terminal in rest - {"$END"})
    if "$END" in rest:
        phrases.append("the end of the statement")
    *most, last = phrases
    return f"{', '.join(most)} or {last}" if most else last
