from __future__ import annotations

import torch

from reseen.models.neck import BNNeck


def test_starts_at_scale_1_and_shift_0_of_which_only_the_scale_learns() -> None:
    neck = BNNeck(5)
    assert torch.equal(neck.weight, torch.ones(5))
    assert torch.equal(neck.bias, torch.zeros(5))
    assert neck.weight.requires_grad
    assert not neck.bias.requires_grad


def test_normalises_a_training_batch_and_leaves_the_bias_without_a_gradient() -> None:
    neck = BNNeck(5)
    features = 3 + 2 * torch.randn(64, 5)
    normed = neck(features)
    torch.testing.assert_close(normed.mean(dim=0), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(normed.var(dim=0, correction=0), torch.ones(5), atol=1e-4, rtol=0)
    normed.square().sum().backward()
    assert neck.bias.grad is None


def test_in_evaluation_uses_running_statistics_of_momentum_a_tenth() -> None:
    neck = BNNeck(1)
    batch = torch.tensor([[0.0], [2.0]])
    neck(batch)
    mean, variance = 0.9 * 0 + 0.1 * 1, 0.9 * 1 + 0.1 * 2
    expected = (batch - mean) / (variance + 1e-5) ** 0.5
    torch.testing.assert_close(neck.eval()(batch), expected)
