from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reseen.errors import TrainingError
from reseen.models.network import ReIDNetwork, build_network
from reseen.recipe.schema import EMA, Recipe, Training
from reseen.training.batches import TrainingSet
from reseen.training.checkpoint import Parts
from reseen.training.stepper import Stepper, WeightAverage
from reseen.training.trainer import Trainer

SmallRecipe = Callable[..., Recipe]
MakeTrainer = Callable[..., Trainer]
CPU = torch.device("cpu")


def weights(*values: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values))


def stepper_of(weight: nn.Parameter, **settings: object) -> Stepper:
    return Stepper(Training.model_validate(settings), {"network": torch.optim.SGD([weight], lr=1.0)}, CPU)


def test_a_step_goes_down_the_gradient_and_forgets_it() -> None:
    weight = weights(1.0, 2.0)
    stepper = stepper_of(weight)
    stepper.backward((3 * weight).sum(), 1.0)

    assert stepper.step()
    assert weight.tolist() == [-2.0, -1.0]
    assert weight.grad is None


def test_shares_of_several_batches_make_one_step() -> None:
    weight = weights(0.0)
    stepper = stepper_of(weight)
    for slope in (1.0, 2.0, 6.0):
        stepper.backward((slope * weight).sum(), 1 / 3)
    stepper.step()

    assert weight.item() == pytest.approx(-3.0)


@pytest.mark.parametrize(("clip_norm", "moved"), [(None, (3.0, 4.0)), (10.0, (3.0, 4.0)), (1.0, (0.6, 0.8))])
def test_gradients_are_clipped_to_a_norm(clip_norm: float | None, moved: tuple[float, float]) -> None:
    weight = weights(0.0, 0.0)
    stepper = stepper_of(weight, clip_norm=clip_norm)
    stepper.backward((weight * torch.tensor([-3.0, -4.0])).sum(), 1.0)
    stepper.step()

    assert weight.tolist() == pytest.approx(list(moved), rel=1e-5)


def test_only_the_networks_gradients_are_clipped() -> None:
    network, centers = weights(0.0), weights(0.0)
    optimizers = {"network": torch.optim.SGD([network], lr=1.0), "centers": torch.optim.SGD([centers], lr=1.0)}
    stepper = Stepper(Training(clip_norm=1.0), optimizers, CPU)
    stepper.backward((-5 * network - 5 * centers).sum(), 1.0)
    stepper.step()

    assert network.item() == pytest.approx(1.0, rel=1e-5)
    assert centers.item() == 5.0


def test_an_optimizer_without_gradients_is_passed_over() -> None:
    network, centers = weights(1.0), weights(0.0)
    optimizers = {"network": torch.optim.SGD([network], lr=1.0), "centers": torch.optim.SGD([centers], lr=1.0)}
    stepper = Stepper(Training(precision="fp16"), optimizers, CPU)
    stepper.backward((-centers).sum(), 1.0)

    assert stepper.step()
    assert (network.item(), centers.item()) == (1.0, 1.0)


def test_fp16_gradients_are_the_unscaled_ones_and_clipped_as_such() -> None:
    weight = weights(0.0)
    stepper = stepper_of(weight, precision="fp16", clip_norm=1.0)
    assert stepper.state["scale"] > 1
    stepper.backward((-0.5 * weight).sum(), 1.0)
    stepper.step()

    assert weight.item() == pytest.approx(0.5)


def overflow(stepper: Stepper, weight: nn.Parameter) -> bool:
    stepper.backward((weight * torch.inf).sum(), 1.0)
    return stepper.step()


def test_an_overflow_leaves_the_step_out_and_halves_the_scale() -> None:
    weight = weights(1.0)
    stepper = stepper_of(weight, precision="fp16")
    before = stepper.state["scale"]

    assert not overflow(stepper, weight)
    assert weight.tolist() == [1.0]
    assert stepper.state["scale"] == before / 2
    stepper.backward(weight.sum(), 1.0)
    assert stepper.step()
    assert weight.tolist() == [0.0]


def test_an_overflow_in_one_optimizers_gradients_leaves_out_the_step_of_all() -> None:
    network, centers = weights(1.0), weights(1.0)
    optimizers = {"network": torch.optim.SGD([network], lr=1.0), "centers": torch.optim.SGD([centers], lr=1.0)}
    stepper = Stepper(Training(precision="fp16"), optimizers, CPU)
    stepper.backward((network + centers * torch.inf).sum(), 1.0)

    assert not stepper.step()
    assert (network.item(), centers.item()) == (1.0, 1.0)


def test_an_overflow_of_an_unscaled_loss_is_an_error() -> None:
    weight = weights(1.0)
    stepper = stepper_of(weight, precision="fp16")
    while stepper.state["scale"] > 1:
        overflow(stepper, weight)
    with pytest.raises(TrainingError, match="overflow fp16") as caught:
        overflow(stepper, weight)

    assert "bf16" in str(caught.value.cure)
    assert weight.tolist() == [1.0]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_nothing_is_scaled_outside_fp16(precision: str) -> None:
    assert stepper_of(weights(1.0), precision=precision).state == {}


def test_the_scale_is_restored() -> None:
    weight = weights(1.0)
    one, other = (stepper_of(weight, precision="fp16") for _ in range(2))
    overflow(one, weight)
    one.backward(weight.sum(), 1.0)
    one.step()
    other.restore(one.state)

    assert one.state["good_steps"] == 1
    assert other.state == one.state
    other.backward(weight.sum(), 1.0)
    assert other.step()
    stepper_of(weights(1.0)).restore({})


