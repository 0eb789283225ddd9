from __future__ import annotations

import dataclasses
import json
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from reseen.calibration.verdict import search_verdict
from reseen.engines.embedder import Embedder
from reseen.engines.load import load
from reseen.engines.onnx_runtime import OnnxRuntimeEngine
from reseen.errors import DatasetError, EngineError, FeaturesError, ImageError, UsageError
from reseen.images.decode import MAX_PIXELS
from reseen.images.source import image_sources

Bare = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def embedder(small_bundle: Path) -> Embedder:
    return load(small_bundle)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def test_features_are_those_of_a_bare_session(embedder: Embedder, bare: Bare, image_folder: Path) -> None:
    paths = sorted(image_folder.iterdir())

    features = embedder.embed(paths)

    assert features.shape == (5, embedder.feature_size)
    assert features.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
    expected = np.stack([bare(np.asarray(Image.open(path))) for path in paths])
    np.testing.assert_allclose(features, expected, atol=1e-6)
    np.testing.assert_allclose(embedder.embed(image_folder), expected, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 64])
def test_features_and_order_do_not_depend_on_the_batch_size(
    small_bundle: Path, embedder: Embedder, pictures: list[np.ndarray], batch_size: int
) -> None:
    small = load(small_bundle, batch_size=batch_size, threads=1)

    np.testing.assert_allclose(small.embed(pictures), embedder.embed(pictures), atol=1e-6)


def test_no_images_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 16)


def test_a_folder_without_images_is_an_error(embedder: Embedder, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no images in"):
        embedder.embed(tmp_path)


def test_images_of_every_kind_give_the_features_of_their_pixels(
    embedder: Embedder, bare: Bare, pictures: list[np.ndarray]
) -> None:
    picture = Image.fromarray(pictures[1])
    sideways = Image.Exif()
    sideways[0x0112] = 6
    grey16 = (np.asarray(picture.convert("L")).astype(np.uint16) << 8) + 77
    see_through = picture.convert("RGBA")
    see_through.putalpha(Image.fromarray(pictures[1][:, :, 0]))
    on_black = Image.new("RGB", picture.size)
    on_black.paste(picture, mask=see_through.getchannel("A"))
    cmyk = picture.convert("CMYK")
    cases = {
        "CMYK": (saved(cmyk, "TIFF"), np.asarray(cmyk.convert("RGB"))),
        "16 bit": (saved(Image.fromarray(grey16), "PNG"), np.repeat((grey16 >> 8).astype(np.uint8)[:, :, None], 3, 2)),
        "alpha": (saved(see_through, "PNG"), np.asarray(on_black)),
        "rotated": (saved(picture, "PNG", exif=sideways), np.rot90(pictures[1], -1).copy()),
        "animated": (
            saved(picture, "WEBP", save_all=True, append_images=[Image.new("RGB", picture.size)], lossless=True),
            pictures[1],
        ),
    }

    features = embedder.embed([content for content, _ in cases.values()])

    for found, (name, (_, pixels)) in zip(features, cases.items(), strict=True):
        np.testing.assert_allclose(found, bare(pixels), atol=1e-6, err_msg=name)


def test_an_image_that_is_broken_is_named(embedder: Embedder, image_folder: Path) -> None:
    whole = (image_folder / "1.png").read_bytes()
    (image_folder / "1.png").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(ImageError, match=r"1\.png cannot be decoded"):
        embedder.embed(image_folder)


def test_a_decompression_bomb_is_refused_before_it_is_decoded(embedder: Embedder) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    side = 40_000
    assert side * side > MAX_PIXELS
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )

    with pytest.raises(ImageError, match="image 0 has too many pixels"):
        embedder.embed(bomb)


