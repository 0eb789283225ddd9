from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reseen.assess.description import StoredEvaluation
from reseen.errors import FeaturesError
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.ranked_list import RankedLists, ranked_list
from reseen.evaluation.reranking import reranked_scores
from reseen.recipe.schema import KReciprocal
from reseen.reports import comparison as module
from reseen.reports.comparison import compare, write_comparison

SmallSet = tuple[RetrievalSet, tuple[Path, ...], tuple[Path, ...]]


def reported(retrieval: RetrievalSet) -> StoredEvaluation:
    return StoredEvaluation("people", "tiny", "command", retrieval)


def blurred(retrieval: RetrievalSet, scale: float) -> RetrievalSet:
    """The same images with worse features."""
    draw = np.random.default_rng(1)
    features = retrieval.query_features + draw.normal(scale=scale, size=retrieval.query_features.shape)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    return replace(retrieval, query_features=unit.astype(np.float32))


def test_figures_and_flips_are_those_of_the_two_evaluations(small_retrieval: SmallSet) -> None:
    better, worse = small_retrieval[0], blurred(small_retrieval[0], 0.6)
    found = compare(reported(worse), reported(better))
    one, other = evaluate(worse), evaluate(better)

    assert found.differences["mAP"].first == one.mAP
    assert found.differences["mAP"].second == other.mAP
    first, second = one.first_rank == 1, other.first_rank == 1
    assert found.gained.tolist() == [int(q) for q, a, b in zip(one.valid_queries, first, second, strict=True) if b > a]
    assert found.lost.tolist() == [int(q) for q, a, b in zip(one.valid_queries, first, second, strict=True) if a > b]
    assert found.differences["mAP"].certain
    bounds = found.differences["mAP"].interval
    assert bounds is not None
    assert 0 < bounds.low < other.mAP - one.mAP < bounds.high


def test_an_evaluation_does_not_differ_from_itself(small_retrieval: SmallSet) -> None:
    found = compare(reported(small_retrieval[0]), reported(small_retrieval[0]))

    assert not found.gained.size
    assert not found.lost.size
    for difference in found.differences.values():
        assert not difference.certain
        assert str(difference.interval) == "0.00 to 0.00 %"


def test_turned_round_the_comparison_is_turned_round(small_retrieval: SmallSet) -> None:
    better, worse = small_retrieval[0], blurred(small_retrieval[0], 0.6)
    there, back = (compare(*map(reported, each)) for each in ((worse, better), (better, worse)))

    assert there.gained.tolist() == back.lost.tolist()
    one, other = there.differences["mINP"].interval, back.differences["mINP"].interval
    assert one is not None
    assert other is not None
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_other_images_are_refused(small_retrieval: SmallSet) -> None:
    retrieval = small_retrieval[0]
    with pytest.raises(FeaturesError, match="different images") as refused:
        compare(reported(retrieval), reported(replace(retrieval, query_persons=retrieval.query_persons[::-1].copy())))
    assert refused.value.expected == "the same query persons, in the same order"
    assert refused.value.got == "12 of 13 that differ"


def test_an_evaluation_that_was_re_ranked_is_compared_as_it_was(small_retrieval: SmallSet, tmp_path: Path) -> None:
    retrieval, query_paths, gallery_paths = small_retrieval
    blurry = blurred(retrieval, 0.6)
    plain = StoredEvaluation("people", "run", "command", blurry, query_paths, gallery_paths)
    reranking = KReciprocal(k1=3, k2=2)
    found = write_comparison(plain, replace(plain, reranking=reranking), tmp_path / "comparison.html")
    page = re.sub("<[^>]*>", " ", (tmp_path / "comparison.html").read_text(encoding="utf-8"))
    scores = np.concatenate(list(reranked_scores(blurry, k1=3, k2=2)))
    metrics = evaluate(blurry, [scores.copy()])

    assert found.differences["mAP"].first == evaluate(blurry).mAP
    assert found.differences["mAP"].second == metrics.mAP != found.differences["mAP"].first
    first = RankedLists(blurry, 1)
    first.add(blurry.valid_queries, scores)
    for query in blurry.valid_queries.tolist():
        assert found.lists[0].of(query).places == ranked_list(blurry, query, 1).places
        assert found.lists[1].of(query).places == first.of(query).places
    assert "run, re-ranked: k-reciprocal (k1 = 3, k2 = 2, lambda = 0.3)" in page
    assert "cosine similarity in A, minus the k-reciprocal distance in B" in page


