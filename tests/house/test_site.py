"""The documents build into a site without a warning, and the site loads nothing from elsewhere (P12)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

ELSEWHERE = re.compile(r"\s*(\w+:)?//")
LOADING = {"script": "src", "link": "href", "img": "src", "source": "src", "iframe": "src", "video": "src"}


class Resources(HTMLParser):
    """Collects the addresses that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(LOADING.get(tag, ""))
        if address is not None:
            self.addresses.append(address)


def loaded(text: str, suffix: str) -> list[str]:
    """What a page or a style sheet loads."""
    if suffix == ".css":
        return re.findall(r"""(?:url\(|@import)\s*['"]?([^'")\s]+)""", text)
    page = Resources()
    page.feed(text)
    styles = re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL)
    return page.addresses + [address for style in styles for address in loaded(style, ".css")]


@pytest.fixture(scope="module")
def site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=repository, env=quiet, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


def files(site: Path, *suffixes: str) -> Iterator[tuple[Path, str]]:
    for path in site.rglob("*"):
        if path.suffix in suffixes:
            yield path, path.read_text(encoding="utf-8")


def test_every_document_is_a_page(site: Path, repository: Path) -> None:
    documents = [path.relative_to(repository / "docs") for path in (repository / "docs").rglob("*.md")]
    pages = [path.with_name("index.html") if path.stem == "README" else path.with_suffix(".html") for path in documents]

    assert len(pages) > 15
    assert [page for page in pages if not (site / page).is_file()] == []


def test_p12_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    outside = [
        f"{path.relative_to(site)}: {address}"
        for path, text in files(site, ".html", ".css")
        for address in loaded(text, path.suffix)
        if ELSEWHERE.match(address)
    ]

    assert outside == []


def unrendered(page: str) -> list[str]:
    """Rows of tables, items of lists and fences that the page shows as they were typed."""
    text = re.sub(r"<(pre|script|style|code)\b.*?</\1>", "", page, flags=re.DOTALL)
    paragraphs = re.findall(r"<p>(.*?)</p>", text, re.DOTALL)
    return [each for each in paragraphs if re.search(r"^\s*(\||[-*] |```)", each, re.MULTILINE)]


def test_tables_and_lists_are_shown_as_such(site: Path) -> None:
    assert [(path.name, found) for path, text in files(site, ".html") if (found := unrendered(text))] == []


@pytest.mark.parametrize(
    "text", ["<p>| file | what |\n|---|---|</p>", "<p>Read:\n- one\n- two</p>", "<p>so\n```\na</p>"]
)
def test_a_table_without_a_blank_line_before_it_would_be_noticed(text: str) -> None:
    assert unrendered(text)
    assert not unrendered(f"<pre>{text}</pre><p>1 - 2 | 3</p>")


def test_no_page_holds_what_the_theme_fetches_a_library_for(site: Path) -> None:
    assert not [path for path, text in files(site, ".html") if 'class="mermaid"' in text or "glightbox" in text]


@pytest.mark.parametrize(
    ("text", "suffix", "address"),
    [
        ('<script src="https://cdn.example/a.js"></script>', ".html", "https://cdn.example/a.js"),
        ('<link rel="stylesheet" href="//fonts.example/css">', ".html", "//fonts.example/css"),
        ("<img src='http://images.example/a.png'>", ".html", "http://images.example/a.png"),
        ("<style>@import 'https://a.example/b.css';</style>", ".html", "https://a.example/b.css"),
        ("a { background: url('https://a.example/b.png') }", ".css", "https://a.example/b.png"),
    ],
)
def test_what_comes_from_elsewhere_would_be_noticed(text: str, suffix: str, address: str) -> None:
    assert loaded(text, suffix) == [address]
    assert ELSEWHERE.match(address)


def test_own_files_and_links_to_elsewhere_are_not_accused() -> None:
    assert [a for a in loaded('<script src="assets/a.js"></script>', ".html") if ELSEWHERE.match(a)] == []
    assert loaded('<a href="https://a.example">there</a>', ".html") == []
