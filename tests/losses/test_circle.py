from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch_metric_learning import losses
from torch import Tensor

from reseen.losses.circle import CircleLoss
from reseen.recipe import schema

Batch = Callable[..., tuple[Tensor, Tensor]]
LABELS = [(0, 0, 1, 1), (0, 0, 0, 1, 1, 2), (0, 0, 1)]
KINDS = ["equal K", "ragged K", "an anchor without a positive"]


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def naive(
    features: list[list[float]],
    labels: list[int],
    margin: float,
    scale: float,
    weighted_at: list[list[float]] | None = None,
) -> float:
    """Equation 6 as it stands. `weighted_at`: features that the weights α are computed from."""
    weighted_at = weighted_at or features
    values = []
    for anchor, mine in enumerate(labels):
        positives, negatives = [], []
        for other, theirs in enumerate(labels):
            s, fixed = (cosine(rows[anchor], rows[other]) for rows in (features, weighted_at))
            if theirs != mine:
                negatives.append(math.exp(scale * max(0.0, fixed + margin) * (s - margin)))
            elif other != anchor:
                positives.append(math.exp(-scale * max(0.0, 1 + margin - fixed) * (s - (1 - margin))))
        if positives and negatives:
            values.append(math.log(1 + sum(positives) * sum(negatives)))
    return sum(values) / len(values) if values else 0.0


@given(
    labels=st.lists(st.integers(0, 3), min_size=1, max_size=9),
    margin=st.sampled_from([0.0, 0.25, 0.4]),
    scale=st.sampled_from([1.0, 16.0, 64.0]),
    seed=st.integers(0, 1000),
)
def test_equals_the_naive_loop_for_any_labels(
    batch: Batch, labels: list[int], margin: float, scale: float, seed: int
) -> None:
    features, targets = batch(*labels, seed=seed)
    loss = CircleLoss(schema.Circle(margin=margin, scale=scale))(features, targets)
    assert loss.item() == pytest.approx(naive(features.tolist(), labels, margin, scale), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("labels", LABELS, ids=KINDS)
def test_gradient_equals_finite_differences_with_the_weights_held(batch: Batch, labels: tuple[int, ...]) -> None:
    features, targets = batch(*labels)
    loss = CircleLoss(schema.Circle(margin=0.25, scale=8.0))(features, targets)
    (gradient,) = torch.autograd.grad(loss, features)
    here, step = features.tolist(), 1e-6
    for row in range(len(labels)):
        for column in range(features.shape[1]):
            sides = []
            for side in (step, -step):
                moved = [list(values) for values in here]
                moved[row][column] += side
                sides.append(naive(moved, list(labels), 0.25, 8.0, weighted_at=here))
            assert gradient[row, column].item() == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("labels", [(0, 0, 1, 1), (0, 0, 0, 1, 1, 2, 2)], ids=["equal K", "ragged K"])
def test_value_and_gradient_equal_those_of_another_library(batch: Batch, labels: tuple[int, ...]) -> None:
    features, targets = batch(*labels, width=8)
    ours = CircleLoss(schema.Circle(margin=0.25, scale=128.0))(features, targets)
    theirs = losses.CircleLoss(m=0.25, gamma=128)(features, targets)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-9)
    (gradient,), (expected,) = torch.autograd.grad(ours, features), torch.autograd.grad(theirs, features)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("labels", [(5, 5, 5), (0, 1, 2, 3), (7,)], ids=["one person", "one image each", "one image"])
def test_where_no_anchor_is_left_loss_and_gradient_are_zero(batch: Batch, labels: tuple[int, ...]) -> None:
    features, targets = batch(*labels)
    loss = CircleLoss(schema.Circle())(features, targets)
    (gradient,) = torch.autograd.grad(loss, features)
    assert loss.item() == 0
    assert not gradient.any()


@pytest.mark.parametrize("features", [torch.ones(4, 8), torch.zeros(4, 8), 1e4 * torch.eye(4)], ids=["one", "0", "far"])
def test_value_and_gradient_are_finite_in_32_bits(features: Tensor) -> None:
    features = features.clone().requires_grad_()
    loss = CircleLoss(schema.Circle(scale=256.0))(features, torch.tensor([0, 0, 1, 1]))
    (gradient,) = torch.autograd.grad(loss, features)
    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_pairs_beyond_their_optimum_count_for_nothing() -> None:
    """With m = 0 a positive of cosine 1 and negatives of cosine -1 have weight 0: what is left is log(1 + 1·2)."""
    features = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]])
    loss = CircleLoss(schema.Circle(margin=0.0))(features, torch.tensor([0, 0, 1, 1]))
    assert loss.item() == pytest.approx(math.log(3))
