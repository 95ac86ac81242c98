"""Every view of every model as DOT, Mermaid and text, whole."""

from itertools import product
from pathlib import Path

import pytest

from hdsl.render import render
from hdsl.render.render import VIEWS
from tests.render.models import CASES

FOLDER = Path(__file__).parent / "golden"
TEXTS = ("dot", "mmd", "txt")


def _path(name, view, form):
    return FOLDER / name / f"{view}.{form}"


@pytest.mark.parametrize(("name", "view", "form"), list(product(CASES, VIEWS, TEXTS)))
def test_text_forms(name, view, form, golden):
    make, facts = CASES[name]
    golden(_path(name, view, form), render(make(), view, form, facts() if facts else None))


def test_no_golden_file_is_an_orphan():
    owned = {_path(*case) for case in product(CASES, VIEWS, TEXTS)}
    assert {path for path in FOLDER.rglob("*") if path.is_file()} == owned
