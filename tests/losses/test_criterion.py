from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from reseen.losses.center import CenterLoss
from reseen.losses.criterion import Criterion
from reseen.losses.cross_entropy import CrossEntropyLoss
from reseen.losses.triplet import TripletLoss
from reseen.recipe import schema

Batch = Callable[..., tuple[Tensor, Tensor]]
ALL = (schema.CrossEntropy(weight=2.0, smoothing=0.1), schema.Triplet(weight=0.5), schema.Center(weight=5e-4))


class Outputs(NamedTuple):
    before_neck: Tensor
    logits: Tensor


@pytest.fixture
def outputs(batch: Batch) -> Outputs:
    return Outputs(before_neck=batch(0, 0, 1, 1)[0], logits=batch(0, 0, 1, 1, width=2, seed=1)[0])


@pytest.fixture
def labels() -> Tensor:
    return torch.tensor([0, 0, 1, 1])


def test_each_loss_reads_its_own_output_and_is_told_unweighted(outputs: Outputs, labels: Tensor) -> None:
    criterion = Criterion(ALL, persons=2, feature_size=3).double()
    center = criterion.losses["center"]
    assert isinstance(center, CenterLoss)
    expected = {
        "cross_entropy": CrossEntropyLoss(ALL[0])(outputs.logits, labels).item(),
        "triplet": TripletLoss(ALL[1])(outputs.before_neck, labels).item(),
        "center": center(outputs.before_neck, labels).item(),
    }
    total, values = criterion(outputs, labels)
    assert {name: value.item() for name, value in values.items()} == expected
    assert not any(value.requires_grad for value in values.values())
    weighted = 2 * expected["cross_entropy"] + 0.5 * expected["triplet"] + 5e-4 * expected["center"]
    assert total.item() == pytest.approx(weighted, rel=1e-12)


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
def test_the_weight_of_a_single_loss_counts_in_value_and_gradient(
    outputs: Outputs, labels: Tensor, loss: schema.Loss
) -> None:
    criterion = Criterion((loss,), persons=2, feature_size=3).double()
    total, values = criterion(outputs, labels)
    assert total.item() == pytest.approx(loss.weight * values[loss.name].item(), rel=1e-12)
    read = outputs.logits if loss.name == "cross_entropy" else outputs.before_neck
    (weighted,) = torch.autograd.grad(total, read)
    (plain,) = torch.autograd.grad(criterion.losses[loss.name](read, labels), read)
    torch.testing.assert_close(weighted, loss.weight * plain)


def test_the_centers_are_the_only_parameters() -> None:
    assert list(Criterion(ALL[:2], persons=2, feature_size=3).parameters()) == []
    named = dict(Criterion(ALL, persons=5, feature_size=3).named_parameters())
    assert {name: tuple(parameter.shape) for name, parameter in named.items()} == {"losses.center.centers": (5, 3)}
