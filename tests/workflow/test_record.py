"""The file of replicates: nothing is lost, nothing is mixed."""

from pathlib import Path

import pytest

import hdsl
from hdsl.workflow.record import Record

HEADER = {"model": "y ~ normal(0, 1)", "seed": 1}


def test_replicates_are_found_again(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    Record(path, HEADER, False).add(1, {"seconds": 0.5})
    again: Record[int] = Record(path, HEADER, False)
    again.add(3, {"seconds": 0.25})

    expected = {1: {"replicate": 1, "seconds": 0.5}, 3: {"replicate": 3, "seconds": 0.25}}
    assert again.done == expected
    assert Record(path, HEADER, False).done == expected


def test_a_line_that_was_cut_off_is_dropped_and_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    Record(path, HEADER, False).add(1, {"seconds": 0.5})
    with path.open("a") as file:
        file.write('{"replicate": 2, "sec')

    again: Record[int] = Record(path, HEADER, False)
    assert list(again.done) == [1]
    again.add(2, {"seconds": 1.0})
    assert list(Record(path, HEADER, False).done) == [1, 2]


def test_a_damaged_line_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record: Record[str] = Record(path, HEADER, False, "fit")
    for name in ("one", "two"):
        record.add(name, {"seconds": 0.5})
    path.write_text(path.read_text().replace('{"fit": "one"', "\0\0\0"))

    assert list(Record[str](path, HEADER, False, "fit").done) == ["two"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"format": 1, "model": "y ~ normal(0, 1)", "seed": 2}\n', "not the same seed"),
        ("region,y\na,1\n", "holds no replicates"),
        ("", "holds no replicates"),
    ],
)
def test_replicates_of_something_else_are_not_mixed(
    tmp_path: Path, content: str, says: str
) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(content)
    with pytest.raises(hdsl.ModelError, match=says) as caught:
        Record(path, HEADER, False)
    assert [d.code for d in caught.value.diagnostics] == ["H555"]
    assert path.read_text() == content

    assert Record(path, HEADER, True).done == {}
    assert content not in path.read_text() or content == ""


def test_a_place_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(hdsl.ModelError, match="cannot write"):
        Record(tmp_path / "nowhere" / "r.jsonl", HEADER, False)


def test_without_a_path_it_lives_in_memory() -> None:
    record: Record[int] = Record(None, HEADER, False)
    record.add(1, {"seconds": 1.0})
    assert list(record.done) == [1]
