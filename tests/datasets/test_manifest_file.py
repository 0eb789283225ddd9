from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from reseen.datasets import manifest_file
from reseen.datasets.manifest import Manifest, Sample
from reseen.datasets.manifest_file import read_manifest_file
from reseen.errors import DatasetError


def read_csv(folder: Path, text: str | bytes) -> Manifest:
    path = folder / "people.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_manifest_file(path)


def read_parquet(folder: Path, columns: Mapping[str, Sequence[object]]) -> Manifest:
    path = folder / "people.parquet"
    parquet.write_table(pa.table(columns), path)
    return read_manifest_file(path)


def error_of_csv(folder: Path, text: str | bytes) -> DatasetError:
    with pytest.raises(DatasetError) as caught:
        read_csv(folder, text)
    assert str(folder / "people.csv") in caught.value.what
    return caught.value


def test_a_csv_row_is_a_sample(tmp_path: Path) -> None:
    dataset = read_csv(
        tmp_path,
        "path,person,camera,time,split\nb/1.jpg,7,c1,12:00,train\n/abs/2.jpg,0008,,,query\n../c/3.jpg,0008,c2,,gallery\n",
    )
    assert dataset.samples == (
        Sample(tmp_path / "b" / "1.jpg", "7", camera="c1", time="12:00", split="train"),
        Sample(Path("/abs/2.jpg"), "0008", split="query"),
        Sample(tmp_path.parent / "c" / "3.jpg", "0008", camera="c2", split="gallery"),
    )
    assert dataset.name == "people"
    assert dataset.root == tmp_path / "people.csv"


def test_columns_in_any_order_and_other_columns_are_fine(tmp_path: Path) -> None:
    dataset = read_csv(tmp_path, "note,person,path\nsmiling,7,1.jpg\n")
    assert dataset.samples == (Sample(tmp_path / "1.jpg", "7"),)


def test_a_byte_order_mark_crlf_blanks_and_empty_lines_are_fine(tmp_path: Path) -> None:
    dataset = read_csv(tmp_path, b"\xef\xbb\xbfpath, person\r\n\r\n 1.jpg , 7 \r\n")
    assert dataset.samples == (Sample(tmp_path / "1.jpg", "7"),)


def test_quoted_values_may_hold_commas(tmp_path: Path) -> None:
    assert read_csv(tmp_path, 'path,person\n"a,b.jpg","Doe, Jane"\n').samples == (
        Sample(tmp_path / "a,b.jpg", "Doe, Jane"),
    )


def test_an_image_may_be_in_two_parts(tmp_path: Path) -> None:
    assert len(read_csv(tmp_path, "path,person,split\n1.jpg,7,query\n1.jpg,7,gallery\n").samples) == 2


def test_a_manifest_in_a_folder_of_its_own_is_called_by_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text("path,person\n1.jpg,7\n")
    assert read_manifest_file(path).name == tmp_path.name


@pytest.mark.parametrize(
    ("text", "what", "cure"),
    [
        ("", "has no column path", "add the column path"),
        ("path,persn\n1.jpg,7\n", "has no column person", "rename the column persn to person"),
        ("path;person\n1.jpg;7\n", "has no column path", "separate the columns with commas"),
        ("path\tperson\n1.jpg\t7\n", "has no column path", "separate the columns with commas"),
        ("path,person,person\n1.jpg,7,8\n", "has the column person twice", None),
        ("path,person\n", "lists no images", None),
        ("path,person\n1.jpg,7\n2.jpg, \n", "line 3: the person is blank", None),
        ("path,person\n,7\n", "line 2: the path is blank", None),
        ("path,person,split\n1.jpg,7,test\n", "line 2: unknown split", "use one of the expected words"),
        ("path,person,split\n1.jpg,7,galery\n", "line 2: unknown split", "write gallery"),
        ("path,person,split\n1.jpg,7,train\n2.jpg,7,\n", "line 3: a split is missing", None),
        ("path,person\n1.jpg,7\n./1.jpg,8\n", "line 3: ", "remove one of the rows"),
        ("path,person\n1.jpg,7,8\n", "line 2: the number of cells differs", "put values with a comma in quotes"),
        ("path,person\n1.jpg\n", "line 2: the number of cells differs", None),
        ('path,person\n"1.jpg,7\n', "cannot be read", None),
        (b"path,person\n\xff.jpg,7\n", "cannot be read", None),
    ],
)
def test_a_csv_that_is_not_valid_is_an_error_that_names_the_place(
    tmp_path: Path, text: str | bytes, what: str, cure: str | None
) -> None:
    error = error_of_csv(tmp_path, text)
    assert what in error.what
    assert cure is None or error.cure == cure


