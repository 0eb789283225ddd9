from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from reseen.engines.embedder import Embedder
from reseen.engines.load import load
from reseen.engines.match import Match
from reseen.errors import UsageError
from reseen.images.source import image_sources
from reseen.reports.search_page import MAX_PICTURES, write_search_page
from reseen.retrieval.search import Search, Searched, search_folder


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """Images with names that would break a page, or UTF-8."""
    folder = tmp_path / "<i>crops&"
    folder.mkdir()
    for number, name in enumerate(["a.png", "<script>alert(1)<", "not\udcffutf8.png", '"quoted".png']):
        Image.new("RGB", (10, 20), (80 * number, 0, 0)).save(folder / name.replace("1)<", "1)<.png"))
    return folder


def page_of(bundle: Path, crops: Path, path: Path) -> str:
    with load(bundle, threads=1) as embedder:
        found = search_folder(embedder, image_sources(crops / "a.png"), image_sources(crops), 10)
        write_search_page(path, found, str(crops), embedder)
    return path.read_text(encoding="utf-8")


def test_the_page_shows_query_and_matches_and_loads_nothing(small_bundle: Path, crops: Path, tmp_path: Path) -> None:
    html = page_of(small_bundle, crops, tmp_path / "found.html")

    sources = re.findall(r'<img src="([^"]*)', html)
    assert len(sources) == 4
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert set(re.findall(r"(?:src|href)=\W*(\w+)", html)) == {"data"}
    assert 'name="viewport"' in html
    assert re.findall(r"<b>(\d): (-?\d\.\d{3})</b>", html)[0][0] == "1"
    assert "was left out" in html
    assert "no calibration" in html


def test_names_are_escaped(small_bundle: Path, crops: Path, tmp_path: Path) -> None:
    html = page_of(small_bundle, crops, tmp_path / "found.html")

    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;.png" in html
    assert "<i>crops" not in html
    assert r"not\udcffutf8.png" in html


def test_a_calibrated_page_says_what_verdicts_mean(calibrated_bundle: Path, crops: Path, tmp_path: Path) -> None:
    html = page_of(calibrated_bundle, crops, tmp_path / "found.html")

    assert "calibrated on drawn" in html
    assert "is counted as a different person" in " ".join(html.split())
    assert re.search(r'<figure class="(same|unsure|different)" title="', html)


def test_more_pictures_than_a_page_can_show_are_refused(small_bundle: Path, tmp_path: Path) -> None:
    matches = (Match(0.5, name="a.png"),) * 1000
    search = Search((Searched("q.png", (), 1000, matches),) * (MAX_PICTURES // 1000), 1000, {})

    with load(small_bundle) as embedder, pytest.raises(UsageError, match="too many images"):
        write_search_page(tmp_path / "found.html", search, "crops", embedder)


def test_broken_images_are_counted(small_bundle: Path, tmp_path: Path) -> None:
    embedder: Embedder
    with load(small_bundle) as embedder:
        write_search_page(tmp_path / "found.html", Search((), 5, {"a": "b", "c": "d"}), "crops", embedder)

    assert "2 images could not be read" in (tmp_path / "found.html").read_text(encoding="utf-8")
