from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel

from docs_pages.recipe_reference import Part, recipe_reference
from reseen.recipe.schema import GeMPooling, KReciprocal, MultiStep, OSNet, Recipe, Timm, Warmup

PAGE = recipe_reference()


def row(part: Part, key: str) -> list[str]:
    """Type, default and meaning of a key."""
    section = PAGE.partition(f"# {part.heading}\n")[2].partition("\n#")[0]
    (found,) = re.findall(rf"^\| `{key}` \| (.*) \| (.*) \| (.*) \|$", section, re.MULTILINE)
    return list(found)


def test_the_page_in_the_documents_is_the_generated_one(repository: Path) -> None:
    page = (repository / "docs" / "recipe-reference.md").read_text(encoding="utf-8")
    assert page == PAGE, "run: make docs"


def test_a_row_says_type_default_and_meaning() -> None:
    assert row(Part("training", BaseModel), "epochs") == ["integer ≥ 1", "`120`", "Passes of the sampler."]
    assert row(Part("", Recipe), "name")[:2] == ["text", "required"]
    assert row(Part("model.backbone", Timm), "name")[:2] == ["`timm:NAME`", "required"]
    assert row(Part("evaluation.reranking", KReciprocal), "lambda")[1] == "`0.3`"


def test_kinds_are_links_to_their_sections() -> None:
    kind, default, _ = row(Part("model", BaseModel), "pooling")

    assert kind == "[average](#modelpooling-average) or [gem](#modelpooling-gem)"
    assert default == "`{name: average}`"


def test_settings_below_are_links() -> None:
    assert row(Part("", Recipe), "model")[:2] == ["[mapping](#model)", "[below](#model)"]
    assert row(Part("training", BaseModel), "ema")[:2] == ["[mapping](#trainingema) or `null`", "`null`"]


def test_a_heading_names_all_kinds_that_share_settings() -> None:
    part = Part("model.backbone", OSNet)

    assert part.heading == "`model.backbone`: `osnet`, `osnet_ibn`, `osnet_ain`"
    assert part.anchor == "modelbackbone-osnet-osnet_ibn-osnet_ain"
    assert Part("model.pooling", GeMPooling).heading == "`model.pooling`: `gem`"
    assert Part("schedule.warmup", Warmup).heading == "`schedule.warmup`"


def test_settings_that_two_kinds_share_are_described_once() -> None:
    assert PAGE.count("# `schedule.warmup`\n") == 1
    assert row(Part("schedule", MultiStep), "warmup")[0] == "[mapping](#schedulewarmup) or `null`"


def test_meanings_are_sentences_but_for_symbols() -> None:
    meanings = re.findall(r"^\| `\w+` \| .* \| .* \| (.*) \|$", PAGE, re.MULTILINE)

    assert len(meanings) > 100
    assert all(meaning.endswith((".", ")")) for meaning in meanings)
    assert {meaning[0] for meaning in meanings if meaning[0].islower()} == {"m", "γ", "ε"}
