from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np

from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.verification import ROC
from reseen.workflows.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Mark
from reseen.workflows.report.curves import MOST_POINTS, cmc_chart, det_chart, roc_chart, score_chart
from reseen.workflows.report.measurements import measure


def corners(svg: str) -> list[tuple[float, float]]:
    (curve,) = re.findall(r'<polyline class="first" points="([^"]*)"', svg)
    return [(float(x), float(y)) for x, y in (corner.split(",") for corner in curve.split())]


def share(y: float) -> float:
    return (HEIGHT - BOTTOM - y) / (HEIGHT - TOP - BOTTOM)


def test_the_cmc_rises_to_the_recall_at_the_last_rank(small: tuple[RetrievalSet, object, object]) -> None:
    metrics = measure(small[0]).metrics
    found = corners(cmc_chart(metrics).svg)

    assert len(found) == 50
    assert [y for _, y in found] == sorted((y for _, y in found), reverse=True)
    assert (found[0][0], found[-1][0]) == (LEFT, WIDTH - RIGHT)


def test_long_curves_keep_their_shape_and_their_ends() -> None:
    far = np.linspace(0, 1, 100_001)
    tar = np.sqrt(far)
    found = corners(roc_chart(ROC(np.linspace(1, -1, len(far)), far, tar)).svg)

    assert len(found) <= MOST_POINTS + 2
    assert found[-1] == (WIDTH - RIGHT, TOP)
    for x, y in found:
        rate = 1e-5 ** (1 - (x - LEFT) / (WIDTH - LEFT - RIGHT))
        assert abs(share(y) - np.sqrt(rate)) < 0.01


def test_det_is_the_other_side_of_roc() -> None:
    roc = ROC(np.array([1.0, 0.5, -1.0]), np.array([0.0, 0.01, 1.0]), np.array([0.5, 0.9, 1.0]))
    found = corners(det_chart(roc).svg)

    assert round(share(found[1][1]), 2) == round(2 / 3, 2)  # 10 % missed, between 0.1 % and 100 %


def test_scores_of_both_kinds_of_pairs_are_drawn_with_their_thresholds(
    small: tuple[RetrievalSet, object, object],
) -> None:
    verification = measure(small[0]).verification
    chart = score_chart(verification, [Mark(0.5, "1 %")], "the score in words")

    assert ET.fromstring(chart.svg).get("role") == "img"  # noqa: S314
    assert "1 %" in chart.svg
    assert "the score in words" in chart.svg
    assert f"{verification.impostor.total:,} of two" in chart.caption
    assert len(re.findall('class="area', chart.svg)) == 2
