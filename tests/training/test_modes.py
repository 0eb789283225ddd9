from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn

from reseen.errors import RecipeError
from reseen.models.network import ReIDNetwork, build_network
from reseen.recipe.schema import Recipe
from reseen.training.events import EpochDone, Event, Started
from reseen.training.modes import Modes, synchronise_batch_norm
from reseen.training.trainer import Trainer

MakeTrainer = Callable[..., Trainer]
Same = Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], bool]
SmallRecipe = Callable[..., Recipe]


@pytest.fixture
def network(small_recipe: SmallRecipe) -> ReIDNetwork:
    return build_network(small_recipe().model, persons=3).eval()


def learning(module: nn.Module) -> set[bool]:
    return {parameter.requires_grad for parameter in module.parameters()}


def test_everything_but_the_necks_bias_learns_by_default(network: ReIDNetwork, small_recipe: SmallRecipe) -> None:
    Modes(network, small_recipe().training).enter(0)

    assert all(module.training for module in network.modules())
    assert [name for name, parameter in network.named_parameters() if not parameter.requires_grad] == ["neck.bias"]


def test_a_frozen_backbone_thaws_after_its_epochs(network: ReIDNetwork, small_recipe: SmallRecipe) -> None:
    modes = Modes(network, small_recipe("training.freeze_backbone=2").training)
    for epoch, learns in enumerate([False, False, True]):
        modes.enter(epoch)

        assert learning(network.backbone) == {learns}
        assert {module.training for module in network.backbone.modules()} == {learns}
        assert network.neck.training
        assert network.head is not None
        assert learning(network.head) == {True}
        assert not network.neck.bias.requires_grad


def test_what_never_learnt_stays_so_after_thawing(network: ReIDNetwork, small_recipe: SmallRecipe) -> None:
    fixed = next(network.backbone.parameters()).requires_grad_(False)
    modes = Modes(network, small_recipe("training.freeze_backbone=1").training)
    modes.enter(0)
    modes.enter(1)

    assert not fixed.requires_grad
    assert learning(network.backbone) == {False, True}


def test_frozen_batch_norms_keep_their_statistics_and_learn_their_scale(
    network: ReIDNetwork, small_recipe: SmallRecipe
) -> None:
    Modes(network, small_recipe("training.batch_norm=frozen").training).enter(0)
    before = {name: value.clone() for name, value in network.named_buffers()}
    network(torch.randn(4, 3, 32, 16))

    assert before
    assert all(torch.equal(value, before[name]) for name, value in network.named_buffers())
    assert learning(network.backbone) == {True}
    assert network.training
    assert network.backbone.training


def test_synchronised_batch_norms_have_the_same_names_and_values(network: ReIDNetwork) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    converted = synchronise_batch_norm(network)

    after = converted.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    kinds = {type(module) for module in converted.modules() if "BatchNorm" in type(module).__name__}
    assert kinds == {nn.SyncBatchNorm}
    assert not converted.neck.bias.requires_grad


def test_a_frozen_backbone_keeps_every_bit_until_it_thaws(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, same: Same
) -> None:
    snapshots: list[dict[str, Tensor]] = []
    trainer = make_trainer(small_recipe("training={epochs: 3, freeze_backbone: 2}"))

    def snap(event: Event) -> None:
        if isinstance(event, Started | EpochDone):
            snapshots.append({name: value.clone() for name, value in trainer.network.state_dict().items()})

    trainer.listeners = [snap]
    trainer.run()

    start, *_, frozen, thawed = snapshots
    backbone = [name for name in start if name.startswith("backbone.")]
    assert same({name: start[name] for name in backbone}, {name: frozen[name] for name in backbone})
    assert not any(torch.equal(frozen[name], thawed[name]) for name in backbone)
    assert not torch.equal(start["head.weight"], frozen["head.weight"])


def test_losses_that_teach_nothing_while_the_backbone_is_frozen_are_refused(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe
) -> None:
    trainer = make_trainer(small_recipe("losses=[{name: triplet}]", "training.freeze_backbone=1"))
    with pytest.raises(RecipeError, match="no loss trains anything") as refused:
        trainer.run()
    assert "freeze_backbone=0" in str(refused.value.cure)
