from __future__ import annotations

import json
from pathlib import Path

import pytest

from reseen.errors import CheckpointError
from reseen.runs.result import RunResult, read_result
from reseen.training.checkpoint import Progress

DONE = Progress(epoch=3, best=0.5, best_epoch=2)


def write_records(run: Path, *records: object) -> None:
    (run / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def evaluation(epoch: int, recall1: float) -> dict[str, object]:
    return {"kind": "evaluation", "epoch": epoch, "metrics": {"recall1": recall1}, "best": 1.0}


def test_a_result_is_the_last_evaluation_and_the_best_one(tmp_path: Path) -> None:
    epochs = [{"kind": "epoch", "epoch": epoch, "losses": {"total": 1.0}} for epoch in (1, 2, 3)]
    write_records(tmp_path, epochs[0], evaluation(1, 0.1), epochs[1], evaluation(2, 0.5), epochs[2], evaluation(3, 0.4))

    assert read_result(tmp_path, DONE) == RunResult(3, 2, {"recall1": 0.4}, {"recall1": 0.5})


@pytest.mark.parametrize("lost", [1, 2])
def test_an_evaluation_that_is_missing_is_told_with_what_measures_it_again(lost: int, tmp_path: Path) -> None:
    write_records(tmp_path, *(evaluation(epoch, 0.5) for epoch in (1, 2, 3) if epoch != lost + 1))

    with pytest.raises(CheckpointError, match=r"metrics\.jsonl does not tell") as refused:
        read_result(tmp_path, DONE)

    assert refused.value.got == f"KeyError: {lost + 1}"
    assert "reseen evaluate" in (refused.value.cure or "")


@pytest.mark.parametrize("content", [None, '{"kind": "evalua', "[1]\n", '{"epoch": 3}\n', "\xff"])
def test_records_that_are_gone_or_spoilt_are_told(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "metrics.jsonl").write_bytes(content.encode("latin-1"))

    with pytest.raises(CheckpointError, match=r"metrics\.jsonl does not tell"):
        read_result(tmp_path, DONE)
