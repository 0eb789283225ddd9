from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.datasets.holdout import (
    NOBODY,
    choose_persons,
    hold_out_for_calibration,
    hold_out_for_evaluation,
    people_hash,
)
from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Manifest, Sample, Split
from reseen.errors import DatasetError

NAMES = [f"person {number}" for number in range(2000)]


@given(st.sets(st.text(min_size=1), min_size=5, max_size=20), st.floats(0, 1))
def test_enough_are_chosen_and_enough_are_left(persons: set[str], fraction: float) -> None:
    chosen = choose_persons(persons, fraction, fewest=3, fewest_left=2)

    assert chosen <= persons
    assert 3 <= len(chosen) <= len(persons) - 2
    assert chosen == choose_persons(sorted(persons, reverse=True), fraction, fewest=3, fewest_left=2)


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_about_the_fraction_is_chosen_and_stays_so_when_others_join(fraction: float) -> None:
    all_of_them = choose_persons(NAMES, fraction, fewest=1, fewest_left=1)
    half = choose_persons(NAMES[::2], fraction, fewest=1, fewest_left=1)

    assert len(all_of_them) == pytest.approx(2000 * fraction, abs=90)  # four standard deviations at most
    assert half == all_of_them & set(NAMES[::2])


def test_choices_for_different_purposes_do_not_depend_on_each_other() -> None:
    one, other = (choose_persons(NAMES, 0.5, fewest=1, fewest_left=1, purpose=name) for name in ("a", "b"))

    assert len(one & other) == pytest.approx(500, abs=90)


def test_the_choice_is_the_one_that_sha256_makes() -> None:
    assert choose_persons(NAMES[:12], 0.25, fewest=2, fewest_left=2) == {"person 3", "person 9"}


def test_too_few_persons_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"too few people(.|\n)*at least 5 people(.|\n)*got: 4"):
        choose_persons(NAMES[:4], 0.5, fewest=3, fewest_left=2)


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
    dataset = hold_out_for_evaluation(unsplit(sorted(persons)), fraction)
    trained = {sample.person for sample in dataset.split("train")}
    assert trained | held_out(dataset) == persons
    assert not trained & held_out(dataset)
    assert len(trained) >= 2
    assert len(held_out(dataset)) >= 2
    assert len(dataset.split("train")) == 2 * len(trained)


@given(st.sets(st.integers(0, 999), min_size=30, max_size=40), st.sets(st.integers(1000, 1999), max_size=10))
def test_persons_stay_on_their_side_when_others_join(there: set[int], joining: set[int]) -> None:
    before = held_out(hold_out_for_evaluation(unsplit([f"p{number}" for number in there], images=1), 0.5))
    after = held_out(hold_out_for_evaluation(unsplit([f"p{number}" for number in there | joining], images=1), 0.5))
    assert after & {f"p{number}" for number in there} == before


def test_who_is_evaluated_is_the_choice_that_sha256_makes() -> None:
    persons = [f"person {number}" for number in range(12)]
    assert held_out(hold_out_for_evaluation(unsplit(persons), 0.25)) == {"person 3", "person 9"}


def test_about_the_fraction_of_the_persons_is_held_out() -> None:
    dataset = unsplit([str(number) for number in range(2_000)], images=1)
    for fraction in (0.1, 0.25, 0.5):
        assert len(held_out(hold_out_for_evaluation(dataset, fraction))) == pytest.approx(
            2_000 * fraction, abs=90
        )  # four standard deviations at most


def test_images_held_out_are_both_query_and_gallery() -> None:
    dataset = hold_out_for_evaluation(unsplit(["a", "b", "c", "d"]), 0.5)
    query, gallery = dataset.split("query"), dataset.split("gallery")
    assert [sample.path for sample in query] == [sample.path for sample in gallery]
    assert all(sample.camera == "1" for sample in query + gallery)


def test_distractors_and_junk_are_neither_trained_on_nor_queries() -> None:
    dataset = hold_out_for_evaluation(unsplit(["a", "b", "c", "d", DISTRACTOR_NAME, JUNK_NAME], images=1), 0.5)
    assert [sample.split for sample in dataset.samples if sample.person in (DISTRACTOR_NAME, JUNK_NAME)] == [
        "gallery",
        "gallery",
    ]
    assert len(dataset.junk) == 1


