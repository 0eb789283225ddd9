from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reseen.assess.evaluate import Evaluation, evaluate_retrieval
from reseen.bundle.bundle import open_bundle
from reseen.datasets.manifest import Manifest
from reseen.demo.bundle import BundleShown
from reseen.demo.report import DemoResults, write_report
from reseen.demo.shipped import Shipped
from reseen.demo.training import Exported, Learnt
from reseen.engines.match import Match
from reseen.evaluation.protocol import RetrievalSet
from reseen.recipe.schema import Recipe

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
def shipped(people: Manifest, small_bundle: Path) -> Shipped:
    description = open_bundle(small_bundle).description.model_copy(update={"metrics": {"Market": METRICS}})
    return Shipped(description, people, evaluation(people, 2.0), SHOWN)


@pytest.fixture
def learnt(people: Manifest, small_recipe: SmallRecipe, small_bundle: Path) -> Learnt:
    return Learnt(
        recipe=small_recipe(),
        manifest=people,
        parameters=12345,
        before=evaluation(people, 5.0),
        after=evaluation(people, 0.5),
        losses=[3.25, 2.5, 1.5],
        exported=Exported(open_bundle(small_bundle), BundleShown(Match(0.4375), searched=654)),
    )


@pytest.fixture
def results(shipped: Shipped, learnt: Learnt) -> DemoResults:
    return DemoResults(shipped, learnt, seconds=83.4)


def write(results: DemoResults, folder: Path) -> str:
    return write_report(results, folder).read_text(encoding="utf-8")


