from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from reseen.losses.center import CenterLoss
from reseen.losses.criterion import Criterion
from reseen.losses.cross_entropy import CrossEntropyLoss
from reseen.losses.distillation import DistillationLoss
from reseen.losses.triplet import TripletLoss
from reseen.recipe import schema

Batch = Callable[..., tuple[Tensor, Tensor]]
ALL = (schema.CrossEntropy(weight=2.0, smoothing=0.1), schema.Triplet(weight=0.5), schema.Center(weight=5e-4))
DISTILLATION = schema.Distillation(teacher=schema.Teacher(recipe="a", weights="b"))
PAIRS = (schema.Triplet(), schema.Circle(), schema.MetricLearningLoss(name="pml:MultiSimilarityLoss"))
SINGLE = (schema.CrossEntropy(), schema.Center())


class Outputs(NamedTuple):
    before_neck: Float[Tensor, "b d"]
    after_neck: Float[Tensor, "b d"]
    logits: Float[Tensor, "b c"]


@pytest.fixture
def outputs(batch: Batch) -> Outputs:
    rows = (batch(0, 0, 1, 1, width=width, seed=seed)[0] for seed, width in enumerate((3, 3, 2)))
    return Outputs(*rows)


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


@pytest.mark.parametrize("loss", [*SINGLE, *PAIRS], ids=lambda loss: loss.name)
def test_the_weight_of_a_single_loss_counts_in_value_and_gradient(
    outputs: Outputs, labels: Tensor, loss: schema.Loss
) -> None:
    criterion = Criterion((loss,), persons=2, feature_size=3).double()
    total, values = criterion(outputs, labels)
    assert values[loss.name].item() > 0
    assert total.item() == pytest.approx(loss.weight * values[loss.name].item(), rel=1e-12)
    read = outputs.logits if loss.name == "cross_entropy" else outputs.before_neck
    (weighted,) = torch.autograd.grad(total, read)
    (plain,) = torch.autograd.grad(criterion.losses[loss.name](read, labels), read)
    torch.testing.assert_close(weighted, loss.weight * plain)


@pytest.mark.parametrize("loss", [schema.Center(), *PAIRS], ids=lambda loss: loss.name)
@pytest.mark.parametrize("feature", ["before_neck", "after_neck"])
def test_a_loss_of_features_reads_the_one_its_recipe_names(
    outputs: Outputs, labels: Tensor, loss: schema.Loss, feature: str
) -> None:
    settings = loss.model_copy(update={"feature": feature})
    total, _ = Criterion((settings,), persons=2, feature_size=3).double()(outputs, labels)
    gradients = torch.autograd.grad(total, outputs, allow_unused=True, materialize_grads=True)
    read = [name for name, gradient in zip(outputs._fields, gradients, strict=True) if gradient.any()]
    assert read == [feature]


@pytest.mark.parametrize("feature", ["before_neck", "after_neck"])
def test_a_teacher_s_features_are_for_the_loss_that_learns_from_it(
    batch: Batch, outputs: Outputs, labels: Tensor, feature: str
) -> None:
    """Those of all processes: here another one's rows, and the teacher's of them, are put below this one's."""
    taught, elsewhere = batch(0, 0, 1, 1, width=5, seed=8)[0].detach(), batch(0, 0, 0, 0, seed=9)[0].detach()
    taught_elsewhere = batch(0, 0, 0, 0, width=5, seed=10)[0].detach()

    def gather(rows: Tensor) -> Tensor:
        return torch.cat([rows, elsewhere if rows.shape[1] == 3 else taught_elsewhere])

    loss = DISTILLATION.model_copy(update={"feature": feature})
    criterion = Criterion((loss,), persons=2, feature_size=3, gather=gather).double()
    total, values = criterion(outputs, labels, taught)
    read = torch.cat([getattr(outputs, feature), elsewhere])
    expected = DistillationLoss()(read, torch.cat([taught, taught_elsewhere]))
    assert values["distillation"].item() == pytest.approx(expected.item(), rel=1e-12)
    assert total.item() == pytest.approx(30 * expected.item(), rel=1e-12)


def test_the_centers_are_the_only_parameters() -> None:
    assert list(Criterion(ALL[:2], persons=2, feature_size=3).parameters()) == []
    named = dict(Criterion(ALL, persons=5, feature_size=3).named_parameters())
    assert {name: tuple(parameter.shape) for name, parameter in named.items()} == {"losses.center.centers": (5, 3)}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_losses_are_computed_in_32_bits_whatever_the_network_ran_in(
    outputs: Outputs, labels: Tensor, dtype: torch.dtype
) -> None:
    criterion = Criterion(ALL, persons=2, feature_size=3)
    halves = Outputs(*(rows.to(dtype) for rows in outputs))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total, values = criterion(halves, labels)
    expected, _ = criterion(Outputs(*(rows.float() for rows in halves)), labels)
    assert {value.dtype for value in (total, *values.values())} == {torch.float32}
    assert total.item() == expected.item()


@pytest.mark.parametrize("loss", [*SINGLE, *PAIRS], ids=lambda loss: loss.name)
def test_losses_of_pairs_see_the_images_of_all_processes_and_losses_of_single_images_only_their_own(
    batch: Batch, outputs: Outputs, labels: Tensor, loss: schema.Loss
) -> None:
    """What another process holds is put below this one's rows."""
    elsewhere, others = batch(0, 1, 2, 2, seed=9)
    gathered: list[torch.dtype] = []

    def gather(rows: Tensor) -> Tensor:
        gathered.append(rows.dtype)
        return torch.cat([rows, elsewhere.detach() if rows.is_floating_point() else others])

    criterion = Criterion((loss,), persons=3, feature_size=3, gather=gather).double()
    total, _ = criterion(outputs, labels)

    module = criterion.losses[loss.name]
    read = outputs.logits if loss.name == "cross_entropy" else outputs.before_neck
    if loss in PAIRS:
        expected = module(torch.cat([read, elsewhere]), torch.cat([labels, others]))
        assert gathered == [torch.float64, torch.int64]
    else:
        expected = module(read, labels)
        assert gathered == []
    assert total.item() == pytest.approx(loss.weight * expected.item(), rel=1e-12)
    assert torch.autograd.grad(total, read)[0].any()


def test_losses_that_learn_bring_their_parameters() -> None:
    named = Criterion((schema.MetricLearningLoss(name="pml:ProxyAnchorLoss"),), persons=5, feature_size=3)
    assert [(name, tuple(value.shape)) for name, value in named.named_parameters()] == [
        ("losses.pml:ProxyAnchorLoss.proxies", (5, 3))
    ]
