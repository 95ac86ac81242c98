"""Comments that quote the statement of the model which the next lines come from."""

from bisect import bisect_right
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
    statements: dict[int, Statement] = field(init=False)  # by where they start
    starts: list[int] = field(init=False)
    last: int = -1

    def __post_init__(self) -> None:
        self.statements = {s.span.start: s for s in parse(self.source)[0].statements}
        self.starts = sorted(self.statements)

    def place(self, span: Span) -> int:
        """Where the statement starts that a span lies in; -1 for none."""
        if span == NOWHERE:
            return -1
        before = bisect_right(self.starts, span.start) - 1
        if before < 0 or span.start >= self.statements[self.starts[before]].span.end:
            return span.start
        return self.starts[before]

    def of(self, span: Span) -> Comment | None:
        """The comment for a statement; None where it stands just above."""
        place = self.place(span)
        if place in (-1, self.last):
            return None
        self.last = place
        line, _ = self.source.position(place)
        found = self.statements.get(place)
        text = self.source.slice(span) if found is None else print_statement(found)
        return Comment(harmless(text), line)
