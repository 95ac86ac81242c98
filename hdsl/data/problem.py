"""How the findings in data are worded: rows as people count them, a few values and no more."""

from collections.abc import Iterable, Sequence

from hdsl.diagnostics.diagnostic import Diagnostic, Label
from hdsl.source import NOWHERE, Span

SHOWN = 5
"""How many offending rows or groups a message shows."""


def numbered(count: int, singular: str, plural: str | None = None) -> str:
    """A count with its noun.

    >>> numbered(1, "row"), numbered(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def listing(items: Iterable[str], count: int | None = None) -> str:
    """The first few items, and how many there are besides.

    >>> listing(["a", "b", "c", "d", "e", "f", "g"])
    'a, b, c, d, e and 2 more'
    """
    shown = list(items)
    total = len(shown) if count is None else count
    rest = total - SHOWN
    text = ", ".join(shown[:SHOWN])
    return f"{text} and {rest:,} more" if rest > 0 else text


def quoted(text: str) -> str:
    r"""A label as it is written in a model.

    >>> quoted('a "b"')
    '"a \\"b\\""'
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def number(value: float) -> str:
    """A number as a person would write it.

    >>> number(3.0), number(0.12345678)
    ('3', '0.123457')
    """
    return f"{value:.6g}"


def rows_note(rows: Sequence[int], values: Sequence[str]) -> str:
    r"""The first offending rows with their values; rows are given from 0, shown from 1.

    >>> rows_note([0, 4], ["-1", "-3"])
    'row 1: -1\nrow 5: -3'
    """
    pairs = zip(rows[:SHOWN], values, strict=False)
    lines = [f"row {row + 1}: {value}" for row, value in pairs]
    rest = len(rows) - SHOWN
    return "\n".join(
        [*lines, f"… and {numbered(rest, 'more row', 'more rows')}"] if rest > 0 else lines
    )


def finding(
    code: str,
    headline: str,
    span: Span = NOWHERE,
    label: str = "",
    notes: Iterable[str] = (),
    help: str | None = None,
) -> Diagnostic:
    """A diagnostic at a span of the model, or at none where the node has no place in the text."""
    at = None if span == NOWHERE else Label(span, label)
    return Diagnostic(code, headline, at, notes=tuple(n for n in notes if n), help=help)
