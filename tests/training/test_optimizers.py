from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from reseen.losses.criterion import Criterion
from reseen.models.network import Outputs, ReIDNetwork, build_network
from reseen.recipe.schema import Recipe
from reseen.training import optimizers
from reseen.training.optimizers import build_optimizers

SmallRecipe = Callable[..., Recipe]
PERSONS = 3
WITH_CENTER = "losses=[{name: triplet, weight: 0.0}, {name: center, weight: 5.0e-4, learning_rate: 0.5}]"


def parts(recipe: Recipe) -> tuple[ReIDNetwork, Criterion, dict[str, torch.optim.Optimizer]]:
    torch.manual_seed(0)
    network = build_network(recipe.model, PERSONS)
    criterion = Criterion(recipe.losses, PERSONS, network.feature_size)
    return network, criterion, build_optimizers(recipe, network, criterion)


def decayed(network: ReIDNetwork, optimizer: torch.optim.Optimizer) -> dict[str, set[float]]:
    """What a step without gradients makes of weights that are all 1."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(1.0)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    return {name: set(parameter.flatten().tolist()) for name, parameter in network.named_parameters()}


def test_every_parameter_that_learns_is_in_one_group_with_the_recipes_settings(small_recipe: SmallRecipe) -> None:
    network, _, optimizers = parts(small_recipe("optimizer={name: adam, learning_rate: 0.25, weight_decay: 0.125}"))
    (group,) = optimizers["network"].param_groups
    assert isinstance(optimizers["network"], torch.optim.Adam)
    assert (group["lr"], group["weight_decay"], group["amsgrad"]) == (0.25, 0.125, False)
    named = dict(network.named_parameters())
    left_out = {name for name, parameter in named.items() if not any(parameter is other for other in group["params"])}
    assert left_out == {"neck.bias"}
    assert len(group["params"]) == len(named) - 1


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_has_the_recipes_settings(small_recipe: SmallRecipe, nesterov: bool) -> None:
    settings = f"learning_rate: 0.5, momentum: 0.75, weight_decay: 0, nesterov: {str(nesterov).lower()}"
    optimizer = parts(small_recipe(f"optimizer={{name: sgd, {settings}}}"))[2]["network"]
    (group,) = optimizer.param_groups
    assert isinstance(optimizer, torch.optim.SGD)
    assert (group["lr"], group["momentum"], group["nesterov"], group["weight_decay"]) == (0.5, 0.75, nesterov, 0)


def test_adamw_shrinks_filters_and_matrices_by_the_rate_and_nothing_else(small_recipe: SmallRecipe) -> None:
    """Without a gradient a step takes away learning rate × decay of a weight, 0.5 × 0.25."""
    network, _, optimizers = parts(small_recipe("optimizer={name: adamw, learning_rate: 0.5, weight_decay: 0.25}"))
    values = decayed(network, optimizers["network"])
    shrunk = {name for name, parameter in network.named_parameters() if parameter.ndim > 1}
    assert {"backbone.stem.0.weight", "head.weight"} < shrunk
    assert {"backbone.stem.1.weight", "backbone.stem.1.bias", "neck.weight"} < values.keys() - shrunk
    assert all(value == ({0.875} if name in shrunk else {1.0}) for name, value in values.items())


@pytest.mark.parametrize("amsgrad", [False, True])
def test_amsgrad_is_the_recipes(small_recipe: SmallRecipe, amsgrad: bool) -> None:
    optimizer = parts(small_recipe(f"optimizer.amsgrad={str(amsgrad).lower()}"))[2]["network"]
    assert optimizer.param_groups[0]["amsgrad"] is amsgrad


def test_weight_decay_shrinks_everything_that_learns_and_not_the_necks_bias(small_recipe: SmallRecipe) -> None:
    network, _, optimizers = parts(
        small_recipe("optimizer={name: sgd, learning_rate: 0.5, weight_decay: 0.5, momentum: 0}")
    )
    values = decayed(network, optimizers["network"])
    assert values.pop("neck.bias") == {1.0}
    assert values.keys() >= {"neck.weight", "head.weight", "backbone.stem.1.bias"}
    assert all(value == {0.75} for value in values.values())


@pytest.mark.parametrize("weight", ["5.0e-4", "0.25", "3"])
def test_centers_move_as_by_the_unweighted_loss_with_their_own_rate(small_recipe: SmallRecipe, weight: str) -> None:
    network, criterion, optimizers = parts(small_recipe(WITH_CENTER.replace("5.0e-4", weight)))
    (before,) = (centers.detach().clone() for centers in criterion.parameters())
    features = torch.randn(5, network.feature_size)
    labels = torch.tensor([0, 2, 2, 0, 2])
    total, _ = criterion(Outputs(features, features, features[:, :PERSONS]), labels)
    total.backward()
    optimizers["centers"].step()

    by_hand = before.clone()
    for feature, label in zip(features, labels.tolist(), strict=True):
        by_hand[label] -= 0.5 * 2 * (before[label] - feature) / len(labels)
    (after,) = criterion.parameters()
    torch.testing.assert_close(after.detach(), by_hand, rtol=1e-5, atol=1e-6)
    assert torch.equal(after[1], before[1])


def test_there_are_centers_to_optimise_only_with_a_center_loss(small_recipe: SmallRecipe) -> None:
    assert parts(small_recipe())[2].keys() == {"network"}
    assert parts(small_recipe(WITH_CENTER))[2].keys() == {"network", "centers"}


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_an_accelerators_step_is_fused_and_the_same(
    name: str, small_recipe: SmallRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(f"optimizer={{name: {name}, learning_rate: 0.01}}")
    assert not parts(recipe)[2]["network"].param_groups[0]["fused"]
    learnt = []
    for fused in (False, True):
        monkeypatch.setattr(optimizers, "FUSED_ON", {"cpu"} if fused else set())
        network, _, built = parts(recipe)
        assert built["network"].param_groups[0]["fused"] is fused
        for step in range(3):
            for parameter in network.parameters():
                parameter.grad = torch.full_like(parameter, 0.1 * (step + 1))
            built["network"].step()
        learnt.append(nn.utils.parameters_to_vector(network.parameters()).detach())

    torch.testing.assert_close(*learnt)
