"""The commands that answer from the text: what they print, what they leave, how they exit."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from hdsl.diagnostics.catalogue import CATALOGUE

type Command = Callable[..., Result]

UNTIDY = "data y,x:real\ny~normal( alpha+x ,sigma)   # as typed\nalpha~region"
TIDY = "data y, x : real\ny ~ normal(alpha + x, sigma)  # as typed\nalpha ~ region\n"
WRONG = """\
level region
data y : real
y ~ normal(alpha, sigma, 1)
alpha ~ 1 | region
sigma ~ normal(0, 1)
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check", "model.hdsl"], 0),
        (["check", "model.hdsl", "--data", "rows.csv"], 0),
        (["check", "wrong.hdsl"], 1),
        (["check", "nowhere.hdsl"], 2),
        (["check", "."], 2),
        (["check", "model.hdsl", "--data", "nowhere.csv"], 2),
        (["check", "model.hdsl", "--table", "region=rows.csv"], 2),
        (["check", "model.hdsl", "--data", "rows.csv", "--table", "rows.csv"], 2),
        (["check"], 2),
        (["fmt"], 2),
        (["fmt", "model.hdsl"], 0),
        (["fmt", "torn.hdsl"], 1),
        (["fmt", "model.hdsl", "--check", "--diff"], 2),
        (["expand", "model.hdsl"], 0),
        (["expand", "wrong.hdsl"], 1),
        (["info", "model.hdsl"], 0),
        (["info", "wrong.hdsl"], 1),
        (["explain", "H999"], 2),
        (["compile", "model.hdsl"], 0),
        (["compile", "model.hdsl", "--backend", "stan"], 2),
        (["compile", "wrong.hdsl", "--backend", "pymc"], 1),
        (["compile", "model.hdsl", "--data", "rows.csv"], 0),
        (["render", "model.hdsl", "-o", "a.txt"], 0),
        (["render", "model.hdsl", "-o", "a.docx"], 2),
        (["render", "wrong.hdsl", "-o", "a.txt"], 1),
        (["nonsense"], 2),
        (["--version"], 0),
        (["--help"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_exit_codes(hdsl: Command, arguments: list[str], code: int) -> None:
    Path("wrong.hdsl").write_text(WRONG, encoding="utf-8")
    Path("torn.hdsl").write_text("y ~ normal(", encoding="utf-8")
    assert hdsl(*arguments).exit_code == code


def test_check_reports_all_errors_of_a_file_and_counts_them(hdsl: Command) -> None:
    Path("wrong.hdsl").write_text(WRONG, encoding="utf-8")
    full = hdsl("check", "wrong.hdsl").stdout
    found = json.loads(hdsl("check", "wrong.hdsl", "--output-format", "json").stdout)
    errors = [d for d in found if d["severity"] == "error"]
    assert len(errors) >= 2
    assert len(re.findall(r"^error\[", full, re.M)) == len(errors)
    assert f"{len(errors)} errors" in full.splitlines()[-1]


@pytest.mark.parametrize("form", ["concise", "github", "sarif"])
def test_check_speaks_to_programs(hdsl: Command, form: str) -> None:
    Path("wrong.hdsl").write_text(WRONG, encoding="utf-8")
    found = json.loads(hdsl("check", "wrong.hdsl", "--output-format", "json").stdout)
    text = hdsl("check", "wrong.hdsl", "--output-format", form).stdout
    if form == "sarif":
        (run,) = json.loads(text)["runs"]
        assert [r["ruleId"] for r in run["results"]] == [d["code"] for d in found]
    else:
        pattern = {
            "concise": r"^wrong\.hdsl:\d+:\d+: \w+\[",
            "github": r"^::(error|warning|notice) ",
        }
        assert len(re.findall(pattern[form], text, re.M)) == len(found) == len(text.splitlines())


@pytest.mark.parametrize("form", ["concise", "github"])
def test_check_is_silent_where_all_is_well(hdsl: Command, form: str) -> None:
    assert hdsl("check", "model.hdsl", "--output-format", form).stdout == ""
    assert json.loads(hdsl("check", "model.hdsl", "--output-format", "json").stdout) == []


def test_strict_makes_warnings_fail(hdsl: Command) -> None:
    rows = "region,y,x\n" + "".join(f"{'ab'[i % 2]},{i % 7},{i % 5 - 2}\n" for i in range(30))
    Path("few.csv").write_text(rows, encoding="utf-8")
    relaxed = hdsl("check", "model.hdsl", "--data", "few.csv", "--output-format", "json")
    assert {d["severity"] for d in json.loads(relaxed.stdout)} == {"warning"}
    assert relaxed.exit_code == 0
    assert hdsl("check", "model.hdsl", "--data", "few.csv", "--strict").exit_code == 1


def test_fmt_writes_the_file_in_place_and_once(hdsl: Command) -> None:
    path = Path("untidy.hdsl")
    path.write_text(UNTIDY, encoding="utf-8")
    path.chmod(0o640)
    assert hdsl("fmt", "untidy.hdsl").stderr == "untidy.hdsl: reformatted\n"
    assert path.read_text(encoding="utf-8") == TIDY
    assert path.stat().st_mode & 0o777 == 0o640
    again = hdsl("fmt", "untidy.hdsl")
    assert (again.exit_code, again.output) == (0, "")
    assert [p.name for p in Path().iterdir() if p.name.startswith(".")] == []


def test_fmt_check_and_diff_change_nothing(hdsl: Command) -> None:
    Path("untidy.hdsl").write_text(UNTIDY, encoding="utf-8")
    check = hdsl("fmt", "--check", "untidy.hdsl", "model.hdsl")
    assert (check.exit_code, check.stdout) == (1, "untidy.hdsl: would be reformatted\n")
    diff = hdsl("fmt", "--diff", "untidy.hdsl")
    assert diff.exit_code == 1
    assert "+alpha ~ region" in diff.stdout.splitlines()
    assert hdsl("fmt", "--check", "model.hdsl").exit_code == 0
    assert Path("untidy.hdsl").read_text(encoding="utf-8") == UNTIDY


def test_fmt_goes_from_standard_input_to_output(hdsl: Command) -> None:
    assert hdsl("fmt", "-", input=UNTIDY).stdout == TIDY
    assert hdsl("check", "-", input="y ~ ").exit_code == 1


def test_fmt_keeps_the_line_ends_of_a_file(hdsl: Command) -> None:
    Path("dos.hdsl").write_bytes(UNTIDY.replace("\n", "\r\n").encode())
    assert hdsl("fmt", "dos.hdsl").exit_code == 0
    assert Path("dos.hdsl").read_bytes() == TIDY.replace("\n", "\r\n").encode()


def test_fmt_leaves_a_wrong_file_alone_and_writes_the_others(hdsl: Command) -> None:
    Path("bad.hdsl").write_text("y ~ (", encoding="utf-8")
    Path("untidy.hdsl").write_text(UNTIDY, encoding="utf-8")
    assert hdsl("fmt", "bad.hdsl", "untidy.hdsl").exit_code == 1
    assert Path("bad.hdsl").read_text(encoding="utf-8") == "y ~ ("
    assert Path("untidy.hdsl").read_text(encoding="utf-8") == TIDY


def test_expand_is_a_model_that_expands_to_itself(hdsl: Command) -> None:
    once = hdsl("expand", "model.hdsl").stdout
    assert {"mean(alpha)", "sd(beta)", "cor(alpha, beta)", "sigma"} <= {
        line.split(" ~ ")[0] for line in once.splitlines()
    }
    Path("expanded.hdsl").write_text(once, encoding="utf-8")
    assert hdsl("check", "expanded.hdsl").exit_code == 0
    assert hdsl("expand", "expanded.hdsl").stdout == once


def test_info_lists_levels_columns_and_parameters(hdsl: Command) -> None:
    contents = json.loads(hdsl("info", "model.hdsl", "--json").stdout)
    assert [level["level"] for level in contents["levels"]] == ["region"]
    assert [(c["column"], c["type"], c["level"], c["role"]) for c in contents["columns"]] == [
        ("y", "real", ["row"], "outcome"),
        ("x", "real", ["row"], None),
    ]
    parameters = {p["parameter"]: p for p in contents["parameters"]}
    assert parameters["sigma"]["support"] == "nonnegative"
    assert parameters["sigma"]["prior"] == "halfstudentt(4, sd(y))"
    assert parameters["sigma"]["default"]
    plain = hdsl("info", "model.hdsl").stdout
    assert {"Levels", "Columns", "Parameters"} <= set(plain.splitlines())


@pytest.mark.parametrize("code", CATALOGUE)
def test_explain_tells_every_code(hdsl: Command, code: str) -> None:
    text = hdsl("explain", code.lower()).stdout
    entry = CATALOGUE[code]
    assert text.splitlines()[0] == f"{entry.severity.value}[{code}]: {entry.title}"


def test_compile_writes_what_it_prints(hdsl: Command) -> None:
    printed = hdsl("compile", "model.hdsl", "--backend", "pymc").stdout
    assert hdsl("compile", "model.hdsl", "--backend", "pymc", "-o", "out.py").output == ""
    assert Path("out.py").read_text(encoding="utf-8") == printed
    compile(printed, "out.py", "exec")


def test_compile_says_the_same_from_any_folder(hdsl: Command) -> None:
    here = hdsl("compile", "model.hdsl").stdout
    Path("sub").mkdir()
    Path("sub/model.hdsl").write_bytes(Path("model.hdsl").read_bytes())
    assert hdsl("compile", "sub/model.hdsl").stdout == here


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "dot", "mmd", "txt"])
@pytest.mark.parametrize("view", ["model", "levels"])
def test_render_writes_each_form(hdsl: Command, suffix: str, view: str) -> None:
    done = hdsl("render", "model.hdsl", "--data", "rows.csv", "--view", view, "-o", f"a.{suffix}")
    assert (done.exit_code, done.stdout) == (0, "")
    begins = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}
    assert Path(f"a.{suffix}").read_bytes().startswith(begins.get(suffix, b""))
    assert Path(f"a.{suffix}").stat().st_size > 20


def test_compile_says_what_its_passes_did(hdsl: Command) -> None:
    said = hdsl("compile", "model.hdsl", "--explain").stdout
    assert said.startswith("model.hdsl:4: integrate: the deviations of region and mean(alpha)")
    assert "def " not in said
    none = ("--no-pass", "integrate", "--no-pass", "score")
    nothing = hdsl("compile", "model.hdsl", "--explain", *none).stdout
    assert nothing.startswith("Nothing to arrange")
    assert hdsl("compile", "model.hdsl", "--explain", "-O0").stdout == nothing


def test_compile_arranges_where_it_is_told_to_or_knows_the_data(hdsl: Command) -> None:
    data = ("--data", "rows.csv")
    none = ("--no-pass", "integrate", "--no-pass", "score")
    arranged = {
        options: "def collapsed(data):" in hdsl("compile", "model.hdsl", *options).stdout
        for options in [(), ("-O1",), data, (*data, "-O0"), (*data, *none)]
    }
    assert list(arranged.values()) == [False, True, True, False, False]
    assert hdsl("compile", "model.hdsl", "-O2").exit_code == 2
    assert hdsl("compile", "model.hdsl", "--no-pass", "magic").exit_code == 2
