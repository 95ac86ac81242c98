"""Whatever the text: a file or diagnostics; whatever the tree: one spelling that gives it back."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from hdsl.diagnostics.catalogue import CATALOGUE
from hdsl.source import Source
from hdsl.syntax import grammar
from hdsl.syntax.parser import parse
from hdsl.syntax.printer import print_file, print_statement

bounded = settings(max_examples=100, deadline=None)

NAMES = st.sampled_from(["a", "beta", "region", "level", "from", "per", "with", "σ", "x_1"])
WORDS = ["MODEL", "LEVEL", "DATA", "REPORT", "FROM", "PER", "IN", "ORDERED", "WITH"]

# Statements drawn from the grammar itself; names and numbers from small sets keep them readable.
grammatical = from_lark(
    grammar.build(lexer="basic"),
    start="statement",
    explicit={
        "NAME": NAMES.filter(lambda name: name.upper() not in WORDS),
        "NUMBER": st.sampled_from(["0", "1", "2.5", "1e-3", ".5"]),
        "STRING": st.sampled_from(['"A"', '"5"" pipe"', '""']),
        "COMPARE": st.sampled_from(["<", "<=", "==", "!=", ">", ">="]),
        "__IGNORE_0": st.just(" "),
    },
    alphabet=st.sampled_from(string.ascii_letters + " "),
)

# Texts near the language: its tokens, and those of others, in any order.
TOKENS = [
    *("a", "b", "region", "normal", "level", "data", "model", "report", "from", "per", "in"),
    *("1", "2.5", '"A"', '"', "'", "~", "=", "|", ":", ",", ";", "+", "-", "*", "/", "@", "^"),
    *("<", "==", "<-", ":=", "**", "//", "#", "(", ")", "[", "]", "{", "}", "\n", "\r\n", " "),
    *("²", "\0", "“", "−", "é", "🙂", ".", "%", "$", "\ufeff"),
]
near_texts = st.lists(st.sampled_from(TOKENS), max_size=40).map(" ".join)
tight_texts = st.lists(st.sampled_from(TOKENS), max_size=40).map("".join)


def check(text: str) -> None:
    """Parses a text, and checks all that holds of every answer."""
    source = Source(text)
    file, diagnostics = parse(source)
    assert file.statements or diagnostics
    for diagnostic in diagnostics:
        assert diagnostic.code in CATALOGUE
        assert diagnostic.label is not None
        assert 0 <= diagnostic.label.span.start <= diagnostic.label.span.end <= len(text)
    starts = [d.label.span.start for d in diagnostics if d.label]
    assert starts == sorted(starts)
    for statement in file.statements:
        assert parse(Source(print_statement(statement)))[0].statements == (statement,)
    formatted = print_file(file)
    again, _ = parse(Source(formatted))
    assert again == file
    assert print_file(again) == formatted
    assert [c.text.rstrip() for c in again.comments] == [c.text.rstrip() for c in file.comments]


@given(st.text(max_size=200))
@bounded
def test_any_text(text: str) -> None:
    check(text)


@given(near_texts)
@bounded
def test_any_tokens(text: str) -> None:
    check(text)


@given(tight_texts)
@bounded
def test_any_tokens_without_spaces(text: str) -> None:
    check(text)


@given(st.binary(max_size=200))
@bounded
def test_any_bytes(data: bytes) -> None:
    check(data.decode("utf-8", errors="replace"))


@given(st.lists(grammatical, max_size=4))
@bounded
def test_anything_from_the_grammar(statements: list[str]) -> None:
    check("\n".join(statements))


@given(st.data())
@bounded
def test_a_sound_model_with_any_piece_cut_out(data: st.DataObject) -> None:
    text = 'level a in b\ny ~ normal(alpha[a, "B"] + 2 * x, sigma^2)\nalpha ~ a | w, (v + 1)\n'
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    check(text[:start] + text[end:])
