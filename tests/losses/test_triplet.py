from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from reseen.losses.triplet import TripletLoss
from reseen.recipe import schema

Batch = Callable[..., tuple[Tensor, Tensor]]
Margin = float | Literal["soft"]


def naive(features: list[list[float]], labels: list[int], margin: Margin) -> float:
    losses = []
    for anchor, mine in enumerate(labels):
        positives = [
            math.dist(features[anchor], features[i]) for i in range(len(labels)) if labels[i] == mine and i != anchor
        ]
        negatives = [math.dist(features[anchor], features[i]) for i in range(len(labels)) if labels[i] != mine]
        if positives and negatives:
            gap = max(positives) - min(negatives)
            losses.append(math.log1p(math.exp(gap)) if margin == "soft" else max(0.0, gap + margin))
    return sum(losses) / len(losses) if losses else 0.0


@given(
    labels=st.lists(st.integers(0, 3), min_size=1, max_size=9),
    margin=st.sampled_from([0.0, 0.3, 2.0, "soft"]),
    seed=st.integers(0, 1000),
)
def test_equals_the_naive_loop_for_any_labels(batch: Batch, labels: list[int], margin: Margin, seed: int) -> None:
    features, targets = batch(*labels, seed=seed)
    loss = TripletLoss(schema.Triplet(margin=margin))(features, targets)
    assert loss.item() == pytest.approx(naive(features.tolist(), labels, margin), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("margin", [0.3, "soft"])
@pytest.mark.parametrize(
    "labels", [(0, 0, 1, 1), (0, 0, 0, 1, 1, 2), (0, 0, 1)], ids=["equal K", "ragged K", "an anchor without a positive"]
)
def test_gradient_equals_finite_differences(batch: Batch, labels: tuple[int, ...], margin: Margin) -> None:
    features, targets = batch(*labels)
    loss = TripletLoss(schema.Triplet(margin=margin))
    assert torch.autograd.gradcheck(lambda rows: loss(rows, targets), features)


@pytest.mark.parametrize("margin", [0.3, "soft"])
@pytest.mark.parametrize("labels", [(5, 5, 5), (0, 1, 2, 3), (7,)], ids=["one person", "one image each", "one image"])
def test_where_nothing_is_mined_loss_and_gradient_are_zero(
    batch: Batch, labels: tuple[int, ...], margin: Margin
) -> None:
    features, targets = batch(*labels)
    loss = TripletLoss(schema.Triplet(margin=margin))(features, targets)
    loss.backward()
    assert loss.item() == 0
    assert features.grad is not None
    assert not features.grad.any()


@pytest.mark.parametrize(("margin", "expected"), [(0.3, 0.3), ("soft", math.log(2))])
def test_identical_features_give_a_finite_gradient(margin: Margin, expected: float) -> None:
    features = torch.ones(4, 8).requires_grad_()
    loss = TripletLoss(schema.Triplet(margin=margin))(features, torch.tensor([0, 0, 1, 1]))
    loss.backward()
    assert loss.item() == pytest.approx(expected)
    assert features.grad is not None
    assert features.grad.isfinite().all()


def test_an_anchor_is_not_its_own_positive() -> None:
    """Were it, the first image (0 from itself, 1 from the other person) would add a triplet of its own."""
    features = torch.tensor([[0.0], [1.0], [4.0]])
    loss = TripletLoss(schema.Triplet(margin=1.0))(features, torch.tensor([0, 1, 1]))
    hand_worked = ((3 - 1 + 1) + (3 - 4 + 1)) / 2
    assert loss.item() == pytest.approx(hand_worked)
