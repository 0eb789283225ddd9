from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float64, UInt8
from PIL import Image, ImageFilter

from reseen.datasets.manifest import Manifest, Sample
from reseen.datasets.open import open_dataset
from reseen.errors import StorageError, UsageError
from reseen.synthetic.dataset import synthesise
from reseen.synthetic.plan import Plan

SMALL = Plan(persons=2, test_persons=2, cameras=2, images_per_camera=2, distractors=2, junk=2)
Images = UInt8[np.ndarray, "n h w 3"]


def contents(directory: Path) -> dict[str, bytes]:
    return {str(f.relative_to(directory)): f.read_bytes() for f in sorted(directory.rglob("*")) if f.is_file()}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """As many test people as in the demo; training people do not matter here."""
    return synthesise(tmp_path_factory.mktemp("people"), Plan(persons=2))


def pixels(samples: tuple[Sample, ...]) -> Images:
    return np.stack([np.asarray(Image.open(sample.path)) for sample in samples])


def test_the_same_plan_writes_the_same_bytes(tmp_path: Path) -> None:
    synthesise(tmp_path / "first", SMALL)
    synthesise(tmp_path / "second", SMALL)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_another_seed_writes_other_images(tmp_path: Path) -> None:
    synthesise(tmp_path / "first", SMALL)
    synthesise(tmp_path / "second", replace(SMALL, seed=1))
    first, second = contents(tmp_path / "first"), contents(tmp_path / "second")
    assert first.keys() == second.keys()
    assert all(first[name] != second[name] for name in first if name.endswith(".jpg"))


def test_the_folder_opens_as_market1501(people: Manifest) -> None:
    opened = open_dataset(people.root)
    assert opened.samples == people.samples
    assert {part: len(opened.split(part)) for part in ("train", "query", "gallery")} == {
        "train": 2 * 4 * 3,
        "query": 32 * 4,
        "gallery": 32 * 4 * 2 + 48,
    }
    assert len(opened.junk) == 24


def test_everybody_is_seen_by_every_camera(people: Manifest) -> None:
    for part in ("train", "query"):
        cameras = Counter((s.person, s.camera) for s in people.split(part))
        assert {camera for _, camera in cameras} == {"1", "2", "3", "4"}
        assert set(cameras.values()) == {3 if part == "train" else 1}


def test_images_are_rgb_jpegs_of_the_size_asked_for(tmp_path: Path) -> None:
    manifest = synthesise(tmp_path, replace(SMALL, height=96, width=40))
    for sample in manifest.samples:
        with Image.open(sample.path) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (40, 96))


def test_no_two_images_are_alike(people: Manifest) -> None:
    files = [sample.path.read_bytes() for sample in people.samples]
    assert len(set(files)) == len(files)


def test_the_readme_says_that_nobody_in_the_images_exists(people: Manifest) -> None:
    assert "drawn by a program, not photographed" in (people.root / "README.txt").read_text(encoding="utf-8")


def test_progress_counts_every_image(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    synthesise(tmp_path, SMALL, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, SMALL.images) for done in range(1, SMALL.images + 1)]


def test_a_directory_with_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(UsageError, match="exists already") as caught:
        synthesise(tmp_path, SMALL)
    assert caught.value.cure is not None
    assert contents(tmp_path) == {"mine.txt": b"keep"}


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "people").write_text("keep", encoding="utf-8")
    with pytest.raises(UsageError, match="exists already"):
        synthesise(tmp_path / "people", SMALL)


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("keep", encoding="utf-8")
    with pytest.raises(StorageError, match="could not be written"):
        synthesise(tmp_path / "file" / "people", SMALL)


