"""Which comments silence what."""

from hdsl.diagnostics.diagnostic import Diagnostic, Label
from hdsl.diagnostics.suppress import apply_ignores, ignored_codes
from hdsl.source import Source, Span


def on_line(code: str, line: int, source: Source) -> Diagnostic:
    start = source.line_starts[line - 1]
    return Diagnostic(code, "x", Label(Span(start, start + 1)))


def left(text: str, code: str = "H601", line: int = 1) -> bool:
    source = Source(text)
    return apply_ignores([on_line(code, line, source)], source) != ()


def test_a_comment_silences_its_line() -> None:
    assert not left("a ~ region  # hdsl: ignore[H601]")
    assert not left("a ~ region  # few, but known  hdsl: ignore[H602, H601]")
    assert left("a ~ region  # hdsl: ignore[H602]")
    assert left("a ~ region  # hdsl: ignore[H601]\nb ~ region", line=2)


def test_a_comment_alone_silences_the_line_below() -> None:
    assert not left("# hdsl: ignore[H601]\na ~ region", line=2)
    assert not left("# hdsl: ignore[H601]\n# and why\na ~ region", line=3)
    assert left("# hdsl: ignore[H601]\n\na ~ region", line=3)


def test_an_error_is_never_silenced() -> None:
    assert left("a ~ regoin  # hdsl: ignore[H203]", "H203")


def test_a_note_is() -> None:
    assert not left("y ~ normal(0, 1)  # hdsl: ignore[H216]", "H216")


def test_a_text_is_no_comment() -> None:
    assert left('level a from "# hdsl: ignore[H601]"')
    assert not left('level a from "a \\" # b"  # hdsl: ignore[H601]')


def test_a_statement_of_several_lines_is_silenced_at_either_end() -> None:
    text = "a ~\n  region  # hdsl: ignore[H601]\n"
    source = Source(text)
    whole = Diagnostic("H601", "x", Label(Span(0, text.index("#"))))

    assert apply_ignores([whole], source) == ()


def test_what_has_no_place_cannot_be_silenced() -> None:
    source = Source("# hdsl: ignore[H601]")
    found = (Diagnostic("H601", "x"),)

    assert apply_ignores(found, source) == found


def test_codes_add_up() -> None:
    source = Source("# hdsl: ignore[H601]\n# hdsl: ignore[H602]\na  # hdsl: ignore[H603]")
    assert ignored_codes(source)[3] == {"H601", "H602", "H603"}
