from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reseen.engines.embedded import Embedded
from reseen.engines.embedder import Embedder
from reseen.engines.load import load
from reseen.errors import ImageError, UsageError
from reseen.files import hold_folder
from reseen.images.source import ImageSource, image_sources
from reseen.retrieval import embed
from reseen.retrieval.embed import embed_to_file


class Stopped(Exception):
    """What a test stops the work with."""


@pytest.fixture(scope="module")
def embedder(small_bundle: Path) -> Iterator[Embedder]:
    with load(small_bundle, batch_size=3, threads=1) as loaded:
        yield loaded


@pytest.fixture
def crops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of 23 images, embedded in blocks of five."""
    monkeypatch.setattr(embed, "BLOCK", 5)
    folder = tmp_path / "crops"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for number in range(23):
        Image.fromarray(draw.integers(0, 256, (20, 10, 3), dtype=np.uint8)).save(folder / f"{number:02}.png")
    return folder


def embedded_names(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the images that are embedded from now on."""
    names: list[str] = []
    batches = embedder.stream

    def watched(inputs: Sequence[ImageSource]) -> Iterator[Embedded]:
        names.extend(each.name for each in inputs)
        return batches(inputs)

    monkeypatch.setattr(embedder, "stream", watched)
    return names


def stop_after(images: int, embedder: Embedder, crops: Path, output: Path) -> None:
    def progress(done: int, total: int) -> None:
        assert total == 23
        if done > images:
            raise Stopped

    with pytest.raises(Stopped):
        embed_to_file(embedder, image_sources(crops), output, progress=progress)
    assert not output.exists()


def check(embedder: Embedder, crops: Path, output: Path) -> None:
    with np.load(output, allow_pickle=False) as arrays:
        whole = embedder.embed_each(crops)
        assert arrays["names"].tolist() == list(whole.names)
        np.testing.assert_allclose(arrays["features"], whole.features, atol=1e-6)
        assert arrays["feature_space"].item() == embedder.feature_space
    assert sorted(path.name for path in output.parent.iterdir()) == ["crops", output.name]


def test_images_become_a_file_and_nothing_else_is_left(embedder: Embedder, crops: Path, tmp_path: Path) -> None:
    done: list[int] = []

    broken = embed_to_file(
        embedder, image_sources(crops), tmp_path / "f.npz", progress=lambda images, total: done.append(images)
    )

    assert broken == {}
    assert done == [3, 5, 8, 10, 13, 15, 18, 20, 23]
    check(embedder, crops, tmp_path / "f.npz")


