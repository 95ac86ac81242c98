"""Texts that no person writes: an answer in time, and never a traceback."""

import pytest

from hdsl.source import Source
from hdsl.syntax.nesting import MAX_BRACKETS, MAX_DEPTH
from hdsl.syntax.parser import parse
from hdsl.syntax.printer import print_file, print_statement


def codes(text: str) -> list[str]:
    return [d.code for d in parse(Source(text))[1]]


@pytest.mark.parametrize("opening", ["(", "[", "f(", "exp(1 + "])
def test_brackets_up_to_the_bound_and_beyond(opening: str) -> None:
    closing = "]" if opening == "[" else ")"
    deepest = f"a = {opening * MAX_BRACKETS}b{closing * MAX_BRACKETS}"
    file, diagnostics = parse(Source(deepest))
    assert diagnostics == ()
    assert parse(Source(print_file(file)))[0] == file
    assert codes(f"a = {opening * 10_000}b{closing * 10_000}") == ["H117"]
    assert codes(f"a = {opening * 10_000}") == ["H117"]


@pytest.mark.parametrize("sign", [" + ", " - ", " * ", " / ", "^"])
def test_operations_up_to_the_bound_and_beyond(sign: str) -> None:
    file, diagnostics = parse(Source(f"a = {sign.join(['b'] * MAX_DEPTH)}"))
    assert diagnostics == ()
    (statement,) = file.statements
    assert print_statement(statement) == f"a = {sign.join(['b'] * MAX_DEPTH)}"
    assert parse(Source(print_file(file)))[0] == file
    assert codes(f"a = {sign.join(['b'] * 5_000)}") == ["H117"]


def test_operations_count_wherever_they_stand() -> None:
    long = " + ".join(["b"] * 300)
    for text in (
        f"data a = {long} per g",
        f"report a = {long}",
        f"y ~ normal({long}, 1)",
        f"a ~ g | ({long})",
        f"f({long}) ~ normal(0, 1)",
        f"a = [{long}]",
        f"report f({long})",
        f"a = -{'-' * 300}b",
    ):
        assert codes(text) == ["H117"]


def test_lists_of_any_length() -> None:
    names = ", ".join(f"a{i}" for i in range(5_000))
    for text in (f"data {names} : real", f"a = f({names})", f"{names} ~ g | {names}"):
        file, diagnostics = parse(Source(text))
        assert diagnostics == ()
        assert parse(Source(print_file(file)))[0] == file


def test_a_long_file_is_read_and_a_mistake_in_each_line_reported() -> None:
    file, diagnostics = parse(Source("a ~ normal(0, 1)\n" * 10_000))
    assert (len(file.statements), diagnostics) == (10_000, ())
    file, diagnostics = parse(Source("a ~ normal(0, 1\n" * 2_000))
    assert (len(file.statements), {d.code for d in diagnostics}) == (0, {"H105"})
    assert len(diagnostics) == 2_000
