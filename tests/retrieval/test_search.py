from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reseen.calibration.verdict import search_verdict
from reseen.engines.embedder import Embedder
from reseen.engines.load import load
from reseen.errors import ImageError, UsageError
from reseen.images.source import image_sources
from reseen.retrieval.search import search_folder


@pytest.fixture(scope="module")
def embedder(small_bundle: Path) -> Iterator[Embedder]:
    with load(small_bundle, batch_size=4, threads=1) as loaded:
        yield loaded


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """A folder of 30 images, which are looked at four at a time."""
    folder = tmp_path / "crops"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for number in range(30):
        Image.fromarray(draw.integers(0, 256, (20, 10, 3), dtype=np.uint8)).save(folder / f"{number:02}.png")
    return folder


@pytest.mark.parametrize("k", [1, 10, 100])
def test_ranked_lists_are_those_of_sorting_all_scores(embedder: Embedder, crops: Path, tmp_path: Path, k: int) -> None:
    queries = tmp_path / "queries"
    queries.mkdir()
    for number in range(3):
        Image.effect_mandelbrot((20, 40), (-2, -1, 1, number + 1), 50).save(queries / f"{number}.png")
    told: list[tuple[int, int]] = []

    found = search_folder(
        embedder, image_sources(queries), image_sources(crops), k, lambda done, total: told.append((done, total))
    )

    gallery = embedder.embed(crops)
    names = [each.name for each in image_sources(crops)]
    for searched, feature in zip(found.queries, embedder.embed(queries), strict=True):
        scores = gallery @ feature
        best = sorted(range(30), key=lambda place: -scores[place])[:k]
        assert [each.name for each in searched.matches] == [names[place] for place in best]
        np.testing.assert_allclose([each.score for each in searched.matches], scores[best], atol=1e-5)
        assert searched.left_out == ()
        assert searched.people == 30
        assert all(each.verdict is None for each in searched.matches)
    assert found.images == 30
    assert told[-1] == (30, 30)


def test_the_query_itself_is_left_out_whatever_path_leads_to_it(
    embedder: Embedder, crops: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.png"
    link.symlink_to(crops / "08.png")
    (crops / "twin.png").write_bytes((crops / "08.png").read_bytes())

    (by_link, other) = search_folder(
        embedder, image_sources([link, crops / "03.png"]), image_sources(crops), 40
    ).queries

    assert by_link.left_out == (str(crops / "08.png"),)
    assert by_link.people == 30
    assert len(by_link.matches) == 30
    assert by_link.matches[0].name == str(crops / "twin.png")
    assert by_link.matches[0].score == pytest.approx(1, abs=1e-5)
    assert other.left_out == (str(crops / "03.png"),)


def test_a_folder_of_nothing_but_the_query_finds_nothing(embedder: Embedder, tmp_path: Path) -> None:
    Image.new("RGB", (10, 20)).save(tmp_path / "a.png")

    (searched,) = search_folder(embedder, image_sources(tmp_path), image_sources(tmp_path), 5).queries

    assert searched.matches == ()
    assert searched.people == 0


def test_broken_images_are_told_and_count_as_nobody(embedder: Embedder, crops: Path) -> None:
    for number in (0, *range(8, 16)):
        (crops / f"{number:02}.png").write_bytes(b"torn")

    found = search_folder(embedder, image_sources(crops / "01.png"), image_sources(crops), 3)

    assert len(found.broken) == 9
    assert found.images == 21
    assert found.queries[0].people == 20


def test_a_broken_query_is_an_error(embedder: Embedder, crops: Path) -> None:
    with pytest.raises(ImageError, match=r"gone\.png cannot be read"):
        search_folder(embedder, image_sources(crops / "gone.png"), image_sources(crops), 3)


def test_every_image_counts_as_a_person_in_the_verdicts(calibrated_bundle: Path, crops: Path) -> None:
    with load(calibrated_bundle, threads=1) as embedder:
        (searched,) = search_folder(embedder, image_sources(crops / "01.png"), image_sources(crops), 5).queries

        assert embedder.calibration is not None
        for each in searched.matches:
            assert each.verdict == search_verdict(embedder.calibration, each.score, 29, images=29)


@pytest.mark.parametrize(("queries", "k"), [(1001, 10), (1, 0), (1, 1001)])
def test_more_than_fits_is_refused_before_the_work(embedder: Embedder, queries: int, k: int) -> None:
    with pytest.raises(UsageError, match="too many queries or results"):
        search_folder(embedder, image_sources(["gone.png"] * queries), [], k)
