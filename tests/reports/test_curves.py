from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from reseen.assess.measurements import measure
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.verification import ROC
from reseen.reports.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Mark
from reseen.reports.curves import MOST_POINTS, cmc_chart, det_chart, roc_chart, score_chart


def corners(svg: str) -> list[tuple[float, float]]:
    (curve,) = re.findall(r'<polyline class="first" points="([^"]*)"', svg)
    return [(float(x), float(y)) for x, y in (corner.split(",") for corner in curve.split())]


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)<", svg)


def share(y: float) -> float:
    return (HEIGHT - BOTTOM - y) / (HEIGHT - TOP - BOTTOM)


def test_the_cmc_rises_to_the_recall_at_the_last_rank(small_retrieval: tuple[RetrievalSet, object, object]) -> None:
    metrics = measure(small_retrieval[0]).metrics
    found = corners(cmc_chart(metrics, 5000).svg)

    assert len(found) == 50
    assert [y for _, y in found] == sorted((y for _, y in found), reverse=True)
    assert (found[0][0], found[-1][0]) == (LEFT, WIDTH - RIGHT)


def test_the_cmc_ends_with_the_gallery(small_retrieval: tuple[RetrievalSet, object, object]) -> None:
    metrics = measure(small_retrieval[0]).metrics

    assert len(corners(cmc_chart(metrics, 24).svg)) == 24
    assert [text for text in texts(cmc_chart(metrics, 24).svg) if text.isdigit()] == ["1", "5", "10", "20", "24"]
    assert [text for text in texts(cmc_chart(metrics, 21).svg) if text.isdigit()] == ["1", "5", "10", "21"]
    assert len(corners(cmc_chart(metrics, 1).svg)) == 2  # one rank makes no line


def test_long_curves_keep_their_shape_and_their_ends() -> None:
    far = np.linspace(0, 1, 100_001)
    tar = np.sqrt(far)
    found = corners(roc_chart(ROC(np.linspace(1, -1, len(far)), far, tar)).svg)

    assert len(found) <= MOST_POINTS + 2
    assert found[-1] == (WIDTH - RIGHT, TOP)
    for x, y in found:
        rate = 1e-5 ** (1 - (x - LEFT) / (WIDTH - LEFT - RIGHT))
        assert abs(share(y) - np.sqrt(rate)) < 0.01


def test_det_is_the_other_side_of_roc_and_ends_with_the_last_miss() -> None:
    rates = np.array([0.0, 0.01, 0.1, 1.0])
    roc = ROC(np.array([1.0, 0.5, 0.2, -1.0]), rates, np.array([0.5, 0.9, 1.0, 1.0]))
    found = corners(det_chart(roc).svg)

    # Both axes start at the power of ten below what was measured: 1 % of false matches, 10 % of misses.
    assert [round(x) for x, _ in found] == [LEFT, LEFT]
    assert [round(share(y), 2) for _, y in found] == [round(1 + float(np.log10(0.5)), 2), 0]
    assert "1 %" in texts(det_chart(roc).svg)
    assert "0.1 %" not in texts(det_chart(roc).svg)


@pytest.mark.parametrize(("least", "start"), [(0.4, "10 %"), (3e-4, "0.01 %"), (1e-8, "0.001 %")])
def test_a_rate_s_axis_starts_below_the_least_that_was_measured(least: float, start: str) -> None:
    svg = roc_chart(ROC(np.array([1.0, 0.0, -1.0]), np.array([0.0, least, 1.0]), np.array([0.2, 0.5, 1.0]))).svg
    rates = texts(svg)
    assert rates[rates.index("100 %") + 1] == start  # after the last one of the other axis


def test_scores_of_both_kinds_of_pairs_are_drawn_with_their_thresholds(
    small_retrieval: tuple[RetrievalSet, object, object],
) -> None:
    verification = measure(small_retrieval[0]).verification
    chart = score_chart(verification, [Mark(0.5, "1 %")], "the score in words")

    assert ET.fromstring(chart.svg).get("role") == "img"  # noqa: S314
    assert "1 %" in chart.svg
    assert "the score in words" in chart.svg
    assert f"{verification.different.total:,} different-person pairs" in chart.caption
    assert len(re.findall('class="area', chart.svg)) == 2
    assert "Dashed" in chart.caption
    assert "Dashed" not in score_chart(verification, [], "score").caption
