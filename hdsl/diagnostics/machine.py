"""Diagnostics for programs: JSON, GitHub annotations and SARIF 2.1.0."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from hdsl.diagnostics.catalogue import CATALOGUE
from hdsl.diagnostics.diagnostic import Diagnostic, Label, Severity
from hdsl.source import Source, Span

type Json = Mapping[str, object]

_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def clip(span: Span, source: Source) -> Span:
    """The part of a span that lies in the text, so that no span can break a report."""
    length = len(source.text)
    start = min(max(span.start, 0), length)
    return Span(start, min(max(span.end, start), length))


def _place(label: Label, source: Source) -> dict[str, int]:
    span = clip(label.span, source)
    line, column = source.position(span.start)
    end_line, end_column = source.position(span.end)
    return {"line": line, "column": column, "end_line": end_line, "end_column": end_column}


def _labelled(label: Label, source: Source) -> Json:
    return {**_place(label, source), "text": label.text}


def render_json(diagnostics: Sequence[Diagnostic], source: Source) -> str:
    """A JSON array, one object a diagnostic; lines and columns count from 1, ends are exclusive."""
    items = [
        {
            "code": d.code,
            "severity": d.severity.value,
            "headline": d.headline,
            "file": source.name,
            "label": _labelled(d.label, source) if d.label else None,
            "others": [_labelled(label, source) for label in d.others],
            "notes": list(d.notes),
            "help": d.help,
        }
        for d in diagnostics
    ]
    return json.dumps(items, indent=2)


def message(diagnostic: Diagnostic) -> str:
    """Everything a diagnostic says besides its code, as plain paragraphs."""
    parts = [diagnostic.headline]
    if diagnostic.label and diagnostic.label.text:
        parts.append(diagnostic.label.text)
    parts += diagnostic.notes
    if diagnostic.help:
        parts.append(f"help: {diagnostic.help}")
    return "\n".join(parts)


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")


def render_github(diagnostics: Sequence[Diagnostic], source: Source) -> str:
    """Workflow commands that GitHub shows as annotations, one a line."""
    lines = []
    for d in diagnostics:
        properties = {"file": source.name}
        if d.label:
            place = _place(d.label, source)
            properties |= {"line": str(place["line"]), "endLine": str(place["end_line"])}
            # GitHub ignores an annotation whose columns span several lines.
            if place["line"] == place["end_line"]:
                properties |= {"col": str(place["column"]), "endColumn": str(place["end_column"])}
        properties["title"] = d.code
        given = ",".join(f"{key}={_escape_property(value)}" for key, value in properties.items())
        lines.append(f"::{_GITHUB[d.severity]} {given}::{_escape_data(message(d))}")
    return "\n".join(lines)


def _region(label: Label, source: Source) -> Json:
    place = _place(label, source)
    return {
        "startLine": place["line"],
        "startColumn": place["column"],
        "endLine": place["end_line"],
        "endColumn": place["end_column"],
    }


def _location(label: Label | None, source: Source) -> Json:
    physical: dict[str, object] = {"artifactLocation": {"uri": _uri(source.name)}}
    location: dict[str, object] = {"physicalLocation": physical}
    if label:
        physical["region"] = _region(label, source)
        if label.text:
            location["message"] = {"text": label.text}
    return location


def _uri(name: str) -> str:
    # A surrogate is what Python makes of a file name that is not UTF-8.
    return quote(name.replace("\\", "/"), errors="replace")


def _rule(code: str) -> Json:
    entry = CATALOGUE[code]
    return {
        "id": code,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.explanation},
        "defaultConfiguration": {"level": entry.severity.value},
    }


def _result(diagnostic: Diagnostic, rules: Sequence[str], source: Source) -> Json:
    result: dict[str, object] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rules.index(diagnostic.code),
        "level": diagnostic.severity.value,
        "message": {"text": message(diagnostic)},
        "locations": [_location(diagnostic.label, source)],
    }
    if diagnostic.others:
        result["relatedLocations"] = [_location(label, source) for label in diagnostic.others]
    return result


def render_sarif(diagnostics: Sequence[Diagnostic], source: Source) -> str:
    """A SARIF 2.1.0 log with one run, whose rules are the codes that occur."""
    codes = sorted({d.code for d in diagnostics})
    run = {
        "tool": {"driver": {"name": "hdsl", "rules": [_rule(code) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(d, codes, source) for d in diagnostics],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(log, indent=2)
