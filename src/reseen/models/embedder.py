"""`NetworkEmbedder`: a live network as an embedder of images."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reseen.images.decode import decode_image
from reseen.images.preprocess import Preprocess
from reseen.map_ahead import map_ahead
from reseen.models.network import ReIDNetwork
from reseen.models.preprocessing import normalise, resize_mixed
from reseen.shapes import Float32, UInt8

DECODERS = min(4, os.cpu_count() or 1)
"""Threads that read and decode files; one batch for each of them and one more is ahead of the network at most."""
SMALLEST_SQUARE = 1e-12
"""Squared lengths are raised to this, so that an all-zero feature stays zero instead of turning into NaN."""


class NetworkEmbedder:
    """Turns images into unit-norm features with a network that is held in memory.

    Args:
        network: moved to `device`; `embed` puts it into evaluation mode and leaves it there.
        preprocess: how images become its input.
        device: where it computes.
        batch_size: images that go through the network at a time.
        flip: average the features of each image and of its mirror image, before they are scaled to unit norm.
    """

    def __init__(
        self,
        network: ReIDNetwork,
        preprocess: Preprocess,
        device: torch.device | str = "cpu",
        *,
        batch_size: int = 128,
        flip: bool = False,
    ) -> None:
        self.device = torch.device(device)
        self.network: ReIDNetwork = network.to(device=self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.preprocess = preprocess
        self.batch_size = batch_size
        self.flip = flip

    @property
    def feature_size(self) -> int:
        """d, the length of a feature."""
        return self.network.feature_size

    @torch.inference_mode()
    def embed(self, images: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "n d"]:
        """Unit-norm features of RGB images of any sizes, one row an image; no images give no rows."""
        self.network.eval()
        features = np.empty((len(images), self.feature_size), dtype=np.float32)
        for start in range(0, len(images), self.batch_size):
            batch = resize_mixed(
                images[start : start + self.batch_size], self.preprocess.height, self.preprocess.width
            ).to(self.device)
            embedded = self._embed(normalise(batch, self.preprocess))
            features[start : start + self.batch_size] = unit_norm(embedded).cpu().numpy()
        return features

    def embed_files(self, paths: Sequence[Path]) -> Generator[Float32[np.ndarray, "_ d"], None, None]:
        """Unit-norm features of image files in their order, a batch at a time; threads decode a few batches ahead.

        Raises:
            ImageError: an image cannot be read; it names the path.
        """
        with closing(map_ahead(_decode, paths, size=self.batch_size, threads=DECODERS)) as decoded:
            for images in decoded:
                yield self.embed(images)

    def _embed(self, batch: Float32[Tensor, "b 3 h w"]) -> Float32[Tensor, "b d"]:
        features = self.network.embed(batch)
        return (features + self.network.embed(batch.flip(3))) / 2 if self.flip else features


def _decode(paths: Sequence[Path]) -> list[np.ndarray]:
    return [decode_image(path) for path in paths]


def unit_norm(features: Float32[Tensor, "n d"]) -> Float32[Tensor, "n d"]:
    """Features scaled to Euclidean length 1."""
    return features * features.square().sum(1, keepdim=True).clamp_min(SMALLEST_SQUARE).rsqrt()
