"""The lines of a model that a diagnostic speaks of, with its labels drawn under them.

Out come rows of styled pieces; whether the styles become colours is the renderer's business.
Columns are cells of a terminal, so that carets stand under wide and combining characters.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hdsl.diagnostics.diagnostic import Diagnostic, Label
from hdsl.diagnostics.machine import clip
from hdsl.diagnostics.visible import cells, visible
from hdsl.source import Source, Span

type Piece = tuple[str, str]
"""A text and the name of its style: ``gutter``, ``primary``, ``secondary`` or nothing."""

type Row = tuple[Piece, ...]

_LINE_LIMIT = 160  # characters of a line that are shown; a longer one is cut around its labels
_LEAD = 30  # characters kept before the first label of a line that is cut
_ENDS = 2  # lines shown at either end of a label over many lines


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """What every drawn label has; the primary one is drawn with carets."""

    text: str
    primary: bool

    @property
    def style(self) -> str:
        return "primary" if self.primary else "secondary"

    @property
    def stroke(self) -> str:
        return "^" if self.primary else "-"


@dataclass(frozen=True, kw_only=True)
class _Mark(_Drawn):
    """A label on one line, in characters of that line."""

    line: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class _Bracket(_Drawn):
    """A label over several lines: from a character of the first to one of the last."""

    first: int
    start: int
    last: int
    end: int


@dataclass(frozen=True)
class _View:
    """What is shown of a line: its characters from ``first`` to ``last``."""

    line: str
    first: int
    last: int

    @property
    def text(self) -> str:
        before = "…" if self.first else ""
        after = "…" if self.last < len(self.line) else ""
        return before + visible(self.line[self.first : self.last]) + after

    def cell(self, character: int) -> int:
        """The cell at which a character of the line starts."""
        shown = self.line[self.first : min(character, self.last)]
        return (1 if self.first else 0) + cells(visible(shown))


def _trim(span: Span, source: Source) -> Span:
    """The span without the line end that it stops behind: that is no place to point at."""
    text = source.text
    end = span.end
    while end > span.start and text[end - 1] in "\r\n":
        end -= 1
    return Span(span.start, end)


def _place(label: Label, source: Source, primary: bool) -> _Mark | _Bracket:
    span = _trim(clip(label.span, source), source)
    first, start = source.position(span.start)
    last, end = source.position(span.end)
    if first == last:
        return _Mark(line=first, start=start - 1, end=end - 1, text=label.text, primary=primary)
    return _Bracket(
        first=first, start=start - 1, last=last, end=end - 1, text=label.text, primary=primary
    )


def _layout(diagnostic: Diagnostic, source: Source) -> tuple[list[_Mark], _Bracket | None]:
    """The labels by line; only one label may span lines, any other is cut to its first."""
    marks: list[_Mark] = []
    bracket: _Bracket | None = None
    labels = [(diagnostic.label, True)] if diagnostic.label else []
    for label, primary in [*labels, *((other, False) for other in diagnostic.others)]:
        match _place(label, source, primary):
            case _Mark() as mark:
                marks.append(mark)
            case _Bracket() as found if bracket is None:
                bracket = found
            case _Bracket(first=first, start=start, text=text):
                end = len(source.line(first))
                mark = _Mark(line=first, start=start, end=end, text=text, primary=primary)
                marks.append(mark)
    return marks, bracket


def _lines_shown(marks: Iterable[_Mark], bracket: _Bracket | None) -> list[int]:
    """The numbers of the lines to show: a gap of one line is shown rather than announced."""
    numbers = {mark.line for mark in marks}
    if bracket:
        inside = range(bracket.first, bracket.last + 1)
        numbers |= set(inside[:_ENDS]) | set(inside[-_ENDS:])
    return sorted(numbers | {n + 1 for n in numbers if n + 1 not in numbers and n + 2 in numbers})


def _view(line: str, starts: Sequence[int]) -> _View:
    if len(line) <= _LINE_LIMIT:
        return _View(line, 0, len(line))
    first = max(0, min(starts, default=0) - _LEAD)
    return _View(line, first, min(len(line), first + _LINE_LIMIT))


def _underline(marks: Sequence[_Mark], view: _View) -> list[Piece]:
    """One row of carets and dashes; where they meet, the carets of the primary label show."""
    painted: dict[int, Piece] = {}
    for mark in sorted(marks, key=lambda mark: mark.primary):
        start = view.cell(mark.start)
        for cell in range(start, max(view.cell(mark.end), start + 1)):
            painted[cell] = (mark.stroke, mark.style)
    return [painted.get(cell, (" ", "")) for cell in range(max(painted) + 1)]


def _hanging(marks: Sequence[_Mark], view: _View) -> list[list[Piece]]:
    """The texts that found no room beside their mark: each below it, at the end of a bar."""

    def row(bars: Sequence[_Mark], last: Piece | None, at: int) -> list[Piece]:
        by_cell = {view.cell(mark.start): ("|", mark.style) for mark in bars}
        pieces = [by_cell.get(cell, (" ", "")) for cell in range(at)]
        return [*pieces, last] if last else pieces

    rightmost = max(view.cell(mark.start) for mark in marks)
    rows = [row(marks, None, rightmost + 1)]
    for i, mark in enumerate(marks):
        at = view.cell(mark.start)
        rows.append(row(marks[i + 1 :], (visible(mark.text), mark.style), at))
    return rows


def _mark_rows(marks: Sequence[_Mark], view: _View) -> list[list[Piece]]:
    """The rows under one line: the underlining, then the texts from right to left."""
    if not marks:
        return []
    ordered = sorted(marks, key=lambda m: (m.start, m.primary), reverse=True)
    underline = _underline(marks, view)
    beside = ordered[0]
    room = max(view.cell(beside.end), view.cell(beside.start) + 1) == len(underline)
    if room and beside.text:
        underline += [(" ", ""), (visible(beside.text), beside.style)]
    below = [m for m in ordered if m.text and not (room and m is beside)]
    return [underline, *(_hanging(below, view) if below else [])]


def _margin(bracket: _Bracket | None, drawn: bool) -> Piece:
    """The three columns between the bar and the text; a label over several lines runs in them."""
    return (" | ", bracket.style) if bracket and drawn else ("   ", "")


def draw(diagnostic: Diagnostic, source: Source) -> tuple[Row, ...]:
    """The labelled lines of a diagnostic, from the first bar to the last label."""
    marks, bracket = _layout(diagnostic, source)
    numbers = _lines_shown(marks, bracket)
    width = len(str(numbers[-1]))
    bar: Piece = (" " * (width + 2) + "|", "gutter")
    rows: list[Row] = [(bar,)]
    previous = numbers[0]
    for number in numbers:
        inside = bracket is not None and bracket.first < number <= bracket.last
        if number > previous + 1:
            dots = "...".ljust(width + 3)
            rows.append(((dots, "gutter"), _margin(bracket, inside)) if inside else ((dots, ""),))
        previous = number
        here = [mark for mark in marks if mark.line == number]
        view = _view(source.line(number), [mark.start for mark in here])
        head: Piece = (f" {number:>{width}} |", "gutter")
        rows.append((head, _margin(bracket, inside), (view.text, "")))
        rows += [(bar, _margin(bracket, inside), *row) for row in _mark_rows(here, view)]
        if bracket and number in (bracket.first, bracket.last):
            rows.append((bar, *_bracket_end(bracket, number, view)))
    return tuple(rows)


def _bracket_end(bracket: _Bracket, number: int, view: _View) -> list[Piece]:
    """The row that leads from the margin to the first, or from the margin to the last character."""
    if number == bracket.first:
        return [("  _" + "_" * view.cell(bracket.start) + bracket.stroke, bracket.style)]
    lead = " |_" + "_" * max(view.cell(bracket.end) - 1, 0) + bracket.stroke
    return [(f"{lead} {visible(bracket.text)}".rstrip(), bracket.style)]
