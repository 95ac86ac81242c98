"""One canonical spelling for each tree; the formatter keeps what people wrote around it."""

from pathlib import Path

import pytest

from hdsl.source import Source
from hdsl.syntax.ast import Define, File
from hdsl.syntax.parser import parse
from hdsl.syntax.printer import print_expr, print_file, print_statement

REFERENCE = sorted((Path(__file__).parent / "reference").glob("*.hdsl"))


def read(text: str) -> File:
    file, diagnostics = parse(Source(text))
    assert diagnostics == ()
    return file


CANONICAL = {
    "a=b+-c*-d": "a = b + -c * -d",
    "a = (b+c)+d - (e-f)": "a = b + c + d - (e - f)",
    "a = b*(c*d)/(e/f)@g": "a = b * (c * d) / (e / f) @ g",
    "a = b ^ c ^ d": "a = b^c^d",
    "a = (b^c)^d": "a = (b^c)^d",
    "a = (-b)^2 + -b^2 + b^-2": "a = (-b)^2 + -b^2 + b^-2",
    "a = -(b*c) + (-b)*c": "a = -(b * c) + -b * c",
    "a = - - b": "a = --b",
    "a = b==c": "a = (b == c)",
    "a = (b<c)*(c>=d)": "a = (b < c) * (c >= d)",
    "a = where((b == 1), c, k=d!=e)": "a = where(b == 1, c, k = (d != e))",
    'data f=sex=="F" per s': 'data f = (sex == "F") per s',
    "a = 1e-3 + 1.50 + .5 + 2.": "a = 1e-3 + 1.50 + .5 + 2.",
    'a = b["x""y",c:d]': 'a = b["x""y", c : d]',
    "a = [b,k=c,]": "a = [b, k = c]",
    "sd( b,a:c )~halfnormal( 1 )": "sd(b, a : c) ~ halfnormal(1)",
    "sd(b) ^ -2 ~ gamma(1,1)": "sd(b)^-2 ~ gamma(1, 1)",
    "b~g|w,v*2": "b ~ g | w, v * 2",
    "b~(g|(w+v))": "b ~ g | (w + v)",
    "b~a/c+g:h|w": "b ~ a / c + (g : h | w)",
    "b~((a+(c|w)))+0": "b ~ a + (c | w) + 0",
    "b~1|g": "b ~ 1 | g",
    "b~g with centered(a,c:d)": "b ~ g with centered(a, c : d)",
    'level  a from "x y" in b in c ordered': 'level a from "x y" in b in c ordered',
    'level a from "plain"': "level a from plain",
    'level a={b,"c d",3,"4x"}': 'level a = {b, "c d", 3, "4x"}',
    "level a=b:c ordered": "level a = b : c ordered",
    "data a from b,c:ordered{lo,hi} per g drop": "data a from b, c : ordered {lo, hi} drop per g",
    "report a,sd(b)": "report a, sd(b)",
    "report a=b>c": "report a = (b > c)",
    'model "5"" pipe"': 'model "5"" pipe"',
}


@pytest.mark.parametrize(("written", "canonical"), CANONICAL.items(), ids=CANONICAL.values())
def test_canonical_spelling(written: str, canonical: str) -> None:
    (statement,) = read(written).statements
    assert print_statement(statement) == canonical
    assert read(canonical).statements == (statement,)


@pytest.mark.parametrize("path", REFERENCE, ids=lambda path: path.stem)
def test_the_reference_survives_printing_at_any_width(path: Path) -> None:
    for statement in read(path.read_text(encoding="utf-8")).statements:
        for width in (None, 100, 40, 1):
            assert read(print_statement(statement, width)).statements == (statement,)


@pytest.mark.parametrize("path", REFERENCE, ids=lambda path: path.stem)
def test_the_reference_formats_to_a_fixed_point(path: Path) -> None:
    file = read(path.read_text(encoding="utf-8"))
    formatted = print_file(file)
    assert read(formatted) == file
    assert print_file(read(formatted)) == formatted
    assert [c.text for c in read(formatted).comments] == [c.text for c in file.comments]


def test_names_of_quantities() -> None:
    names = [
        "sd(alpha, market)",
        "mean(log(sigma))",
        "slope(beta, income)",
        "alpha[market]",
        "cor(a, b)",
    ]
    for name in names:
        (statement,) = read(f"x = {name}").statements
        assert isinstance(statement, Define)
        assert print_expr(statement.expr) == name


def test_the_formatter_keeps_comments_and_paragraphs() -> None:
    written = """

# top


model   "x"   # title
a~1;c ~ d # last

   # own line

y ~ normal(a, # first

  b
  # second
  , c)    # third
#after
z=3


# end

"""
    assert (
        print_file(read(written))
        == """\
# top

model "x"  # title
a ~ 1
c ~ d  # last

# own line

# first
# second
y ~ normal(a, b, c)  # third
#after
z = 3

# end
"""
    )


def test_long_statements_break_inside_brackets_and_before_signs() -> None:
    long = "coefficient_of_the_first_predictor * first_predictor"
    written = f"y ~ studentt(nu, {long} + {long} - {long}, sigma)\nmu = {long} + {long} + {long}"
    formatted = print_file(read(written))
    assert (
        formatted
        == f"""\
y ~ studentt(
    nu,
    {long}
        + {long}
        - {long},
    sigma
)
mu = {long}
    + {long}
    + {long}
"""
    )
    assert read(formatted) == read(written)


def test_a_long_list_of_names_breaks_after_commas() -> None:
    names = [f"a_rather_long_name_of_a_column_{i}" for i in range(4)]
    formatted = print_file(read(f"data {', '.join(names)} : real"))
    assert formatted == "data " + ",\n    ".join(names) + " : real\n"


def test_an_empty_file_stays_empty_and_comments_alone_are_kept() -> None:
    assert print_file(File(())) == ""
    file, _ = parse(Source("# a\n\n\n# b"))
    assert print_file(file) == "# a\n\n# b\n"
