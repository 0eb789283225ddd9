"""Who is ranked, who is left out and who is skipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from reseen.errors import FeaturesError
from reseen.evaluation.protocol import RetrievalSet


def retrieval_set(
    query: list[tuple[int, int]],
    gallery: list[tuple[int, int]],
    query_images: list[int] | None = None,
    gallery_images: list[int] | None = None,
) -> RetrievalSet:
    """From (person, camera) of each image; the features do not matter."""
    return RetrievalSet.of(
        query_features=np.ones((len(query), 2)),
        gallery_features=np.ones((len(gallery), 2)),
        query_persons=np.array([person for person, _ in query], dtype=int),
        gallery_persons=np.array([person for person, _ in gallery], dtype=int),
        query_cameras=np.array([camera for _, camera in query], dtype=int),
        gallery_cameras=np.array([camera for _, camera in gallery], dtype=int),
        query_images=None if query_images is None else np.array(query_images),
        gallery_images=None if gallery_images is None else np.array(gallery_images),
    )


def pairs(retrieval: RetrievalSet) -> list[tuple[int, int, str]]:
    found = retrieval.same_person(np.arange(len(retrieval.query_persons)))
    fates = np.where(found.excluded, "excluded", "match")
    return [
        (int(query), int(place), str(fate))
        for query, place, fate in zip(found.queries, found.gallery, fates, strict=True)
    ]


def test_p3_junk_is_dropped_and_counted_distractors_stay() -> None:
    made = retrieval_set([(1, 1)], [(-1, 1), (1, 2), (0, 2), (-1, 2), (2, 3)])

    assert made.gallery_persons.tolist() == [1, 0, 2]
    assert made.gallery_cameras.tolist() == [2, 2, 3]
    assert len(made.gallery_features) == 3
    assert made.junk_dropped == 2


def test_p3_the_same_person_by_the_same_camera_is_excluded() -> None:
    made = retrieval_set([(1, 1), (2, 1)], [(2, 2), (1, 1), (0, 1), (1, 3), (1, 1), (2, 1)])
    assert pairs(made) == [
        (0, 1, "excluded"),
        (0, 3, "match"),
        (0, 4, "excluded"),
        (1, 0, "match"),
        (1, 5, "excluded"),
    ]


def test_p3_an_unknown_camera_excludes_nothing() -> None:
    made = retrieval_set([(1, -1), (1, 1)], [(1, -1), (1, 1), (1, 2)])
    assert pairs(made) == [
        (0, 0, "match"),
        (0, 1, "match"),
        (0, 2, "match"),
        (1, 0, "match"),
        (1, 1, "excluded"),
        (1, 2, "match"),
    ]
    assert made.cameras_known


def test_p3_without_cameras_only_the_query_image_itself_is_excluded() -> None:
    everyone = [(1, -1), (1, -1), (2, -1)]
    made = retrieval_set(everyone, everyone, [7, 8, 9], [7, 8, 9])

    assert not made.cameras_known
    assert pairs(made) == [(0, 0, "excluded"), (0, 1, "match"), (1, 0, "match"), (1, 1, "excluded"), (2, 2, "excluded")]
    assert made.valid_queries.tolist() == [0, 1]


def test_cameras_known_on_one_side_only_are_of_no_use() -> None:
    assert not retrieval_set([(1, 1)], [(1, -1)]).cameras_known


def test_p3_distractors_and_junk_match_nobody_not_even_themselves() -> None:
    assert pairs(retrieval_set([(0, 1), (-1, 1)], [(0, 2), (-1, 2), (1, 2)])) == []


def test_p3_queries_are_skipped_for_three_reasons() -> None:
    made = retrieval_set(
        [(1, 1), (2, 1), (9, 1), (0, 1), (-1, 1), (1, 2), (3, 4)], [(1, 2), (2, 1), (0, 1), (-1, 3), (3, 4), (3, 4)]
    )

    assert made.valid_queries.tolist() == [0]
    assert made.skipped.not_in_gallery.tolist() == [2]
    assert made.skipped.own_camera_only.tolist() == [1, 5, 6]
    assert made.skipped.not_a_person.tolist() == [3, 4]
    assert len(made.skipped) == 6
    assert made.skipped.counts == {
        "person not in gallery": 1,
        "only seen by the query's own camera": 3,
        "distractor or junk query": 2,
    }


def test_a_person_whose_only_gallery_image_is_the_query_itself_is_not_in_the_gallery() -> None:
    made = retrieval_set([(1, 1), (2, 1)], [(1, 1), (2, 1), (2, 1)], [7, 8], [7, 8, 9])

    assert made.skipped.not_in_gallery.tolist() == [0]
    assert made.skipped.own_camera_only.tolist() == [1]


def test_pairs_of_some_queries_count_from_the_first_of_them() -> None:
    found = retrieval_set([(1, 1), (2, 1), (1, 5)], [(1, 2), (2, 2)]).same_person(np.array([2, 1]))
    assert (found.queries.tolist(), found.gallery.tolist()) == ([0, 1], [0, 1])


def test_p3_pairs_of_a_query_follow_the_gallery_however_large_it_is() -> None:
    persons = np.random.default_rng(0).integers(1, 4, 5000)
    found = retrieval_set([(2, 1)], [(int(person), 2) for person in persons]).same_person(np.array([0]))
    assert found.gallery.tolist() == np.flatnonzero(persons == 2).tolist()


def test_features_are_normalised_and_the_given_ones_left_alone() -> None:
    given = np.array([[3.0, 4.0]], dtype=np.float16)
    made = RetrievalSet.of(
        query_features=given,
        gallery_features=np.array([[0.0, -1e-20]]),
        query_persons=np.array([1], dtype=np.uint8),
        gallery_persons=np.array([1]),
    )

    np.testing.assert_allclose(made.query_features, [[0.6, 0.8]], rtol=1e-6)
    np.testing.assert_array_equal(made.gallery_features, [[0, -1]])
    assert given.tolist() == [[3, 4]]
    assert made.query_cameras.tolist() == made.gallery_cameras.tolist() == [-1]


def test_what_cannot_be_evaluated_is_refused() -> None:
    ones, persons = np.ones((2, 3)), np.array([1, 2])
    with pytest.raises(FeaturesError, match="the query is empty"):
        retrieval_set([], [(1, 1)])
    with pytest.raises(FeaturesError, match="the gallery is empty"):
        retrieval_set([(1, 1)], [])
    with pytest.raises(FeaturesError, match="only junk"):
        retrieval_set([(1, 1)], [(-1, 1)])
    with pytest.raises(FeaturesError, match=r"differ in length(.|\n)*3 numbers a row(.|\n)*got: 4"):
        RetrievalSet.of(
            query_features=ones, gallery_features=np.ones((2, 4)), query_persons=persons, gallery_persons=persons
        )
    with pytest.raises(FeaturesError, match="wrong number of gallery persons"):
        RetrievalSet.of(query_features=ones, gallery_features=ones, query_persons=persons, gallery_persons=persons[:1])
    with pytest.raises(FeaturesError, match="row 1 of the gallery features"):
        RetrievalSet.of(
            query_features=ones,
            gallery_features=np.array([[1.0], [np.nan]]) * np.ones(3),
            query_persons=persons,
            gallery_persons=persons,
        )


def test_shapes_of_the_fields_are_checked() -> None:
    made = retrieval_set([(1, 1)], [(1, 2)])
    with pytest.raises(TypeCheckError):
        RetrievalSet(**{**vars(made), "gallery_persons": np.array([1, 2])})


def test_p3_the_real_market1501_has_3368_valid_queries_and_3819_junk_images(market1501: Path) -> None:
    def codes(folder: str) -> np.ndarray:
        names = sorted(path.name for path in (market1501 / folder).glob("*.jpg"))
        return np.array([(int(name.split("_")[0]), int(name.split("_")[1][1])) for name in names])

    query, gallery = codes("query"), codes("bounding_box_test")
    made = RetrievalSet.of(
        query_features=np.ones((len(query), 1)),
        gallery_features=np.ones((len(gallery), 1)),
        query_persons=query[:, 0],
        gallery_persons=gallery[:, 0],
        query_cameras=query[:, 1],
        gallery_cameras=gallery[:, 1],
    )

    assert len(made.valid_queries) == 3368
    assert len(made.skipped) == 0
    assert made.junk_dropped == 3819
    assert len(made.gallery_persons) == 15913
