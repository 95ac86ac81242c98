"""Files of every kind become tables, and every way to be broken is said."""

import datetime
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hdsl.data.frames import read_table
from hdsl.data.table import NotNumericError
from hdsl.diagnostics.diagnostic import Diagnostic, ModelError

FRAME = pl.DataFrame(
    {
        "site": [7, 12, None],
        "weight": [1.0, 2.5, None],
        "open": [True, False, None],
        "day": [datetime.date(2024, 1, 9), datetime.date(2024, 1, 10), None],
        "name": ["Oslo", 'a "b"\n<script>', None],
    },
    schema_overrides={"site": pl.Int64},
)


def failure(path: Path) -> Diagnostic:
    with pytest.raises(ModelError) as caught:
        read_table(path)
    [diagnostic] = caught.value.diagnostics
    return diagnostic


def broken_csv(tmp_path: Path, content: bytes) -> Diagnostic:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    return failure(path)


WRITERS: dict[str, Callable[[Path], None]] = {
    "rows.parquet": FRAME.write_parquet,
    "rows.feather": FRAME.write_ipc,
    "rows.arrow": FRAME.write_ipc,
}


@pytest.mark.parametrize("name", WRITERS)
def test_typed_files_keep_their_labels_and_numbers(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    table = read_table(tmp_path / name)

    assert table.columns == ("site", "weight", "open", "day", "name")
    assert table.height == 3
    assert table.labels("site").tolist() == ["7", "12", None]
    assert table.labels("weight").tolist() == ["1", "2.5", None]
    assert table.labels("open").tolist() == ["true", "false", None]
    assert table.labels("day").tolist() == ["2024-01-09", "2024-01-10", None]
    assert table.labels("name").tolist() == ["Oslo", 'a "b"\n<script>', None]
    assert table.numbers("site")[:2].tolist() == [7, 12]
    assert table.numbers("open")[:2].tolist() == [1, 0]
    assert all(value != value for value in [table.numbers("site")[2], table.numbers("open")[2]])


def test_a_csv_is_text_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        '\ufeffsite,"Unit price (€)",open\n007,1.50,TRUE\n" 7","1e3",false\nNA,N/A,\n\n',
        encoding="utf-8",
    )
    table = read_table(path)

    assert table.columns == ("site", "Unit price (€)", "open")
    assert table.labels("site").tolist() == ["007", " 7", None]
    assert table.labels("Unit price (€)").tolist() == ["1.50", "1e3", "N/A"]
    assert table.numbers("Unit price (€)")[:2].tolist() == [1.5, 1000.0]
    assert table.numbers("open")[:2].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("name", "text"),
    [("rows.tsv", "a\tb\n1\t2,5\n"), ("rows.csv", "a;b\n1;2,5\n"), ("rows.CSV", "a,b\n1,'2,5'\n")],
)
def test_the_separator_is_that_of_the_file(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text.replace("'", '"'), encoding="utf-8")

    assert read_table(path).labels("b").tolist() == ["2,5"]


def test_a_blank_line_is_no_row_but_in_a_single_column(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n\n3,4\n\n", encoding="utf-8")
    assert read_table(path).labels("a").tolist() == ["1", "3"]

    path.write_text("y\n1\n\n3\n\n", encoding="utf-8")
    assert read_table(path).labels("y").tolist() == ["1", None, "3"]


def test_text_among_numbers_is_carried_by_the_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("y\n1\nlots\n\n2\n1,5\n".replace("1,5", '"1,5"'), encoding="utf-8")

    with pytest.raises(NotNumericError) as caught:
        read_table(path).numbers("y")
    assert (caught.value.rows, caught.value.values) == ((1, 4), ("lots", "1,5"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    found = failure(tmp_path / "rows.csv")
    assert (found.code, found.headline) == ("H901", f"there is no file `{tmp_path / 'rows.csv'}`")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    found = failure(tmp_path)
    assert (found.code, found.headline) == ("H901", f"`{tmp_path}` is a folder, not a file")


def test_an_extension_that_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.xlsx"
    path.write_bytes(b"PK")
    found = failure(path)

    assert found.code == "H902"
    assert found.headline == f"cannot tell what kind of table `{path}` is"
    known = ".csv, .tsv, .tab, .parquet, .pq, .feather, .arrow, .ipc"
    assert found.notes == (f"its extension, '.xlsx', is none of {known}",)


@pytest.mark.parametrize(("name", "kind"), [("a.parquet", "Parquet"), ("a.feather", "Feather")])
@pytest.mark.parametrize("cut", [0, 20])
def test_a_damaged_binary_file(tmp_path: Path, name: str, kind: str, cut: int) -> None:
    path = tmp_path / name
    {"a.parquet": FRAME.write_parquet, "a.feather": FRAME.write_ipc}[name](path)
    path.write_bytes(path.read_bytes()[:cut])
    found = failure(path)

    assert (found.code, found.headline) == ("H903", f"`{path}` is not a whole {kind} file")


def test_a_line_that_is_too_long(tmp_path: Path) -> None:
    found = broken_csv(tmp_path, b"a,b\n1,2\n1,2,3\n4,5,6,7\n")

    assert found.code == "H903"
    assert found.notes == ("the header has 2 fields, but line 3 has 3, line 4 has 4",)


def test_a_line_that_is_too_short(tmp_path: Path) -> None:
    found = broken_csv(tmp_path, b"a,b,c\n1,2,3\n1,2\n")

    assert found.code == "H903"
    assert found.notes == ("the header has 3 fields, but line 3 has 2",)


def test_quotes_that_are_not_closed(tmp_path: Path) -> None:
    assert broken_csv(tmp_path, b'a,b\n"1,2\n3,4\n').code == "H903"


def test_text_that_is_not_utf_8(tmp_path: Path) -> None:
    found = broken_csv(tmp_path, "town,y\nOslo,1\nKøbenhavn,2\n".encode("latin-1"))

    assert found.code == "H903"
    assert found.notes == ("line 3 holds 'København,2' if read as Latin-1",)
    assert found.help == "save the file as UTF-8"


def test_a_header_that_repeats_a_name(tmp_path: Path) -> None:
    found = broken_csv(tmp_path, b"a,b, a ,b\n1,2,3,4\n")

    assert found.code == "H904"
    path = tmp_path / "rows.csv"
    assert found.headline == f"two columns of `{path}` have the same name: `a`, `b`"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf", b"\n\n"])
def test_an_empty_file(tmp_path: Path, content: bytes) -> None:
    found = broken_csv(tmp_path, content)

    path = tmp_path / "rows.csv"
    assert found.headline == f"`{path}` is empty: it has not even a header"
    assert found.code == "H905"


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n", encoding="utf-8")
    table = read_table(path)

    assert (table.columns, table.height) == (("a", "b"), 0)
    assert table.numbers("a").tolist() == table.labels("b").tolist() == []
