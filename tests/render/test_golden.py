"""Every view of every model as DOT, Mermaid and text, whole."""

from itertools import product
from pathlib import Path

import pytest

import hdsl
from hdsl.render import equations, render
from hdsl.render.render import VIEWS
from tests.render.models import CASES

FOLDER = Path(__file__).parent / "golden"
EQUATIONS = {"text": "equations.txt", "latex": "equations.tex"}
TEXTS = ("dot", "mmd", "txt")


def _path(name, view, form):
    return FOLDER / name / f"{view}.{form}"


@pytest.mark.parametrize(("name", "view", "form"), list(product(CASES, VIEWS, TEXTS)))
def test_text_forms(name, view, form, golden):
    make, facts = CASES[name]
    golden(_path(name, view, form), render(make(), view, form, facts() if facts else None))


@pytest.mark.parametrize(("name", "form"), list(product(CASES, EQUATIONS)))
def test_equations(name, form, golden):
    written = equations(CASES[name][0](), form)
    golden(FOLDER / name / EQUATIONS[form], written)
    if form == "latex":
        assert written.count("{") == written.count("}")
        assert written.count(r"\left") == written.count(r"\right")


def test_no_golden_file_is_an_orphan():
    owned = {_path(*case) for case in product(CASES, VIEWS, TEXTS)}
    owned |= {FOLDER / name / file for name, file in product(CASES, EQUATIONS.values())}
    assert {path for path in FOLDER.rglob("*") if path.is_file()} == owned


def test_two_spellings_of_one_crossing_lie_in_neither_of_each_other() -> None:
    model = hdsl.parse("y ~ normal(a, s); a[h] ~ g + k + g : k; mean(a) ~ normal(0, 1)")
    assert str(model.render("model", "dot")).count("subgraph") > 1
