"""What is said of statements that cannot be read: code, place, headline, and what is kept."""

import pytest

from hdsl.diagnostics.catalogue import CATALOGUE
from hdsl.diagnostics.h1 import ENTRIES
from hdsl.source import Source
from hdsl.syntax.parser import parse

Finding = tuple[str, str, str]

# text, findings (code, the text under the label, headline), how many statements can be read
CASES: list[tuple[str, list[Finding], int]] = [
    (
        "y ~ normal(mu, sigma\nsigma ~ exponential(1)",
        [
            ("H105", "(", "this `(` is never closed"),
        ],
        1,
    ),
    (
        "mu = (alpha + beta * x\nsigma = 3\ntau ~ g",
        [
            ("H105", "(", "this `(` is never closed"),
        ],
        2,
    ),
    (
        "y ~ normal(\n  mu = a,\n  sigma = 2\ngamma ~ region",
        [
            ("H105", "(", "this `(` is never closed"),
        ],
        1,
    ),
    (
        "season[category,\n  week ~ normal(0, 1)",
        [
            ("H105", "[", "this `[` is never closed"),
        ],
        1,
    ),
    (
        "season[category,\n  week] ~ normal(0, 1",
        [
            ("H105", "(", "this `(` is never closed"),
        ],
        0,
    ),
    (
        "a = (b; c = d)",
        [
            ("H105", "(", "this `(` is never closed"),
            ("H106", ")", "this `)` closes nothing"),
        ],
        0,
    ),
    (
        "a = (b]; c = d)",
        [
            ("H106", "]", "`(` is closed by `]`"),
            ("H106", ")", "this `)` closes nothing"),
        ],
        0,
    ),
    (
        "a = ()",
        [
            ("H108", "()", "nothing stands between the brackets"),
        ],
        0,
    ),
    (
        "a = f(b,, c)",
        [
            ("H108", ",", "nothing stands between `,` and `,`"),
        ],
        0,
    ),
    (
        "alpha ~\nbeta ~ region",
        [
            ("H108", "~", "nothing stands right of `~`"),
        ],
        1,
    ),
    (
        "mu = alpha +\nsigma ~ exponential(1)",
        [
            ("H108", "+", "nothing stands right of `+`"),
        ],
        1,
    ),
    (
        "data x :\ndata z : real",
        [
            ("H108", ":", "nothing stands right of `:`"),
        ],
        1,
    ),
    (
        "a ~ b ~ c; d = e = f",
        [
            ("H124", "~", "a second `~` in one statement"),
            ("H124", "=", "a second `=` in one statement"),
        ],
        0,
    ),
    (
        "~ normal(0, 1)",
        [
            ("H111", "~", "nothing stands left of `~`"),
        ],
        0,
    ),
    (
        "a = * b",
        [
            ("H108", "=", "nothing stands between `=` and `*`"),
        ],
        0,
    ),
    (
        "a = + b",
        [
            ("H108", "+", "nothing stands left of `+`"),
        ],
        0,
    ),
    (
        "y ~ normal(0, 1) with",
        [
            ("H108", "with", "the statement ends too early"),
        ],
        0,
    ),
    (
        "alpha",
        [
            ("H107", "alpha", "a statement needs `~` or `=`"),
        ],
        0,
    ),
    (
        "alpha, beta",
        [
            ("H107", "alpha, beta", "a statement needs `~` or `=`"),
        ],
        0,
    ),
    (
        "a < b",
        [
            ("H107", "a < b", "a statement needs `~` or `=`"),
        ],
        0,
    ),
    (
        "log(mu)",
        [
            ("H107", "log(mu)", "a statement needs `~` or `=`"),
        ],
        0,
    ),
    (
        "levels region",
        [
            ("H107", "levels", "`levels` begins no statement"),
        ],
        0,
    ),
    (
        "Data x : real",
        [
            ("H107", "Data", "`Data` begins no statement"),
        ],
        0,
    ),
    (
        "import numpy",
        [
            ("H107", "import", "`import` begins no statement"),
        ],
        0,
    ),
    (
        "mu[region] <- alpha",
        [
            ("H109", "<-", "`<-` does not define anything"),
        ],
        0,
    ),
    (
        "mu == alpha",
        [
            ("H109", "==", "`==` compares and does not define"),
        ],
        0,
    ),
    (
        "mu := alpha",
        [
            ("H109", ":=", "`:=` does not define anything"),
        ],
        1,
    ),
    (
        "a = b ** c + d **",
        [
            ("H110", "**", "`**` is not a sign of HDSL"),
            ("H110", "**", "`**` is not a sign of HDSL"),
            ("H108", "**", "nothing stands right of `^`"),
        ],
        0,
    ),
    (
        "// one\na = b // two\n/* three */",
        [
            ("H116", "// one", "`//` does not begin a comment"),
            ("H116", "// two", "`//` does not begin a comment"),
            ("H116", "/* three */", "`/*` does not begin a comment"),
        ],
        1,
    ),
    (
        "model {\n  for (i in 1:N) {\n    y[i] ~ dnorm(mu[i], tau)\n  }\n}",
        [
            ("H115", "{", "HDSL has no blocks in braces"),
        ],
        1,
    ),
    (
        "if (x > 0) y ~ normal(0, 1)",
        [
            ("H126", "if", "HDSL has no `if`"),
        ],
        0,
    ),
    (
        "a = b && c",
        [
            ("H102", "&", "`&` does not belong to HDSL"),
        ],
        0,
    ),
    (
        "a = b$c",
        [
            ("H102", "$", "`$` does not belong to HDSL"),
        ],
        0,
    ),
    (
        "y ~ log.price",
        [
            ("H102", "log.price", "a name cannot hold a `.`"),
        ],
        0,
    ),
    (
        "a = .b",
        [
            ("H102", ".", "a name cannot hold a `.`"),
        ],
        0,
    ),
    (
        "a = b %in% c",
        [
            ("H102", "%", "`%` does not belong to HDSL"),
        ],
        0,
    ),
    (
        "a = 'b' + “c”",
        [
            ("H103", "'b'", "a text in single quotes"),
            ("H103", "“c”", "a text in curly quotes"),
        ],
        1,
    ),
    (
        "a = b − c × d ÷ e\nb ∼ g",
        [
            ("H102", "−", "`−` is not the sign of the keyboard"),
            ("H102", "×", "`×` is not the sign of the keyboard"),
            ("H102", "÷", "`÷` is not the sign of the keyboard"),
            ("H102", "∼", "`∼` is not the sign of the keyboard"),
        ],
        2,
    ),
    (
        "a = b ≤ c",
        [
            ("H102", "≤", "`≤` is not the sign of the keyboard"),
        ],
        1,
    ),
    (
        "a = sigma²",
        [
            ("H102", "²", "`²` does not belong to HDSL"),
        ],
        0,
    ),
    (
        "a = \x00",
        [
            ("H102", "\x00", "the character U+0000 does not belong to HDSL"),
        ],
        0,
    ),
    (
        "a = ‘b’",
        [
            ("H102", "‘", "`‘` does not belong to HDSL"),
        ],
        0,
    ),
    (
        'a = "b\nc ~ g',
        [
            ("H104", '"b', "this text has no closing quote"),
        ],
        1,
    ),
    (
        "a = 🙂",
        [
            ("H102", "🙂", "`🙂` does not belong to HDSL"),
        ],
        0,
    ),
    (
        "y ~ alpha + beta * x",
        [
            ("H112", "*", "a formula has no `*`: it adds levels"),
        ],
        0,
    ),
    (
        "b ~ 1 + region * x",
        [
            ("H112", "*", "a formula has no `*`: it adds levels"),
        ],
        0,
    ),
    (
        "b ~ region - 1",
        [
            ("H112", "-", "a formula does not subtract"),
        ],
        0,
    ),
    (
        "b ~ region + log(x)",
        [
            ("H112", "(", "a formula names levels, not functions"),
        ],
        0,
    ),
    (
        "b ~ region | x + w",
        [
            ("H113", "+", "nothing is added behind the bar"),
        ],
        0,
    ),
    (
        "b ~ region || x",
        [
            ("H113", "|", "a term has one bar"),
        ],
        0,
    ),
    (
        "y ~ 1 + x + (1 + x | region)",
        [
            ("H113", "|", "a bar behind several terms"),
        ],
        0,
    ),
    (
        "alpha ~ region\n-beta ~ halfnormal(1)",
        [
            ("H114", "-", "left of `~` stands a name, not an expression"),
        ],
        1,
    ),
    (
        "a = b\n~ g",
        [
            ("H111", "~", "nothing stands left of `~`"),
        ],
        1,
    ),
    (
        "b ~ 1 + x^2",
        [
            ("H112", "^", "a formula has no `^`: it adds levels"),
        ],
        0,
    ),
    (
        "y ~ normal(0, 1) + x",
        [
            ("H125", "+", "a distribution stands alone right of `~`"),
        ],
        0,
    ),
    (
        "y ~ normal(0, 1) | x",
        [
            ("H125", "|", "a distribution stands alone right of `~`"),
        ],
        0,
    ),
    (
        "b ~ region with noncentered x",
        [
            ("H100", "x", "`x` cannot stand here"),
        ],
        0,
    ),
    (
        "alpha + beta ~ normal(0, 1)",
        [
            ("H114", "+", "left of `~` stands a name, not an expression"),
        ],
        0,
    ),
    (
        "-beta ~ halfnormal(1)",
        [
            ("H114", "-", "left of `~` stands a name, not an expression"),
        ],
        0,
    ),
    (
        "2 * a = b",
        [
            ("H114", "2", "left of `=` stands a name, not an expression"),
        ],
        0,
    ),
    (
        "y ~ normal(mu sigma)",
        [
            ("H120", "mu sigma", "nothing stands between `mu` and `sigma`"),
        ],
        0,
    ),
    (
        "a = 2 x",
        [
            ("H120", "2 x", "nothing stands between `2` and `x`"),
        ],
        0,
    ),
    (
        "a = 2x",
        [
            ("H120", "2x", "nothing stands between `2` and `x`"),
        ],
        0,
    ),
    (
        "a = b c",
        [
            ("H120", "b c", "nothing stands between `b` and `c`"),
        ],
        0,
    ),
    (
        "a ~ normal(0, 1) b ~ normal(0, 1)",
        [
            ("H124", "b", "two statements on one line"),
        ],
        0,
    ),
    (
        "a = b c = d",
        [
            ("H124", "c", "two statements on one line"),
        ],
        0,
    ),
    (
        "a = b < c < d",
        [
            ("H119", "<", "comparisons do not form a chain"),
        ],
        0,
    ),
    (
        "a = alpha[3]",
        [
            ("H118", "3", "an index is not a number"),
        ],
        0,
    ),
    (
        "a = alpha[i + 1]",
        [
            ("H118", "+", "an index is not an expression"),
        ],
        0,
    ),
    (
        "a = alpha[b[c]]",
        [
            ("H118", "[", "an index is not an expression"),
        ],
        0,
    ),
    (
        "a = 1e999",
        [
            ("H123", "1e999", "this number is too large"),
        ],
        1,
    ),
    (
        "a = {b, c}",
        [
            ("H115", "{", "a brace cannot stand here"),
        ],
        0,
    ),
    (
        "level region within country",
        [
            ("H121", "within", "this is not a level statement"),
        ],
        0,
    ),
    (
        "level a / b",
        [
            ("H121", "/", "this is not a level statement"),
        ],
        0,
    ),
    (
        "level a, b",
        [
            ("H121", ",", "this is not a level statement"),
        ],
        0,
    ),
    (
        "level a = b * c",
        [
            ("H121", "*", "this is not a level statement"),
        ],
        0,
    ),
    (
        "level a = {}",
        [
            ("H108", "{}", "nothing stands between the brackets"),
        ],
        0,
    ),
    (
        "level",
        [
            ("H121", "level", "this is not a level statement"),
        ],
        0,
    ),
    (
        "data x, y",
        [
            ("H121", "y", "a data statement needs a type"),
        ],
        0,
    ),
    (
        "data x real",
        [
            ("H121", "real", "this is not a data statement"),
        ],
        0,
    ),
    (
        "data x : real in region",
        [
            ("H121", "in", "this is not a data statement"),
        ],
        0,
    ),
    (
        "data x = log(y) : real",
        [
            ("H121", ":", "this is not a data statement"),
        ],
        0,
    ),
    (
        "data : real",
        [
            ("H121", ":", "this is not a data statement"),
        ],
        0,
    ),
    (
        "model Radon in homes",
        [
            ("H122", "Radon in homes", "a model's title is a text in quotes"),
        ],
        0,
    ),
    (
        "model",
        [
            ("H122", "model", "a model's title is a text in quotes"),
        ],
        0,
    ),
    (
        'model "a" "b"',
        [
            ("H122", '"b"', "a model's title is one text"),
        ],
        0,
    ),
    (
        "report",
        [
            ("H108", "report", "the statement ends too early"),
        ],
        0,
    ),
    (
        "report mu sigma",
        [
            ("H100", "sigma", "`sigma` cannot stand here"),
        ],
        0,
    ),
    (
        "",
        [
            ("H101", "", "the model is empty"),
        ],
        0,
    ),
    (
        "\n\n",
        [
            ("H101", "\n", "the model is empty"),
        ],
        0,
    ),
    (
        "# only a comment\n",
        [
            ("H101", "#", "the model is empty"),
        ],
        0,
    ),
    (
        ";",
        [
            ("H101", ";", "the model is empty"),
        ],
        0,
    ),
    (
        'a = (b\nc ~ g\nd = "e\nf ~ g\nh = i **\nj ~ g',
        [
            ("H105", "(", "this `(` is never closed"),
            ("H104", '"e', "this text has no closing quote"),
            ("H110", "**", "`**` is not a sign of HDSL"),
            ("H108", "**", "nothing stands right of `^`"),
        ],
        3,
    ),
]


