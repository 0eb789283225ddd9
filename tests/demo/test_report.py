from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reseen.assess.evaluate import Evaluation, evaluate_retrieval
from reseen.bundle.bundle import open_bundle
from reseen.datasets.manifest import Manifest
from reseen.demo import report as demo_report
from reseen.demo.bundle import BundleShown
from reseen.demo.report import DemoResults, write_report
from reseen.demo.training import Learnt
from reseen.engines.match import Match
from reseen.evaluation.protocol import RetrievalSet
from reseen.images.decode import decode_image
from reseen.recipe.schema import Recipe
from reseen.reports.drawing import RankedList, draw_ranked_lists

SmallRecipe = Callable[..., Recipe]


SHOWN = BundleShown(compared=Match(0.8125), searched=321)
METRICS = {"recall1": 0.875, "mAP": 0.625}


def evaluation(people: Manifest, noise: float) -> Evaluation:
    """Features scattered around one centre for each person."""
    draw = np.random.default_rng(0)
    query, gallery = people.split("query"), people.split("gallery")
    centres = {sample.person: draw.standard_normal(8) for sample in query + gallery}
    features = [
        np.array([centres[s.person] + noise * draw.standard_normal(8) for s in part]) for part in (query, gallery)
    ]
    persons = [np.array([int(s.person) for s in part]) for part in (query, gallery)]
    cameras = [np.array([int(s.camera or -1) for s in part]) for part in (query, gallery)]
    return evaluate_retrieval(
        RetrievalSet.of(
            query_features=features[0],
            gallery_features=features[1],
            query_persons=persons[0],
            gallery_persons=persons[1],
            query_cameras=cameras[0],
            gallery_cameras=cameras[1],
        )
    )


@pytest.fixture
def learnt(people: Manifest, small_recipe: SmallRecipe, small_bundle: Path) -> Learnt:
    return Learnt(
        recipe=small_recipe(),
        parameters=12345,
        before=evaluation(people, 5.0),
        after=evaluation(people, 0.5),
        losses=[3.25, 2.5, 1.5],
        bundle=open_bundle(small_bundle),
    )


@pytest.fixture
def results(people: Manifest, learnt: Learnt, small_bundle: Path) -> DemoResults:
    shipped = open_bundle(small_bundle).description.model_copy(update={"metrics": {"Market": METRICS}})
    as_it_comes = evaluation(people, 2.0)
    return DemoResults(people, shipped, as_it_comes, learnt, SHOWN, seconds=83.4)


def write(results: DemoResults, folder: Path) -> str:
    return write_report(results, folder).read_text(encoding="utf-8")


def text_of(page: str) -> str:
    """The page as it reads, without tags."""
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL).split())


def test_the_page_tells_what_was_measured(results: DemoResults, tmp_path: Path) -> None:
    text = text_of(write(results, tmp_path))

    before, after, shipped = (found.metrics for found in results.evaluations().values())
    assert f"recall@1 {before.recall1:.1%} {after.recall1:.1%} {shipped.recall1:.1%}" in text
    assert f"mAP {before.mAP:.1%} {after.mAP:.1%} {shipped.mAP:.1%}" in text
    assert f"mINP {before.mINP:.1%} {after.mINP:.1%} {shipped.mINP:.1%}" in text
    assert before.mAP < shipped.mAP < after.mAP
    assert "on the people of Market whom it has never seen its recall@1 is 87.5%, its mAP 62.5%" in text
    assert "36 images of 6 people trained the network of the recipe tiny (12,345 parameters, from scratch)" in text
    assert "for 3 epochs" in text
    assert "asked 12 times about 4 other people: where among 15 images" in text
    assert "3 of those images show people nobody asks about" in text
    assert "12 queries, 0 skipped" in text
    assert "made in 83 seconds" in text


def test_the_page_tells_what_the_bundle_did(results: DemoResults, small_bundle: Path, tmp_path: Path) -> None:
    text = text_of(write(results, tmp_path))

    made = open_bundle(small_bundle).description
    assert f"a folder of {sum(file.bytes for file in made.files.values()) / 1000:,.0f} kB" in text
    assert f"to {made.models[0].parity.max_error:.0e} in every number" in text
    assert "It compared two images (score 0.812) and searched 321 images" in text
    assert f"reseen compare A.jpg B.jpg --bundle {tmp_path / 'bundle'}" in text


def test_the_page_tells_that_export_was_skipped(results: DemoResults, learnt: Learnt, tmp_path: Path) -> None:
    text = text_of(write(replace(results, learnt=replace(learnt, bundle=None)), tmp_path))

    assert (
        "was skipped: pip install '.[export]' in a clone of reseen adds what it needs. The model that comes with reseen"
        in text
    )
    assert "compared two images (score 0.812)" in text
    assert "reseen compare A.jpg B.jpg reseen search QUERY.jpg --in FOLDER --output" in text
    assert "Mean loss of each epoch" in text


