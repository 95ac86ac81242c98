"""The project as a whole: its rules are run, its packages are built, its tree is looked through."""

import ast
import doctest
import importlib
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import hdsl
from hdsl.diagnostics.catalogue import CATALOGUE

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES = sorted((ROOT / "hdsl").rglob("*.py"))


def run(*command: str | Path, cwd: Path = ROOT, **options: object) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, **options
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(
    "command",
    [("-m", "ruff", "check", "."), ("-m", "ruff", "format", "--check", "."), ("-m", "mypy")],
    ids=["lint", "format", "types"],
)
def test_code_is_clean(command: tuple[str, ...]) -> None:
    run(sys.executable, *command)


def test_imports_flow_down() -> None:
    program = "from importlinter.cli import lint_imports_command as c; c()"
    assert "1 kept, 0 broken" in run(sys.executable, "-c", program)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_module_is_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    functions = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef))
    lengths = {f.name: f.end_lineno - f.lineno + 1 for f in functions if f.end_lineno}
    assert {name: length for name, length in lengths.items() if length > 50} == {}


def modules_of_hdsl() -> Iterator[str]:
    yield "hdsl"
    for module in pkgutil.walk_packages(hdsl.__path__, "hdsl."):
        yield module.name


@pytest.mark.parametrize("name", list(modules_of_hdsl()))
def test_examples_in_docstrings_are_true(name: str) -> None:
    failures, _ = doctest.testmod(importlib.import_module(name))
    assert failures == 0


@pytest.mark.parametrize("name", ["tools.documents", "tools.examples"])
def test_examples_in_tools_are_true(name: str) -> None:
    failures, tried = doctest.testmod(importlib.import_module(name))
    assert (failures, tried > 0) == (0, True)


def tracked() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = run("git", "ls-files", "-z").split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


# A path of somebody's machine, wherever that is; `/usr`, `/dev` and `/tmp` are everybody's.
MACHINE = re.compile(r"(?<![\w.:/~*-])/(?:home|root|opt|work|Users|mnt|srv)/[\w.-]+")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
BARE_IGNORE = re.compile(r"#\s*(?:type:\s*ignore|noqa)(?![\w\[:]).*$", re.M)


def test_tree_names_no_machine_and_holds_nothing_unfinished() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        if path != Path(__file__):
            found += [(path.name, m[0]) for m in MACHINE.finditer(text)]
            if path.suffix in (".py", ".lark", ".md"):
                found += [(path.name, m[0]) for m in UNFINISHED.finditer(text)]
                found += [(path.name, m[0]) for m in BARE_IGNORE.finditer(text)]
    assert found == []


def requirements() -> list[Requirement]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(text) for text in sum(extras, project["dependencies"])]


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_every_dependency_has_a_lower_bound_that_its_pin_meets(requirement: Requirement) -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.lower().split("==") for line in lines if not line.startswith("#"))
    assert [s.operator for s in requirement.specifier] == [">="]
    assert requirement.specifier.contains(pins[requirement.name.lower()])


def test_pins_hold_names_and_versions_alone() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    odd = [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+==[\w.!+]+", line)]
    assert odd == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist: what is not in the sdist cannot be in it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder)
    (built,) = folder.glob("*.whl")
    return built


def test_installed_wheel_compiles_an_example(wheel: Path, tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    zipfile.ZipFile(wheel).extractall(site)
    elsewhere.mkdir()
    shutil.copy(ROOT / "examples/radon/model.hdsl", elsewhere)
    program = "from hdsl.cli import main; main()"
    code = run(
        sys.executable,
        *("-P", "-c", program, "compile", "model.hdsl", "--backend", "pymc"),
        cwd=elsewhere,
        env={"PYTHONPATH": str(site), "PATH": ""},
    )
    assert {"prepare", "build"} <= {
        node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)
    }
    where = run(
        sys.executable, "-P", "-c", "import hdsl; print(hdsl.__file__)", cwd=elsewhere,
        env={"PYTHONPATH": str(site), "PATH": ""},
    )  # fmt: skip
    assert Path(where.strip()).is_relative_to(site)


def test_continuous_integration_runs_what_the_readme_says() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    assert "exec make test" in script
    assert {"make fit", "make test"} <= set(readme.splitlines())


def test_codes_in_the_source_are_those_of_the_catalogue() -> None:
    quoted = re.compile(r'"(H\d{3})"')
    used = {
        code
        for path in MODULES
        if path.parent.name != "diagnostics"
        for code in quoted.findall(path.read_text(encoding="utf-8"))
    }
    assert used == set(CATALOGUE)
