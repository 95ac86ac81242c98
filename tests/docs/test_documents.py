"""What the documents show is true: models compile, commands run, links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hdsl.compiler import check_source
from hdsl.diagnostics.diagnostic import Severity
from hdsl.source import Source
from tools.documents import ROOT, Block, blocks, commands, documents, playground, run

TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in documents()
}
MODELS = [
    pytest.param(block, id=f"{name}:{block.line}")
    for name, text in TEXTS.items()
    for block in blocks(text)
    if block.language == "hdsl"
]
# What a reader types besides our own commands; the tests of the project run `make` for themselves.
OTHER_COMMANDS = ("make ", "pip install ", "git clone ", "cd ", "python -m tools.")


@pytest.mark.parametrize("block", MODELS)
def test_every_model_compiles(block: Block) -> None:
    model, diagnostics = check_source(Source(block.body))
    assert [d for d in diagnostics if d.severity is not Severity.NOTE] == []
    assert model is not None


@pytest.mark.parametrize("name", TEXTS)
def test_everything_that_is_typed_runs(name: str, tmp_path: Path) -> None:
    """Its commands in their order, then its Python, which may use what they made."""
    playground(tmp_path)
    printed = ""
    for block in blocks(TEXTS[name]):
        if block.title:
            (tmp_path / block.title).write_text(block.body, encoding="utf-8")
        if block.is_output:
            assert printed == block.body, f"{name}:{block.line}"
        if block.language == "sh":
            printed = "".join(output(command, tmp_path) for command in commands(block))
    script = "\n".join(block.body for block in blocks(TEXTS[name]) if block.info == ("python",))
    if script:
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr


def output(command: str, folder: Path) -> str:
    if not command.startswith("hdsl "):
        assert command.startswith(OTHER_COMMANDS), command
        return ""
    fails = command.endswith("# exits with 1")
    done = run(command, folder)
    assert done.returncode == int(fails), f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_leads_somewhere(name: str) -> None:
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", TEXTS[name], flags=re.S)
    targets = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", prose)
    for target in (one or other for one, other in targets):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), target


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    bare = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in bare}


def test_make_targets_of_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    typed = {
        command.split()[1]
        for text in TEXTS.values()
        for block in blocks(text)
        if block.language == "sh"
        for command in commands(block)
        if command.startswith("make ")
    }
    assert typed <= targets
