from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from reseen.assess.evaluate import Evaluation, embed_split, evaluate_retrieval
from reseen.assess.evaluations import Evaluations, evaluate_on
from reseen.datasets.evaluation_split import evaluation_split
from reseen.datasets.manifest import Manifest
from reseen.evaluation.protocol import RetrievalSet
from reseen.models.load_embedder import load_embedder
from reseen.recipe.schema import Recipe

CPU = torch.device("cpu")
SmallRecipe = Callable[..., Recipe]


def evaluation(*angles: float) -> Evaluation:
    """Queries at 0° of one person each, whose only match and only other image lie at an angle and at 45°; one more
    query has no match."""
    queries = np.arange(1, len(angles) + 2)
    turned = np.deg2rad([angle for match in angles for angle in (match, 45.0)])
    others = np.array([person for query in queries[:-1] for person in (query, 100 + query)])
    places = np.arange(len(angles)).repeat(2)
    gallery = np.zeros((len(turned), len(queries) * 2), dtype=np.float32)
    gallery[np.arange(len(turned)), places * 2] = np.cos(turned)
    gallery[np.arange(len(turned)), places * 2 + 1] = np.sin(turned)
    query = np.eye(len(queries) * 2, dtype=np.float32)[::2]
    return evaluate_retrieval(
        RetrievalSet.of(
            query_features=query,
            gallery_features=gallery,
            query_persons=queries,
            gallery_persons=others,
            query_cameras=np.zeros(len(queries), dtype=np.int64),
            gallery_cameras=np.ones(len(others), dtype=np.int64),
            query_images=None,
            gallery_images=None,
        )
    )


@pytest.fixture
def good_and_bad() -> Evaluations:
    """Of "good", both queries find their match first; of "bad", one of four does."""
    return Evaluations({"good": evaluation(10, 20), "bad": evaluation(30, 60, 70, 80)})


def test_one_dataset_has_the_figures_it_has_always_had() -> None:
    alone = evaluation(10, 60)
    figures = alone.figures()

    found = Evaluations({"a": alone})

    assert found.figures() == figures | alone.more()
    assert found.metrics() == {name: value for name, value in figures.items() if name != "rerank"}
    assert found.details() == alone.details()
    assert len(found.results()) == 1
    assert found.results()[0].startswith("rank-1 50.00 %, ")


def test_several_datasets_weigh_the_same_in_the_mean_whatever_their_size(good_and_bad: Evaluations) -> None:
    figures = good_and_bad.figures()

    assert list(figures) == ["good", "bad", "mean"]
    assert [figures[name]["recall1"] for name in figures] == [1.0, 0.25, 0.625]
    assert figures["mean"]["mAP"] == pytest.approx((1 + (1 + 3 / 2) / 4) / 2)
    assert [figures[name]["queries"] for name in figures] == [2, 4, 6]
    assert [figures[name]["skipped"] for name in figures] == [1, 1, 2]


def test_training_is_told_the_mean_under_the_usual_names_and_each_dataset_under_its_own(
    good_and_bad: Evaluations,
) -> None:
    metrics = good_and_bad.metrics()

    plain = ["recall1", "recall5", "recall10", "mAP", "mINP", "queries", "skipped"]
    assert list(metrics) == plain + [f"{name}/{figure}" for name in ("good", "bad") for figure in plain]
    assert (metrics["recall1"], metrics["good/recall1"], metrics["bad/recall1"]) == (0.625, 1.0, 0.25)
    assert all(type(value) is float for value in metrics.values())


def test_people_read_a_line_for_each_dataset_and_the_mean(good_and_bad: Evaluations, tmp_path: Path) -> None:
    results = good_and_bad.results()

    assert [line.split(",")[0] for line in results] == [
        "good: rank-1 100.00 %",
        "bad: rank-1 25.00 %",
        "mean: rank-1 62.50 %",
    ]
    assert good_and_bad.details()[0].startswith("good: gallery features (")
    good_and_bad.save(tmp_path / "new")
    assert json.loads((tmp_path / "new" / "metrics.json").read_text(encoding="utf-8")) == good_and_bad.figures()
    log = (tmp_path / "new" / "eval.log").read_text(encoding="utf-8").splitlines()
    assert [line[20:] for line in log] == good_and_bad.details() + results


def test_each_dataset_is_evaluated_as_it_is_on_its_own_and_progress_tells_which(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe
) -> None:
    embedder = load_embedder(small_recipe(), finished_run / "checkpoints" / "best", CPU)
    first = people.split("query")[0].person
    fewer = replace(people, name="fewer", samples=tuple(s for s in people.samples if s.person != first))
    stages: list[str] = []

    found = evaluate_on(
        embedder,
        [evaluation_split(each) for each in (people, fewer)],
        small_recipe().evaluation,
        progress=lambda stage, done, total: stages.append(stage),
    )

    for each in (people, fewer):
        alone = evaluate_retrieval(embed_split(embedder, evaluation_split(each)))
        assert found.each[each.name].figures() == alone.figures()
    assert found.each["fewer"].metrics.queries < found.each[people.name].metrics.queries
    parts = [f"{name} {part}" for name in (people.name, "fewer") for part in ("gallery", "query")]
    assert list(dict.fromkeys(stages)) == parts
