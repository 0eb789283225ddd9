from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from reseen.errors import WeightsError
from reseen.models.foreign.import_weights import import_weights
from reseen.models.network import build_network
from reseen.recipe.schema import Recipe

MakeRecipe = Callable[..., Recipe]
Embedded = Callable[[Recipe, Path, Tensor], Tensor]
AS_THERE = ("model.neck=none", "model.head.bias=true")
KNOWN = {
    "osnet": ["conv1.conv.weight", "conv2.0.conv2d.3.bn.running_mean", "conv2.2.0.conv.weight", "fc.1.running_var"],
    "osnet_ibn": ["conv1.bn.weight", "conv2.0.IN.weight", "conv2.1.gate.fc2.bias", "conv5.bn.bias"],
    "osnet_ain": ["conv2.0.conv2.3.layers.0.conv1.weight", "conv2.0.IN.bias", "pool2.0.conv.weight", "fc.0.bias"],
}
"""Some names in the checkpoints that are published."""


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_an_osnet_computes_the_same_after_it_was_imported(
    name: str,
    prefix: str,
    recipe: MakeRecipe,
    shaken: Callable[[nn.Module], nn.Module],
    embedded: Embedded,
    images: Tensor,
    tmp_path: Path,
) -> None:
    ours = recipe("osnet_x0_25", *AS_THERE, f"model.backbone.name={name}")
    network = copy.deepcopy(shaken(build_network(ours.model, persons=5)))
    renames = {"backbone.": "", "head.": "classifier."}
    state = {}
    for entry, value in network.state_dict().items():
        for here, there in renames.items():
            if entry.startswith(here):
                state[prefix + there + entry.removeprefix(here)] = value
    assert {prefix + known for known in KNOWN[name]} <= state.keys()
    checkpoint = tmp_path / "model.pth.tar-250"
    torch.save({"state_dict": state, "epoch": 250, "rank1": 0.9, "optimizer": {"state": {}}}, checkpoint)

    imported = import_weights(checkpoint, "torchreid", ours, tmp_path / "weights.safetensors")

    assert len(imported.loaded) == len(state)
    assert not imported.dropped
    assert not imported.to_start_from
    with torch.inference_mode():
        assert torch.equal(
            embedded(ours, tmp_path / "weights.safetensors", images),
            network.to(memory_format=torch.channels_last).embed(images),  # type: ignore[call-overload]
        )


def test_a_resnet_computes_the_same_as_from_its_names(
    recipe: MakeRecipe,
    resnet18_entries: Callable[[str], dict[str, Tensor]],
    resnet18_maps: Callable[..., Tensor],
    embedded: Embedded,
    images: Tensor,
    tmp_path: Path,
) -> None:
    entries = resnet18_entries("")
    state = entries | {"classifier.weight": torch.randn(4, 512), "classifier.bias": torch.randn(4)}
    torch.save({"state_dict": state}, tmp_path / "resnet.pth")
    ours = recipe("baseline", *AS_THERE, "model.backbone={name: resnet18, stem_relu: true, last_stride: 2}")

    import_weights(tmp_path / "resnet.pth", "torchreid", ours, tmp_path / "weights.safetensors")

    expected = resnet18_maps(images, entries, "", relu=True, ceil=False, last_stride=2).mean((2, 3))
    torch.testing.assert_close(embedded(ours, tmp_path / "weights.safetensors", images), expected)


@pytest.mark.parametrize(
    ("override", "cure"),
    [
        ("model.backbone.stem_relu=false", "-o model.backbone.stem_relu=true"),
        ("model.backbone.last_stride=1", "-o model.backbone.last_stride=2"),
        ("model.neck=bnneck", "-o model.neck=none"),
        ("model.head.bias=false", "-o model.head.bias=true"),
        ("model.pooling.name=gem", "-o model.pooling.name=average"),
    ],
)
def test_a_recipe_that_computes_otherwise_is_refused_with_what_to_change(
    override: str, cure: str, recipe: MakeRecipe, tmp_path: Path
) -> None:
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "resnet.pth")
    right = ("model.backbone={name: resnet18, stem_relu: true, last_stride: 2}", *AS_THERE)

    with pytest.raises(WeightsError) as error:
        import_weights(
            tmp_path / "resnet.pth", "torchreid", recipe("baseline", *right, override), tmp_path / "w.safetensors"
        )

    assert error.value.cure == f"add {cure}"


def test_a_resnet_with_a_layer_after_its_pooling_is_refused(
    recipe: MakeRecipe, resnet18_entries: Callable[[str], dict[str, Tensor]], tmp_path: Path
) -> None:
    torch.save(resnet18_entries("") | {"fc.0.weight": torch.zeros(512, 512)}, tmp_path / "fc512.pth")
    ours = recipe("baseline", *AS_THERE, "model.backbone={name: resnet18, stem_relu: true, last_stride: 2}")

    with pytest.raises(WeightsError, match=r"1 not of this network: fc\.0\.weight"):
        import_weights(tmp_path / "fc512.pth", "torchreid", ours, tmp_path / "w.safetensors")
