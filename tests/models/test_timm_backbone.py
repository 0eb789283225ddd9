"""timm is not installed where these tests run: `stand_in_timm` stands in for it, with as much of its face as is used.

What it shows is how reseen calls the library and what it makes of its answers, not that timm's networks work.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from reseen.errors import RecipeError, UsageError
from reseen.models.network import build_network
from reseen.models.pooling import AveragePooling, GeMPooling
from reseen.models.timm_backbone import TimmBackbone
from reseen.recipe import schema

IMAGES = torch.randn(2, 3, 8, 4, generator=torch.Generator().manual_seed(0))


class StandInNetwork(nn.Module):
    """Ends in a map, in tokens (a transformer), or in something of another size than it says."""

    def __init__(self, kind: str, *, global_pool: str = "avg", channels: int = 5) -> None:
        super().__init__()
        self.kind, self.global_pool = kind, global_pool
        self.convolution = nn.Conv2d(3, channels, 1)
        self.num_features = channels + 1 if kind == "liar" else channels

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Tensor:
        if self.kind == "fixed_size":
            assert images.shape[2] == 224, "Input height doesn't match model (224)."
        maps: Tensor = self.convolution(images)
        if self.global_pool:
            return maps.mean((2, 3))
        return maps.flatten(2).transpose(1, 2) if self.kind == "tokens" else maps


class StandInTimm(ModuleType):
    """Knows four networks, and remembers how they were asked for."""

    def __init__(self) -> None:
        super().__init__("timm")
        self.calls: list[dict[str, Any]] = []

    def list_models(self) -> list[str]:
        return ["map_net", "tokens", "liar", "fixed_size"]

    def is_model(self, name: str) -> bool:
        return name in self.list_models()

    def create_model(self, name: str, *, pretrained: bool, num_classes: int, **arguments: Any) -> nn.Module:
        self.calls.append({"name": name, "pretrained": pretrained, "num_classes": num_classes, **arguments})
        return StandInNetwork(name, **arguments)


@pytest.fixture
def stand_in_timm(monkeypatch: pytest.MonkeyPatch) -> StandInTimm:
    module = StandInTimm()
    monkeypatch.setitem(sys.modules, "timm", module)
    return module


def backbone(name: str, pool: nn.Module | None = None, **arguments: bool | int | float | str) -> TimmBackbone:
    return TimmBackbone(schema.Timm(name=f"timm:{name}", arguments=arguments), pool or AveragePooling())


def test_asks_for_a_network_without_weights_and_classifier_with_the_recipes_arguments(
    stand_in_timm: StandInTimm,
) -> None:
    built = backbone("map_net", channels=7)
    assert stand_in_timm.calls == [{"name": "map_net", "pretrained": False, "num_classes": 0, "channels": 7}]
    assert built.feature_size == 7
    assert built(IMAGES).shape == (2, 7)


@pytest.mark.usefixtures("stand_in_timm")
@pytest.mark.parametrize("name", ["map_net", "tokens"])
def test_with_average_pooling_every_network_pools_by_itself(name: str) -> None:
    built = backbone(name)
    convolution = built.network.convolution
    assert isinstance(convolution, nn.Conv2d)
    torch.testing.assert_close(built(IMAGES), convolution(IMAGES).mean((2, 3)))


def test_another_pooling_takes_the_networks_map(stand_in_timm: StandInTimm) -> None:
    pool = GeMPooling(3.0, learn=False)
    built = backbone("map_net", pool)
    assert stand_in_timm.calls[0]["global_pool"] == ""
    assert torch.equal(built(IMAGES), pool(built.network(IMAGES)))


@pytest.mark.usefixtures("stand_in_timm")
def test_the_size_after_the_networks_own_head_counts_where_it_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StandInNetwork, "head_hidden_size", 6, raising=False)
    assert backbone("map_net").feature_size == 6


@pytest.mark.usefixtures("stand_in_timm")
def test_a_recipe_that_names_one_gets_it() -> None:
    built = build_network(schema.Model(backbone=schema.Timm(name="timm:map_net")), persons=3).eval()
    assert isinstance(built.backbone, TimmBackbone)
    assert built(IMAGES).logits.shape == (2, 3)
    assert "backbone.network.convolution.weight" in built.state_dict()


@pytest.mark.usefixtures("stand_in_timm")
@pytest.mark.parametrize(("name", "cure"), [("mapnet", "use map_net"), ("zzz", "look it up with timm.list_models()")])
def test_an_unknown_name_is_an_error_that_names_the_nearest(name: str, cure: str) -> None:
    with pytest.raises(RecipeError, match=f"timm knows no network {name}") as raised:
        backbone(name)
    assert raised.value.cure == cure


@pytest.mark.parametrize(
    "argument",
    [
        *("pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir"),
        *("num_classes", "global_pool", "in_chans", "features_only"),
    ],
)
def test_weights_classifier_and_pooling_are_not_for_the_arguments_to_set(
    stand_in_timm: StandInTimm, argument: str
) -> None:
    with pytest.raises(RecipeError, match=f"takes no {argument} from a recipe"):
        TimmBackbone(schema.Timm(name="timm:map_net", arguments={argument: 1}), AveragePooling())
    assert stand_in_timm.calls == []


@pytest.mark.usefixtures("stand_in_timm")
def test_arguments_that_the_network_refuses_are_an_error() -> None:
    with pytest.raises(RecipeError, match=r"does not build map_net") as raised:
        backbone("map_net", depth=3)
    assert "unexpected keyword argument 'depth'" in (raised.value.got or "")


@pytest.mark.usefixtures("stand_in_timm")
@pytest.mark.parametrize(
    ("name", "pool", "expected"),
    [
        ("tokens", GeMPooling(3.0, learn=True), "a feature map of 5 channels"),
        ("liar", AveragePooling(), "features of 6 channels"),
        ("liar", GeMPooling(3.0, learn=True), "a feature map of 6 channels"),
    ],
)
def test_an_output_that_does_not_suit_the_pooling_is_an_error(name: str, pool: nn.Module, expected: str) -> None:
    built = backbone(name, pool)
    with pytest.raises(RecipeError, match="does not go together") as raised:
        built(IMAGES)
    assert raised.value.expected == expected


@pytest.mark.usefixtures("stand_in_timm")
def test_images_of_a_size_that_the_network_does_not_take_are_an_error() -> None:
    built = backbone("fixed_size")
    with pytest.raises(RecipeError, match="does not take images of this size") as raised:
        built(IMAGES)
    assert "224" in (raised.value.expected or "")
    assert raised.value.got == "8×4"
    assert built(torch.zeros(1, 3, 224, 4)).shape == (1, 5)


@pytest.mark.parametrize("error", [ImportError("No module named 'timm'"), RuntimeError("torchvision::nms is missing")])
def test_without_timm_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(_name: str) -> ModuleType:
        raise error

    monkeypatch.setattr("importlib.import_module", fail)
    with pytest.raises(UsageError, match="needs the library timm") as raised:
        backbone("resnet18")
    assert raised.value.got == str(error)
    assert "pip install timm" in (raised.value.cure or "")
    assert "torchvision" in (raised.value.cure or "")