def test_the_page_shows_both_and_the_queries_that_changed(small_retrieval: SmallSet, tmp_path: Path) -> None:
    retrieval, query_paths, gallery_paths = small_retrieval
    worse = blurred(retrieval, 0.6)
    one = StoredEvaluation("people", "run <a>", "first command", worse, query_paths, gallery_paths)
    other = StoredEvaluation("people", "run b", "second command", retrieval, query_paths, gallery_paths)
    found = write_comparison(one, other, tmp_path / "comparison.html")
    html = (tmp_path / "comparison.html").read_text(encoding="utf-8")
    text = re.sub("<[^>]*>", " ", html)

    assert "run &lt;a&gt;" in html
    assert f"Now right: {len(found.gained)} queries" in text
    assert found.gained.size
    assert html.count('alt="query"') == len(found.gained) + len(found.lost)
    assert f"{(found.differences['mAP'].second - found.differences['mAP'].first) * 100:+.2f}" in text
    assert re.findall(r'(?:src|href)="(?!data:)', html) == []
    assert " shown." not in text


def test_a_page_says_which_queries_it_does_not_show(
    small_retrieval: SmallSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLIPS_SHOWN", 1)
    one = StoredEvaluation("people", "run", "command", blurred(small_retrieval[0], 0.6), *small_retrieval[1:])
    found = write_comparison(one, replace(one, retrieval=small_retrieval[0]), tmp_path / "some.html")
    write_comparison(replace(one, query_paths=()), replace(one, retrieval=small_retrieval[0]), tmp_path / "bare.html")
    some, bare = ((tmp_path / name).read_text(encoding="utf-8") for name in ("some.html", "bare.html"))

    assert len(found.gained) > 1
    assert f"1 of {len(found.gained)} shown." in some
    assert "images are not at hand" not in some
    assert 'alt="query"' not in bare
    assert "The images are not at hand, so none are shown." in bare


def test_sides_of_the_same_words_are_told_apart_by_their_commands(small_retrieval: SmallSet, tmp_path: Path) -> None:
    one = StoredEvaluation("people", "run", "reseen evaluate --output a", small_retrieval[0])
    write_comparison(one, replace(one, command="reseen evaluate --flip --output b"), tmp_path / "page.html")
    text = re.sub("<[^>]*>", "", (tmp_path / "page.html").read_text(encoding="utf-8"))

    assert "A run (a)" in text
    assert "B run (--flip b)" in text


@pytest.mark.parametrize("width", [1200, 390])
def test_a_browser_shows_every_verdict_without_scrolling_sideways(
    small_retrieval: SmallSet, tmp_path: Path, chromium: Path, width: int
) -> None:
    worse = StoredEvaluation("people", "run a", "command", blurred(small_retrieval[0], 0.6))
    write_comparison(worse, replace(worse, retrieval=small_retrieval[0]), tmp_path / "page.html")
    script = (
        "<script>const cells = [...document.querySelectorAll('td[data-of=\"B is\"]')].filter(c => c.innerText);"
        "document.title = cells.length && cells.every(c => c.getBoundingClientRect().right <= innerWidth);</script>"
    )
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    (tmp_path / "probe.html").write_text(page.replace("</body>", f"{script}</body>"), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900", "--dump-dom"]
    probe = (tmp_path / "probe.html").as_uri()
    done = subprocess.run([chromium, *options, probe], capture_output=True, text=True, timeout=120, check=True)

    assert "<title>true</title>" in done.stdout
