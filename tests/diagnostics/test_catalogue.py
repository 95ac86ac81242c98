"""Every code of the catalogue is shown by its bad snippet and mended by its good one."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from hdsl.compiler import diagnose
from hdsl.diagnostics.catalogue import CATALOGUE, collect
from hdsl.diagnostics.diagnostic import InternalError, Severity
from hdsl.diagnostics.entry import Entry

ROOT = Path(__file__).parents[2]

BY_SNIPPET = [entry for entry in CATALOGUE.values() if entry.proof is None]
BY_TEST = [entry for entry in CATALOGUE.values() if entry.proof is not None]


def code_of(entry: Entry) -> str:
    return entry.code


@pytest.mark.parametrize("entry", BY_SNIPPET, ids=code_of)
def test_the_bad_snippet_gives_its_code_and_no_other(entry: Entry) -> None:
    found = diagnose(entry.bad, entry.rows, entry.tables)

    assert {d.code for d in found} == {entry.code}
    assert {d.severity for d in found} == {entry.severity}


@pytest.mark.parametrize("entry", BY_SNIPPET, ids=code_of)
def test_the_good_snippet_gives_nothing(entry: Entry) -> None:
    rows = entry.rows if entry.good_rows is None else entry.good_rows
    tables = entry.tables if entry.good_tables is None else entry.good_tables

    assert diagnose(entry.good, rows, tables) == ()


@pytest.mark.parametrize("entry", BY_TEST, ids=code_of)
def test_a_code_without_snippets_names_the_test_that_shows_it(entry: Entry) -> None:
    assert entry.proof is not None
    path, _, name = entry.proof.partition("::")
    tests = {n.name for n in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
             if isinstance(n, ast.FunctionDef)}  # fmt: skip

    assert name in tests


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=code_of)
def test_an_entry_reads_as_prose(entry: Entry) -> None:
    assert entry.title == entry.title.strip() != ""
    assert not entry.title.endswith(".")
    assert entry.explanation.rstrip().endswith((".", ")", "`"))


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=code_of)
def test_a_severity_fits_its_family(entry: Entry) -> None:
    """Advice never stops the compiler, and neither do remarks of passes."""
    if entry.code.startswith("H6"):
        assert entry.severity is Severity.WARNING
    if entry.code.startswith("H7"):
        assert entry.severity is Severity.NOTE


def test_a_code_given_twice_is_a_defect_of_ours() -> None:
    entry = CATALOGUE["H601"]

    with pytest.raises(InternalError, match="two catalogue entries for H601"):
        collect([(entry,), (replace(entry, title="again"),)])
