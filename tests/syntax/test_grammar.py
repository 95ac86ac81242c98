"""The grammar itself: one table without conflicts, found beside the code or inside the wheel."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lark.exceptions import GrammarError

from hdsl.source import Source
from hdsl.syntax import grammar
from hdsl.syntax.cache import writable_cache
from hdsl.syntax.parser import parse

REFERENCE = sorted((Path(__file__).parent / "reference").glob("*.hdsl"))


def test_the_grammar_is_lalr_in_strict_mode() -> None:
    # Lark's own lexer, because its strict mode also looks for terminals that collide
    strict = grammar.build(lexer="basic", strict=True)
    assert strict.options.parser == "lalr"
    assert {rule.origin.name for rule in strict.rules} >= {"statement", "formula", "expr"}


def test_strict_mode_would_notice_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    ambiguous = grammar.grammar_text().replace('_terms "+" _closed', '_terms "+" _terms')
    monkeypatch.setattr(grammar, "grammar_text", lambda: ambiguous)
    with pytest.raises(GrammarError, match="Shift/Reduce conflict"):
        grammar.build(lexer="basic", strict=True)


def test_every_terminal_that_no_rule_mentions_is_taken_out_before_parsing() -> None:
    lark = grammar.parser()
    mentioned = {symbol.name for rule in lark.rules for symbol in rule.expansion if symbol.is_term}
    unmentioned = {t.name for t in lark.terminals} - mentioned - set(lark.lexer_conf.ignore)
    assert unmentioned == set(grammar.HIDDEN)


def test_our_scanner_finds_the_tokens_that_larks_does() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in REFERENCE)
    expected = [(t.type, str(t), t.start_pos) for t in grammar.build(lexer="basic").lex(text)]
    assert [(t.type, str(t), t.start_pos) for t in grammar.scanner().scan(text)] == expected


def test_a_wheel_carries_the_grammar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = grammar.grammar_text()
    installed = tmp_path / "hdsl" / "grammar"
    installed.mkdir(parents=True)
    (installed / "hdsl.lark").write_text(text, encoding="utf-8")
    monkeypatch.setattr(grammar, "__file__", str(tmp_path / "hdsl" / "syntax" / "grammar.py"))
    monkeypatch.setattr(grammar, "files", lambda package: tmp_path / package)
    assert grammar.grammar_text() == text


@pytest.fixture
def fresh_parser() -> Iterator[None]:
    """Has the parser made anew inside the test, and once more after it."""
    grammar.parser.cache_clear()
    yield
    grammar.parser.cache_clear()


@pytest.mark.usefixtures("fresh_parser")
def test_tables_are_kept_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDSL_CACHE", str(tmp_path))
    text = (REFERENCE[0].parent / "coefficient.hdsl").read_text(encoding="utf-8")
    built = parse(Source(text))
    (kept,) = (tmp_path / "grammar").iterdir()
    grammar.parser.cache_clear()
    assert parse(Source(text)) == built
    kept.write_bytes(kept.read_bytes()[:-100])  # another process was killed while it wrote
    grammar.parser.cache_clear()
    assert parse(Source(text)) == built


@pytest.mark.usefixtures("fresh_parser")
@pytest.mark.parametrize("folder", ["off", "/dev/null/nowhere"])
def test_tables_need_no_folder(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDSL_CACHE", folder)
    assert writable_cache("grammar") is None
    assert parse(Source("a ~ b"))[1] == ()


@pytest.mark.parametrize("path", REFERENCE, ids=lambda path: path.stem)
def test_what_the_reference_shows_parses(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    file, diagnostics = parse(Source(text))
    assert diagnostics == ()
    bare = re.sub(r"#.*", "", text)
    assert len(file.statements) == len([s for s in re.split(r"[\n;]", bare) if s.strip()])
