"""`Source`: what is exported, as one ONNX graph and as the network that the graph is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from reseen.exporting.graph import DeployedNetwork
from reseen.exporting.onnx_exporter import export_onnx
from reseen.exporting.parity import Run
from reseen.images.preprocess import Preprocess
from reseen.models.network import ReIDNetwork
from reseen.models.weights_hash import weights_sha256
from reseen.recipe import schema
from reseen.shapes import Float32, UInt8


@dataclass(frozen=True, eq=False)
class Source:
    """A network, whole from uint8 pixels to unit-norm features.

    Attributes:
        onnx: the graph that all formats are made from: `images` (n, h, w, 3) uint8 to `features` (n, d) float32.
        run: the network itself, which every format must agree with.
        preprocess: how images become its input.
        feature_size: d.
        weights_sha256: of its weights, and of what it does with them.
        ready: files of the one format that it comes in already, where it is of no other; `onnx` is empty then.
    """

    onnx: bytes
    run: Run
    preprocess: Preprocess
    feature_size: int
    weights_sha256: str
    ready: Mapping[str, bytes] | None = None


def source_of(network: ReIDNetwork, model: schema.Model, preprocess: Preprocess) -> Source:
    """A trained network.

    Args:
        network: it.
        model: the settings that it was built from.
        preprocess: how images become its input.

    Raises:
        ExportError: it cannot be exported as ONNX.
    """
    graph = DeployedNetwork(network.cpu(), preprocess).eval()

    @torch.inference_mode()
    def run(images: UInt8[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n d"]:
        features: np.ndarray = graph(torch.from_numpy(images)).numpy()
        return features

    return Source(export_onnx(graph, preprocess), run, preprocess, network.feature_size, weights_sha256(network, model))
