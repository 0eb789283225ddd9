from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.datasets.evaluation_split import EvaluationSplit, evaluation_split
from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Manifest, Sample, Split
from reseen.errors import DatasetError
from reseen.scores.labels import Labels
from reseen.scores.matches import SkipReason

CAMERAS = ("c1", "c2")


def sample(path: str, person: str, camera: str | None, split: Split | None) -> Sample:
    return Sample(Path(path), person, camera=camera, split=split)


def manifest(*samples: Sample) -> Manifest:
    return Manifest("test", Path("root"), samples)


def reasons(*samples: Sample) -> list[tuple[str, SkipReason]]:
    split = EvaluationSplit.of(manifest(*samples))
    return [
        (str(split.query[place].path), reason)
        for reason, places in split.skipped.by_reason.items()
        for place in places.tolist()
    ]


@pytest.mark.parametrize(
    ("camera", "reason"),
    [("c2", None), (None, None), ("c1", SkipReason.OWN_CAMERA_ONLY)],
    ids=["other", "unknown", "own"],
)
def test_a_match_must_come_from_another_camera(camera: str | None, reason: SkipReason | None) -> None:
    found = reasons(sample("q.jpg", "a", "c1", "query"), sample("g.jpg", "a", camera, "gallery"))
    assert found == ([] if reason is None else [("q.jpg", reason)])


def test_without_a_camera_any_other_image_of_the_person_matches() -> None:
    assert reasons(sample("q.jpg", "a", None, "query"), sample("g.jpg", "a", None, "gallery")) == []


def test_a_query_does_not_match_itself() -> None:
    alone = (sample("q.jpg", "a", None, "query"), sample("q.jpg", "a", None, "gallery"))
    assert reasons(*alone) == [("q.jpg", SkipReason.NOT_IN_GALLERY)]
    assert reasons(*alone, sample("g.jpg", "a", None, "gallery")) == []


def test_persons_elsewhere_junk_and_distractors_do_not_match() -> None:
    assert reasons(
        sample("q.jpg", "a", "c1", "query"),
        sample("d.jpg", DISTRACTOR_NAME, "c1", "query"),
        sample("t.jpg", "a", "c2", "train"),
        sample("g.jpg", "b", "c2", "gallery"),
        sample("j.jpg", JUNK_NAME, "c2", "gallery"),
        sample("e.jpg", DISTRACTOR_NAME, "c2", "gallery"),
    ) == [("q.jpg", SkipReason.NOT_IN_GALLERY), ("d.jpg", SkipReason.NOT_A_PERSON)]


def test_queries_without_a_gallery_are_all_skipped_and_no_queries_skip_nothing() -> None:
    query = sample("q.jpg", "a", "c1", "query")
    assert reasons(query) == [("q.jpg", SkipReason.NOT_IN_GALLERY)]
    assert reasons(sample("g.jpg", "a", "c1", "gallery")) == []


def naive_reason(query: Sample, gallery: Sequence[Sample]) -> SkipReason | None:
    """As the protocol tells it, one gallery image at a time."""
    if query.person == DISTRACTOR_NAME:
        return SkipReason.NOT_A_PERSON
    others = [each for each in gallery if each.person == query.person and each.path != query.path]
    if not others:
        return SkipReason.NOT_IN_GALLERY
    matches = [each for each in others if query.camera is None or each.camera != query.camera]
    return None if matches else SkipReason.OWN_CAMERA_ONLY


people = st.tuples(st.sampled_from(["a", "b", DISTRACTOR_NAME]), st.sampled_from([None, *CAMERAS]))


@given(st.lists(people, min_size=1, max_size=6), st.lists(people, max_size=6), st.booleans())
def test_a_naive_loop_skips_the_same_queries_for_the_same_reasons(
    query: list[tuple[str, str | None]], gallery: list[tuple[str, str | None]], leave_one_out: bool
) -> None:
    queries = [sample(f"q{place}.jpg", *one, "query") for place, one in enumerate(query)]
    others = [sample(f"g{place}.jpg", *one, "gallery") for place, one in enumerate(gallery)]
    if leave_one_out:
        others += [sample(str(one.path), one.person, one.camera, "gallery") for one in queries]
    wanted = {str(one.path): reason for one in queries if (reason := naive_reason(one, others)) is not None}
    assert dict(reasons(*queries, *others)) == wanted


def images_of(labels: Labels) -> list[int]:
    assert labels.images is not None
    return [int(image) for image in labels.images]


def test_codes_are_those_of_query_and_gallery_together() -> None:
    split = EvaluationSplit.of(
        manifest(
            sample("both.jpg", "b", "c2", "query"),
            sample("q.jpg", "c", None, "query"),
            sample("both.jpg", "b", "c2", "gallery"),
            sample("j.jpg", JUNK_NAME, "c9", "gallery"),
            sample("g.jpg", "a", "c1", "gallery"),
            sample("d.jpg", DISTRACTOR_NAME, "c1", "gallery"),
            sample("t.jpg", "trained", "c8", "train"),
        )
    )
    query, gallery = split.labels()

    np.testing.assert_array_equal(query.persons, [2, 3])
    np.testing.assert_array_equal(gallery.persons, [2, 1, 0])
    np.testing.assert_array_equal(query.cameras, [1, -1])
    np.testing.assert_array_equal(gallery.cameras, [1, 0, 0])
    assert split.cameras == ("c1", "c2")
    assert [split.paths[image].name for image in images_of(gallery)] == ["both.jpg", "g.jpg", "d.jpg"]
    assert [split.paths[image].name for image in images_of(query)] == ["both.jpg", "q.jpg"]
    assert split.junk_dropped == 1


@pytest.mark.parametrize("empty", ["query", "gallery"])
def test_an_empty_query_or_gallery_is_named(empty: Split) -> None:
    samples = [sample(f"{split}.jpg", "a", None, split) for split in ("query", "gallery") if split != empty]

    with pytest.raises(DatasetError, match=f"no {empty} images"):
        EvaluationSplit.of(manifest(*samples)).checked()


def test_queries_that_are_all_skipped_are_refused_before_any_image_is_read() -> None:
    with pytest.raises(DatasetError, match="all are skipped") as refused:
        evaluation_split(manifest(sample("1.jpg", "1", "a", "query"), sample("2.jpg", "1", "a", "gallery")))

    assert refused.value.got == "1 × only seen by the query's own camera"


def test_of_a_dataset_without_parts_those_held_out_are_evaluated_or_everyone() -> None:
    samples = [sample(f"{person}{image}.jpg", str(person), None, None) for person in range(8) for image in range(2)]

    everyone, some = evaluation_split(manifest(*samples)), evaluation_split(manifest(*samples), 0.25)

    assert everyone.query == everyone.gallery == tuple(samples)
    held = {one.person for one in some.query}
    assert 2 <= len(held) < 8
    assert {one.path for one in some.gallery} == {one.path for one in samples if one.person in held}
