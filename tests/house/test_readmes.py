"""The pages beside docs/ lead to files that exist; READMEs and quick start say the same, in two languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGES = ("README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md")


def links(page: Path) -> list[str]:
    """Where a page leads to within the project."""
    found = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    return [address for address in found if "://" not in address]


def commands(page: Path) -> list[str]:
    """What stands in code blocks, without the comments."""
    blocks = re.findall(r"^```\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    lines = [line.partition(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith(("reseen ", "make ", ". "))]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str, repository: Path) -> None:
    assert [address for address in links(repository / page) if not (repository / address).is_file()] == []


def test_the_readmes_are_in_step(repository: Path) -> None:
    english, chinese = repository / "README.md", repository / "README.zh-CN.md"

    assert len(commands(english)) > 5
    assert commands(english) == commands(chinese)
    assert len(links(english)) > 10
    assert set(links(english)) - {chinese.name} == set(links(chinese)) - {english.name}
    headings = [re.findall(r"^#+ ", page.read_text(encoding="utf-8"), re.MULTILINE) for page in (english, chinese)]
    assert headings[0] == headings[1]


def test_readmes_and_quick_start_show_the_same_figures_of_the_demo(repository: Path) -> None:
    # tests/cli/test_demo.py holds them against what the demo measures.
    shown = [
        re.findall(
            r"^```\n(shipped model, .*?)^```", (repository / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
        for page in ("README.md", "README.zh-CN.md", "docs/quick-start.md")
    ]

    assert [len(blocks) for blocks in shown] == [1, 1, 1]
    assert shown[0] == shown[1] == shown[2]
