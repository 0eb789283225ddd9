"""The graph that is exported: the network's own features of normalised images, at unit length."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from reseen.exporting.graph import DeployedNetwork
from reseen.images.preprocess import Preprocess
from reseen.models.embedder import NetworkEmbedder
from reseen.models.network import ReIDNetwork, build_network
from reseen.recipe.load import load_recipe

PREPROCESS = Preprocess(height=64, width=32, mean=(0.1, 0.5, 0.9), std=(0.2, 0.3, 0.4))


def network() -> ReIDNetwork:
    torch.manual_seed(0)
    return build_network(load_recipe("tiny").model, persons=3)


def test_it_gives_what_the_evaluation_sees() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 64, 32, 3), dtype=np.uint8)
    wanted = NetworkEmbedder(network(), PREPROCESS).embed(list(images))
    with torch.inference_mode():
        found = DeployedNetwork(network(), PREPROCESS)(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_a_feature_without_direction_is_not_divided_by_zero() -> None:
    graph = DeployedNetwork(network(), PREPROCESS)
    for layer in graph.network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.BatchNorm1d | nn.BatchNorm2d):
            for weight in layer.parameters():
                nn.init.zeros_(weight)
    with torch.inference_mode():
        assert not graph(torch.zeros(1, 64, 32, 3, dtype=torch.uint8)).any()
