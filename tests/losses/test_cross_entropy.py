from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from reseen.losses.cross_entropy import CrossEntropyLoss
from reseen.recipe import schema

Batch = Callable[..., tuple[Tensor, Tensor]]


def naive(logits: list[list[float]], labels: list[int], smoothing: float) -> float:
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        norm = math.log(sum(math.exp(value) for value in row))
        for person, value in enumerate(row):
            target = (1 - smoothing) * (person == label) + smoothing / len(row)
            total -= target * (value - norm)
    return total / len(labels)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("labels", [(0,), (2, 2, 2), (0, 1, 2, 4, 1)])
def test_equals_the_naive_loop(batch: Batch, labels: tuple[int, ...], smoothing: float) -> None:
    logits, targets = batch(*labels, width=5)
    loss = CrossEntropyLoss(schema.CrossEntropy(smoothing=smoothing))(logits, targets)
    assert loss.item() == pytest.approx(naive(logits.tolist(), list(labels), smoothing), rel=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gradient_equals_finite_differences(batch: Batch, smoothing: float) -> None:
    logits, labels = batch(0, 3, 3, width=4)
    loss = CrossEntropyLoss(schema.CrossEntropy(smoothing=smoothing))
    assert torch.autograd.gradcheck(lambda rows: loss(rows, labels), logits)


def test_smoothing_leaves_a_loss_on_a_perfect_answer() -> None:
    sure = torch.tensor([[50.0, 0.0]])
    label = torch.tensor([0])
    assert CrossEntropyLoss(schema.CrossEntropy())(sure, label).item() == pytest.approx(0)
    assert CrossEntropyLoss(schema.CrossEntropy(smoothing=0.1))(sure, label).item() == pytest.approx(0.05 * 50)
