from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from reseen.errors import ImageError
from reseen.images.decode import decode_image
from reseen.images.preprocess import Preprocess
from reseen.models import embedder as module
from reseen.models.backbone import Backbone
from reseen.models.embedder import DECODERS, NetworkEmbedder
from reseen.models.neck import BNNeck
from reseen.models.network import ReIDNetwork
from reseen.models.pooling import AveragePooling

Images = list[UInt8[np.ndarray, "_ _ 3"]]
PREPROCESS = Preprocess(height=64, width=32)


class Thumbnail(Backbone):
    """The feature is the image itself, in 8 × 4 pixels."""

    feature_size = 3 * 8 * 4

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        return functional.adaptive_avg_pool2d(images, (8, 4)).flatten(1)


@pytest.fixture
def network(shaken: Callable[[nn.Module], nn.Module]) -> ReIDNetwork:
    built = ReIDNetwork(Thumbnail(pool=AveragePooling()), BNNeck(Thumbnail.feature_size), head=None)
    shaken(built)
    return built


@pytest.fixture(scope="module")
def images() -> Images:
    """Mixed sizes; each of its own colour and pattern, so that their features are easily told apart."""
    rng = np.random.default_rng(0)
    sizes = [(64, 32), (20, 40), (64, 32), (200, 70), (20, 40)]
    return [rng.integers(0, rng.integers(1, 256, 3), (*size, 3)).astype(np.uint8) for size in sizes]


@pytest.fixture
def files(images: Images, tmp_path: Path) -> list[Path]:
    """The images as files without loss."""
    paths = [tmp_path / f"{number}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return paths


def test_equals_the_chain_done_by_hand(network: ReIDNetwork, images: Images) -> None:
    by_hand = []
    for image in images:
        resized = np.asarray(Image.fromarray(image).resize((32, 64), Image.Resampling.BILINEAR))
        normalised = (resized / 255 - np.array(PREPROCESS.mean)) / np.array(PREPROCESS.std)
        with torch.no_grad():
            feature = network(torch.from_numpy(normalised.transpose(2, 0, 1)[None]).float()).after_neck[0].numpy()
        by_hand.append(feature / np.linalg.norm(feature))
    features = NetworkEmbedder(network, PREPROCESS).embed(images)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, by_hand, atol=1e-3)


def test_features_have_unit_norm(network: ReIDNetwork, images: Images) -> None:
    embedder = NetworkEmbedder(network, PREPROCESS)
    features = embedder.embed(images)
    assert features.shape == (len(images), embedder.feature_size)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-6)


def test_does_not_depend_on_the_batch_size(network: ReIDNetwork, images: Images) -> None:
    whole = NetworkEmbedder(network, PREPROCESS).embed(images)
    for batch_size in (1, 2):
        parts = NetworkEmbedder(network, PREPROCESS, batch_size=batch_size).embed(images)
        np.testing.assert_allclose(parts, whole, atol=1e-5)


def test_p3_flip_averages_the_features_of_an_image_and_its_mirror_image(network: ReIDNetwork, images: Images) -> None:
    def raw(image: np.ndarray) -> np.ndarray:
        resized = np.asarray(Image.fromarray(image).resize((32, 64), Image.Resampling.BILINEAR))
        normalised = (resized / 255 - np.array(PREPROCESS.mean)) / np.array(PREPROCESS.std)
        with torch.no_grad():
            feature: np.ndarray = (
                network(torch.from_numpy(normalised.transpose(2, 0, 1)[None]).float()).after_neck[0].numpy()
            )
        return feature

    means = np.stack([(raw(image) + raw(image[:, ::-1])) / 2 for image in images])

    features = NetworkEmbedder(network, PREPROCESS, batch_size=2, flip=True).embed(images)

    np.testing.assert_allclose(features, means / np.linalg.norm(means, axis=1, keepdims=True), atol=1e-3)
    assert abs(features - NetworkEmbedder(network, PREPROCESS).embed(images)).max() > 0.01


def test_flip_makes_no_difference_between_an_image_and_its_mirror_image(network: ReIDNetwork, images: Images) -> None:
    embedder = NetworkEmbedder(network, PREPROCESS, flip=True)

    mirrored = embedder.embed([np.ascontiguousarray(image[:, ::-1]) for image in images])

    np.testing.assert_allclose(mirrored, embedder.embed(images), atol=1e-3)


def test_changes_nothing_in_a_network_that_was_training(network: ReIDNetwork, images: Images) -> None:
    embedder = NetworkEmbedder(network, PREPROCESS)
    evaluated = embedder.embed(images)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    np.testing.assert_array_equal(embedder.embed(images), evaluated)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_zero_feature_stays_zero(network: ReIDNetwork, images: Images) -> None:
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    assert not NetworkEmbedder(network, PREPROCESS).embed(images).any()


def test_no_images_give_no_features(network: ReIDNetwork) -> None:
    assert NetworkEmbedder(network, PREPROCESS).embed([]).shape == (0, 96)


def test_files_are_embedded_in_their_order_whatever_the_batches(
    network: ReIDNetwork, images: Images, files: list[Path]
) -> None:
    whole = NetworkEmbedder(network, PREPROCESS).embed(images)
    for batch_size, parts in ((1, [1] * 5), (2, [2, 2, 1]), (8, [5])):
        found = list(NetworkEmbedder(network, PREPROCESS, batch_size=batch_size).embed_files(files))
        assert [len(part) for part in found] == parts
        np.testing.assert_allclose(np.concatenate(found), whole, atol=1e-5)


def test_a_file_that_is_no_image_is_named(network: ReIDNetwork, files: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=str(tmp_path / "missing.jpg")):
        list(NetworkEmbedder(network, PREPROCESS, batch_size=2).embed_files([*files, tmp_path / "missing.jpg"]))


def test_decoding_keeps_a_few_batches_ahead_and_no_more(
    network: ReIDNetwork, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Path] = []

    def counted_decode(path: Path) -> np.ndarray:
        decoded.append(path)
        return decode_image(path)

    monkeypatch.setattr(module, "decode_image", counted_decode)
    embedder = NetworkEmbedder(network, PREPROCESS, batch_size=2)
    ahead = [len(decoded) for _ in embedder.embed_files(files * 8)]

    assert len(decoded) == 40
    assert len(ahead) == 20
    assert all(done <= 2 * (number + 2 + DECODERS) for number, done in enumerate(ahead))
