"""Person, camera and image codes are checked, and what is wrong is named."""

from __future__ import annotations

import numpy as np
import pytest

from reseen.errors import FeaturesError
from reseen.scores.labels import Labels, check_same_images


def labels(name: str, persons: list[int], cameras: list[int] | None = None, images: list[int] | None = None) -> Labels:
    return Labels.of(
        name,
        len(persons),
        np.array(persons, dtype=int),
        None if cameras is None else np.array(cameras),
        None if images is None else np.array(images),
    )


def test_cameras_that_are_not_given_are_unknown() -> None:
    assert labels("query", [5, 0, -1]).cameras.tolist() == [-1, -1, -1]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
def test_codes_of_any_integer_type_become_int64(dtype: type[np.integer]) -> None:
    made = Labels.of("query", 2, np.array([0, 7], dtype=dtype), np.array([1, 2], dtype=dtype), None)

    assert made.persons.dtype == made.cameras.dtype == np.int64
    assert made.persons.tolist() == [0, 7]


def test_the_images_kept_keep_their_codes() -> None:
    kept = labels("gallery", [1, -1, 2], [4, 5, 6], [7, 8, 9]).kept(np.array([True, False, True]))
    assert (kept.persons.tolist(), kept.cameras.tolist()) == ([1, 2], [4, 6])
    assert kept.images is not None
    assert kept.images.tolist() == [7, 9]


def test_an_empty_part_is_an_error() -> None:
    with pytest.raises(FeaturesError, match="the gallery is empty"):
        labels("gallery", [])


@pytest.mark.parametrize("name", ["persons", "cameras", "images"])
def test_codes_that_are_too_few_are_named(name: str) -> None:
    codes = {"persons": np.array([1, 2]), "cameras": np.array([1, 2]), "images": np.array([1, 2])}
    codes[name] = np.array([1])
    with pytest.raises(FeaturesError, match=rf"number of query {name}(.|\n)*expected: 2(.|\n)*got: 1"):
        Labels.of("query", 2, codes["persons"], codes["cameras"], codes["images"])


def test_the_row_of_an_unusable_code_is_named() -> None:
    with pytest.raises(FeaturesError, match=r"query persons: row 2(.|\n)*got: -2"):
        labels("query", [1, 2, -2])
    with pytest.raises(FeaturesError, match=r"query cameras: row 1(.|\n)*got: -7"):
        labels("query", [1, 2], [0, -7])
    with pytest.raises(FeaturesError, match=r"query persons: row 0(.|\n)*got: 9223372036854775808"):
        Labels.of("query", 1, np.array([2**63], dtype=np.uint64), None, None)


def test_an_image_id_stands_for_one_image() -> None:
    check_same_images(labels("query", [1, 2], [0, 1], [10, 11]), labels("gallery", [2, 1, 3], [1, 0, 0], [11, 10, 12]))

    with pytest.raises(FeaturesError, match="image id 11 has two people"):
        check_same_images(labels("query", [1, 2], images=[10, 11]), labels("gallery", [3, 1], images=[11, 10]))
    with pytest.raises(FeaturesError, match="image id 10 has two people or two cameras"):
        check_same_images(labels("query", [1], [0], [10]), labels("gallery", [1], [1], [10]))
    with pytest.raises(FeaturesError, match="the gallery holds image id 11 more than once"):
        check_same_images(labels("query", [1], images=[10]), labels("gallery", [3, 3], images=[11, 11]))


def test_image_ids_are_for_both_parts_or_for_none() -> None:
    check_same_images(labels("query", [1]), labels("gallery", [1]))
    with pytest.raises(FeaturesError, match="for one part only"):
        check_same_images(labels("query", [1], images=[1]), labels("gallery", [1]))
    with pytest.raises(FeaturesError, match="for one part only"):
        check_same_images(labels("query", [1]), labels("gallery", [1], images=[1]))
