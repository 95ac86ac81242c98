"""Bad input gets a clear error: its code, exit 1, and never a traceback."""

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from hdsl.diagnostics.catalogue import CATALOGUE
from hdsl.diagnostics.diagnostic import Severity

type Command = Callable[..., Result]

MODEL = (
    "level region\ndata y, x : real\ny ~ normal(alpha + beta * x, sigma)\nalpha, beta ~ region\n"
)
CELLS = [
    (f"r{i % 6}", f"{0.3 * (i % 6) + 0.1 * (i * 7 % 11):g}", f"{i % 5 - 2}") for i in range(48)
]


def rows(cells: list[tuple[str, ...]], header: str = "region,y,x") -> str:
    return "\n".join([header, *(",".join(row) for row in cells)]) + "\n"


def model(body: str) -> str:
    return f"data y : real\ny ~ normal(a, 1)\n{body}\n"


GOOD = rows(CELLS)
CASES = {
    "empty model": ("", GOOD, {"H101"}),
    "only a comment": ("# nothing\n", GOOD, {"H101"}),
    "empty file of data": (MODEL, "", {"H905"}),
    "header and no rows": (MODEL, "region,y,x\n", {"H906"}),
    "a short line": (MODEL, GOOD + "r1,2\n", {"H903"}),
    "a column twice": (MODEL, rows(CELLS, "region,y,y"), {"H904"}),
    "a column that is not there": (MODEL, rows(CELLS, "region,y,z"), {"H910"}),
    "text in a numeric column": (MODEL, GOOD + "r1,many,0\n", {"H912"}),
    "a missing predictor": (MODEL, GOOD + "r1,1,\n", {"H914"}),
    "a missing label": (MODEL, GOOD + ",1,1\n", {"H915"}),
    "one group": (MODEL, rows([("a", y, x) for _, y, x in CELLS]), {"H601"}),
    "an outcome missing everywhere": (MODEL, rows([(r, "", x) for r, _, x in CELLS]), {"H931"}),
    "an outcome that never varies": (MODEL, rows([(r, "1", x) for r, _, x in CELLS]), {"H935"}),
    "a circular definition": (model("a = b + 1\nb = a * 2"), GOOD, {"H209"}),
    "a circle of parameters": (model("a ~ normal(b, 1)\nb ~ normal(a, 1)"), GOOD, {"H209"}),
    "a level nested in itself": (f"level region in region\n{model('a ~ region')}", GOOD, {"H401"}),
    "levels nested in each other": (
        f"level a in b\nlevel b in a\n{model('a ~ 1').replace('a', 'm')}",
        GOOD,
        None,
    ),
    "brackets 3,000 deep": (model(f"a = {'(' * 3000}1{')' * 3000}"), GOOD, {"H117"}),
    "calls 3,000 deep": (model(f"a = {'exp(' * 3000}1{')' * 3000}"), GOOD, {"H117"}),
    "5,000 minus signs": (model(f"a = {'-' * 5000}1"), GOOD, {"H117"}),
    "a sum of 5,000 terms": (model(f"a = {'+'.join(['1'] * 5000)}"), GOOD, {"H117"}),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_named_by_its_code(hdsl: Command, name: str) -> None:
    text, data, codes = CASES[name]
    Path("bad.hdsl").write_text(text, encoding="utf-8")
    Path("bad.csv").write_text(data, encoding="utf-8")
    done = hdsl("check", "bad.hdsl", "--data", "bad.csv", "--output-format", "json")
    assert done.stderr == ""
    found = {d["code"] for d in json.loads(done.stdout)}
    assert found
    assert codes is None or found == codes
    errors = any(CATALOGUE[code].severity is Severity.ERROR for code in found)
    assert done.exit_code == int(errors)


def test_labels_of_any_text(hdsl: Command) -> None:
    names = {
        "r1": '"a ""q"" <script>alert(1)</script>"',
        "r2": '"two\nlines"',
        "r3": "🍷 {x} %s \\n",
    }
    text = rows([(names.get(region, region), y, x) for region, y, x in CELLS])
    Path("odd.csv").write_text(text, encoding="utf-8")
    assert hdsl("check", "model.hdsl", "--data", "odd.csv").exit_code == 0
    for backend in ("numpyro", "pymc"):
        code = hdsl("compile", "model.hdsl", "--data", "odd.csv", "--backend", backend)
        assert code.exit_code == 0
        ast.parse(code.stdout)
    assert (
        hdsl(
            "render", "model.hdsl", "--data", "odd.csv", "--view", "levels", "-o", "a.svg"
        ).exit_code
        == 0
    )
    assert "<script>" not in Path("a.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("backend", ["numpyro", "pymc"])
def test_names_that_python_or_the_backend_takes(hdsl: Command, backend: str) -> None:
    text = (
        "level lambda\ndata np, data, model, row_, prepare : real\n"
        "np ~ normal(pm + jnp * data + dist * model + pt * prepare + numpyro * row_, jax)\n"
        "pm, jnp ~ lambda\ndist, pt, numpyro ~ 1\n"
    )
    Path("names.hdsl").write_text(text, encoding="utf-8")
    cells = [
        (*row, str(i * 3 % 7), str(i * 5 % 11), str(i * 2 % 13)) for i, row in enumerate(CELLS)
    ]
    Path("names.csv").write_text(rows(cells, "lambda,np,data,model,row_,prepare"), encoding="utf-8")
    assert hdsl("check", "names.hdsl", "--data", "names.csv").exit_code == 0
    code = hdsl("compile", "names.hdsl", "--data", "names.csv", "--backend", backend)
    assert code.exit_code == 0
    ast.parse(code.stdout)


def test_a_file_of_ten_thousand_lines(hdsl: Command) -> None:
    names = [f"x{i}" for i in range(100)]
    total = " + ".join(f"b_{name} * {name}" for name in names)
    priors = [f"b_{name} ~ normal(0, 1)" for name in names]
    comments = [f"# line {i}" for i in range(9_900)]
    head = ["data y : real", f"data {', '.join(names)} : real", f"y ~ normal({total}, 1)"]
    text = "\n".join([*head, *priors, *comments, ""])
    Path("long.hdsl").write_text(text, encoding="utf-8")
    assert hdsl("check", "long.hdsl").stdout == "long.hdsl: nothing to report\n"
    assert hdsl("compile", "long.hdsl").exit_code == 0
    assert hdsl("fmt", "long.hdsl").exit_code == 0
    assert hdsl("fmt", "--check", "long.hdsl").exit_code == 0
