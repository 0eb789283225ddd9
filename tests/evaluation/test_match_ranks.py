"""Ranks of the matches against a plain sort, ties and all, and the figures that follow from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.errors import FeaturesError
from reseen.evaluation.match_ranks import MANY_TIES, MatchRanks, rank_matches
from reseen.scores.matches import SamePerson


def pairs(*of_queries: dict[int, bool]) -> SamePerson:
    """For each query, its gallery images of the same person, and whether each is excluded."""
    queries = np.repeat(np.arange(len(of_queries)), [len(each) for each in of_queries])
    gallery = np.array([place for each in of_queries for place in each], dtype=np.int64)
    excluded = np.array([out for each in of_queries for out in each.values()], dtype=bool)
    return SamePerson(queries, gallery, np.zeros(len(gallery), dtype=bool), excluded)


@pytest.fixture
def ranks() -> MatchRanks:
    """Matches at ranks 2 and 5; at 1; at 1, 2 and 10."""
    return MatchRanks(np.array([2, 1, 3]), np.array([2, 5, 1, 1, 2, 10]))


def test_the_figures_of_each_query_worked_by_hand(ranks: MatchRanks) -> None:
    assert ranks.owners.tolist() == [0, 0, 1, 2, 2, 2]
    assert ranks.first_rank.tolist() == [2, 1, 1]
    assert ranks.last_rank.tolist() == [5, 1, 10]
    assert ranks.average_precision == pytest.approx(np.array([(1 / 2 + 2 / 5) / 2, 1, (1 + 1 + 3 / 10) / 3]))
    assert ranks.inverse_negative_penalty == pytest.approx(np.array([2 / 5, 1, 3 / 10]))
    assert [ranks.within(k).tolist() for k in (1, 2, 5, 100)] == [[0, 1, 1], [1, 1, 2], [2, 1, 2], [2, 1, 3]]


def test_parts_are_joined_in_their_order(ranks: MatchRanks) -> None:
    joined = MatchRanks.joined([ranks, MatchRanks(np.array([1]), np.array([7]))])

    assert joined.matches.tolist() == [2, 1, 3, 1]
    assert joined.last_rank.tolist() == [5, 1, 10, 7]


def test_a_query_without_matches_has_no_ranks() -> None:
    found = rank_matches(np.array([[0.1, 0.9], [0.5, 0.4]], dtype=np.float32), pairs({}, {1: False}))

    assert found.matches.tolist() == [0, 1]
    assert found.ranks.tolist() == [2]
    assert rank_matches(np.ones((1, 2), dtype=np.float32), pairs({0: True})).ranks.tolist() == []


@given(st.data())
def test_ranks_are_those_of_a_plain_stable_sort(data: st.DataObject) -> None:
    queries, gallery = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 12))
    levels = st.lists(st.integers(-3, 3), min_size=gallery, max_size=gallery)
    scores = np.array([data.draw(levels) for _ in range(queries)], dtype=np.float32) / 4
    places = st.dictionaries(st.integers(0, gallery - 1), st.booleans())
    same = [dict(sorted(data.draw(places).items())) for _ in range(queries)]

    found = rank_matches(scores.copy(), pairs(*same))

    expected = []
    for row, images in zip(scores, same, strict=True):
        listed = [place for place in np.argsort(-row, kind="stable") if not images.get(place, False)]
        expected.append([rank for rank, place in enumerate(listed, 1) if place in images])
    assert found.matches.tolist() == [len(each) for each in expected]
    assert found.ranks.tolist() == [rank for each in expected for rank in each]


@pytest.mark.parametrize("levels", [3, MANY_TIES - 1, MANY_TIES + 1, 3 * MANY_TIES])
def test_any_number_of_tied_scores_is_ranked_by_place(levels: int) -> None:
    draw = np.random.default_rng(levels)
    row = (draw.permutation(np.arange(10 * levels) % levels) / levels - 0.5).astype(np.float32)
    images = {int(place): bool(place % 7 == 0) for place in np.sort(draw.choice(len(row), 5 * levels, replace=False))}
    listed = [place for place in np.argsort(-row, kind="stable").tolist() if not images.get(place, False)]

    found = rank_matches(row[None].copy(), pairs(images))

    assert found.ranks.tolist() == [rank for rank, place in enumerate(listed, 1) if place in images]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_p3_a_score_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(FeaturesError, match=rf"a score is not finite(.|\n)*got: {value}"):
        rank_matches(np.array([[0, 1, 2], [0, 1, value]], dtype=np.float32), pairs({0: False}, {0: False}))


def test_scores_whose_sum_overflows_are_ranked() -> None:
    scores = np.array([[3e38, 2e38, 1e38]], dtype=np.float32)

    assert rank_matches(scores, pairs({1: False, 2: False})).ranks.tolist() == [2, 3]
