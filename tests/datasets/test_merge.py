from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.datasets.holdout import hold_out_for_evaluation
from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Manifest, Sample, Split
from reseen.datasets.merge import merge, name_apart, training_and_evaluation
from reseen.errors import DatasetError, UsageError

TRAIN: Split = "train"
QUERY: Split = "query"
GALLERY: Split = "gallery"


def dataset(name: str, *splits: Split, persons: int = 2) -> Manifest:
    """Persons "0", "1", … seen once by camera "c" in each of the parts."""
    samples = [
        Sample(Path(name) / (split or "all") / f"{number}.jpg", str(number), "c", split)
        for split in splits or (None,)
        for number in range(persons)
    ]
    return Manifest(name, Path("data") / name, tuple(samples))


def persons(manifest: Manifest, split: Split) -> list[str]:
    return [sample.person for sample in manifest.split(split)]


def test_one_dataset_stays_as_it_is() -> None:
    alone = dataset("a", TRAIN)
    assert merge([alone]) is alone


def test_persons_and_cameras_of_the_same_name_are_told_apart_by_dataset() -> None:
    merged = merge([dataset("a", TRAIN, QUERY), dataset("b", TRAIN)])

    assert persons(merged, "train") == ["a/0", "a/1", "b/0", "b/1"]
    assert persons(merged, "query") == ["a/0", "a/1"]
    assert {sample.camera for sample in merged.samples} == {"a/c", "b/c"}
    assert merged.name == "a + b"
    assert merged.merged == (dataset("a", TRAIN, QUERY), dataset("b", TRAIN))
    assert merged.root == (Path.cwd() / "data")


def test_junk_and_distractors_keep_their_names_and_an_unknown_camera_stays_unknown() -> None:
    special = tuple(
        Sample(Path(f"{split}{person}.jpg"), person, None, split)
        for split in ("train", "gallery")
        for person in (JUNK_NAME, DISTRACTOR_NAME)
    )
    merged = merge([Manifest("a", Path("a"), special), Manifest("b", Path("b"), special)])

    assert len(merged.junk) == 4
    assert persons(merged, "gallery") == [DISTRACTOR_NAME, DISTRACTOR_NAME]
    assert persons(merged, "train") == [
        f"a/{DISTRACTOR_NAME}",
        f"b/{DISTRACTOR_NAME}",
    ]  # a person like others, and not the same
    assert {sample.camera for sample in merged.samples} == {None}


@given(st.lists(st.integers(1, 5), min_size=2, max_size=4))
def test_no_image_is_lost_and_no_two_datasets_share_a_person(sizes: list[int]) -> None:
    datasets = [dataset(f"d{place}", TRAIN, persons=size) for place, size in enumerate(sizes)]

    merged = merge(datasets)

    assert [s.path for s in merged.samples] == [s.path for each in datasets for s in each.samples]
    counts = Counter(person.partition("/")[0] for person in set(persons(merged, "train")))
    assert [counts[f"d{place}"] for place in range(len(sizes))] == sizes


def test_each_of_several_datasets_must_have_something_to_train_on() -> None:
    with pytest.raises(DatasetError, match=r"data/b has no training images") as refused:
        merge([dataset("a", TRAIN), dataset("b", QUERY, GALLERY)])

    assert refused.value.cure == "give it as --eval-data, or remove it"


def test_without_evaluation_data_those_with_query_and_gallery_are_evaluated() -> None:
    whole, no_query = dataset("a", TRAIN, QUERY, GALLERY), dataset("b", TRAIN, GALLERY)

    merged, evaluated = training_and_evaluation([whole, no_query], [], 0.25)

    assert merged.name == "a + b"
    assert evaluated == (whole,)


def test_where_no_dataset_can_be_evaluated_all_are_given_for_the_error_to_name() -> None:
    bare = (dataset("a", TRAIN), dataset("b", TRAIN))
    assert training_and_evaluation(bare, [], 0.25)[1] == bare


def test_evaluation_data_is_what_is_evaluated_and_nothing_else() -> None:
    whole, other = dataset("a", TRAIN, QUERY, GALLERY), dataset("c", QUERY, GALLERY)
    assert training_and_evaluation([whole], [other], 0.25) == (whole, (other,))


def test_persons_are_held_out_of_each_dataset_on_its_own() -> None:
    datasets = [dataset("a", persons=12), dataset("b", persons=40)]
    on_their_own = [hold_out_for_evaluation(each, 0.25) for each in datasets]

    merged, evaluated = training_and_evaluation(datasets, [], 0.25)

    assert evaluated == tuple(on_their_own)
    trained = [f"{each.name}/{person}" for each in on_their_own for person in persons(each, "train")]
    assert persons(merged, "train") == trained


def test_a_dataset_that_is_trained_and_evaluated_on_holds_the_same_persons_out() -> None:
    manifest, (evaluated,) = training_and_evaluation([dataset("a", persons=20)], [dataset("a", persons=20)], 0.3)
    assert not set(persons(manifest, "train")) & set(persons(evaluated, "query"))


def test_datasets_of_the_same_name_are_numbered() -> None:
    datasets = [Manifest(name, Path(f"{place}"), ()) for place, name in enumerate(["x", "x", "x-2", "x", "y", "mean"])]

    named = [each.name for each in name_apart(datasets, "--data", reserved=("mean",))]

    assert named == ["x", "x-2", "x-2-2", "x-3", "y", "mean-2"]


def test_the_same_dataset_twice_is_refused_however_its_path_is_written(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    written = [tmp_path / "a", tmp_path / "a" / ".." / "a"]

    with pytest.raises(UsageError, match="given twice") as refused:
        name_apart([Manifest("a", root, ()) for root in written], "--eval-data")

    assert refused.value.what.startswith("--eval-data ")
