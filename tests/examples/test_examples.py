"""Each example is complete, its generated files are fresh, its data are those it claims."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hdsl.diagnostics.diagnostic import Severity
from hdsl.lint import lint
from hdsl.source import Source
from hdsl.syntax.parser import parse
from hdsl.syntax.printer import print_file
from tools.examples import (
    EXAMPLES,
    FOLDER,
    Example,
    bound,
    checked,
    code_path,
    generated_code,
    pictures,
    region,
    side_by_side,
)

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)
GENERATORS = sorted(FOLDER.glob("*/generate.py")) + sorted(FOLDER.glob("*/quadrature.py"))


def test_every_folder_is_an_example_and_has_a_page() -> None:
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()}
    assert folders == {example.folder for example in EXAMPLES}
    assert all((FOLDER / name / "README.md").exists() for name in folders)


@each_example
def test_model_is_formatted_and_short(example: Example) -> None:
    text = example.source.read_text(encoding="utf-8")
    file, _ = parse(Source(text))
    assert print_file(file) == text
    assert len(file.statements) <= 20


@each_example
def test_model_and_data_agree(example: Example) -> None:
    binding = bound(example)
    found = [*binding.diagnostics, *lint(checked(example), binding)]
    assert [d for d in found if d.severity is Severity.ERROR] == []
    assert binding.facts.rows == len((example.path / example.rows).read_text().splitlines()) - 1


@each_example
@pytest.mark.parametrize("backend", ["numpyro", "pymc"])
def test_generated_code_is_fresh(example: Example, backend: str) -> None:
    assert code_path(example, backend).read_text(encoding="utf-8") == generated_code(
        example, backend
    )


@each_example
def test_page_shows_the_code(example: Example) -> None:
    suffix = "" if example.model == "model" else f" {example.model}"
    page = (example.path / "README.md").read_text(encoding="utf-8")
    assert region(page, f"code{suffix}", side_by_side(example)) == page


@each_example
def test_pictures_are_fresh(example: Example) -> None:
    """What they say, that is: how wide a text comes out depends on the machine's fonts."""
    for path, drawn in pictures(example).items():
        assert texts(path.read_text(encoding="utf-8")) == texts(drawn)


def texts(svg: str) -> list[str]:
    return sorted(re.findall(r">([^<>]+)</(?:text|title|desc|tspan)>", svg))


@pytest.mark.parametrize("script", GENERATORS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_data_are_what_their_generator_makes(script: Path, tmp_path: Path) -> None:
    copy = tmp_path / script.parent.name
    shutil.copytree(script.parent, copy)
    made = [p for p in copy.glob("*") if p.suffix in (".csv", ".json")]
    before = {p.name: p.read_text(encoding="utf-8") for p in made}
    subprocess.run([sys.executable, copy / script.name], check=True, cwd=tmp_path)
    assert {p.name: p.read_text(encoding="utf-8") for p in made} == before