def test_the_page_tells_that_training_was_skipped(results: DemoResults, tmp_path: Path) -> None:
    text = text_of(write(replace(results, learnt=None), tmp_path))

    shipped = results.as_it_comes.metrics
    assert f"first 87.5% of the time on the photographs of Market, and {shipped.recall1:.1%} of the time here:" in text
    assert "was skipped: pip install '.[export]' in a clone of reseen adds what it and the export need" in text
    assert f"shipped recall@1 {shipped.recall1:.1%} recall@5" in text
    assert "untrained" not in text
    assert "Mean loss of each epoch" not in text


def test_the_loss_falls_in_the_picture_as_it_fell(results: DemoResults, tmp_path: Path) -> None:
    page = write(results, tmp_path)

    points = re.search(r'<polyline points="([^"]*)"', page)
    assert points is not None
    places = [tuple(map(float, point.split(","))) for point in points[1].split()]
    assert [x for x, _ in places] == [40, 245, 450]
    heights = [180 - y for _, y in places]
    assert [height / heights[0] for height in heights] == pytest.approx([1, 2.5 / 3.25, 1.5 / 3.25], abs=1e-3)


def test_a_single_epoch_can_be_reported(results: DemoResults, learnt: Learnt, tmp_path: Path) -> None:
    page = write(replace(results, learnt=replace(learnt, losses=[2.0])), tmp_path)

    assert "for 1 epochs" in text_of(page)


def test_the_page_carries_its_pictures_and_asks_for_nothing_else(results: DemoResults, tmp_path: Path) -> None:
    page = write(results, tmp_path)

    sources = re.findall(r'(?:src|href|url)\s*[=(]\s*"?([^"\s>)]+)', page)
    assert sources[2:] == ["comparison.png", "search.html"]  # which lie beside the page
    pictures = []
    for source in sources[:2]:
        kind, _, data = source.partition(",")
        assert kind == "data:image/png;base64"
        pictures.append(Image.open(io.BytesIO(base64.b64decode(data))))
    people, ranked = pictures
    # Three people a row each, and six images of each in three groups.
    assert people.size == (6 * 32 + 5 * 4 + 2 * 8, 3 * 64 + 2 * 4)
    with Image.open(tmp_path / "ranked_lists.png") as saved:
        assert np.array_equal(np.asarray(saved), np.asarray(ranked))
    assert "http:" not in page
    assert "https:" not in page


def test_the_ranked_lists_are_those_of_the_best_the_median_and_the_worst_query(
    results: DemoResults, learnt: Learnt, people: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[RankedList] = []

    def note(rows: Sequence[RankedList]) -> Image.Image:
        drawn.extend(rows)
        return draw_ranked_lists(rows)

    monkeypatch.setattr(demo_report, "draw_ranked_lists", note)
    after = evaluation(people, 1.5)
    write(replace(results, learnt=replace(learnt, after=after)), tmp_path)

    precision = np.sort(after.metrics.average_precision)
    assert len(set(precision)) > 3
    assert [row.label for row in drawn] == ["best", "median", "worst"]
    assert [len(row.matches) for row in drawn] == [10] * 3
    # Each query has two matches in a gallery of 14, without the image by its own camera.
    found = [average_precision([bool(match.hit) for match in row.matches]) for row in drawn]
    assert found[0] == pytest.approx(precision[-1])
    assert found[0] > found[1] > found[2]
    assert all(row.sublabel == f"camera {camera}" for row, camera in zip(drawn, cameras_of(drawn, people), strict=True))


def average_precision(hits: list[bool]) -> float:
    """Of the part of a list that is shown, which holds all matches but of a bad query."""
    ranks = np.flatnonzero(hits) + 1
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks)) if len(ranks) else 0.0


def cameras_of(rows: Sequence[RankedList], people: Manifest) -> list[str | None]:
    """Cameras of the queries, found again by their pixels."""
    queries = {decode_image(sample.path).tobytes(): sample.camera for sample in people.split("query")}
    return [queries[row.query.tobytes()] for row in rows]


def test_names_are_text_and_not_markup(results: DemoResults, learnt: Learnt, tmp_path: Path) -> None:
    recipe = learnt.recipe.model_copy(update={"name": "<script>alert(1)</script>"})

    page = write(replace(results, learnt=replace(learnt, recipe=recipe)), tmp_path)

    assert "<script" not in page
    assert "&lt;script&gt;" in page
