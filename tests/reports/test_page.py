from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reseen.assess.description import StoredEvaluation
from reseen.errors import FeaturesError, UsageError
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.reranking import reranked_scores
from reseen.recipe.schema import KReciprocal
from reseen.reports.page import write_report

SmallSet = tuple[RetrievalSet, tuple[Path, ...], tuple[Path, ...]]
COMMAND = "reseen evaluate -c tiny --weights 'a & b' --data people"


@pytest.fixture(scope="module")
def page(small_retrieval: SmallSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(StoredEvaluation("people <1>", "tiny", COMMAND, *small_retrieval), path)
    return path


def test_the_page_tells_what_was_measured(small_retrieval: SmallSet, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    measured = write_report(StoredEvaluation("people", "tiny", COMMAND, *small_retrieval), path)
    html = path.read_text(encoding="utf-8")

    for figure in (measured.metrics.recall1, measured.metrics.mAP, measured.metrics.mINP):
        assert f"<b>{figure * 100:.2f} %</b>" in html
    bounds = measured.intervals["mAP"]
    assert f"{bounds.low * 100:.1f} to {bounds.high * 100:.1f}" in html
    assert "12 queries of 12 people in 37 gallery images, 1 of them distractors" in html
    assert "1: person not in gallery (12.jpg)" in re.sub("<[^>]*>", "", html)
    assert "no longer where they were" not in html
    assert html.count("<svg") == 4
    assert html.count('class="hit"') + html.count('class="miss"') == 60
    assert "not measurable" in html  # 12 × 24 pairs of two people say nothing about one in 10,000


def test_a_re_ranked_evaluation_is_reported_as_it_was_ranked(small_retrieval: SmallSet, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    path, reranking = tmp_path / "report.html", KReciprocal(k1=4, k2=2)
    reported = StoredEvaluation("people", "tiny", COMMAND, *small_retrieval, reranking=reranking)
    write_report(reported, path, progress=lambda *each: told.append(each))
    html = path.read_text(encoding="utf-8")
    metrics = evaluate(small_retrieval[0], reranked_scores(small_retrieval[0], k1=4, k2=2))

    assert f"<b>{metrics.mAP * 100:.2f} %</b>" in html
    assert metrics.mAP != evaluate(small_retrieval[0]).mAP
    assert "Re-ranked: k-reciprocal (k1 = 4, k2 = 2, lambda = 0.3)" in html
    assert "the score that ranked it:\nminus the k-reciprocal distance." in html
    assert {stage for stage, _, _ in told} == {"re-ranking"}
    with pytest.raises(UsageError, match="too little memory"):
        write_report(reported, path, memory=0.02)


def test_the_page_tells_who_the_strangers_are(page: Path) -> None:
    text = " ".join(re.sub("<[^>]*>", " ", page.read_text(encoding="utf-8")).split())

    assert "6 people, half of those who could be found, are removed from the gallery" in text
    assert "6 people stay enrolled" in text
    assert "Re-ranked" not in text
    assert "the score that ranked it: cosine similarity." in text


def test_texts_are_escaped_and_nothing_comes_from_outside(page: Path) -> None:
    html = page.read_text(encoding="utf-8")

    assert "people &lt;1&gt;" in html
    assert "a &amp; b" in html
    assert re.findall(r'(?:src|href)="(?!data:)', html) == []
    assert "http" not in html
    assert "<script" not in html


def test_without_images_and_cameras_the_rest_is_there(small_retrieval: SmallSet, tmp_path: Path) -> None:
    retrieval, _, _ = small_retrieval
    unknown = replace(
        retrieval,
        query_cameras=np.full_like(retrieval.query_cameras, -1),
        gallery_cameras=np.full_like(retrieval.gallery_cameras, -1),
    )
    write_report(StoredEvaluation("people", "tiny", COMMAND, unknown), tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert "The images are not at hand" in html
    assert "From camera to camera" not in html
    assert "no cameras known" in html


def test_nothing_to_evaluate_is_an_error_and_leaves_no_page(small_retrieval: SmallSet, tmp_path: Path) -> None:
    retrieval, _, _ = small_retrieval
    strangers = replace(retrieval, query_persons=retrieval.query_persons + 100)
    with pytest.raises(FeaturesError):
        write_report(StoredEvaluation("people", "tiny", COMMAND, strangers), tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_images_that_are_gone_are_counted_and_queries_left_out_are_named_with_their_folder(
    small_retrieval: SmallSet, tmp_path: Path
) -> None:
    retrieval, query_paths, gallery_paths = small_retrieval
    moved = tuple(tmp_path / "query" / path.name for path in query_paths)
    write_report(StoredEvaluation("people", "tiny", COMMAND, retrieval, moved, gallery_paths), tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert "6 of these images are no longer where they were" in html
    assert re.search(r"\(\S*query/12.jpg\)", html)


@pytest.mark.parametrize("width", [1200, 390])
def test_a_browser_shows_it_without_scrolling_sideways(
    small_retrieval: SmallSet, tmp_path: Path, chromium: Path, width: int
) -> None:
    page = tmp_path / "report.html"
    write_report(StoredEvaluation("people" * 30, "tiny, " + "weights/" * 30, COMMAND, *small_retrieval), page)
    probe = page.with_name(f"probe{width}.html")
    script = "<script>document.title = `${document.documentElement.scrollWidth <= innerWidth}`</script></body>"
    probe.write_text(page.read_text(encoding="utf-8").replace("</body>", script), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900", "--dump-dom"]
    done = subprocess.run([chromium, *options, probe.as_uri()], capture_output=True, text=True, timeout=120, check=True)

    assert "<title>true</title>" in done.stdout
