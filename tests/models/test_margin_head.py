from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from pytorch_metric_learning import losses
from torch import Tensor, nn

from reseen.models.margin_head import ArcHead, CosineHead, MarginHead
from reseen.recipe import schema

PERSONS, SIZE = 5, 3
Build = Callable[[float, float], MarginHead]
KINDS: list[Build] = [
    lambda scale, margin: CosineHead(SIZE, PERSONS, schema.CosineHead(scale=scale, margin=margin)),
    lambda scale, margin: ArcHead(SIZE, PERSONS, schema.ArcHead(scale=scale, margin=margin)),
]
COSINE, ARC = KINDS
LABELS = torch.tensor([0, 4, 2, 2, 1, 0, 3])


@pytest.fixture
def features() -> Tensor:
    return 10 * torch.randn(len(LABELS), SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def at_angles(head: MarginHead, angles: list[float], label: int = 0) -> Tensor:
    """Logits to person `label` of features at these angles to that person's direction."""
    direction = nn.functional.normalize(head.weight[label], dim=0)
    across = nn.functional.normalize(torch.linalg.cross(direction, torch.ones_like(direction)), dim=0)
    rows = [math.cos(angle) * direction + math.sin(angle) * across for angle in angles]
    logits: Tensor = head(torch.stack(rows).detach(), torch.full((len(angles),), label))
    return logits[:, label]


@pytest.mark.parametrize("build", KINDS, ids=["cosine", "arc"])
def test_without_labels_the_logits_are_scaled_cosines(build: Build, features: Tensor) -> None:
    head = build(16.0, 0.4).double()
    logits = head(features)
    for row, feature in zip(logits.tolist(), features, strict=True):
        for value, direction in zip(row, head.weight, strict=True):
            cosine = (feature @ direction / (feature.norm() * direction.norm())).item()
            assert value == pytest.approx(16 * cosine, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("build", KINDS, ids=["cosine", "arc"])
def test_the_margin_touches_the_true_person_only_and_makes_it_harder(build: Build, features: Tensor) -> None:
    head = build(16.0, 0.4).double()
    change = head(features, LABELS) - head(features)
    true = nn.functional.one_hot(LABELS, PERSONS).bool()
    assert (change[true] < 0).all()
    assert not change[~true].any()
    without = build(16.0, 0.0).double()
    torch.testing.assert_close(without(features, LABELS), without(features), rtol=1e-9, atol=1e-9)


def test_cosine_takes_the_margin_off_the_cosine() -> None:
    logits = at_angles(COSINE(10.0, 0.35).double(), [0.1, 1.0, 3.0])
    assert logits.tolist() == pytest.approx([10 * (math.cos(angle) - 0.35) for angle in (0.1, 1.0, 3.0)])


def test_arc_adds_the_margin_to_the_angle_and_goes_on_falling_beyond_pi() -> None:
    inside, beyond = [0.1, 1.0, math.pi - 0.51], [math.pi - 0.49, 3.0, 3.14]
    logits = at_angles(ARC(10.0, 0.5).double(), inside + beyond)
    expected = [math.cos(angle + 0.5) for angle in inside] + [math.cos(angle) - 0.5 * math.sin(0.5) for angle in beyond]
    assert logits.tolist() == pytest.approx([10 * value for value in expected])
    falling = at_angles(ARC(10.0, 0.5).double(), [step * math.pi / 200 for step in range(201)])
    assert (falling.diff() < 1e-9).all()


@pytest.mark.parametrize("build", KINDS, ids=["cosine", "arc"])
def test_gradients_equal_finite_differences(build: Build, features: Tensor) -> None:
    head = build(4.0, 0.3).double()

    def logits(rows: Tensor, weight: Tensor) -> Tensor:
        value = torch.func.functional_call(head, {"weight": weight}, (rows, LABELS))
        assert isinstance(value, Tensor)
        return value

    assert torch.autograd.gradcheck(logits, (features.requires_grad_(), head.weight.detach().clone().requires_grad_()))


@pytest.mark.parametrize("build", KINDS, ids=["cosine", "arc"])
@pytest.mark.parametrize("sign", [1, -1])
def test_gradients_are_finite_where_the_feature_lies_on_the_direction_or_opposite(build: Build, sign: int) -> None:
    head = build(64.0, 0.5)
    features = (sign * head.weight.detach()).requires_grad_()
    loss = nn.functional.cross_entropy(head(features, torch.arange(PERSONS)), torch.arange(PERSONS))
    gradients = torch.autograd.grad(loss, (features, head.weight))
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("build", KINDS, ids=["cosine", "arc"])
def test_under_autocast_it_computes_in_32_bits(build: Build, features: Tensor) -> None:
    head = build(64.0, 0.35)
    expected = head(features.bfloat16().float(), LABELS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = head(features.bfloat16(), LABELS)
    assert logits.dtype == torch.float32
    assert torch.equal(logits, expected)


@pytest.mark.parametrize(
    ("head", "other"),
    [
        (COSINE(64.0, 0.35), losses.CosFaceLoss(PERSONS, SIZE, margin=0.35, scale=64)),
        (ARC(64.0, 0.5), losses.ArcFaceLoss(PERSONS, SIZE, margin=math.degrees(0.5), scale=64)),
    ],
    ids=["cosine", "arc"],
)
def test_cross_entropy_equals_that_of_another_library(head: MarginHead, other: nn.Module, features: Tensor) -> None:
    head = head.double()
    with torch.no_grad():
        other.W.copy_(head.weight.T)  # type: ignore[operator]
    loss = nn.functional.cross_entropy(head(features, LABELS), LABELS)
    assert loss.item() == pytest.approx(other(features, LABELS).item(), rel=1e-6)