def test_what_was_stopped_goes_on_where_it_was(
    embedder: Embedder, crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(12, embedder, crops, tmp_path / "f.npz")
    names = embedded_names(embedder, monkeypatch)
    told: list[tuple[int, int]] = []

    embed_to_file(embedder, image_sources(crops), tmp_path / "f.npz", started=lambda *counts: told.append(counts))

    assert told == [(10, 10)]
    assert [Path(name).name for name in names] == [f"{number:02}.png" for number in range(10, 23)]
    monkeypatch.undo()
    check(embedder, crops, tmp_path / "f.npz")


def test_from_an_image_on_that_was_changed_meanwhile_all_is_done_again(
    embedder: Embedder, crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(17, embedder, crops, tmp_path / "f.npz")
    Image.new("RGB", (10, 20), "red").save(crops / "07.png")
    names = embedded_names(embedder, monkeypatch)
    told: list[tuple[int, int]] = []

    embed_to_file(embedder, image_sources(crops), tmp_path / "f.npz", started=lambda *counts: told.append(counts))

    assert told == [(5, 15)]
    assert Path(names[0]).name == "05.png"
    monkeypatch.undo()
    check(embedder, crops, tmp_path / "f.npz")


def test_a_change_that_keeps_the_size_is_seen_too(embedder: Embedder, crops: Path, tmp_path: Path) -> None:
    stop_after(17, embedder, crops, tmp_path / "f.npz")
    os.utime(crops / "00.png", ns=(1, 1))
    told: list[tuple[int, int]] = []

    embed_to_file(embedder, image_sources(crops), tmp_path / "f.npz", started=lambda *counts: told.append(counts))

    assert told == [(0, 15)]


def test_images_that_are_added_or_removed_are_not_mixed_up(embedder: Embedder, crops: Path, tmp_path: Path) -> None:
    stop_after(17, embedder, crops, tmp_path / "f.npz")
    (crops / "11.png").unlink()
    Image.new("RGB", (10, 20), "blue").save(crops / "99.png")

    embed_to_file(embedder, image_sources(crops), tmp_path / "f.npz")

    check(embedder, crops, tmp_path / "f.npz")


def test_another_model_begins_anew(embedder: Embedder, small_bundle: Path, crops: Path, tmp_path: Path) -> None:
    stop_after(17, embedder, crops, tmp_path / "f.npz")
    told: list[tuple[int, int]] = []

    with load(small_bundle, precision="fp16", threads=1) as other:
        embed_to_file(other, image_sources(crops), tmp_path / "f.npz", started=lambda *counts: told.append(counts))

        assert told == [(0, 15)]
        check(other, crops, tmp_path / "f.npz")


def test_broken_images_are_told_whether_they_were_met_before_or_after_a_stop(
    embedder: Embedder, crops: Path, tmp_path: Path
) -> None:
    for name in ("03.png", "21.png"):
        (crops / name).write_bytes(b"torn")
    stop_after(12, embedder, crops, tmp_path / "f.npz")

    broken = embed_to_file(embedder, image_sources(crops), tmp_path / "f.npz")

    assert [Path(name).name for name in broken] == ["03.png", "21.png"]
    assert all("is not an image that can be read" in reason for reason in broken.values())
    check(embedder, crops, tmp_path / "f.npz")


def test_images_of_which_none_can_be_read_are_a_file_without_rows(embedder: Embedder, tmp_path: Path) -> None:
    (tmp_path / "crops").mkdir()
    (tmp_path / "crops" / "a.png").write_bytes(b"")

    broken = embed_to_file(embedder, image_sources(tmp_path / "crops"), tmp_path / "f.npz")

    assert len(broken) == 1
    check(embedder, tmp_path / "crops", tmp_path / "f.npz")


def test_two_processes_do_not_write_to_one_output(embedder: Embedder, crops: Path, tmp_path: Path) -> None:
    folder = tmp_path / "f.npz.unfinished"
    folder.mkdir()

    with hold_folder(folder), pytest.raises(UsageError, match="is in use"):
        embed_to_file(embedder, image_sources(crops), tmp_path / "f.npz")


def test_an_output_of_another_kind_is_refused_before_the_work(embedder: Embedder, crops: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be stored"):
        embed_to_file(embedder, image_sources(crops), tmp_path / "f.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["crops"]


def test_a_link_leads_to_the_file_and_what_is_no_file_stays(embedder: Embedder, crops: Path, tmp_path: Path) -> None:
    link, real, pipe = tmp_path / "link.npz", tmp_path / "real.npz", tmp_path / "pipe.npz"
    link.symlink_to(real)
    os.mkfifo(pipe)

    embed_to_file(embedder, image_sources(crops), link)
    with pytest.raises(UsageError, match=r"pipe\.npz cannot be a file"):
        embed_to_file(embedder, image_sources(crops), pipe)

    assert link.is_symlink()
    assert real.is_file()
    assert pipe.is_fifo()


def test_names_and_features_do_not_part_ways_when_an_image_is_read_twice_with_different_luck(
    embedder: Embedder, crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = image_sources([crops / "00.png", crops / "00.png"])
    name, torn = twice[0].name, ImageError("torn", expected="e", got="g", cure="c")
    feature = embedder.embed(crops / "00.png")
    monkeypatch.setattr(embedder, "stream", lambda inputs: [Embedded((name,), feature, {name: torn})])

    with pytest.raises(ImageError, match="given twice changed in between"):
        embed_to_file(embedder, twice, tmp_path / "f.npz")
    assert not (tmp_path / "f.npz").exists()
