from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reseen.engines.load import load

Reseen = Callable[..., Any]
WellTold = Callable[[Any], bool]
WaitUntil = Callable[[Callable[[], object]], None]


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """Four images, and one that is torn."""
    folder = tmp_path / "crops"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for name in "abcd":
        Image.fromarray(draw.integers(0, 256, (20, 10, 3), dtype=np.uint8)).save(folder / f"{name}.png")
    (folder / "torn.png").write_bytes((folder / "a.png").read_bytes()[:100])
    return folder


def test_without_output_each_image_is_a_line(crops: Path, small_bundle: Path, reseen: Reseen) -> None:
    answer = reseen("embed", crops / "b.png", crops / "a.png", "--bundle", small_bundle)

    assert answer.code == 0
    expected = load(small_bundle).embed([crops / "b.png", crops / "a.png"])
    for line, name, feature in zip(answer.out.splitlines(), "ba", expected, strict=True):
        first, last = re.fullmatch(rf"{crops / name}\.png: \[(\S+) … (\S+)\] \(16,\)", line).groups()  # type: ignore[union-attr]
        assert (float(first), float(last)) == pytest.approx((feature[0], feature[-1]), abs=1e-5)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_results_that_nobody_takes_are_an_error(small_bundle: Path, crops: Path, options: tuple[str, ...]) -> None:
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "reseen",
        "embed",
        crops / "a.png",
        "--bundle",
        small_bundle,
        *options,
    ]
    with Path("/dev/full").open("w", encoding="ascii") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=120)

    assert ended.returncode == 1
    assert ended.stderr == "error: cannot write the results: No space left on device\n"


def test_json_holds_whole_features_and_the_broken_images(crops: Path, small_bundle: Path, reseen: Reseen) -> None:
    answer = reseen("embed", crops, "--bundle", small_bundle, "--json", "--skip-broken")

    assert answer.code == 0
    result = json.loads(answer.out)
    assert [each["name"] for each in result["images"]] == [str(crops / f"{name}.png") for name in "abcd"]
    embedder = load(small_bundle)
    found = np.array([each["feature"] for each in result["images"]])
    np.testing.assert_allclose(found, embedder.embed_each(crops).features, atol=1e-6)
    assert result["feature_space"] == embedder.feature_space
    assert list(result["broken"]) == [str(crops / "torn.png")]


def test_a_broken_image_is_named_and_fails_but_the_others_are_kept(
    crops: Path, small_bundle: Path, reseen: Reseen, tmp_path: Path
) -> None:
    output = tmp_path / "f.npz"

    failed = reseen("embed", crops, "--bundle", small_bundle, "--output", output)

    assert failed.code == 1
    assert f"{crops / 'torn.png'} cannot be decoded" in failed.err
    assert "1 of 5 images could not be read" in failed.err
    with np.load(output, allow_pickle=False) as arrays:
        assert arrays["features"].shape == (4, 16)


def test_skipping_broken_images_lists_them_and_succeeds(
    crops: Path, small_bundle: Path, reseen: Reseen, tmp_path: Path
) -> None:
    output = tmp_path / "f.parquet"

    answer = reseen("embed", crops, "--bundle", small_bundle, "--output", output, "--skip-broken", "--json")

    assert answer.code == 0
    assert "torn.png cannot be decoded" in answer.err
    result = json.loads(answer.out)
    assert (result["images"], result["feature_size"], result["output"]) == (5, 16, str(output))
    assert list(result["broken"]) == [str(crops / "torn.png")]
    assert output.is_file()


def test_options_reach_the_engine(crops: Path, small_bundle: Path, reseen: Reseen, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    options = ["--precision", "fp16", "--threads", 1, "--batch-size", 2, "--device", "cpu", "--profile", profile]

    answer = reseen("embed", crops / "a.png", "--bundle", small_bundle, *map(str, options), "--json")

    assert answer.code == 0
    (image,) = json.loads(answer.out)["images"]
    expected = load(small_bundle, precision="fp16").embed(crops / "a.png")[0]
    np.testing.assert_allclose(image["feature"], expected, atol=1e-5)
    assert json.loads(profile.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--engine", "tflite"], "there is no engine 'tflite'"),
        (["--engine", "mnn"], "has no model for mnn"),
        (["--precision", "int8"], "has no int8 model"),
        (["--device", "tpu"], "tpu"),
        (["--output", "f.csv"], "cannot be stored as f.csv"),
    ],
)
def test_options_that_cannot_be_used_end_with_2(
    options: list[str], told: str, crops: Path, small_bundle: Path, reseen: Reseen, well_told: WellTold
) -> None:
    answer = reseen("embed", crops, "--bundle", small_bundle, *options)

    assert answer.code == 2
    assert told in answer.err
    assert well_told(answer)


def test_a_folder_without_images_or_a_folder_that_is_no_bundle_end_with_2(
    crops: Path, small_bundle: Path, reseen: Reseen, tmp_path: Path, well_told: WellTold
) -> None:
    (tmp_path / "empty").mkdir()
    for images, bundle in ((tmp_path / "empty", small_bundle), (crops, tmp_path / "empty")):
        answer = reseen("embed", images, "--bundle", bundle)
        assert answer.code == 2
        assert well_told(answer)


def test_a_killed_call_goes_on_when_it_is_called_again(
    small_bundle: Path, reseen: Reseen, tmp_path: Path, wait_until: WaitUntil
) -> None:
    crops, output = tmp_path / "crops", tmp_path / "f.npz"
    crops.mkdir()
    Image.new("RGB", (300, 300), "red").save(crops / "first.png")
    for number in range(1099):
        (crops / f"{number:04}.png").hardlink_to(crops / "first.png")
    embed = ["embed", str(crops), "--bundle", str(small_bundle), "--output", str(output)]
    command = [sys.executable, "-m", "reseen", *embed, "--threads", "1"]

    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        journal = tmp_path / "f.npz.unfinished" / "journal.jsonl"
        wait_until(lambda: journal.exists() and journal.stat().st_size)
        process.send_signal(signal.SIGKILL)
    assert not output.exists()
    answer = reseen(*embed)

    assert answer.code == 0
    assert re.search(r"resuming after (512|1,024) of 1,100 images", answer.err)
    with np.load(output, allow_pickle=False) as arrays:
        assert arrays["features"].shape == (1100, 16)
        np.testing.assert_allclose(arrays["features"], np.broadcast_to(arrays["features"][:1], (1100, 16)), atol=1e-6)
    assert not journal.parent.exists()