def test_accumulated_batches_make_one_step_with_their_mean_gradient(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, training_set: TrainingSet
) -> None:
    recipe = small_recipe(
        "losses=[{name: cross_entropy}]",
        "optimizer={name: sgd, learning_rate: 0.1, momentum: 0, weight_decay: 0}",
        "schedule={name: multistep, milestones: []}",
        "training={epochs: 1, accumulate: 2, batch_norm: frozen}",
    )
    trainer = make_trainer(recipe)
    network = copy.deepcopy(trainer.network).eval()
    trainer.run()

    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    batches = trainer.batches.of_epoch(0)
    assert len(batches) % 2 == 1  # the last group holds one batch alone
    for start in range(0, len(batches), 2):
        group = range(start, min(start + 2, len(batches)))
        losses_of_group = []
        for iteration in group:
            images, labels = next(trainer.batches.ready(0, batches, iteration))
            losses_of_group.append(functional.cross_entropy(network(images).logits, labels))
        gradients = torch.autograd.grad(torch.stack(losses_of_group).mean(), learning)
        with torch.no_grad():
            for parameter, gradient in zip(learning, gradients, strict=True):
                parameter.sub_(0.1 * gradient)

    assert trainer.progress.steps == -(-len(batches) // 2)
    expected = network.state_dict()
    for name, value in trainer.network.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-6, msg=name)


def test_an_overflow_in_fp16_is_told_with_its_cure(make_trainer: MakeTrainer, small_recipe: SmallRecipe) -> None:
    trainer = make_trainer(small_recipe("training={epochs: 1, precision: fp16}"))
    with torch.no_grad():
        next(trainer.network.backbone.parameters()).fill_(6e4)
    with pytest.raises(TrainingError, match="not finite") as stopped:
        trainer.run()

    assert "training.precision=fp32 (or bf16)" in str(stopped.value.cure)
    assert not trainer.checkpoints.folder.exists()


Bits = Callable[[Parts], dict[str, Tensor]]
Same = Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], bool]
ReadCheckpoint = Callable[[Path], tuple[dict[str, str], dict[str, Tensor]]]


@pytest.fixture
def network(small_recipe: SmallRecipe) -> ReIDNetwork:
    torch.manual_seed(0)
    return build_network(small_recipe().model, persons=3)


def shake(network: ReIDNetwork, seed: int) -> None:
    """Other weights and statistics."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in network.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.randn(value.shape, generator=draw))


def test_every_weight_and_statistic_follows_the_formula(network: ReIDNetwork) -> None:
    average = WeightAverage(network, EMA(decay=0.3))
    name = "backbone.stem.1.running_var"
    expected = network.state_dict()[name].double()
    for step in range(1, 6):
        shake(network, step)
        average.update(network, step)
        kept = min(0.3, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * network.state_dict()[name].double()

    torch.testing.assert_close(average.network.state_dict()[name].double(), expected, rtol=1e-6, atol=1e-6)


def test_counters_are_copied(network: ReIDNetwork) -> None:
    average = WeightAverage(network, EMA())
    network.train()(torch.randn(4, 3, 32, 16))
    average.update(network, 1)

    assert average.network.state_dict()["backbone.stem.1.num_batches_tracked"] == 1


def test_a_network_without_counters_has_an_average(small_recipe: SmallRecipe) -> None:
    network = build_network(small_recipe("model.neck=none").model, persons=3)
    network.add_module("backbone", nn.Linear(2, 2))
    average = WeightAverage(network, EMA(decay=0.3))
    before = average.network.state_dict()["backbone.weight"].clone()
    shake(network, seed=1)

    average.update(network, steps=1)

    assert not torch.equal(average.network.state_dict()["backbone.weight"], before)


def test_weights_that_stay_are_their_own_average(network: ReIDNetwork) -> None:
    average = WeightAverage(network, EMA(decay=0.99))
    for step in range(1, 200):
        average.update(network, step)

    for name, value in network.state_dict().items():
        torch.testing.assert_close(average.network.state_dict()[name], value)


def test_the_average_is_apart_from_what_learns(network: ReIDNetwork) -> None:
    average = WeightAverage(network.train(), EMA())
    before = {name: value.clone() for name, value in average.network.state_dict().items()}
    shake(network, 1)

    assert all(torch.equal(average.network.state_dict()[name], value) for name, value in before.items())
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
    assert not average.network.training
    assert network.training
    assert all(parameter.requires_grad for parameter in network.backbone.parameters())


def test_the_average_is_what_is_evaluated_and_saved(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, bits: Bits, same: Same, read_checkpoint: ReadCheckpoint
) -> None:
    seen: list[dict[str, Tensor]] = []

    def look(network: ReIDNetwork) -> Mapping[str, float]:
        seen.append({name: value.clone() for name, value in network.state_dict().items()})
        return {"recall1": 0.5, "mAP": 0.4, "mINP": 0.3}

    recipe = small_recipe("training={epochs: 2, ema: {decay: 0.9}}")
    trainer = make_trainer(recipe, evaluate=look)
    trainer.run()
    plain = make_trainer(small_recipe("training.epochs=2"), "plain")
    plain.run()

    (evaluated,) = seen
    for name in ("latest.safetensors", "best.safetensors"):
        assert same(read_checkpoint(trainer.checkpoints.folder / name)[1], evaluated)
    learnt = trainer.network.state_dict()
    assert not same(evaluated, dict(learnt))
    assert same(bits(trainer.parts), bits(plain.parts))  # averaging changes nothing of what learns
