"""Intervals by drawing people anew, against a plain loop, against theory, and how often they hold the truth."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.evaluation import bootstrap as module
from reseen.evaluation.bootstrap import bootstrap_means, interval, metric_intervals
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet

Clustered = Callable[..., RetrievalSet]
CountCalls = Callable[[], AbstractContextManager[Any]]


def test_the_drawn_means_are_spread_as_a_plain_loop_spreads_them() -> None:
    draw = np.random.default_rng(3)
    people = draw.integers(0, 12, 60)
    values = draw.random((60, 1)) + people[:, None] / 12
    rows = [np.flatnonzero(people == person) for person in np.unique(people)]
    looped = []
    for _ in range(4000):
        drawn = np.concatenate([rows[place] for place in draw.integers(0, len(rows), len(rows))])
        looped.append(values[drawn, 0].mean())

    means = bootstrap_means(values, people, resamples=4000)[:, 0]

    assert means.mean() == pytest.approx(np.mean(looped), abs=4 * np.std(looped) / np.sqrt(2000))
    assert means.std() == pytest.approx(np.std(looped), rel=0.06)


def test_people_are_drawn_and_not_their_images() -> None:
    # Ten people with a hundred images each, all alike: as much is known as from ten images.
    people = np.repeat(np.arange(10), 100)
    values = (people < 5).astype(float)[:, None]

    spread = bootstrap_means(values, people)[:, 0].std()

    assert spread == pytest.approx(np.sqrt(0.25 / 10), rel=0.1)


def test_a_person_counts_by_the_number_of_their_images() -> None:
    values, people = np.array([[1.0], [0.0], [0.0], [0.0]]), np.array([7, 9, 9, 9])

    means = set(np.round(bootstrap_means(values, people)[:, 0], 6).tolist())

    assert means == {0.0, 0.25, 1.0}  # 9 twice, one of each, 7 twice


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        people = np.repeat(np.arange(60), 4)
        truths = draw.normal(0.5, 0.2, 60)
        values = truths[people] + draw.normal(0, 0.1, len(people))
        bounds = interval(bootstrap_means(values[:, None], people, resamples=400, seed=seed)[:, 0])
        held += bounds.low <= 0.5 <= bounds.high
    assert 180 <= held <= 199


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_rows_and_the_names_of_people_do_not_matter(seed: int) -> None:
    draw = np.random.default_rng(seed)
    people = draw.integers(0, 6, 25)
    values = draw.random((25, 2))
    order = draw.permutation(25)

    expected = bootstrap_means(values, people, resamples=20)

    np.testing.assert_allclose(bootstrap_means(values[order], people[order] + 100, resamples=20), expected)


def test_the_same_seed_draws_the_same_and_differences_are_paired() -> None:
    people = np.arange(30) // 3
    values = np.random.default_rng(0).random((30, 1))

    first, again = bootstrap_means(values, people), bootstrap_means(values + 0.25, people)

    np.testing.assert_allclose(again - first, 0.25)
    assert not np.array_equal(first, bootstrap_means(values, people, seed=1))


def test_p4_more_people_than_are_drawn_at_once_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    people = np.arange(40) // 2
    values = np.random.default_rng(0).random((40, 3))
    whole = bootstrap_means(values, people, resamples=50)
    monkeypatch.setattr(module, "DRAWS_AT_ONCE", 70)

    np.testing.assert_allclose(bootstrap_means(values, people, resamples=50), whole)


def test_intervals_of_the_metrics_lie_around_them(clustered: Clustered) -> None:
    retrieval = clustered(60, 300, persons=15, noise=1.5)
    metrics = evaluate(retrieval)

    intervals = metric_intervals(metrics, retrieval)

    assert list(intervals) == ["recall1", "recall5", "recall10", "mAP", "mINP"]
    for name, bounds in intervals.items():
        assert 0 <= bounds.low <= getattr(metrics, name) <= bounds.high <= 1
    assert intervals["mAP"].low < metrics.mAP < intervals["mAP"].high


def test_one_person_has_no_interval(clustered: Clustered) -> None:
    retrieval = clustered(5, 40, persons=1)

    assert metric_intervals(evaluate(retrieval), retrieval) == {}


def test_the_work_outside_numpy_does_not_grow_with_images_or_people(count_calls: CountCalls) -> None:
    draw, counts = np.random.default_rng(0), []
    for images in (337, 3368):
        with count_calls() as calls:
            bootstrap_means(draw.random((images, 5)), draw.integers(0, images // 5, images))
        counts.append(calls.total)
    assert counts[1] <= counts[0] + 10
