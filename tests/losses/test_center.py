from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from reseen.losses.center import CenterLoss

Batch = Callable[..., tuple[Tensor, Tensor]]


def naive(features: list[list[float]], centers: list[list[float]], labels: list[int]) -> float:
    total = 0.0
    for feature, label in zip(features, labels, strict=True):
        squared = sum((x - c) ** 2 for x, c in zip(feature, centers[label], strict=True))
        total += min(max(squared, 1e-12), 1e12)
    return total / len(labels)


@pytest.mark.parametrize("labels", [(0,), (3, 3, 3), (0, 3, 1, 1, 2)])
def test_equals_the_naive_loop(batch: Batch, labels: tuple[int, ...]) -> None:
    features, targets = batch(*labels)
    loss = CenterLoss(persons=4, feature_size=3).double()
    expected = naive(features.tolist(), loss.centers.tolist(), list(labels))
    assert loss(features, targets).item() == pytest.approx(expected, rel=1e-12)


def test_gradients_of_features_and_centers_equal_finite_differences(batch: Batch) -> None:
    features, labels = batch(0, 2, 2)
    loss = CenterLoss(persons=3, feature_size=3).double()

    def with_centers(rows: Tensor, centers: Tensor) -> Tensor:
        value = torch.func.functional_call(loss, {"centers": centers}, (rows, labels))
        assert isinstance(value, Tensor)
        return value

    assert torch.autograd.gradcheck(with_centers, (features, loss.centers.detach().requires_grad_()))


def test_distances_are_kept_within_the_published_range(batch: Batch) -> None:
    loss = CenterLoss(persons=2, feature_size=3).double()
    at_center = loss.centers.detach()[[0, 1]].requires_grad_()
    value = loss(at_center, torch.tensor([0, 1]))
    value.backward()
    assert value.item() == pytest.approx(1e-12)
    assert at_center.grad is not None
    assert not at_center.grad.any()
    far, label = batch(0)
    assert loss(far * 1e9, label).item() == pytest.approx(1e12)


def test_only_the_centers_of_persons_in_the_batch_move(batch: Batch) -> None:
    features, labels = batch(1, 1)
    loss = CenterLoss(persons=3, feature_size=3).double()
    loss(features, labels).backward()
    assert loss.centers.grad is not None
    assert loss.centers.grad.any(dim=1).tolist() == [False, True, False]


def test_centers_start_as_standard_normal_draws() -> None:
    centers = CenterLoss(persons=200, feature_size=500).centers
    assert centers.mean().item() == pytest.approx(0, abs=0.02)
    assert centers.std().item() == pytest.approx(1, abs=0.02)


def test_the_gradient_repeats_to_the_bit() -> None:
    torch.manual_seed(0)
    loss = CenterLoss(persons=13, feature_size=2048)
    features, labels = torch.randn(64, 2048), torch.arange(64) // 5

    def gradient() -> Tensor:
        (found,) = torch.autograd.grad(loss(features, labels), loss.centers)
        return found

    first = gradient()
    assert all(torch.equal(gradient(), first) for _ in range(100))
