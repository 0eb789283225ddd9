from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.datasets.manifest import DISTRACTOR, JUNK, Manifest, Sample, Split, camera_codes, person_codes
from reseen.datasets.skipped import NOT_A_PERSON, NOT_IN_GALLERY, OWN_CAMERA_ONLY, SkippedQuery, skipped_queries
from reseen.evaluation.protocol import RetrievalSet

CAMERAS = ("c1", "c2")


def sample(path: str, person: str, camera: str | None, split: Split | None) -> Sample:
    return Sample(Path(path), person, camera=camera, split=split)


def reasons(*samples: Sample) -> list[tuple[str, str]]:
    return [(skipped.path, skipped.reason) for skipped in skipped_queries(Manifest("test", Path("root"), samples))]


@pytest.mark.parametrize(
    ("camera", "reason"), [("c2", None), (None, None), ("c1", OWN_CAMERA_ONLY)], ids=["other", "unknown", "own"]
)
def test_a_match_must_come_from_another_camera(camera: str | None, reason: str | None) -> None:
    found = reasons(sample("q.jpg", "a", "c1", "query"), sample("g.jpg", "a", camera, "gallery"))
    assert found == ([] if reason is None else [("q.jpg", reason)])


def test_without_a_camera_any_other_image_of_the_person_matches() -> None:
    assert reasons(sample("q.jpg", "a", None, "query"), sample("g.jpg", "a", None, "gallery")) == []


def test_a_query_does_not_match_itself() -> None:
    alone = (sample("q.jpg", "a", None, "query"), sample("q.jpg", "a", None, "gallery"))
    assert reasons(*alone) == [("q.jpg", NOT_IN_GALLERY)]
    assert reasons(*alone, sample("g.jpg", "a", None, "gallery")) == []


def test_persons_elsewhere_junk_and_distractors_do_not_match() -> None:
    assert reasons(
        sample("q.jpg", "a", "c1", "query"),
        sample("d.jpg", DISTRACTOR, "c1", "query"),
        sample("t.jpg", "a", "c2", "train"),
        sample("g.jpg", "b", "c2", "gallery"),
        sample("j.jpg", JUNK, "c2", "gallery"),
        sample("e.jpg", DISTRACTOR, "c2", "gallery"),
    ) == [("q.jpg", NOT_IN_GALLERY), ("d.jpg", NOT_A_PERSON)]


def test_a_skipped_query_says_whom_it_shows() -> None:
    dataset = Manifest("test", Path("root"), (sample("q.jpg", "a", "c1", "query"),))
    assert skipped_queries(dataset) == (SkippedQuery("q.jpg", "a", NOT_IN_GALLERY),)


people = st.tuples(st.sampled_from(["a", "b", DISTRACTOR]), st.sampled_from([None, *CAMERAS]))


@given(st.lists(people, min_size=1, max_size=6), st.lists(people, min_size=1, max_size=6), st.booleans())
def test_the_protocol_skips_the_same_queries_for_the_same_reasons(
    query: list[tuple[str, str | None]], gallery: list[tuple[str, str | None]], leave_one_out: bool
) -> None:
    queries = [sample(f"q{place}.jpg", *one, "query") for place, one in enumerate(query)]
    others = [sample(f"g{place}.jpg", *one, "gallery") for place, one in enumerate(gallery)]
    if leave_one_out:
        others += [sample(str(one.path), one.person, one.camera, "gallery") for one in queries]
    images = {path: place for place, path in enumerate(sorted({one.path for one in queries + others}))}
    codes = {
        f"{part}_{what}": code
        for part, samples in (("query", tuple(queries)), ("gallery", tuple(others)))
        for what, code in (
            ("features", np.ones((len(samples), 2), dtype=np.float32)),
            ("persons", person_codes(samples, ("a", "b"))),
            ("cameras", camera_codes(samples, CAMERAS)),
            ("images", np.array([images[one.path] for one in samples])),
        )
    }
    counts = RetrievalSet.of(**codes).skipped.counts
    found = [reason for _, reason in reasons(*queries, *others)]
    assert {reason: found.count(reason) for reason in counts} == counts
    assert len(found) == sum(counts.values())
