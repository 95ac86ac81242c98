"""How diagnostics are shown: golden files for each form, properties for any text."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdsl.diagnostics.catalogue import CATALOGUE
from hdsl.diagnostics.diagnostic import Diagnostic, Label
from hdsl.diagnostics.render import FORMS, Form, counted, render
from hdsl.diagnostics.visible import cells
from hdsl.source import Source, Span

GOLDEN = Path(__file__).parent / "golden"

TEXT = """\
model "Demand"
level region
beta ~ regoin | median_income
sd(漢字) ~ e\u0301te\u0301(0,\t👩‍🔬, 1)\x1b[31m
mu = alpha * (
  beta
  + gamma
  + delta
  + epsilon
  + zeta
)
# one
# two
sigma ~ normal(0, 1)
""" + f"long ~ normal({', '.join(f'a{i}' for i in range(60))})\n"  # fmt: skip

SOURCE = Source(TEXT, "a folder/demand, 100%.hdsl")


def at(text: str, says: str = "", within: str = "") -> Label:
    start = TEXT.index(text, TEXT.index(within))
    return Label(Span(start, start + len(text)), says)


def over(first: str, last: str, says: str = "") -> Label:
    return Label(Span(TEXT.index(first), TEXT.index(last) + len(last)), says)


CASES = (
    Diagnostic(
        "H910",
        "unknown level `regoin`",
        at("regoin", "no level and no column has this name"),
        help="did you mean `region`?",
    ),
    Diagnostic(
        "H911",
        "three labels on a line, one far above",
        at("median_income", "the last", within="beta"),
        (at("beta", "the first"), at("~", "the one between", within="beta"), at("region", "far")),
        notes=("a note", "a note of\nseveral lines"),
    ),
    Diagnostic("H912", "labels that meet", at("regoin"), (at("regoin |", "the wider"),)),
    Diagnostic("H601", "wide ones: 漢字 👩‍🔬", at("1", "one", within="👩"), (at("漢字", "wide"),)),
    Diagnostic("H602", "combining", at("e\u0301te\u0301", "two cells less")),
    Diagnostic("H603", "an escape \x1b[0m sequence", at("\x1b[31m", "not red: \x1b[31m")),
    Diagnostic("H913", "many lines", over("alpha * (", "zeta\n)"), (at("delta", "inside"),)),
    Diagnostic("H920", "two of them", over("beta\n", "gamma"), (over("delta", "zeta", "cut"),)),
    Diagnostic("H921", "far apart", at("sigma", "here"), (at("mu", "there", within="mu ="),)),
    Diagnostic("H922", "near by", at("sigma", "here"), (at("# one", "one line between"),)),
    Diagnostic("H923", "in a long line", at("a40", "the fortieth")),
    Diagnostic("H924", "at the end", Label(Span(len(TEXT), len(TEXT)), "nothing follows")),
    Diagnostic("H925", "beyond the end", Label(Span(len(TEXT) + 5, len(TEXT) + 9))),
    Diagnostic("H930", "a line end", Label(Span(TEXT.index("\n"), TEXT.index("\n") + 1), "here")),
    Diagnostic("H901", "no place", notes=("it is about the file",), help="look there"),
    Diagnostic("H916", "a remark", at("level", "said in passing")),
)


@pytest.mark.parametrize("form", FORMS)
def test_every_form(form: Form, golden) -> None:
    suffix = {"json": "json", "sarif": "sarif.json"}.get(form, "txt")
    golden(GOLDEN / f"{form}.{suffix}", render(CASES, SOURCE, form) + "\n")


@pytest.mark.parametrize("form", ["full", "concise"])
def test_colour_adds_nothing_but_colour(form: Form, golden) -> None:
    coloured = render(CASES, SOURCE, form, colour=True)
    golden(GOLDEN / f"{form}-colour.txt", coloured + "\n")

    import re

    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == render(
        CASES, SOURCE, form
    ).splitlines()


@pytest.mark.parametrize("family", ["H6", "H9"])
def test_the_messages_of_a_family(family: str, golden) -> None:
    from hdsl.compiler import diagnose

    pages = []
    for entry in CATALOGUE.values():
        if entry.code.startswith(family) and entry.proof is None:
            found = diagnose(entry.bad, entry.rows, entry.tables)
            pages.append(render(found, Source(entry.bad, "model.hdsl")))
    golden(GOLDEN / f"messages-{family}.txt", "\n\n".join(pages) + "\n")


def test_no_golden_file_is_an_orphan() -> None:
    expected = {f"{form}.txt" for form in ("full", "concise", "github")}
    expected |= {"json.json", "sarif.sarif.json", "full-colour.txt", "concise-colour.txt"}
    expected |= {"messages-H6.txt", "messages-H9.txt"}
    assert {path.name for path in GOLDEN.iterdir()} == expected


def test_the_example_of_the_architecture_to_the_letter() -> None:
    text = "\n" * 6 + "beta ~ regoin | median_income\n"
    label = Label(Span(13, 19), "no level and no column has this name")
    found = Diagnostic("H203", "unknown level `regoin`", label, help="did you mean `region`?")

    assert render([found], Source(text, "demand.hdsl")) == (
        "error[H203]: unknown level `regoin`\n"
        "  --> demand.hdsl:7:8\n"
        "   |\n"
        " 7 |   beta ~ regoin | median_income\n"
        "   |          ^^^^^^ no level and no column has this name\n"
        "   |\n"
        "help: did you mean `region`?"
    )


def test_source_order_and_each_once() -> None:
    text = "a\nb\n"
    later, first = Label(Span(2, 3)), Label(Span(0, 1))
    found = [
        Diagnostic("H901", "no place"),
        Diagnostic("H203", "x", later),
        Diagnostic("H204", "y", first),
        Diagnostic("H203", "x", later, help="said again"),
        Diagnostic("H203", "x", first),
    ]

    assert render(found, Source(text, "m"), "concise").splitlines() == [
        "m:1:1: error[H203]: x",
        "m:1:1: error[H204]: y",
        "m:2:1: error[H203]: x",
        "m: error[H901]: no place",
    ]


def test_counting() -> None:
    found = [Diagnostic("H203", ""), Diagnostic("H203", ""), Diagnostic("H601", "")]
    assert counted(found) == "2 errors, 1 warning"


anything = st.text(st.characters(exclude_categories=()), max_size=60)
spans = st.tuples(st.integers(-3, 70), st.integers(-3, 70)).map(lambda ends: Span(*ends))
labels = st.builds(Label, spans, anything)
diagnostics = st.builds(
    Diagnostic,
    st.sampled_from(sorted(CATALOGUE)),
    anything,
    st.none() | labels,
    st.lists(labels, max_size=4).map(tuple),
    st.lists(anything, max_size=2).map(tuple),
    st.none() | anything,
)


@given(anything, anything, st.lists(diagnostics, max_size=4))
def test_any_text_is_reported_and_moves_no_cursor(
    text: str, name: str, found: list[Diagnostic]
) -> None:
    source = Source(text, name)
    full = render(found, source)
    unique = {(d.code, d.headline, d.label and d.label.span) for d in found}

    assert all(char.isprintable() or char in "\n" or ord(char) > 0x9F for char in full)
    full.encode()
    assert len(render(found, source, "concise").split("\n")) == max(len(unique), 1)
    assert len(json.loads(render(found, source, "json"))) == len(unique)
    assert len(json.loads(render(found, source, "sarif"))["runs"][0]["results"]) == len(unique)
    github = render(found, source, "github")
    assert len([line for line in github.split("\n") if line]) == len(unique)


@given(st.text("a漢\u0301 👍\t", max_size=30), st.data())
def test_the_caret_stands_under_the_label(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = Diagnostic("H203", "x", Label(Span(start, end)))
    _, _, _, line, marks = (render([found], Source(text)) + "\n" * 4).split("\n")[:5]

    shown = text.replace("\t", "    ")
    width = cells(text[:start].replace("\t", "    "))
    assert line == f" 1 |   {shown}".rstrip()
    assert marks.index("^") == len("   |   ") + width
    assert marks.count("^") == max(cells(text[:end].replace("\t", "    ")) - width, 1)
