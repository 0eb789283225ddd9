from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.datasets.hold_out import hold_out
from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Manifest, Sample
from reseen.errors import DatasetError

persons_sets = st.sets(st.text("abcde", min_size=1, max_size=4), min_size=4, max_size=20)


def unsplit(persons: list[str], images: int = 2) -> Manifest:
    samples = [
        Sample(Path(f"{person}/{image}.jpg"), person, camera="1") for person in persons for image in range(images)
    ]
    return Manifest("test", Path("root"), tuple(samples))


def held_out(dataset: Manifest) -> set[str]:
    return {sample.person for sample in dataset.split("query")}


@given(persons_sets, st.floats(0.01, 0.99))
def test_every_person_is_either_trained_on_or_evaluated_on(persons: set[str], fraction: float) -> None:
    dataset = hold_out(unsplit(sorted(persons)), fraction)
    trained = {sample.person for sample in dataset.split("train")}
    assert trained | held_out(dataset) == persons
    assert not trained & held_out(dataset)
    assert len(trained) >= 2
    assert len(held_out(dataset)) >= 2
    assert len(dataset.split("train")) == 2 * len(trained)


@given(st.sets(st.integers(0, 999), min_size=30, max_size=40), st.sets(st.integers(1000, 1999), max_size=10))
def test_persons_stay_on_their_side_when_others_join(there: set[int], joining: set[int]) -> None:
    before = held_out(hold_out(unsplit([f"p{number}" for number in there], images=1), 0.5))
    after = held_out(hold_out(unsplit([f"p{number}" for number in there | joining], images=1), 0.5))
    assert after & {f"p{number}" for number in there} == before


def test_the_choice_is_the_one_that_sha256_makes() -> None:
    persons = [f"person {number}" for number in range(12)]
    assert held_out(hold_out(unsplit(persons), 0.25)) == {"person 3", "person 9"}


def test_about_the_fraction_of_the_persons_is_held_out() -> None:
    dataset = unsplit([str(number) for number in range(2_000)], images=1)
    for fraction in (0.1, 0.25, 0.5):
        assert len(held_out(hold_out(dataset, fraction))) == pytest.approx(
            2_000 * fraction, abs=90
        )  # four standard deviations at most


def test_images_held_out_are_both_query_and_gallery() -> None:
    dataset = hold_out(unsplit(["a", "b", "c", "d"]), 0.5)
    query, gallery = dataset.split("query"), dataset.split("gallery")
    assert [sample.path for sample in query] == [sample.path for sample in gallery]
    assert all(sample.camera == "1" for sample in query + gallery)


def test_distractors_and_junk_are_neither_trained_on_nor_queries() -> None:
    dataset = hold_out(unsplit(["a", "b", "c", "d", DISTRACTOR_NAME, JUNK_NAME], images=1), 0.5)
    assert [sample.split for sample in dataset.samples if sample.person in (DISTRACTOR_NAME, JUNK_NAME)] == [
        "gallery",
        "gallery",
    ]
    assert len(dataset.junk) == 1


def test_with_nothing_to_hold_out_all_are_trained_on() -> None:
    dataset = hold_out(unsplit(["a"]), 0.0)
    assert len(dataset.split("train")) == 2
    assert dataset.split("query") == dataset.split("gallery") == ()


def test_a_dataset_with_parts_is_left_alone() -> None:
    dataset = Manifest("test", Path("root"), (Sample(Path("1.jpg"), "a", split="train"),))
    assert hold_out(dataset, 0.5) is dataset


def test_too_few_persons_are_an_error() -> None:
    with pytest.raises(DatasetError) as caught:
        hold_out(unsplit(["a", "b", "c", DISTRACTOR_NAME, JUNK_NAME]), 0.5)
    assert caught.value.got == "3"
    assert "split" in (caught.value.cure or "")
