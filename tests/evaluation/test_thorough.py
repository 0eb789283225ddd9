"""One stream of scores gives what each measurement alone gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from reseen.evaluation.camera_pairs import CameraPairs
from reseen.evaluation.metrics import cosine_scores, evaluate
from reseen.evaluation.open_set import OpenSet
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.reranking import reranked_scores
from reseen.evaluation.thorough import evaluate_thoroughly
from reseen.evaluation.verification import Verification

Clustered = Callable[..., RetrievalSet]


@pytest.mark.parametrize("reranked", [False, True])
def test_everything_is_as_it_is_alone(clustered: Clustered, reranked: bool) -> None:
    retrieval = clustered(500, 900, persons=60, noise=1.2)
    scores = np.concatenate(
        [block.copy() for block in (reranked_scores(retrieval) if reranked else cosine_scores(retrieval))]
    )
    alone = Verification(retrieval), OpenSet(retrieval), CameraPairs(retrieval)
    for each in alone:
        each.add(retrieval.valid_queries, scores)

    watcher = CameraPairs(retrieval)
    metrics, further, pairs = evaluate_thoroughly(retrieval, reranked_scores(retrieval) if reranked else None, watcher)

    plain = evaluate(retrieval, iter([scores]))
    assert metrics.found.ranks.tolist() == plain.found.ranks.tolist()
    assert further.precision == {k: plain.precision(k) for k in (1, 5, 10)}
    assert further.verification == tuple(alone[0].at(fmr) for fmr in (1e-2, 1e-3, 1e-4))
    assert further.open_set == tuple(alone[1].at(fpir) for fpir in (1e-1, 1e-2))
    assert further.camera_pairs == tuple(alone[2].figures()) == tuple(watcher.figures())
    assert pairs.different.counts.tolist() == alone[0].different.counts.tolist()
    assert (further.enrolled, further.strangers, further.left_out) == (30, 30, ())


def test_people_and_programs_read_it(clustered: Clustered) -> None:
    further = evaluate_thoroughly(clustered(700, 900, persons=60, noise=1.2)).further

    figures, lines = json.loads(json.dumps(further.figures())), further.lines()
    assert figures["verification"][0]["tar"] == further.verification[0].tmr
    assert figures["open_set"][1]["supported"] is False
    assert lines[0].startswith("precision@1 ")
    assert further.verification[0].tmr is not None
    assert lines[1].startswith(f"TMR@FMR=1%: {further.verification[0].tmr * 100:.2f} % (95 % CI ")
    assert f"score ≥ {further.verification[2].threshold:.4f}" in lines[3]
    assert lines[4].startswith("DIR@FPIR=10%, 30 people enrolled, 30 strangers: ")
    assert lines[5].endswith("30 strangers: not measurable, too few false positives")
    weakest = min(further.camera_pairs, key=lambda pair: pair.mAP)
    assert lines[6].startswith(f"weak cameras: {weakest.query_camera} → {weakest.gallery_camera}, rank-1 ")
    assert len(lines) == 6 + 5


def test_what_cannot_be_measured_is_said(clustered: Clustered) -> None:
    made = clustered(5, 40, persons=1)
    alone = replace(
        made,
        query_cameras=np.full(5, -1),
        gallery_cameras=np.full(len(made.gallery_cameras), -1),
        gallery_persons=np.ones(len(made.gallery_persons), dtype=np.int64),
    )

    further = evaluate_thoroughly(alone).further

    assert (further.verification, further.open_set, further.camera_pairs) == ((), (), ())
    assert [line for line in further.lines() if line.startswith("not measured")] == [
        "not measured: too few people for open-set identification",
        "not measured: there are no camera pairs",
        "not measured: there are no pairs to verify",
    ]
