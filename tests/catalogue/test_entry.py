from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reseen.catalogue.entry import Entry

FIXED = {"what": "a", "licence": "b", "trained_on": "c", "stated_by": "d", "use": "e"}


@pytest.mark.parametrize(
    ("published", "word", "matching", "other"),
    [
        ({"sha256": "ab" * 32}, "published SHA-256", "ab" * 32, "ab" * 31 + "cd"),
        ({"sha256_prefix": "abab"}, "first 4 digits", "abab" + "0" * 60, "abac" + "0" * 60),
    ],
)
def test_a_published_hash_rules_other_files_out(
    published: dict[str, str], word: str, matching: str, other: str
) -> None:
    entry = Entry("name", **FIXED, url="https://example.org/a/b.pth?c=d", **published)  # type: ignore[arg-type]
    assert word in entry.checked_by
    assert entry.matches(matching)
    assert not entry.matches(other)


def test_a_published_sha384_is_asked_for() -> None:
    entry = Entry("name", **FIXED, url="https://example.org/a/b.xml", sha384="ab" * 48)  # type: ignore[arg-type]
    assert "published SHA-384" in entry.checked_by
    assert entry.matches("0" * 64, "ab" * 48)
    assert not entry.matches("0" * 64, "cd" * 48)
    assert not entry.matches("0" * 64)


def test_further_files_are_of_the_same_model_and_count_for_its_size() -> None:
    first = Entry("name", **FIXED, url="https://example.org/a/b.xml", bytes=1_000_000, sha384="ab" * 48)  # type: ignore[arg-type]
    further = first.further("https://example.org/a/b.bin", 2_000_000, "cd" * 48)
    entry = replace(first, beside=(further,))
    assert (further.name, further.file_name, further.sha384) == ("name", "b.bin", "cd" * 48)
    assert entry.size_in_words == "3.0 MB"
    assert "each of its files" in entry.checked_by


def test_without_one_nothing_is_ruled_out_and_that_is_said() -> None:
    entry = Entry("name", **FIXED, url="https://example.org/a/b.pth")  # type: ignore[arg-type]
    assert "nothing published" in entry.checked_by
    assert entry.matches("0" * 64)


def test_the_file_is_called_as_at_its_address() -> None:
    assert Entry("name", **FIXED, url="https://example.org/a/b.pth?c=d/e").file_name == "b.pth"  # type: ignore[arg-type]
    assert Entry("name", **FIXED, path="weights/a/b.safetensors").file_name == "b.safetensors"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"recall1": 94.5, "mAP": 85.82}, "rank-1 94.5 %, mAP 85.82 %"),
        ({"ImageNet accuracy@5": 92.862}, "ImageNet accuracy@5 92.862 %"),
        ({}, "none published"),
    ],
)
def test_figures_are_told_in_percent_by_the_names_of_the_field(figures: dict[str, float], words: str) -> None:
    entry = Entry("name", **FIXED, figures=figures, bytes=899_848)  # type: ignore[arg-type]
    assert entry.figures_in_words == words
    assert entry.size_in_words == "0.9 MB"


def test_all_of_it_can_be_written_as_json() -> None:
    entry = Entry("name", **FIXED, url="https://example.org/a/b.pth", figures={"mAP": 85.57})  # type: ignore[arg-type]
    written = json.loads(json.dumps(entry.to_dict()))
    assert written["figures"] == {"mAP": 85.57}
    assert written["sha256"] is None
