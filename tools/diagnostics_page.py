"""The page of all diagnostics, made from the catalogue."""

from collections.abc import Iterator, Mapping
from itertools import groupby

from hdsl.diagnostics.catalogue import CATALOGUE
from hdsl.diagnostics.entry import Entry
from tools.documents import ROOT

PAGE = ROOT / "docs" / "diagnostics.md"
_FAMILIES = {
    "H1": "Syntax",
    "H2": "Names and levels",
    "H3": "Types and supports",
    "H4": "Hierarchy",
    "H5": "Backends",
    "H6": "Statistical advice",
    "H7": "Remarks of passes",
    "H9": "Data and run time",
}
_HEAD = """# Every message

What HDSL can report, as `hdsl explain CODE` tells it. Errors stop; warnings and notes do not,
unless `hdsl check --strict` asks for it. `# hdsl: ignore[H601]` behind a statement, or on a line of
its own above it, silences a warning there; an error is never silenced.

*This page is made from the catalogue by `python -m tools.refresh`.*
"""


def diagnostics_page() -> str:
    """The whole page as Markdown."""
    families = groupby(CATALOGUE.values(), key=lambda entry: entry.code[:2])
    chapters = (
        f"## {_FAMILIES[family]}\n\n" + "\n".join(_section(entry) for entry in entries)
        for family, entries in families
    )
    return "\n".join([_HEAD, *chapters])


def _section(entry: Entry) -> str:
    parts = [f"### {entry.code}: {entry.title}\n", f"*{entry.severity.value}*\n"]
    parts.append(entry.explanation.strip() + "\n")
    if entry.bad.strip():
        parts.append("Reported for\n\n" + _fenced("hdsl-wrong", entry.bad))
        parts += _data(entry.rows, entry.tables)
    if entry.good.strip():
        parts.append("Write instead\n\n" + _fenced("hdsl", entry.good))
        parts += _data(entry.good_rows, entry.good_tables)
    return "\n".join(parts)


def _data(rows: str | None, tables: Mapping[str, str] | None) -> Iterator[str]:
    if rows:
        yield "with the rows\n\n" + _fenced("csv", rows)
    for level, text in (tables or {}).items():
        yield f"and the table of `{level}`\n\n" + _fenced("csv", text)


def _fenced(language: str, text: str) -> str:
    body = text.strip("\n")
    fence = "```" if "```" not in body else "~~~~"
    return f"{fence}{language}\n{body}\n{fence}\n"