@pytest.mark.parametrize(("text", "findings", "kept"), CASES, ids=[repr(c[0]) for c in CASES])
def test_findings(text: str, findings: list[Finding], kept: int) -> None:
    source = Source(text)
    file, diagnostics = parse(source)
    found = [(d.code, source.slice(d.label.span), d.headline) for d in diagnostics if d.label]
    assert found == findings
    assert len(diagnostics) == len(findings)
    assert len(file.statements) == kept


HELP = {
    "y ~ log.price": 'give the column another name: `data log_price from "log.price" : real`',
    "model Radon in homes": 'type `model "Radon in homes"`',
    "a = alpha[3]": 'a group is picked by its label, a text in quotes: `["3"]`',
    "mu[g] <- b": "write `mu[g] = …` for a definition, `mu[g] ~ …` for a distribution",
    "y ~ a + b * x": "an outcome has a distribution, `y ~ normal(a + b * x, sigma)`; "
    "a coefficient varies over levels, `y ~ region | income`",
    "-beta ~ halfnormal(1)": "for a negative quantity write `log(-beta) ~ …`",
    "a = 2x": "a product is written `2 * x`",
    "a = 'b'": 'type `"b"`',
    "Levels region": "did you mean `level`?",
    "data a, b": "say what it holds, `data a, b : real`, or how it is computed, `data z = log(x)`",
}


@pytest.mark.parametrize(("text", "help_"), HELP.items())
def test_help_says_what_to_type(text: str, help_: str) -> None:
    _, (diagnostic,) = parse(Source(text))
    assert diagnostic.help == help_


def test_a_wrong_closing_bracket_shows_the_opening_one() -> None:
    source = Source("a = f(b, [c, d)")
    _, (diagnostic,) = parse(source)
    assert diagnostic.headline == "`[` is closed by `)`"
    assert [(source.slice(o.span), o.text) for o in diagnostic.others] == [("[", "opened here")]


def test_expectations_are_the_terminals_that_can_follow() -> None:
    _, (diagnostic,) = parse(Source("total = a, b"))
    assert diagnostic.label is not None
    assert diagnostic.label.text == "expected an operator or the end of the statement"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_the_catalogue_shows_each_code(entry: object) -> None:
    row = CATALOGUE[entry.code]
    assert {d.code for d in parse(Source(row.bad))[1]} == {row.code}
    assert parse(Source(row.good))[1] == ()


def test_every_code_of_the_syntax_is_in_the_catalogue() -> None:
    codes = {finding[0] for _, findings, _ in CASES for finding in findings}
    assert codes | {"H117"} == {entry.code for entry in ENTRIES}
