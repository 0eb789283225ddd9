from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from reseen.losses.distillation import DistillationLoss

Batch = Callable[..., tuple[Tensor, Tensor]]


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def naive(features: list[list[float]], taught: list[list[float]]) -> float:
    squares = [
        (cosine(features[i], features[j]) - cosine(taught[i], taught[j])) ** 2
        for i in range(len(features))
        for j in range(len(features))
        if i != j
    ]
    return sum(squares) / len(squares)


@given(count=st.integers(2, 7), width=st.integers(1, 5), taught_width=st.integers(1, 5), seed=st.integers(0, 1000))
def test_equals_the_naive_loop_for_features_of_any_lengths(
    batch: Batch, count: int, width: int, taught_width: int, seed: int
) -> None:
    features, _ = batch(*[0] * count, width=width, seed=seed)
    taught, _ = batch(*[0] * count, width=taught_width, seed=seed + 1)
    loss = DistillationLoss()(features, taught)
    assert loss.item() == pytest.approx(naive(features.tolist(), taught.tolist()), rel=1e-9, abs=1e-12)


def test_features_of_the_teachers_size_are_drawn_to_its_own() -> None:
    """Cosines to the teacher's 0.6 and 0: distances 0.4 and 1. The pair's cosines are 0 and 0.8."""
    features, taught = torch.tensor([[2.0, 0.0], [0.0, 3.0]]), torch.tensor([[0.6, 0.8], [1.0, 0.0]])
    loss = DistillationLoss(features=0.5, sizes=(2, 2))
    assert loss(features, taught).item() == pytest.approx(0.6**2 + 0.5 * (0.4 + 1) / 2)
    assert not list(loss.parameters())


def test_features_of_another_size_go_through_a_layer_that_is_learnt() -> None:
    features, taught = torch.tensor([[2.0, 0.0], [0.0, 3.0]]), torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 5.0]])
    loss = DistillationLoss(features=2.0, sizes=(2, 3))
    (weight,) = loss.parameters()
    assert weight.shape == (3, 2)
    weight.data = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])  # turns the student's axes into the teacher's
    assert loss(features, taught).item() == pytest.approx(0, abs=1e-6)


def test_a_layer_is_learnt_only_where_features_are_taught() -> None:
    assert not list(DistillationLoss(features=0.0, sizes=(2, 3)).parameters())


def test_by_hand() -> None:
    """Cosines 0, 1 and 0 of the student; 1, 0 and 0 of the teacher: each pair counts twice, of six."""
    features = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
    taught = torch.tensor([[1.0, 0.0, 0.0], [5.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert DistillationLoss()(features, taught).item() == pytest.approx(4 / 6)


def test_gradient_equals_finite_differences_and_the_teacher_has_none(batch: Batch) -> None:
    features, _ = batch(0, 0, 1, 1)
    taught, _ = batch(0, 0, 1, 1, width=5, seed=1)
    (gradient,) = torch.autograd.grad(DistillationLoss()(features, taught), features)
    assert torch.autograd.gradcheck(lambda rows: DistillationLoss()(rows, taught), (features,))
    assert gradient.any()
    assert not DistillationLoss()(features.detach(), taught).requires_grad


def test_a_turned_and_scaled_copy_of_the_teacher_has_nothing_to_learn(batch: Batch) -> None:
    taught, _ = batch(0, 0, 1, 1, width=3)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2)))
    features = (7 * taught.detach() @ turn).requires_grad_()
    loss = DistillationLoss()(features, taught)
    (gradient,) = torch.autograd.grad(loss, features)
    assert loss.item() == pytest.approx(0, abs=1e-25)
    assert gradient.abs().max() < 1e-12


@pytest.mark.parametrize("count", [0, 1])
def test_without_a_pair_loss_and_gradient_are_zero(count: int) -> None:
    features = torch.ones(count, 3, requires_grad=True)
    loss = DistillationLoss()(features, torch.ones(count, 5))
    (gradient,) = torch.autograd.grad(loss, features)
    assert loss.item() == 0
    assert not gradient.any()


@pytest.mark.parametrize(
    "features",
    [torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), torch.ones(4, 8), 1e4 * torch.eye(4)],
    ids=["one is 0", "all the same", "far"],
)
def test_value_and_gradient_are_bounded_in_32_bits(features: Tensor) -> None:
    features = features.clone().requires_grad_()
    loss = DistillationLoss()(features, torch.eye(4))
    (gradient,) = torch.autograd.grad(loss, features)
    assert 0 <= loss <= 4
    assert gradient.abs().max() < 1e4
