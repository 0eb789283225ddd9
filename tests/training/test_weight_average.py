from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from reseen.models.network import ReIDNetwork, build_network
from reseen.recipe.schema import EMA, Recipe
from reseen.training.checkpoint import Parts
from reseen.training.trainer import Trainer
from reseen.training.weight_average import WeightAverage

MakeTrainer = Callable[..., Trainer]
Bits = Callable[[Parts], dict[str, Tensor]]
Same = Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], bool]
ReadCheckpoint = Callable[[Path], tuple[dict[str, str], dict[str, Tensor]]]
SmallRecipe = Callable[..., Recipe]


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
