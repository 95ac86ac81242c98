"""What runs is the file on disk, and its errors are the model's."""

from pathlib import Path

import pytest

from hdsl.backends import Generated
from hdsl.diagnostics.diagnostic import ModelError
from hdsl.fit.module import import_module, write_module
from hdsl.source import Source

SOURCE = Source("y ~ normal(mu, 1)\n  mu ~ 1  # a mean\n", "m.hdsl")
TEXT = """\
def prepare(rows, tables=None, learned=None):
    # m.hdsl:1
    y = rows["y"]

    # m.hdsl:2
    return {"mu": 1 / y}
"""


def _loaded(folder: Path) -> object:
    generated = Generated(TEXT, "numpyro", lines=((5, 2), (6, 2), (2, 1), (3, 1)))
    file = write_module(generated, folder)
    assert file.read_text() == TEXT
    return import_module(generated, file, SOURCE)


def test_the_functions_of_the_file_are_called(tmp_path: Path) -> None:
    assert _loaded(tmp_path).prepare({"y": 4}) == {"mu": 0.25}


@pytest.mark.parametrize(
    ("rows", "said", "line", "blamed"),
    [
        ({}, "KeyError: 'y'", 3, "y ~ normal(mu, 1)"),
        ({"y": 0}, "ZeroDivisionError: division by zero", 6, "mu ~ 1  # a mean"),
    ],
)
def test_an_error_is_shown_at_its_line_of_the_model(
    tmp_path: Path, rows: dict[str, int], said: str, line: int, blamed: str
) -> None:
    with pytest.raises(ModelError) as raised:
        _loaded(tmp_path).prepare(rows)
    (found,) = raised.value.diagnostics
    assert (found.code, found.headline) == ("H520", f"the model cannot be run: {said}")
    assert found.notes == (f"raised in line {line} of model_numpyro.py",)
    assert found.label is not None
    assert SOURCE.slice(found.label.span) == blamed
    assert raised.value.source is SOURCE


def test_nothing_but_the_file_itself_is_written(tmp_path: Path) -> None:
    _loaded(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model_numpyro.py"]
