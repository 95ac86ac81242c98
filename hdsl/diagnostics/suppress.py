"""Which diagnostics are shown, and in which order.

A comment ``# hdsl: ignore[H601, H602]`` silences warnings and notes of these codes on its line
or, where it stands alone, on the next line that is not a comment. An error is never silenced.
"""

import re
from collections.abc import Iterable, Mapping

from hdsl.diagnostics.diagnostic import Diagnostic, Label, Severity
from hdsl.source import Source

# A quoted text may hold a `#`; it is skipped before a comment is looked for.
_COMMENT = re.compile(r'^(?P<before>(?:"(?:[^"\\]|\\.)*"|[^"#])*)#(?P<comment>.*)$')
_IGNORE = re.compile(r"\bhdsl:\s*ignore\[([^\]]*)\]")


def in_source_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics by place, each once; those without a place come last."""

    def place(diagnostic: Diagnostic) -> tuple[bool, int, int, str]:
        label = diagnostic.label
        span = (label.span.start, label.span.end) if label else (0, 0)
        return label is None, *span, diagnostic.code

    seen: dict[tuple[str, str, object], Diagnostic] = {}
    for diagnostic in diagnostics:
        span = diagnostic.label.span if diagnostic.label else None
        seen.setdefault((diagnostic.code, diagnostic.headline, span), diagnostic)
    return tuple(sorted(seen.values(), key=place))


def ignored_codes(source: Source) -> Mapping[int, frozenset[str]]:
    r"""The codes that the comments silence, by line.

    >>> found = ignored_codes(Source("# hdsl: ignore[H601]\nb ~ a  # hdsl: ignore[H602]"))
    >>> sorted(found[1]), sorted(found[2])
    (['H601'], ['H601', 'H602'])
    """
    by_line: dict[int, frozenset[str]] = {}
    above: frozenset[str] = frozenset()
    for number in range(1, len(source.line_starts) + 1):
        match = _COMMENT.match(source.line(number))
        ignore = _IGNORE.search(match["comment"]) if match else None
        codes = frozenset(ignore[1].replace(",", " ").split()) if ignore else frozenset()
        alone = match is not None and not match["before"].strip()
        if codes or above:
            by_line[number] = codes | above
        above = codes | above if alone else frozenset()
    return by_line


def apply_ignores(diagnostics: Iterable[Diagnostic], source: Source) -> tuple[Diagnostic, ...]:
    """The diagnostics that no comment of the source silences."""
    ignored = ignored_codes(source)

    def silenced(code: str, label: Label | None) -> bool:
        if label is None:
            return False
        first, _ = source.position(label.span.start)
        last, _ = source.position(max(label.span.start, label.span.end - 1))
        return code in ignored.get(first, ()) or code in ignored.get(last, ())

    return tuple(
        d for d in diagnostics if d.severity is Severity.ERROR or not silenced(d.code, d.label)
    )
