"""Where a statement ends, and which words are free."""

import pytest

from hdsl.source import Source
from hdsl.syntax.ast import (
    Arg,
    Binary,
    Call,
    DataColumn,
    DataDecl,
    Define,
    Formula,
    LevelDecl,
    LevelName,
    Number,
    Ref,
    Statement,
    Term,
    Tilde,
)
from hdsl.syntax.parser import parse


def statements(text: str) -> tuple[Statement, ...]:
    file, diagnostics = parse(Source(text))
    assert diagnostics == ()
    return file.statements


def one(text: str) -> Statement:
    (statement,) = statements(text)
    return statement


SUM = Define((Ref("a"),), Binary("+", Ref("b"), Ref("c")))
VARIES = Tilde((Ref("a"), Ref("b")), Formula((Term((LevelName(("g",)),), (Ref("w"), Ref("v"))),)))


@pytest.mark.parametrize(
    "text",
    [
        "a = b + c",
        "a =\nb + c",
        "a\n= b + c",
        "a = b +\n\n\n  c",
        "a = b\n\n   + c",
        "a = b # why\n  + c # and why",
        "a = # why\n # and why\n b + c",
        "\n\na = (b\n+\nc\n)\n\n",
        ";;a = b + c;;\n;",
        "\ufeffa = b + c",
        "a\t=\tb\u00a0+\tc\r\n",
        "a = b +\rc",
        "a = b\u2028+ c",
        "a = ((b) + (c))",
    ],
)
def test_newlines_that_count_for_nothing(text: str) -> None:
    assert one(text) == SUM


@pytest.mark.parametrize(
    "text",
    [
        "a, b ~ g | w, v",
        "a,\nb\n~\ng\n|\nw,\nv",
        "a\n, b ~ g\n  | w\n  , v",
        "a, b  # both\n  ~ g  # by group\n  | w, v",
    ],
)
def test_statements_over_several_lines(text: str) -> None:
    assert one(text) == VARIES


@pytest.mark.parametrize(
    "text", ["a ~ g\nb ~ g", "a ~ g; b ~ g", "a ~ g;\n\n;b ~ g", "a ~ g\rb ~ g"]
)
def test_ends_of_statements(text: str) -> None:
    varies = Formula((Term((LevelName(("g",)),)),))
    assert statements(text) == (Tilde((Ref("a"),), varies), Tilde((Ref("b"),), varies))


def test_a_list_may_end_with_a_comma_inside_brackets() -> None:
    call = Call("f", (Arg(Ref("x")), Arg(Ref("y"), "k")))
    assert one("a = f(\n  x,\n  k = y,\n)") == Define((Ref("a"),), call)


WORDS = [
    "model",
    "level",
    "data",
    "report",
    "from",
    "per",
    "in",
    "ordered",
    "with",
    "impute",
    "drop",
]


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_free_as_a_target(word: str) -> None:
    normal = Call("normal", (Arg(Number(0.0, "0")), Arg(Number(1.0, "1"))))
    assert one(f"{word} ~ normal(0, 1)") == Tilde((Ref(word),), normal)
    by_region = Ref(word, (LevelName(("region",)),))
    assert one(f"{word}[region] ~ normal(0, 1)") == Tilde((by_region,), normal)
    assert one(f"a, {word} ~ normal(0, 1)") == Tilde((Ref("a"), Ref(word)), normal)
    assert one(f"{word}, a ~ normal(0, 1)") == Tilde((Ref(word), Ref("a")), normal)
    assert one(f"{word} = b + c") == Define((Ref(word),), Binary("+", Ref("b"), Ref("c")))


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_free_inside_a_statement(word: str) -> None:
    assert one(f"a = {word} + {word}({word})") == Define(
        (Ref("a"),), Binary("+", Ref(word), Call(word, (Arg(Ref(word)),)))
    )
    assert one(f"data {word} from {word} : {word} per {word}") == DataDecl(
        (DataColumn(word, word),), word, per=LevelName((word,))
    )
    assert one(f"level {word} from {word} in {word} ordered") == LevelDecl(
        word, word, (word,), True
    )
    level = LevelName((word, word))
    assert one(f"a ~ {word} : {word} / {word} | {word}") == Tilde(
        (Ref("a"),), Formula((Term((level, LevelName((word,))), (Ref(word),)),))
    )


@pytest.mark.parametrize(
    "name", ["ñandú", "цена", "価格", "σ", "_x1", "नाम", "β₁", "e\u0301t", "x_2"]
)
def test_names_of_any_script(name: str) -> None:
    assert one(f"{name} = {name}") == Define((Ref(name),), Ref(name))


def test_comments_and_empty_lines_are_kept_with_their_places() -> None:
    text = "# top\n\na = 1  # one\n"
    file, _ = parse(Source(text))
    assert [(c.text, c.own_line, c.span.start) for c in file.comments] == [
        ("# top", True, 0),
        ("# one", False, 14),
    ]
    assert file.blank_lines == (6,)


def test_every_node_knows_its_place() -> None:
    text = "sd(b, a : c)^-2 ~ gamma(shape = (1 + 2) * x, 3)"
    statement = one(text)
    assert isinstance(statement, Tilde)
    assert isinstance(statement.right, Call)

    def place(start: int, end: int) -> str:
        return text[start:end]

    assert place(statement.span.start, statement.span.end) == text
    (target,) = statement.targets
    assert place(target.span.start, target.span.end) == "sd(b, a : c)^-2"
    first, second = statement.right.args
    assert place(first.span.start, first.span.end) == "shape = (1 + 2) * x"
    assert place(first.keyword_span.start, first.keyword_span.end) == "shape"
    assert isinstance(first.value, Binary)
    left = first.value.left
    assert place(left.span.start, left.span.end) == "(1 + 2)"
    assert place(second.span.start, second.span.end) == "3"
