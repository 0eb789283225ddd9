"""The hash of a network's weights."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import torch
from torch import nn

from reseen.models.network import ReIDNetwork, build_network
from reseen.models.weights_hash import weights_sha256
from reseen.recipe import schema
from reseen.recipe.load import load_recipe

MODEL = load_recipe("tiny").model


def network(persons: int = 0) -> ReIDNetwork:
    torch.manual_seed(0)
    return build_network(MODEL, persons)


def test_by_hand() -> None:
    layer = nn.Linear(1, 1)
    nn.init.constant_(layer.weight, 1)
    nn.init.constant_(layer.bias, 0)
    settings = b'[{"backbone": "osnet", "pooling": "average"}, {"backbone": {"width": 0.25}}]\n'
    content = settings + b"bias <f4 (1,)\n" + bytes(4) + b"weight <f4 (1, 1)\n\x00\x00\x80\x3f"
    model = schema.Model(backbone=schema.OSNet(width=0.25))
    assert weights_sha256(layer, model) == hashlib.sha256(content).hexdigest()


def test_what_only_training_uses_does_not_count() -> None:
    trained = network(persons=5)
    trained.load_state_dict(network().state_dict(), strict=False)
    for name, buffer in trained.named_buffers():
        if name.endswith("num_batches_tracked"):
            buffer.fill_(7)
    assert weights_sha256(trained, MODEL) == weights_sha256(network(), MODEL)


def test_any_other_number_does() -> None:
    other = network()
    with torch.no_grad():
        other.neck.running_mean[0] += 1e-6  # type: ignore[index, operator]
    assert weights_sha256(other, MODEL) != weights_sha256(network(), MODEL)


@pytest.mark.parametrize(
    "changes",
    [
        {"feature": "before_neck"},
        {"neck": "none"},
        {"pooling": schema.GeMPooling(p=2, learn=False)},
        {"backbone": schema.SmallResNet(last_stride=1)},
        {"backbone": schema.ResNet()},
        {"backbone": schema.ResNet(stem_relu=True)},
    ],
    ids=str,
)
def test_so_does_what_is_computed_with_them(changes: dict[str, Any]) -> None:
    found = {weights_sha256(network(), model) for model in (MODEL, MODEL.model_copy(update=changes))}
    assert len(found) == 2


def test_how_it_was_trained_does_not() -> None:
    other = MODEL.model_copy(update={"head": schema.CosineHead(), "pretrained": schema.Pretrained(path="elsewhere")})
    assert weights_sha256(network(), other) == weights_sha256(network(), MODEL)
