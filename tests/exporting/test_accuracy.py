from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from reseen.bundle.description import Accuracy
from reseen.datasets.evaluation_split import EvaluationSplit
from reseen.errors import ExportError, FeaturesError
from reseen.exporting.accuracy import measure_accuracy, require_accuracy
from reseen.exporting.quantisation_images import QuantisationImages, read_quantisation_images
from reseen.images.preprocess import Preprocess

SIZE = Preprocess(height=64, width=32)


@pytest.fixture
def labelled(people: Path) -> QuantisationImages:
    return read_quantisation_images(people, SIZE)


def colours(images: np.ndarray) -> np.ndarray:
    """A network: mean colours of three stripes."""
    stripes = [stripe.mean((1, 2)) for stripe in np.array_split(images.astype(np.float32), 3, axis=1)]
    features = np.concatenate(stripes, axis=1) - 100
    unit: np.ndarray = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    return unit


def naive_map(features: np.ndarray, people: EvaluationSplit) -> float:
    """Mean average precision, a query at a time."""
    precisions = []
    rows = {path: row for row, path in enumerate(people.paths)}
    gallery = features[[rows[each.path] for each in people.gallery]]
    for query in people.query:
        scores = gallery @ features[rows[query.path]]
        own = [(each.person, each.camera) == (query.person, query.camera) for each in people.gallery]
        order = [place for place in np.argsort(-scores, kind="stable") if not own[place]]
        right = [people.gallery[place].person == query.person for place in order]
        ranks = np.flatnonzero(right) + 1
        precisions.append(np.mean(np.arange(1, len(ranks) + 1) / ranks))
    return float(np.mean(precisions))


def test_on_people_it_is_the_map_of_both(labelled: QuantisationImages) -> None:
    images = np.concatenate(list(labelled.batches()))
    assert labelled.people is not None

    def dulled(pixels: np.ndarray) -> np.ndarray:
        features: np.ndarray = np.round(colours(pixels) * 4) / 4 + np.float32(0.01)
        return features.astype(np.float32)

    accuracy = measure_accuracy(colours, dulled, labelled)

    assert (accuracy.measure, accuracy.images) == ("mAP", len(images))
    wanted = colours(images)
    assert accuracy.before == pytest.approx(naive_map(wanted, labelled.people), abs=1e-6)
    found = dulled(images)
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    assert accuracy.after == pytest.approx(naive_map(unit, labelled.people), abs=1e-3)
    assert accuracy.after < accuracy.before


def test_on_strangers_it_is_the_mean_cosine(labelled: QuantisationImages) -> None:
    strangers = replace(labelled, people=None)
    angles = iter(np.linspace(0, 0.4, len(labelled.measured)))

    def first(images: np.ndarray) -> np.ndarray:
        return np.tile(np.array([1, 0], dtype=np.float32), (len(images), 1))

    def turned(images: np.ndarray) -> np.ndarray:
        return np.array(
            [[3 * np.cos(a), 3 * np.sin(a)] for _, a in zip(images, angles, strict=False)], dtype=np.float32
        )

    accuracy = measure_accuracy(first, turned, strangers)

    wanted = float(np.cos(np.linspace(0, 0.4, len(labelled.measured))).mean())
    assert (accuracy.measure, accuracy.images, accuracy.before) == ("cosine", len(labelled.measured), 1)
    assert accuracy.after == pytest.approx(wanted, abs=1e-3)


def test_a_model_that_gives_no_numbers_is_refused(labelled: QuantisationImages) -> None:
    def nothing(images: np.ndarray) -> np.ndarray:
        return np.full((len(images), 9), np.nan, dtype=np.float32)

    for images in (labelled, replace(labelled, people=None)):
        with pytest.raises(FeaturesError):
            measure_accuracy(colours, nothing, images)


@pytest.mark.parametrize(
    ("measure", "before", "after", "passes"),
    [
        ("mAP", 0.8, 0.7951, True),
        ("mAP", 0.8, 0.7949, False),
        ("mAP", 0.3, 0.9, True),
        ("cosine", 1, 0.9801, True),
        ("cosine", 1, 0.9799, False),
    ],
)
def test_the_gate(measure: Literal["mAP", "cosine"], before: float, after: float, passes: bool) -> None:
    accuracy = Accuracy(measure=measure, images=100, before=before, after=after)
    if passes:
        require_accuracy(accuracy, "model_int8.xml")
    else:
        with pytest.raises(ExportError, match=r"model_int8\.xml loses too much accuracy in 8 bits") as error:
            require_accuracy(accuracy, "model_int8.xml")
        assert error.value.got == f"{measure.replace('cosine', 'mean cosine')} {after:.4f}"
