"""The hash of a network's weights."""

from __future__ import annotations

import hashlib

import torch
from torch import nn

from reseen.export.weights_hash import weights_sha256
from reseen.models.network import ReIDNetwork, build_network
from reseen.recipe.load import load_recipe


def network(persons: int = 0) -> ReIDNetwork:
    torch.manual_seed(0)
    return build_network(load_recipe("tiny").model, persons)


def test_by_hand() -> None:
    layer = nn.Linear(1, 1)
    nn.init.constant_(layer.weight, 1)
    nn.init.constant_(layer.bias, 0)
    content = b"bias <f4 (1,)\n" + bytes(4) + b"weight <f4 (1, 1)\n\x00\x00\x80\x3f"
    assert weights_sha256(layer) == hashlib.sha256(content).hexdigest()


def test_what_only_training_uses_does_not_count() -> None:
    trained = network(persons=5)
    for name, buffer in trained.named_buffers():
        if name.endswith("num_batches_tracked"):
            buffer.fill_(7)
    trained.load_state_dict(network().state_dict(), strict=False)
    assert weights_sha256(trained) == weights_sha256(network())


def test_any_other_number_does() -> None:
    other = network()
    with torch.no_grad():
        other.neck.running_mean[0] += 1e-6  # type: ignore[index, operator]
    assert weights_sha256(other) != weights_sha256(network())
