"""`reseen-embed` gives the features that Python gives, and reports what it cannot read."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float32
from PIL import Image

import reseen
from reseen.bundle.bundle import open_bundle, write_bundle
from reseen.engines.telemetry import reporter_missing

with reporter_missing():
    import openvino

Run = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Saved:
    names: tuple[str, ...]
    features: Float32[np.ndarray, "n d"]


def load(file: Path) -> Saved:
    names = json.loads(Path(f"{file}.names.json").read_text(encoding="utf-8"))
    return Saved(tuple(names), np.load(file, allow_pickle=False))


def assert_alike(found: Float32[np.ndarray, "n d"], expected: Float32[np.ndarray, "n d"]) -> None:
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5
    assert np.sum(found * expected, axis=1).min() >= 0.9999


@pytest.fixture(scope="session")
def openvino_bundle(small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small bundle in OpenVINO's format, its ONNX files gone."""
    folder = tmp_path_factory.mktemp("openvino") / "bundle"
    xml = folder.parent / "model.xml"
    openvino.save_model(openvino.Core().read_model(small_bundle / "model.onnx"), xml, compress_to_fp16=False)
    files = {file.name: file.read_bytes() for file in (xml, xml.with_suffix(".bin"))}
    description = open_bundle(small_bundle).description
    model = description.models[0].model_copy(update={"format": "openvino", "files": tuple(files)})
    write_bundle(folder, description.model_copy(update={"models": (*description.models, model)}), files)
    return folder


@pytest.mark.parametrize("batch_size", [1, 2, 7, 32])
def test_features_are_pythons_at_every_batch_size(
    reseen_embed: Run, small_bundle: Path, people: Path, tmp_path: Path, batch_size: int
) -> None:
    expected = reseen.load(small_bundle, threads=1).embed_each(people)

    done = reseen_embed(
        "--bundle", small_bundle, "--batch-size", batch_size, "--threads", 1, "--output", tmp_path / "f.npy", people
    )

    assert (done.returncode, done.stderr) == (0, "")
    saved = load(tmp_path / "f.npy")
    assert saved.names == expected.names
    assert {Path(name).suffix for name in saved.names} == {".jpg", ".png"}
    assert_alike(saved.features, expected.features)


def test_the_openvino_model_is_taken_where_there_is_one(
    reseen_embed: Run, openvino_bundle: Path, small_bundle: Path, people: Path, tmp_path: Path
) -> None:
    done = reseen_embed("--bundle", openvino_bundle, "--output", tmp_path / "f.npy", people)

    assert (done.returncode, done.stderr) == (0, "")
    assert_alike(load(tmp_path / "f.npy").features, reseen.load(small_bundle, threads=1).embed(people))


def test_another_precision_can_be_chosen(reseen_embed: Run, small_bundle: Path, people: Path, tmp_path: Path) -> None:
    for precision in ("fp32", "fp16"):
        done = reseen_embed(
            "--bundle", small_bundle, "--precision", precision, "--output", tmp_path / f"{precision}.npy", people
        )
        assert (done.returncode, done.stderr) == (0, "")

    found, full = load(tmp_path / "fp16.npy").features, load(tmp_path / "fp32.npy").features
    assert_alike(found, reseen.load(small_bundle, precision="fp16", threads=1).embed(people))
    assert not np.array_equal(found, full)


def test_without_a_precision_the_most_exact_that_there_is_is_taken(
    reseen_embed: Run, people: Path, tmp_path: Path
) -> None:
    with reseen.load() as shipped:  # in half precision alone
        done = reseen_embed("--bundle", shipped.bundle.folder, "--output", tmp_path / "f.npy", people)

        assert (done.returncode, done.stderr) == (0, "")
        assert_alike(load(tmp_path / "f.npy").features, shipped.embed(people))