def test_nothing_stays_behind_when_it_is_stopped(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == total - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesise(tmp_path, SMALL, progress=stop)
    assert list(tmp_path.iterdir()) == []


def rank1(people: Manifest, describe: Callable[[Images], Float64[np.ndarray, "n d"]]) -> float:
    """Share of the queries whose nearest gallery image, same person in the same camera left out, shows the person."""
    query, gallery = people.split("query"), people.split("gallery")
    query_features, gallery_features = describe(pixels(query)), describe(pixels(gallery))
    hits = 0
    for sample, feature in zip(query, query_features, strict=True):
        allowed = [i for i, g in enumerate(gallery) if (g.person, g.camera) != (sample.person, sample.camera)]
        distances = np.linalg.norm(gallery_features[allowed] - feature, axis=1)
        hits += gallery[allowed[int(np.argmin(distances))]].person == sample.person
    return hits / len(query)


def colour_histograms(images: Images, mode: str, balanced: bool) -> Float64[np.ndarray, "n d"]:
    """Square roots (Hellinger) of the colour histograms of six stripes about the middle; `balanced` undoes casts."""
    features = []
    for image in images:
        colours = image.astype(np.float64)
        if balanced:
            colours = 128 + 50 * (colours - colours.mean(axis=(0, 1))) / colours.std(axis=(0, 1))
        converted = np.asarray(Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8)).convert(mode))[:, 16:48]
        counts = [
            np.histogram(stripe[..., channel], bins=8, range=(0, 256))[0]
            for stripe in np.array_split(converted, 6)
            for channel in range(3)
        ]
        features.append(np.sqrt(np.concatenate(counts) / converted.size))
    return np.stack(features)


@pytest.mark.parametrize("mode", ["RGB", "HSV"])
@pytest.mark.parametrize("balanced", [False, True])
def test_colour_histograms_do_not_solve_it(people: Manifest, mode: str, balanced: bool) -> None:
    assert rank1(people, lambda images: colour_histograms(images, mode, balanced)) < 0.4


def test_raw_pixels_do_not_solve_it(people: Manifest) -> None:
    def blurred(images: Images) -> Float64[np.ndarray, "n d"]:
        small = [Image.fromarray(i).filter(ImageFilter.GaussianBlur(2)).resize((16, 32)) for i in images]
        flat = np.stack([np.asarray(image, dtype=np.float64).ravel() for image in small])
        centred = flat - flat.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(centred, axis=1, keepdims=True)
        return np.asarray(centred / norms)

    assert rank1(people, blurred) < 0.3


def test_an_untrained_network_does_not_solve_it(people: Manifest) -> None:
    torch.manual_seed(0)
    widths = (3, 32, 64, 128)
    layers = [
        layer
        for before, after in pairwise(widths)
        for layer in (torch.nn.Conv2d(before, after, 3, stride=2, padding=1), torch.nn.ReLU())
    ]
    network = torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d((4, 1)), torch.nn.Flatten())

    def describe(images: Images) -> Float64[np.ndarray, "n d"]:
        with torch.no_grad():
            features = network(torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1)
        return torch.nn.functional.normalize(features).double().numpy()

    assert rank1(people, describe) < 0.3


def test_the_person_can_still_be_told_from_clothes_and_build(people: Manifest) -> None:
    """Within one camera, where colours mean the same, images of one person are closer than of two."""
    samples = tuple(s for s in people.samples if s.camera == "1" and s.person not in ("-1", "0000"))
    features = colour_histograms(pixels(samples), "RGB", balanced=True)
    distances = np.linalg.norm(features[:, None] - features[None], axis=2)
    same = np.array([[a.person == b.person for b in samples] for a in samples]) & ~np.eye(len(samples), dtype=bool)
    different = np.array([[a.person != b.person for b in samples] for a in samples])
    assert distances[same].mean() < 0.85 * distances[different].mean()


def test_easy_people_look_the_same_to_every_camera_and_unlike_each_other(tmp_path: Path) -> None:
    people = synthesise(tmp_path, Plan(persons=2, test_persons=12, cameras=3, distractors=0, junk=0, easy=True))

    # What solves at most 0.4 of the others is all that it takes.
    assert rank1(people, lambda images: colour_histograms(images, "RGB", balanced=False)) > 0.9
