from __future__ import annotations

import hashlib
import re
import shlex
from pathlib import Path

import pytest

from reseen.catalogue.address import check_address
from reseen.catalogue.entry import Entry
from reseen.catalogue.known import ENTRIES, find_entry
from reseen.errors import UsageError
from reseen.recipe.load import load_recipe

FETCHED = [entry for entry in ENTRIES if entry.url is not None]


def test_names_are_different_and_can_be_folders() -> None:
    names = [entry.name for entry in ENTRIES]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_-]+", name) for name in names)


@pytest.mark.parametrize("entry", FETCHED, ids=lambda entry: entry.name)
def test_a_file_that_is_fetched_is_at_a_safe_address_and_its_hash_is_what_its_name_holds(entry: Entry) -> None:
    assert entry.url is not None
    check_address(entry.url)
    in_name = re.search(r"-([0-9a-f]{8})\.", entry.file_name)
    assert entry.sha256_prefix == (in_name and in_name[1])
    assert entry.sha256 is None


@pytest.mark.parametrize("number", ["0277", "0286", "0287", "0288"])
def test_open_model_zoos_graph_and_weights_are_at_safe_addresses_with_their_hashes(number: str) -> None:
    entry = find_entry(f"person-reidentification-retail-{number}")
    assert [each.file_name for each in (entry, *entry.beside)] == [f"{entry.name}.xml", f"{entry.name}.bin"]
    for each in (entry, *entry.beside):
        check_address(str(each.url))
        assert re.fullmatch(r"[0-9a-f]{96}", str(each.sha384))
        assert each.bytes


def test_the_published_figures_are_those_of_the_published_table() -> None:
    figures = {name: find_entry(f"paddleclas_{name}").figures for name in ("baseline", "softmax_triplet")}
    assert figures == {
        "baseline": {"recall1": 88.45, "mAP": 74.37},
        "softmax_triplet": {"recall1": 94.29, "mAP": 85.57},
    }
    assert find_entry("paddleclas_softmax_triplet_with_center").figures == {"recall1": 94.50, "mAP": 85.82}


def test_the_page_about_models_tells_the_same_figures(repository: Path) -> None:
    page = (repository / "docs" / "models.md").read_text(encoding="utf-8")
    rows = {row.split("`")[1]: row for row in page.splitlines() if row.startswith("| `")}

    assert [entry.name for entry in ENTRIES if f"| {entry.figures_in_words} |" not in rows[entry.name]] == []


def test_what_comes_with_the_sources_is_the_file_that_is_there(repository: Path) -> None:
    for entry in ENTRIES:
        if entry.path is not None:
            content = (repository / entry.path).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (entry.bytes, entry.sha256)
            readme = (repository / entry.path).with_name("README.md").read_text(encoding="utf-8")
            assert all(f"{figure} %" in readme for figure in entry.figures.values())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_says_its_terms_and_how_to_use_it(entry: Entry, repository: Path) -> None:
    assert entry.licence
    assert entry.trained_on
    assert entry.stated_by
    words = shlex.split(entry.use)
    assert "FILE" in words
    if "openvino" in words:  # such a file needs no recipe
        return
    recipe = words[words.index("--model" if "--model" in words else "-c") + 1]
    load_recipe(repository / recipe if recipe.endswith(".yaml") else recipe)


def test_an_unknown_name_is_told_with_the_nearest_one() -> None:
    with pytest.raises(UsageError) as error:
        find_entry("resnet50_imagnet")
    assert error.value.cure == "did you mean resnet50_imagenet?"
    with pytest.raises(UsageError) as error:
        find_entry("?")
    assert "reseen models list" in str(error.value.cure)
