from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import pytest
import torch

from reseen.errors import UsageError
from reseen.images.preprocess import Preprocess
from reseen.losses.criterion import Criterion
from reseen.models.network import build_network
from reseen.recipe.schema import Recipe
from reseen.training.learner import Learner, LossReadings
from reseen.training.processes import ALONE
from reseen.training.teacher import Teacher

SmallRecipe = Callable[..., Recipe]
DISTILLATION = "losses=[{name: cross_entropy}, {name: distillation, teacher: {recipe: a, weights: b}}]"
OWN = Preprocess(height=32, width=16)
IMAGES, LABELS = torch.randn(4, 3, 32, 16, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 0, 1, 1])


def build(recipe: Recipe, precision: Literal["fp32", "bf16", "fp16"], teacher: Teacher | None = None) -> Learner:
    torch.manual_seed(0)
    network = build_network(recipe.model, persons=2)
    return Learner(network, Criterion(recipe.losses, 2, network.feature_size), precision, teacher)


def test_in_32_bits_it_is_the_losses_of_the_network(small_recipe: SmallRecipe) -> None:
    learner = build(small_recipe(), "fp32")
    total, values = learner(IMAGES, LABELS)
    by_hand, values_by_hand = learner.criterion(learner.network(IMAGES, LABELS), LABELS)

    assert torch.equal(total, by_hand)
    assert values == values_by_hand


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_in_mixed_precision_only_the_network_is(
    small_recipe: SmallRecipe, precision: Literal["bf16", "fp16"], dtype: torch.dtype
) -> None:
    mixed, exact = (build(small_recipe(), each) for each in (precision, "fp32"))
    seen: list[torch.dtype] = []
    stem = next(mixed.network.backbone.children())
    stem.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    total, _ = mixed(IMAGES, LABELS)
    total.backward()

    assert seen == [dtype]
    assert total.dtype == torch.float32
    assert {parameter.dtype for parameter in mixed.parameters()} == {torch.float32}
    torch.testing.assert_close(total, exact(IMAGES, LABELS)[0], rtol=0.05, atol=0.05)


def test_everything_that_learns_is_in_one_module(small_recipe: SmallRecipe) -> None:
    learner = build(small_recipe("losses=[{name: cross_entropy}, {name: center}]"), "fp32")

    assert {name.partition(".")[0] for name, _ in learner.named_parameters()} == {"network", "criterion"}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_teacher_is_shown_the_same_images_and_is_no_part_of_it(
    small_recipe: SmallRecipe, precision: Literal["fp32", "bf16"]
) -> None:
    known = build(small_recipe(), precision)
    taught = build(small_recipe(DISTILLATION), precision, Teacher(known.network, OWN, OWN))
    total, values = taught(IMAGES, LABELS)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        outputs, features = taught.network(IMAGES, LABELS), known.network.embed(IMAGES)
    expected, _ = taught.criterion(outputs, LABELS, features)

    assert total.item() == pytest.approx(expected.item(), rel=1e-6)
    assert values["distillation"] > 0
    assert {name.partition(".")[0] for name, _ in taught.named_parameters()} == {"network"}


@pytest.mark.parametrize(("losses", "taught"), [(DISTILLATION, False), ("losses=[{name: triplet}]", True)])
def test_a_teacher_and_a_loss_that_learns_from_it_go_together(
    small_recipe: SmallRecipe, losses: str, taught: bool
) -> None:
    teacher = Teacher(build_network(small_recipe().model, 0), OWN, OWN) if taught else None
    with pytest.raises(UsageError, match="go together"):
        build(small_recipe(losses), "fp32", teacher)


def losses(total: float) -> dict[str, torch.Tensor]:
    return {"triplet": torch.tensor(total / 3), "total": torch.tensor(total)}


def test_what_is_read_is_every_step_since_the_last_reading_to_the_bit() -> None:
    readings = LossReadings(ALONE, 3)
    for total in (0.1, math.nan, 0.3):
        readings.note(losses(total))
    steps, _ = readings.read()

    assert [step["triplet"] for step in steps] == pytest.approx(
        [torch.tensor(value / 3).item() for value in (0.1, math.nan, 0.3)], rel=0, nan_ok=True
    )
    assert readings.latest == steps[-1] == {"triplet": torch.tensor(0.1).item(), "total": torch.tensor(0.3).item()}
    assert readings.read().steps == []
    assert readings.latest == steps[-1]
    readings.note(losses(7.0))
    assert [step["total"] for step in readings.read().steps] == [7.0]


@pytest.mark.parametrize(
    ("every", "due"), [(1, [0, 1, 2, 3, 4, 5, 6]), (3, [0, 2, 5, 6]), (100, [0, 6])], ids=["every", "third", "seldom"]
)
def test_the_first_and_the_last_and_every_nth_step_are_read(every: int, due: list[int]) -> None:
    readings = LossReadings(ALONE, every)
    read = []
    for iteration in range(7):
        readings.note(losses(1.0))
        if readings.are_due(iteration, 7):
            read.append(iteration)
            readings.read()

    assert read == due


def test_one_process_stops_when_it_is_asked_to() -> None:
    readings = LossReadings(ALONE, 1)

    assert readings.read(stop=True).stop
    readings.note(losses(1.0))
    assert readings.read(stop=True).stop
    readings.note(losses(1.0))
    assert not readings.read().stop


def test_on_the_host_every_step_is_read_and_on_an_accelerator_those_that_are_logged() -> None:
    assert LossReadings.interval(torch.device("cpu"), 20) == 1
    assert LossReadings.interval(torch.device("cuda"), 20) == 20