def test_line_numbers_count_lines_inside_quotes(tmp_path: Path) -> None:
    assert "line 4" in error_of_csv(tmp_path, 'path,person\n1.jpg,"a\nb"\n2.jpg,\n').what


def test_a_parquet_row_is_a_sample_and_numbers_become_text(tmp_path: Path) -> None:
    dataset = read_parquet(
        tmp_path,
        {
            "path": ["1.jpg", "2.jpg"],
            "person": [7, -1],
            "camera": [3, None],
            "split": ["query", "gallery"],
            "x": [[1], []],
        },
    )
    assert dataset.samples == (
        Sample(tmp_path / "1.jpg", "7", camera="3", split="query"),
        Sample(tmp_path / "2.jpg", "-1", split="gallery"),
    )


def test_a_parquet_file_that_is_not_valid_is_an_error_that_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="row 2: the person is blank"):
        read_parquet(tmp_path, {"path": ["1.jpg", "2.jpg"], "person": ["a", None]})
    with pytest.raises(DatasetError, match="has no column path"):
        read_parquet(tmp_path, {"person": ["a"]})
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(DatasetError, match=r"broken.parquet cannot be read"):
        read_manifest_file(tmp_path / "broken.parquet")


def test_parquet_without_pyarrow_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DatasetError) as caught:
        read_manifest_file(tmp_path / "people.parquet")
    assert "pip install '.[train]' in a clone of reseen" in (caught.value.cure or "")


def test_another_kind_of_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="not a manifest"):
        read_manifest_file(tmp_path / "people.xlsx")


def test_p11_bytes_and_rows_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "path,person\n1.jpg,7\n2.jpg,7\n"
    monkeypatch.setattr(manifest_file, "MAX_BYTES", len(text))
    monkeypatch.setattr(manifest_file, "MAX_ROWS", 2)
    assert len(read_csv(tmp_path, text).samples) == 2
    monkeypatch.setattr(manifest_file, "MAX_ROWS", 1)
    assert error_of_csv(tmp_path, text).expected == "at most 1 rows"
    monkeypatch.setattr(manifest_file, "MAX_BYTES", len(text) - 1)
    assert error_of_csv(tmp_path, text).got == f"{len(text)} bytes"
    used = 2 * (3 * 8 + 1)  # two columns of three 8-byte numbers and a byte of null flags
    rows: Mapping[str, Sequence[object]] = {
        "path": [1, 2, 3],
        "person": [4, 5, 6],
        "note": [None, None, "of no account"],
    }
    monkeypatch.setattr(manifest_file, "MAX_ROWS", 3)
    monkeypatch.setattr(manifest_file, "MAX_BYTES", used)
    assert len(read_parquet(tmp_path, rows).samples) == 3
    monkeypatch.setattr(manifest_file, "MAX_BYTES", used - 1)
    with pytest.raises(DatasetError, match="too large"):
        read_parquet(tmp_path, rows)


def test_rows_of_a_long_parquet_file_are_counted_through(tmp_path: Path) -> None:
    paths = [f"{place}.jpg" for place in range(2_500)]
    with pytest.raises(DatasetError, match="row 2500: the person is blank"):
        read_parquet(tmp_path, {"path": paths, "person": ["a"] * 2_499 + [""]})
