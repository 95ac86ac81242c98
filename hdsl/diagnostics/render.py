"""Diagnostics as text: for people in full or one a line, for programs as data."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Literal, assert_never

from hdsl.diagnostics.diagnostic import Diagnostic, Severity
from hdsl.diagnostics.machine import clip, render_github, render_json, render_sarif
from hdsl.diagnostics.snippet import Row, draw
from hdsl.diagnostics.suppress import in_source_order
from hdsl.diagnostics.visible import visible, visible_lines
from hdsl.source import Source

type Form = Literal["full", "concise", "json", "github", "sarif"]

FORMS: tuple[Form, ...] = ("full", "concise", "json", "github", "sarif")

_SEVERITY_STYLE = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def render(
    diagnostics: Sequence[Diagnostic], source: Source, form: Form = "full", colour: bool = False
) -> str:
    """The report of a model's diagnostics, in source order, each once.

    ``colour`` is for a terminal and holds for the forms that people read. What a comment of the
    source silences is left to ``apply_ignores``.
    """
    ordered = in_source_order(diagnostics)
    match form:
        case "full":
            return "\n\n".join(
                "\n".join(_text(row, d.severity, colour) for row in full_rows(d, source))
                for d in ordered
            )
        case "concise":
            return "\n".join(_text(_concise(d, source), d.severity, colour) for d in ordered)
        case "json":
            return render_json(ordered, source)
        case "github":
            return render_github(ordered, source)
        case "sarif":
            return render_sarif(ordered, source)
        case _:
            assert_never(form)


def counted(diagnostics: Sequence[Diagnostic]) -> str:
    """How many diagnostics of each severity there are, in words; empty where there are none.

    >>> counted([])
    ''
    """
    counts = {s: sum(d.severity is s for d in diagnostics) for s in Severity}
    return ", ".join(
        f"{count} {severity.value}{'s' if count > 1 else ''}"
        for severity, count in counts.items()
        if count
    )


def full_rows(diagnostic: Diagnostic, source: Source) -> tuple[Row, ...]:
    """A diagnostic with the lines it speaks of, its notes and its help."""
    rows: list[Row] = [_headline(diagnostic)]
    if diagnostic.label:
        snippet = draw(diagnostic, source)
        bar = snippet[0]
        arrow = " " * (len(bar[0][0]) - 2) + "--> "
        rows += [((arrow, "gutter"), (_location(diagnostic, source), "")), *snippet]
        if diagnostic.notes or diagnostic.help:
            rows.append(bar)
    elif source.name:
        rows.append((("  --> ", "gutter"), (visible(source.name), "")))
    for note in diagnostic.notes:
        rows += _remark("note", note)
    if diagnostic.help:
        rows += _remark("help", diagnostic.help)
    return tuple(rows)


def _headline(diagnostic: Diagnostic) -> Row:
    kind = f"{diagnostic.severity.value}[{diagnostic.code}]"
    return ((kind, "primary"), (f": {visible(diagnostic.headline)}", "headline"))


def _location(diagnostic: Diagnostic, source: Source) -> str:
    """``demand.hdsl:7:8``, or the bare name where the text has no place to blame."""
    name = visible(source.name)
    if diagnostic.label is None:
        return name
    line, column = source.position(clip(diagnostic.label.span, source).start)
    return f"{name}:{line}:{column}"


def _concise(diagnostic: Diagnostic, source: Source) -> Row:
    return ((f"{_location(diagnostic, source)}: ", ""), *_headline(diagnostic))


def _remark(kind: str, text: str) -> list[Row]:
    first, *others = visible_lines(text)
    indent = " " * (len(kind) + 2)
    return [
        ((f"{kind}:", "headline"), (f" {first}", "")),
        *(((indent + line, ""),) for line in others),
    ]


def _styles(severity: Severity) -> Mapping[str, str]:
    return {
        "primary": f"bold {_SEVERITY_STYLE[severity]}",
        "secondary": "bold blue",
        "gutter": "bold blue",
        "headline": "bold",
    }


def _text(row: Row, severity: Severity, colour: bool) -> str:
    if not colour:
        return "".join(text for text, _ in row).rstrip()
    from rich.style import Style  # only a terminal needs it

    styles = _styles(severity)

    runs = groupby(row, key=lambda piece: piece[1])  # one escape sequence for a row of carets
    texts = [(style, "".join(text for text, _ in pieces)) for style, pieces in runs]
    return "".join(
        Style.parse(styles[style]).render(text) if style else text for style, text in texts
    )
