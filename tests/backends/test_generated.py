"""What is told of a generated file beside its text: keys, dims, sites, lines."""

import ast

import pytest

from hdsl.backends import BACKENDS, emit
from hdsl.compiler import model_of
from hdsl.ir.facts import Facts
from hdsl.source import Source

TEXT = """\
model "Three outcomes"
data y, x : real
data w : positive
y ~ normal(a + b * x, sigma)
log(w) ~ normal(a, 1)
a, b ~ store | income
data income : real per store
cor(a, b) ~ lkj(1)
"""


@pytest.fixture(params=list(BACKENDS))
def made(request):
    facts = Facts(30, {"store": 4}, {}, frozenset({"w"}))
    return emit(model_of(Source(TEXT, "three.hdsl")), request.param, facts)


def test_keys_of_the_data(made):
    assert made.keys == {"income": "income", "x": "x", "y": "y"}
    assert made.observed == {"y": "y", "w": "log_w"}
    assert made.seen == {"w": "w_seen"}
    assert made.row_index == {"store": "store_of_row"}


def test_sites_and_their_dims(made):
    assert made.sites == {"y": "y", "w": "log(w)"}
    assert made.auxiliary == ("cor(a, b) unit", "z(a)", "z(b)")
    assert made.dims["a"] == made.dims["dev(b)"] == ("store",)
    assert made.dims["sigma"] == made.dims["cor(a, b)"] == ()
    assert made.dims["log(w)"] == ("row",)
    assert not set(made.auxiliary) & set(made.dims)


def test_lines_lead_to_the_statement_above_them(made):
    text = made.text.splitlines()
    served = dict(made.lines)
    sampled = next(i for i, line in enumerate(text, 1) if '"y",' in line and "sigma" in line)
    assert served[sampled] == 4
    assert served[next(i for i, line in enumerate(text, 1) if '"z(a)"' in line)] == 6
    for number, line in made.lines:
        assert text[number - 1].strip()
        above = [row for row in text[: number - 1] if "# three.hdsl:" in row]
        assert above[-1].strip().startswith(f"# three.hdsl:{line}  ")


def test_the_file_stands_alone(made):
    modules = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(made.text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
        )
    }
    own = {"numpyro": {"jax", "numpyro"}, "pymc": {"pymc", "pytensor"}}[made.backend]
    assert modules <= {"re", "numpy"} | own


def test_it_says_what_data_it_was_compiled_for(made):
    docstring = ast.get_docstring(ast.parse(made.text))
    assert docstring is not None
    assert docstring.startswith("Three outcomes.\n")
    assert "For data of 30 rows, store: 4 groups.\nSome values of w are missing" in docstring


def test_deviations_of_many_groups_are_kept_only_where_asked_for():
    facts = Facts(10**6, {"store": 30_000}, {})
    text = TEXT + "report dev(b)\n"
    dims = emit(model_of(Source(text)), "numpyro", facts).dims
    assert "dev(a)" not in dims
    assert "dev(b)" in dims
    assert "a" in dims