def test_features_can_be_saved_as_csv(reseen_embed: Run, small_bundle: Path, people: Path, tmp_path: Path) -> None:
    named = tmp_path / 'two "people", 1.png'
    Image.new("RGB", (20, 40), "teal").save(named)

    done = reseen_embed("--bundle", small_bundle, "--output", tmp_path / "f.csv", people, named)

    assert (done.returncode, done.stderr) == (0, "")
    with (tmp_path / "f.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    expected = reseen.load(small_bundle, threads=1).embed_each([people, named])
    assert header == ["name", *(f"f{place}" for place in range(16))]
    assert tuple(row[0] for row in rows) == expected.names
    assert_alike(np.array([row[1:] for row in rows], dtype=np.float32), expected.features)


def test_without_output_a_line_is_printed_for_each_image(reseen_embed: Run, small_bundle: Path, people: Path) -> None:
    one, other = sorted(people.glob("*.jpg"))[:2]
    features = reseen.load(small_bundle, threads=1).embed([other, one])

    done = reseen_embed("--bundle", small_bundle, other, one)

    assert (done.returncode, done.stderr) == (0, "")
    for line, name, feature in zip(done.stdout.splitlines(), (other, one), features, strict=True):
        first, last = re.fullmatch(rf"{re.escape(str(name))}: \[(\S+) … (\S+)\] \(16,\)", line).groups()  # type: ignore[union-attr]
        assert float(first) == pytest.approx(feature[0], abs=1e-4)
        assert float(last) == pytest.approx(feature[-1], abs=1e-4)


def test_broken_images_are_named_and_the_others_embedded(
    reseen_embed: Run, small_bundle: Path, people: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(people, folder)
    cut, text, missing = folder / "0000_cut.jpg", folder / "text.png", tmp_path / "missing.jpg"
    cut.write_bytes(next(people.glob("*.jpg")).read_bytes()[:-100])
    text.write_text("no image")
    Image.new("RGB", (20, 40)).save(folder / "other.webp")
    (folder / "notes.txt").write_text("passed over, as it is not named like an image")

    done = reseen_embed("--bundle", small_bundle, "--batch-size", 3, "--output", tmp_path / "f.npy", folder, missing)

    assert done.returncode == 1
    faults = [line for line in done.stderr.splitlines() if not line.startswith("  ")]
    assert faults == [
        f"{cut} cannot be decoded",
        f"{folder / 'other.webp'} is not an image that can be read",
        f"{text} is not an image that can be read",
        f"{missing} cannot be read",
    ]
    names = load(tmp_path / "f.npy").names
    assert len(names) == len([*people.rglob("*.jpg"), *people.rglob("*.png")])
    assert_alike(load(tmp_path / "f.npy").features, reseen.load(small_bundle, threads=1).embed(list(names)))


def test_nothing_is_written_where_every_image_is_broken(reseen_embed: Run, small_bundle: Path, tmp_path: Path) -> None:
    done = reseen_embed("--bundle", small_bundle, "--output", tmp_path / "f.npy", tmp_path / "missing.jpg")

    assert (done.returncode, done.stdout) == (1, "")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_searched_as_python_does(reseen_embed: Run, small_bundle: Path, tmp_path: Path) -> None:
    for name in ("b/two.PNG", "a.png", "b.png", "c/.hidden.png", ".hidden/three.png", "c/deep/four.Jpeg"):
        (tmp_path / "people" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 40)).save(tmp_path / "people" / name)
    (tmp_path / "people" / "link").symlink_to(tmp_path / "people" / "b")

    done = reseen_embed("--bundle", small_bundle, "--output", tmp_path / "f.npy", tmp_path / "people")

    assert done.returncode == 0
    assert load(tmp_path / "f.npy").names == reseen.load(small_bundle).embed_each(tmp_path / "people").names


def test_links_that_lead_to_each_other_do_not_end_the_search(
    reseen_embed: Run, small_bundle: Path, people: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "people"
    shutil.copytree(people, folder)
    (folder / "loop.jpg").symlink_to(folder / "pool.jpg")
    (folder / "pool.jpg").symlink_to(folder / "loop.jpg")

    done = reseen_embed("--bundle", small_bundle, folder)

    assert done.returncode == 1
    assert re.findall(r"(\w+\.jpg) cannot be read", done.stderr) == ["loop.jpg", "pool.jpg"]
    assert len(done.stdout.splitlines()) == len(list(people.rglob("*.*g")))


def test_a_name_cannot_command_the_terminal(reseen_embed: Run, small_bundle: Path, tmp_path: Path) -> None:
    image, text = tmp_path / "Jürg \x1b]0;owned\x07\x9b.png", tmp_path / "\x1b[2J.jpg"
    Image.new("RGB", (20, 40)).save(image)
    text.write_text("no image")

    done = reseen_embed("--bundle", small_bundle, image, text)

    assert "Jürg \\x1b]0;owned\\x07\\x9b.png" in done.stdout
    assert "\\x1b[2J.jpg is not an image" in done.stderr
    assert not {"\x1b", "\x07", "\x9b"} & set(done.stdout + done.stderr)


def test_results_that_nobody_takes_are_an_error(cpp_build: Path, small_bundle: Path, people: Path) -> None:
    command = [str(part) for part in (cpp_build / "reseen-embed", "--bundle", small_bundle, people)]
    with Path("/dev/full").open("w", encoding="ascii") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)

    assert done.returncode == 1
    assert done.stderr.startswith("cannot write the results\n")


def test_a_link_leads_to_the_file_and_what_is_no_file_stays(
    reseen_embed: Run, small_bundle: Path, people: Path, tmp_path: Path
) -> None:
    link, real, pipe = tmp_path / "link.csv", tmp_path / "real.csv", tmp_path / "pipe.csv"
    real.touch()
    link.symlink_to(real)
    os.mkfifo(pipe)

    assert reseen_embed("--bundle", small_bundle, "--output", link, people).returncode == 0
    assert reseen_embed("--bundle", small_bundle, "--output", pipe, people).returncode == 2

    assert link.is_symlink()
    assert real.stat().st_size > 0
    assert pipe.is_fifo()


def test_a_file_that_cannot_be_written_is_reported(reseen_embed: Run, small_bundle: Path, people: Path) -> None:
    done = reseen_embed("--bundle", small_bundle, "--output", "/proc/features.csv", people)

    assert done.returncode == 1
    assert done.stderr.startswith("cannot write /proc/features.csv\n  expected: room on the disk")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no bundle was given"),
        (["--bundle"], "a value behind it"),
        (["--bundle", "BUNDLE"], "no image was given"),
        (["--bundle", "BUNDLE", "--colour", "red", "EMPTY"], "there is no option --colour"),
        (["--bundle", "BUNDLE", "--threads", "0", "EMPTY"], "--threads cannot be used"),
        (["--bundle", "BUNDLE", "--threads", "2000", "IMAGE"], "0 (all cores) to 1024"),
        (["--bundle", "BUNDLE", "--batch-size", "3x", "EMPTY"], "a whole number from 1"),
        (["--bundle", "BUNDLE", "--batch-size", "99999999999999999999", "EMPTY"], "a whole number from 1"),
        (["--bundle", "BUNDLE", "--batch-size", "5000", "IMAGE"], "1 to 4096"),
        (["--bundle", "BUNDLE", "--precision", "fp64", "IMAGE"], "has no fp64 model that OpenVINO runs"),
        (["--bundle", "BUNDLE", "--output", "f.txt", "EMPTY"], "a file that ends in .npy or .csv"),
        (["--bundle", "BUNDLE", "--output", "EMPTY/none/f.npy", "EMPTY"], "a file in a folder that exists"),
        (["--bundle", "BUNDLE", "EMPTY"], "there is no image in"),
    ],
)
def test_unusable_arguments_are_refused_with_words(
    reseen_embed: Run, small_bundle: Path, people: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    places = {"BUNDLE": str(small_bundle), "EMPTY": str(tmp_path), "IMAGE": str(next(people.glob("*.jpg")))}

    done = reseen_embed(*[re.sub("BUNDLE|EMPTY|IMAGE", lambda found: places[found[0]], each) for each in arguments])

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert all(f"\n  {part}: " in done.stderr for part in ("expected", "got", "cure"))


def test_help_names_every_option(reseen_embed: Run) -> None:
    done = reseen_embed("--help")

    assert (done.returncode, done.stderr) == (0, "")
    for option in ("--bundle", "--precision", "--threads", "--batch-size", "--output"):
        assert option in done.stdout


def test_several_threads_may_embed_at_once(cpp_build: Path, small_bundle: Path, people: Path) -> None:
    images = [str(path) for path in sorted(people.glob("*.jpg"))[:6]]

    done = subprocess.run(
        [str(cpp_build / "threads"), str(small_bundle), *images], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "the same\n", "")