def test_with_nothing_to_hold_out_all_are_trained_on() -> None:
    dataset = hold_out_for_evaluation(unsplit(["a"]), 0.0)
    assert len(dataset.split("train")) == 2
    assert dataset.split("query") == dataset.split("gallery") == ()


def test_a_dataset_with_parts_is_left_alone() -> None:
    dataset = Manifest("test", Path("root"), (Sample(Path("1.jpg"), "a", split="train"),))
    assert hold_out_for_evaluation(dataset, 0.5) is dataset


def test_too_few_persons_are_an_error() -> None:
    with pytest.raises(DatasetError) as caught:
        hold_out_for_evaluation(unsplit(["a", "b", "c", DISTRACTOR_NAME, JUNK_NAME]), 0.5)
    assert caught.value.got == "3"
    assert "split" in (caught.value.cure or "")


def dataset(persons: int, *, split: Split | None = "train") -> Manifest:
    samples = [
        Sample(Path(f"{person}/{image}.jpg"), f"p{person}", camera=str(image), split=split)
        for person in range(persons)
        for image in range(3)
    ]
    others = [
        Sample(Path("q.jpg"), "q", "0", "query"),
        Sample(Path("g.jpg"), "q", "1", "gallery"),
        Sample(Path("d.jpg"), DISTRACTOR_NAME, "1", "gallery"),
        Sample(Path("j.jpg"), JUNK_NAME, "1", "train"),
    ]
    return Manifest("made", Path("root"), tuple(samples + (others if split else [])))


@given(st.integers(5, 40), st.floats(0.01, 0.99))
def test_every_training_person_is_trained_on_or_calibrated_on(persons: int, fraction: float) -> None:
    whole = dataset(persons)

    done = hold_out_for_calibration(whole, fraction)

    trained = {sample.person for sample in done.rest.split("train")}
    calibrated = {sample.person for sample in done.calibration.samples}
    assert trained | calibrated == {f"p{number}" for number in range(persons)}
    assert not trained & calibrated
    assert len(trained) >= 2
    assert len(calibrated) >= 3
    for split in ("query", "gallery"):
        assert done.rest.split(split) == whole.split(split)
        assert {s.path for s in done.calibration.split(split)} == {
            s.path for s in whole.split("train") if s.person in calibrated
        }
    assert done.calibration.name == f"{len(calibrated)} people set aside from made"
    assert done.rest.junk == whole.junk


def test_without_a_share_the_dataset_stays_as_it_is() -> None:
    done = hold_out_for_calibration(dataset(4), 0.0)

    assert done.rest == dataset(4)
    assert done.calibration.samples == ()


def test_people_held_out_for_evaluation_are_not_set_aside_and_the_choices_differ() -> None:
    divided = hold_out_for_evaluation(dataset(400, split=None), 0.5)
    evaluated = {sample.person for sample in divided.split("query")}

    done = hold_out_for_calibration(divided, 0.5)

    calibrated = {sample.person for sample in done.calibration.samples}
    assert not calibrated & evaluated
    assert len(calibrated) == pytest.approx(100, abs=40)


def test_too_few_training_persons_are_refused() -> None:
    with pytest.raises(DatasetError, match="too few people to keep some out of training"):
        hold_out_for_calibration(dataset(4), 0.5)


def test_the_hash_of_people_is_over_their_names_whatever_their_images() -> None:
    wanted = hashlib.sha256(b"a\nb").hexdigest()
    samples = [
        Sample(path=Path(f"{n}.jpg"), person=person) for n, person in enumerate(["b", "a", "b", DISTRACTOR_NAME])
    ]
    assert people_hash(Manifest("x", Path(), tuple(samples))) == wanted
    assert people_hash(Manifest("y", Path("z"), tuple(samples[:2]))) == wanted
    assert people_hash(Manifest("nobody", Path(), ())) == NOBODY