def text_of(page: str) -> str:
    """The page as it reads, without tags."""
    text = re.sub(r"<style>.*?</style>|</?(?:b|code|a|em|strong)\b[^>]*>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def test_the_page_tells_what_the_shipped_model_found(results: DemoResults, tmp_path: Path) -> None:
    text = text_of(write(results, tmp_path))

    found = results.shipped.found.metrics
    assert 0 < found.recall1 < 1
    assert "12 times, the model that comes with reseen was shown a person and searched the images of 3 cameras" in text
    assert f"{found.recall1 * 12:.0f} times it put that person, as seen by another camera, first" in text
    assert f"the share of the searches whose first result is right, is {percent(found.recall1)};" in text
    assert f"mAP, which counts every result, is {percent(found.mAP)}." in text
    assert "4 people walk across a square with 3 cameras. Each of 12 images searches 15 others" in text
    assert "those of Market, of people whom it has never seen, its rank-1 is 87.5 % and its mAP 62.5 %" in text
    assert "Other cameras took 2 images of each person, so that a perfect list has 2 ✓ first" in text
    assert "compared two images (score 0.812) and searched 321 images" in text
    assert "made in 83 seconds" in text


def test_the_page_says_that_easy_people_say_nothing_about_accuracy(results: DemoResults, tmp_path: Path) -> None:
    text = text_of(write(results, tmp_path))

    assert "These people are easy on purpose: one place, one light, and everybody is dressed differently." in text
    assert "say nothing about how well it does on your images" in text
    assert "measured on photographs; for drawn people they do not hold" in text
    assert "All people here are drawn by a program; nobody exists." in text


def test_the_page_tells_what_the_network_learnt(results: DemoResults, learnt: Learnt, tmp_path: Path) -> None:
    text = text_of(write(results, tmp_path))

    before, after = learnt.before.metrics, learnt.after.metrics
    assert before.mAP < after.mAP
    for name, figure in (("rank-1", "recall1"), ("rank-5", "recall5"), ("mAP", "mAP"), ("mINP", "mINP")):
        assert f"{name} {percent(getattr(before, figure))} {percent(getattr(after, figure))}" in text
    assert (
        "36 images of 6 other people trained the network of the recipe tiny (12,345 parameters, from scratch)" in text
    )
    assert "for 3 epochs" in text
    assert "asked 12 times about 4 people whom it had never seen: where among 15 images" in text
    assert "3 of those images show people nobody asks about" in text


def test_the_page_tells_what_the_exported_network_did(results: DemoResults, small_bundle: Path, tmp_path: Path) -> None:
    text = text_of(write(results, tmp_path))

    made = open_bundle(small_bundle).description
    assert f"a bundle of {sum(file.bytes for file in made.files.values()) / 1000:,.0f} kB" in text
    assert f"to {made.models[0].parity.max_error:.0e} in every number" in text
    assert "It compared two images (score 0.438) and searched 654 images" in text
    assert f"reseen compare A.jpg B.jpg --bundle {small_bundle}" in text


def test_the_page_tells_that_export_was_skipped(results: DemoResults, learnt: Learnt, tmp_path: Path) -> None:
    page = write(replace(results, learnt=replace(learnt, exported=None)), tmp_path)

    assert "Exporting it was skipped. pip install '.[export]', in a clone of reseen, adds what it needs." in text_of(
        page
    )
    assert "trained/search.html" not in page
    assert "Mean loss of each epoch" in page


def test_the_page_tells_that_training_was_skipped(results: DemoResults, tmp_path: Path) -> None:
    page = write(replace(results, learnt=None), tmp_path)

    assert "skipped. pip install '.[export]', in a clone of reseen, adds what they need" in text_of(page)
    assert "untrained" not in page
    assert "Mean loss of each epoch" not in page
    assert "shipped/search.html" in page


def test_the_loss_falls_in_the_picture_as_it_fell(results: DemoResults, tmp_path: Path) -> None:
    page = write(results, tmp_path)

    points = re.search(r'<polyline class="first" points="([^"]*)"', page)
    assert points is not None
    places = [tuple(map(float, point.split(","))) for point in points[1].split()]
    across = [x for x, _ in places]
    assert across[1] - across[0] == pytest.approx(across[2] - across[1])
    # Downwards from the top of the picture, by equal lengths for equal losses.
    fallen = [y - places[0][1] for _, y in places]
    assert fallen[1] / fallen[2] == pytest.approx((3.25 - 2.5) / (3.25 - 1.5), abs=0.01)


def test_a_single_epoch_can_be_reported(results: DemoResults, learnt: Learnt, tmp_path: Path) -> None:
    page = write(replace(results, learnt=replace(learnt, losses=[2.0])), tmp_path)

    assert "for 1 epoch." in text_of(page)


def test_the_page_carries_its_pictures_and_asks_for_nothing_else(results: DemoResults, tmp_path: Path) -> None:
    page = write(results, tmp_path)

    sources = re.findall(r'(?:src|href|url)\s*[=(]\s*"?([^"\s>)]+)', page)
    beside = [source for source in sources if not source.startswith("data:image/")]
    assert beside == [f"{part}/{file}" for part in ("shipped", "trained") for file in ("comparison.png", "search.html")]
    assert sum(source.startswith("data:image/png;base64,") for source in sources) == 1
    assert "http:" not in page
    assert "https:" not in page


def test_there_are_lists_of_the_best_the_median_and_the_worst_search(
    results: DemoResults, learnt: Learnt, people: Manifest, tmp_path: Path
) -> None:
    after = evaluation(people, 1.5)
    page = write(replace(results, learnt=replace(learnt, after=after)), tmp_path)

    shown = re.findall(r"<h3>(\w+): average precision ([\d.]+) ?%", page)
    assert [name for name, _ in shown] == ["Best", "Median", "Worst"] * 2
    for evaluated, part in ((results.shipped.found, shown[:3]), (after, shown[3:])):
        precision = evaluated.metrics.average_precision
        assert len(set(precision)) > 3
        assert float(part[0][1]) == pytest.approx(100 * precision.max(), abs=0.06)
        assert float(part[2][1]) == pytest.approx(100 * precision.min(), abs=0.06)
    assert page.count('<figure class="query">') == 6
    assert len(re.findall(r'<figure class="(?:hit|miss)">', page)) == 6 * 8


def test_names_are_text_and_not_markup(results: DemoResults, learnt: Learnt, tmp_path: Path) -> None:
    recipe = learnt.recipe.model_copy(update={"name": "<script>alert(1)</script>"})

    page = write(replace(results, learnt=replace(learnt, recipe=recipe)), tmp_path)

    assert "<script" not in page
    assert "&lt;script&gt;" in page
