from __future__ import annotations

import math

import pytest
import torch

from reseen.models.linear_head import LinearHead
from reseen.recipe import schema


@pytest.mark.parametrize("bias", [False, True])
def test_normal_initialisation_is_narrow_and_its_bias_0(bias: bool) -> None:
    head = LinearHead(512, 300, schema.LinearHead(bias=bias, init="normal"))
    assert head.weight.std().item() == pytest.approx(0.001, rel=0.02)
    assert (head.bias is not None) == bias
    assert all(not value.any() for name, value in head.named_parameters() if name == "bias")


def test_uniform_initialisation_fills_the_range_of_weight_and_bias() -> None:
    head = LinearHead(256, 2000, schema.LinearHead(bias=True, init="uniform"))
    bound = 1 / math.sqrt(256)
    assert head.bias is not None
    for values in (head.weight, head.bias):
        assert values.abs().max().item() == pytest.approx(bound, rel=0.01)
        assert values.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_classifies_linearly_with_and_without_labels() -> None:
    head = LinearHead(3, 2, schema.LinearHead(bias=True, init="uniform"))
    features = torch.randn(4, 3)
    assert head.bias is not None
    torch.testing.assert_close(head(features), features @ head.weight.T + head.bias)
    assert torch.equal(head(features, torch.tensor([0, 1, 1, 0])), head(features))
