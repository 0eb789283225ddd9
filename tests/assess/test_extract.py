from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from reseen.assess.extract import extract_features
from reseen.datasets.manifest import Manifest
from reseen.errors import ImageError
from reseen.images.decode import decode_image
from reseen.images.preprocess import Preprocess
from reseen.models.embedder import NetworkEmbedder
from reseen.models.network import build_network
from reseen.recipe.schema import Recipe

SmallRecipe = Callable[..., Recipe]


@pytest.fixture
def embedder(small_recipe: SmallRecipe) -> NetworkEmbedder:
    torch.manual_seed(0)
    network = build_network(small_recipe().model, persons=0)
    return NetworkEmbedder(network, Preprocess(height=64, width=32), batch_size=2)


@pytest.mark.parametrize("images", [1, 2, 7, 11])
def test_features_keep_the_order_of_the_images_whatever_the_batches(
    images: int, embedder: NetworkEmbedder, people: Manifest
) -> None:
    paths = [sample.path for sample in people.samples[:images]][::-1]

    features = extract_features(embedder, paths)

    alone = [embedder.embed([decode_image(path)])[0] for path in paths]
    assert features.shape == (images, 16)
    np.testing.assert_allclose(features, alone, atol=1e-6)


def test_progress_is_told_after_every_batch(embedder: NetworkEmbedder, people: Manifest) -> None:
    told: list[tuple[str, int, int]] = []

    extract_features(embedder, [s.path for s in people.samples[:5]], lambda *progress: told.append(progress), "gallery")

    assert told == [("gallery", 2, 5), ("gallery", 4, 5), ("gallery", 5, 5)]


def test_no_images_give_no_rows(embedder: NetworkEmbedder) -> None:
    assert extract_features(embedder, []).shape == (0, 16)


def test_a_broken_image_is_named(embedder: NetworkEmbedder, people: Manifest, tmp_path: Path) -> None:
    paths = [sample.path for sample in people.samples[:5]]

    with pytest.raises(ImageError, match=str(tmp_path / "missing.jpg")):
        extract_features(embedder, [*paths, tmp_path / "missing.jpg", *paths])
