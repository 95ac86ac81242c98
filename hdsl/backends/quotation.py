"""Comments that quote the statement of the model which the next lines come from."""

from dataclasses import dataclass, field

from hdsl.backends.namer import harmless
from hdsl.backends.program import Comment
from hdsl.source import NOWHERE, Source, Span
from hdsl.syntax.ast import Statement
from hdsl.syntax.parser import parse
from hdsl.syntax.printer import print_statement


@dataclass
class Quotation:
    """Quotes each statement once in a row."""

    source: Source
    statements: tuple[Statement, ...] = field(init=False)
    last: int = -1

    def __post_init__(self) -> None:
        self.statements = parse(self.source)[0].statements

    def place(self, span: Span) -> int:
        """Where the statement starts that a span lies in; -1 for none."""
        if span == NOWHERE:
            return -1
        starts = (s.span.start for s in self.statements if s.span.start <= span.start < s.span.end)
        return next(starts, span.start)

    def of(self, span: Span) -> Comment | None:
        """The comment for a statement; None where it stands just above."""
        place = self.place(span)
        if place in (-1, self.last):
            return None
        self.last = place
        line, _ = self.source.position(place)
        found = (s for s in self.statements if s.span.start == place)
        text = next((print_statement(s) for s in found), self.source.slice(span))
        return Comment(harmless(text), line)
