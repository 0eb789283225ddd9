"""Descriptions of evaluations come back, whatever bytes a path is made of."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from reseen.assess.description import StoredEvaluation, describe, read_description
from reseen.evaluation.protocol import RetrievalSet
from reseen.recipe.schema import QueryExpansion

SmallSet = tuple[RetrievalSet, tuple[Path, ...], tuple[Path, ...]]


def test_a_description_comes_back(small_retrieval: SmallSet, tmp_path: Path) -> None:
    told = describe(
        StoredEvaluation("people", "tiny", "reseen evaluate", *small_retrieval, reranking=QueryExpansion(alpha=2.0))
    )
    (tmp_path / "evaluation.json").write_text(told.model_dump_json(by_alias=True), encoding="utf-8")

    assert read_description(tmp_path / "evaluation.json") == told
    assert told.query == tuple(map(str, small_retrieval[1]))


def test_bytes_that_are_no_text_are_written_as_such(small_retrieval: SmallSet) -> None:
    bad = os.fsdecode(b"/data/bad\xff\xc3\xbc")
    retrieval = replace(small_retrieval[0], camera_names=(bad,) * 3)
    told = describe(StoredEvaluation(bad, bad, bad, retrieval, (Path(bad),) * 13, (Path(bad),) * 37))

    assert {told.dataset, told.model, told.command, *told.cameras, *told.query, *told.gallery} == {
        "/data/bad\\xff\u00fc"
    }
    assert told.model_dump_json()
