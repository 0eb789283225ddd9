"""What the model that comes with reseen does in the demo."""

from __future__ import annotations

import numpy as np
import pytest

from reseen.demo.shipped import EASY, Shipped, show_shipped
from reseen.engines.load import load


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """The demo's own people and its own model."""
    with load() as embedder:
        return show_shipped(embedder, EASY, tmp_path_factory.mktemp("shipped"))


def test_it_finds_nearly_all_of_the_easy_people_by_far_more_than_chance(shipped: Shipped) -> None:
    metrics = shipped.found.metrics
    retrieval = shipped.found.retrieval

    assert metrics.queries == EASY.test_persons * EASY.cameras
    # By chance: 4 of the 94 images that a query may find.
    assert metrics.recall1 > 0.85
    assert metrics.mAP > 0.75
    # Counted without the code that measures: the best score of the same person against the best of another.
    scores = retrieval.query_features @ retrieval.gallery_features.T
    same = retrieval.query_persons[:, None] == retrieval.gallery_persons
    own = same & (retrieval.query_cameras[:, None] == retrieval.gallery_cameras)
    best = np.where(same & ~own, scores, -1).max(axis=1), np.where(same, -1, scores).max(axis=1)
    assert np.mean(best[0] > best[1]) == pytest.approx(metrics.recall1)


def test_it_compares_and_searches(shipped: Shipped) -> None:
    folder = shipped.manifest.root.parent

    assert sorted(path.name for path in folder.iterdir()) == ["comparison.png", "people", "search.html"]
    assert shipped.shown.searched == len(shipped.manifest.split("gallery"))
    assert shipped.shown.compared.verdict is not None
    assert shipped.description.training_data is not None
