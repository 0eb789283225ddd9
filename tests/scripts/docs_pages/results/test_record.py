from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from docs_pages.results.record import EarlierTable, Record, read_records, write_record
from reseen.errors import UsageError

MakeRecord = Callable[..., Record]


def test_records_are_read_as_they_were_written(make_record: MakeRecord, tmp_path: Path) -> None:
    records = [make_record(seed=seed, mean_ap=0.3, reranked=0.6) for seed in (0, 1)]
    paths = [write_record(tmp_path / "results", record) for record in records]
    table = EarlierTable(title="before", place=0, columns=("a", "b"), rows=(("1", "2"),))
    (tmp_path / "results" / "earlier.json").write_text(table.model_dump_json())

    assert [path.name for path in paths] == ["small-seed_0.json", "small-seed_1.json"]
    assert read_records(tmp_path / "results") == [table, *records]


def test_a_record_of_the_same_run_is_written_over(make_record: MakeRecord, tmp_path: Path) -> None:
    write_record(tmp_path, make_record(epochs=3))
    write_record(tmp_path, make_record(epochs=4))

    (record,) = read_records(tmp_path)
    assert isinstance(record, Record)
    assert record.epochs == 4


@pytest.mark.parametrize("name", ["../up", "a b", "", "a/b"])
def test_a_name_is_that_of_a_file(make_record: MakeRecord, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        make_record(name=name)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"seed": -1}, "seed: Input should be greater"),
        ({"figures": {"recall1": 2.0}}, r"figures\.recall1: Input should be less"),
        ({"more": 1}, "more: Extra inputs"),
        ({"format": "reseen-result-0"}, "does not match any of the expected tags"),
    ],
)
def test_a_file_that_is_no_record_is_named_with_its_fault(
    make_record: MakeRecord, tmp_path: Path, change: dict[str, object], fault: str
) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(json.loads(make_record().model_dump_json()) | change))

    with pytest.raises(UsageError, match=rf"wrong\.json is not a record(.|\n)*{fault}"):
        read_records(tmp_path)


def test_a_file_too_large_for_a_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large.json").write_bytes(b" " * (2**20 + 1))

    with pytest.raises(UsageError, match="more than 1,048,576 bytes"):
        read_records(tmp_path)


def test_a_record_of_before_the_people_set_aside_had_their_name_is_read(
    make_record: MakeRecord, tmp_path: Path
) -> None:
    record = make_record(mean_ap=0.3, overrides=("training.best_on=calibration_people",))
    former = json.loads(record.model_dump_json())
    former["held_out"] = former.pop("calibration_people")
    former["overrides"] = ["training.best_on=held_out"]
    (tmp_path / "former.json").write_text(json.dumps(former))

    assert read_records(tmp_path) == [record]


def test_the_records_of_the_project_are_read(repository: Path) -> None:
    records = {
        each.file_name: each for each in read_records(repository / "docs" / "results") if isinstance(each, Record)
    }

    others = records["default_128x64-seed_0.json"].calibration_people
    assert others is not None
    assert others.mAP == pytest.approx(0.8143453495772339)