def test_of_ten_thousand_images_three_bad_ones_are_told_and_none_of_the_others_is_lost(
    embedder: Embedder, pictures: list[np.ndarray]
) -> None:
    good = saved(Image.fromarray(pictures[0]), "JPEG")
    images = [good] * 10_000
    images[17], images[5000], images[9999] = b"", b"not an image", good[: len(good) // 2]
    told: list[tuple[int, int]] = []

    embedded = embedder.embed_each(images, lambda done, total: told.append((done, total)))

    assert set(embedded.broken) == {"image 17", "image 5000", "image 9999"}
    assert embedded.features.shape == (9997, 16)
    assert embedded.names == tuple(f"image {place}" for place in range(10_000) if place not in {17, 5000, 9999})
    np.testing.assert_allclose(embedded.features, np.broadcast_to(embedded.features[:1], (9997, 16)), atol=1e-6)
    assert told[-1] == (10_000, 10_000)
    assert told == sorted(told)


def test_batches_are_what_embed_each_gives_at_once(small_bundle: Path, pictures: list[np.ndarray]) -> None:
    embedder = load(small_bundle, batch_size=2, threads=1)
    images: list[np.ndarray | bytes] = [*pictures, b"broken"]

    batches = list(embedder.stream(image_sources(images)))
    whole = embedder.embed_each(images)

    assert [each.tried for each in batches] == [2, 2, 2]
    np.testing.assert_array_equal(np.concatenate([each.features for each in batches]), whole.features)
    assert list(batches[-1].broken) == ["image 5"]


def test_files_are_embedded_in_their_order_and_the_first_that_cannot_be_read_is_named(
    embedder: Embedder, image_folder: Path, tmp_path: Path
) -> None:
    paths = sorted(image_folder.iterdir())

    features = np.concatenate(list(embedder.embed_files(paths * 9)))

    np.testing.assert_allclose(features, np.tile(embedder.embed(paths), (9, 1)), atol=1e-6)
    with pytest.raises(ImageError, match=str(tmp_path / "missing.jpg")):
        list(embedder.embed_files([*paths, tmp_path / "missing.jpg", tmp_path]))


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_lanes_share_a_batch_and_keep_the_order(
    small_bundle: Path, embedder: Embedder, pictures: list[np.ndarray], engine: str
) -> None:
    several = load(small_bundle, engine=engine, batch_size=8, threads=2)
    images = [pictures[place % 5] for place in range(43)]

    batches = list(several.stream(image_sources(images)))

    at_once = 2 if engine == "onnxruntime" else 8
    assert [len(each) for each in batches] == [at_once] * (43 // at_once) + [43 % at_once]
    assert [name for each in batches for name in each.names] == [f"image {place}" for place in range(43)]
    expected = embedder.embed(pictures)[[place % 5 for place in range(43)]]
    np.testing.assert_allclose(np.concatenate([each.features for each in batches]), expected, atol=1e-5)


def test_many_threads_get_exactly_the_features_of_one(small_bundle: Path, pictures: list[np.ndarray]) -> None:
    embedder = load(small_bundle, batch_size=2, threads=1)
    expected = embedder.embed(pictures)

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: embedder.embed(pictures), range(200)))

    for features in found:
        np.testing.assert_array_equal(features, expected)


def test_a_model_of_another_feature_size_than_the_bundle_says_is_an_error(
    small_bundle: Path, tmp_path: Path, pictures: list[np.ndarray]
) -> None:
    bundle = shutil.copytree(small_bundle, tmp_path / "bundle")
    description = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    (bundle / "bundle.json").write_text(json.dumps(description | {"feature_size": 17}), encoding="utf-8")

    with load(bundle) as embedder, pytest.raises(EngineError, match="does not give the features") as error:
        embedder.embed(pictures)
    assert error.value.got == "(5, 16) of float32"


def test_features_that_are_no_unit_vectors_are_an_error(
    small_bundle: Path, pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in (np.nan, 0.0, 0.5):
        monkeypatch.setattr(
            OnnxRuntimeEngine, "run", lambda _self, images, shared, wrong=wrong: np.full((5, 16), wrong, np.float32)
        )
        with load(small_bundle) as embedder, pytest.raises(EngineError, match="does not give the features") as error:
            embedder.embed(pictures)
        assert error.value.expected == "features of unit length"


def test_a_closed_embedder_is_of_no_use(small_bundle: Path, pictures: list[np.ndarray]) -> None:
    with load(small_bundle) as embedder:
        embedder.embed(pictures)
    with pytest.raises(UsageError, match="the embedder has been closed"):
        embedder.embed(pictures)


def test_without_a_calibration_a_comparison_is_a_score(
    embedder: Embedder, bare: Bare, pictures: list[np.ndarray]
) -> None:
    match = embedder.compare(pictures[0], Image.fromarray(pictures[3]))

    assert match.score == pytest.approx(float(bare(pictures[0]) @ bare(pictures[3])), abs=1e-5)
    assert match.verdict is None
    assert embedder.compare(pictures[0], pictures[0]).score == pytest.approx(1, abs=1e-5)


def test_a_folder_of_several_images_cannot_be_compared(embedder: Embedder, image_folder: Path) -> None:
    with pytest.raises(UsageError, match="compare takes two images, one each"):
        embedder.compare(image_folder, image_folder / "0.png")


def test_a_calibrated_bundle_says_what_a_score_means(calibrated_bundle: Path, pictures: list[np.ndarray]) -> None:
    with load(calibrated_bundle) as embedder:
        verdict = embedder.compare(pictures[0], pictures[0]).verdict

    assert verdict is not None
    assert verdict.answer == "same"
    assert verdict.calibration == "drawn"
    assert verdict.error_rate is not None


def test_the_calibration_of_other_features_is_not_taken(calibrated_bundle: Path, tmp_path: Path) -> None:
    """An int8 model has a feature space of its own."""
    folder = shutil.copytree(calibrated_bundle, tmp_path / "bundle")
    description = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    description["models"][0]["feature_space"] = "0" * 64
    (folder / "bundle.json").write_text(json.dumps(description), encoding="utf-8")

    assert load(folder).calibration is None
    assert load(folder, precision="fp16").calibration is not None


def test_embedding_needs_no_scipy(small_bundle: Path) -> None:
    program = (
        f"import sys; sys.modules['scipy'] = sys.modules['torch'] = None; import reseen, numpy as np; "
        f"print(reseen.load({str(small_bundle)!r}).embed(np.zeros((9, 9, 3), np.uint8)).shape)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1, 16)"


def test_tensors_and_opencv_s_arrays_give_the_features_of_their_pixels(
    embedder: Embedder, pictures: list[np.ndarray]
) -> None:
    expected = embedder.embed(pictures[1])

    np.testing.assert_allclose(embedder.embed(pictures[1][:, :, ::-1], colour="bgr"), expected, atol=1e-6)
    tensor = torch.from_numpy(pictures[1].copy()).permute(2, 0, 1)
    np.testing.assert_allclose(embedder.embed([tensor]), expected, atol=1e-6)
    assert not np.allclose(embedder.embed(pictures[1][:, :, ::-1]), expected, atol=1e-2)


def test_the_boxes_of_a_frame_are_embedded_as_crops(embedder: Embedder) -> None:
    frame = np.random.default_rng(3).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    boxes = np.array([[0, 0, 30, 60], [80, 20, 130, 95]])

    features = embedder.embed_detections(frame[:, :, ::-1], boxes, colour="bgr")

    np.testing.assert_allclose(features, embedder.embed([frame[:60, :30], frame[20:90, 80:120]]), atol=1e-6)
    assert embedder.embed_detections(frame, np.empty((0, 4))).shape == (0, 16)
    with pytest.raises(UsageError, match="boxes are of one frame"):
        embedder.embed_detections(np.stack([frame, frame]), boxes)


def test_similarities_are_cosines_of_all_with_all(embedder: Embedder, pictures: list[np.ndarray]) -> None:
    features = embedder.embed(pictures)

    for given in (pictures, features, embedder.embed_each(pictures)):
        np.testing.assert_allclose(embedder.similarity(pictures[:2], given), features[:2] @ features.T, atol=1e-6)
    np.testing.assert_allclose(
        embedder.similarity(features[0], features[1])[0, 0], features[0] @ features[1], atol=1e-6
    )


def test_features_of_another_model_are_refused(embedder: Embedder, pictures: list[np.ndarray]) -> None:
    unit = np.full((2, 16), 0.25, dtype=np.float32)

    for wrong in (unit[:, :15], unit * 2, np.full((2, 16), np.nan, np.float32), unit[None]):
        with pytest.raises(UsageError, match="no features of this model"):
            embedder.similarity(pictures, wrong)
    assert embedder.similarity(unit.astype(np.float64), unit).shape == (2, 2)


def test_a_search_ranks_the_gallery(embedder: Embedder, pictures: list[np.ndarray], image_folder: Path) -> None:
    scores = embedder.embed(pictures[3]) @ embedder.embed(pictures).T
    order = np.argsort(-scores[0], kind="stable")

    found = embedder.search(pictures[3], image_folder, k=4)

    assert [match.name for match in found] == [str(image_folder / f"{index}.png") for index in order[:4]]
    np.testing.assert_allclose([match.score for match in found], scores[0, order[:4]], atol=1e-5)
    assert [match.name for match in embedder.search(pictures[3], embedder.embed(pictures))] == list(map(str, order))
    assert embedder.search(pictures[3], []) == ()
    for query, k in ((pictures[:2], 3), (pictures[0], 0)):
        with pytest.raises(UsageError, match="one query and at least one entry"):
            embedder.search(query, pictures, k)


def test_a_search_s_verdicts_count_people(calibrated_bundle: Path, pictures: list[np.ndarray]) -> None:
    with load(calibrated_bundle) as embedder:
        (every,) = embedder.search(pictures[0], pictures, k=1)
        (few,) = embedder.search(pictures[0], pictures, k=1, people=2)

    assert embedder.calibration is not None
    assert every.verdict == search_verdict(embedder.calibration, every.score, 5, images=5)
    assert few.verdict == search_verdict(embedder.calibration, few.score, 2, images=5)


def test_it_says_what_it_is(small_bundle: Path) -> None:
    embedder = load(small_bundle)
    embedder.close()
    assert repr(embedder) == "<Embedder small: 64×32 RGB → 16 numbers, onnx fp32, not calibrated, closed>"


def test_p9_features_that_another_model_embedded_are_refused(embedder: Embedder, pictures: list[np.ndarray]) -> None:
    own = embedder.embed_each(pictures)
    foreign = dataclasses.replace(own, feature_space="0" * 64)

    assert own.feature_space == embedder.feature_space
    for ask in (embedder.similarity, embedder.search):
        with pytest.raises(FeaturesError, match="features of different models"):
            ask(pictures[0], foreign)
