"""Checkpoints with PaddleClas's names, and its ReID network computed from those names alone."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from reseen.errors import WeightsError
from reseen.models.foreign.import_weights import import_weights
from reseen.models.network import build_network
from reseen.models.weights import load_weights
from reseen.models.weights_file import read_weights
from reseen.recipe.schema import Recipe

MakeRecipe = Callable[..., Recipe]
Embedded = Callable[[Recipe, Path, Tensor], Tensor]
Arrays = dict[str, np.ndarray]
BLOCKS = (3, 4, 6, 3)
PERSONS = 3


class Paddle:
    """A tensor of Paddle's, pickled as newer versions do: a tuple of its own name and its array."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __reduce__(self) -> tuple[type, tuple[tuple[str, np.ndarray]]]:
        return tuple, (("eager_tmp_0", self.array),)


def layer(name: str, outputs: int, inputs: int, size: int, random: np.random.Generator) -> Arrays:
    """A `ConvBNLayer`."""
    weights = random.standard_normal((outputs, inputs, size, size), dtype=np.float32)
    return {f"{name}.conv.weight": weights / np.float32((inputs * size * size) ** 0.5)} | norm(
        f"{name}.bn", outputs, random
    )


def norm(name: str, channels: int, random: np.random.Generator) -> Arrays:
    low = {"weight": 0.5, "bias": -0.5, "_mean": -0.5, "_variance": 0.5}
    return {f"{name}.{key}": random.random(channels, dtype=np.float32) + np.float32(low[key]) for key in low}


@pytest.fixture(scope="module")
def backbone() -> Arrays:
    """`ResNet50`, stopped after `flatten`."""
    random = np.random.default_rng(0)
    arrays = layer("stem.0", 64, 3, 7, random)
    inputs, number = 64, 0
    for count, middle in zip(BLOCKS, (64, 128, 256, 512), strict=True):
        for block in range(count):
            name = f"blocks.{number}"
            arrays |= layer(f"{name}.conv0", middle, inputs, 1, random)
            arrays |= layer(f"{name}.conv1", middle, middle, 3, random)
            arrays |= layer(f"{name}.conv2", middle * 4, middle, 1, random)
            if block == 0:
                arrays |= layer(f"{name}.short", middle * 4, inputs, 1, random)
            inputs, number = middle * 4, number + 1
    return arrays


@pytest.fixture(scope="module")
def state(backbone: Arrays) -> Arrays:
    """`RecModel` of softmax_triplet_with_center.yaml, with the centers that are saved beside it."""
    random = np.random.default_rng(1)
    return (
        {f"backbone.{name}": array for name, array in backbone.items()}
        | norm("neck.feat_bn", 2048, random)
        | {"head.fc.weight": random.standard_normal((2048, PERSONS), dtype=np.float32)}
        | {"loss_func.2.centers": np.zeros((PERSONS, 2048), np.float32)}
    )


def maps_of(images: Tensor, arrays: Arrays, last_stride: int) -> Tensor:
    """What `ResNet` of PaddleClas computes with `stem_act: null`, up to its pooling."""

    def convolved(maps: Tensor, name: str, stride: int = 1) -> Tensor:
        weights = torch.from_numpy(arrays[f"{name}.conv.weight"])
        padding = (weights.shape[-1] - 1) // 2
        maps = functional.conv2d(maps, weights, stride=stride, padding=padding)
        mean, variance, weight, bias = (
            torch.from_numpy(arrays[f"{name}.bn.{key}"]) for key in ("_mean", "_variance", "weight", "bias")
        )
        return functional.batch_norm(maps, mean, variance, weight, bias, eps=1e-5)

    maps = functional.max_pool2d(convolved(images, "stem.0", 2), 3, 2, 1)
    number = 0
    for count, stride in zip(BLOCKS, (1, 2, 2, last_stride), strict=True):
        for block in range(count):
            name, step = f"blocks.{number}", stride if block == 0 else 1
            inner = convolved(maps, f"{name}.conv0").relu()
            inner = convolved(inner, f"{name}.conv1", step).relu()
            inner = convolved(inner, f"{name}.conv2")
            maps = (inner + (convolved(maps, f"{name}.short", step) if block == 0 else maps)).relu()
            number += 1
    return maps


@pytest.mark.parametrize(("protocol", "wrapped"), [(2, False), (4, True)])
def test_it_computes_the_same_as_from_its_names(
    protocol: int,
    wrapped: bool,
    recipe: MakeRecipe,
    backbone: Arrays,
    state: Arrays,
    embedded: Embedded,
    images: Tensor,
    tmp_path: Path,
) -> None:
    saved: dict[str, object] = {name: Paddle(array) if wrapped else array for name, array in state.items()}
    if not wrapped:
        saved["StructuredToParameterName@@"] = {name: f"{name}_0" for name in state}
    (tmp_path / "best_model.pdparams").write_bytes(pickle.dumps(saved, protocol=protocol))
    ours = recipe("softmax_triplet_with_center")

    imported = import_weights(tmp_path / "best_model.pdparams", "paddleclas", ours, tmp_path / "w.safetensors")

    assert len(imported.loaded) == len(state) - 1
    assert imported.dropped == {"loss_func.2.centers": "centers of the center loss, which only training needs"}
    mean, variance, weight, bias = (
        torch.from_numpy(state[f"neck.feat_bn.{key}"]) for key in ("_mean", "_variance", "weight", "bias")
    )
    features = functional.batch_norm(maps_of(images, backbone, 1).mean((2, 3)), mean, variance, weight, bias, eps=1e-5)
    torch.testing.assert_close(embedded(ours, tmp_path / "w.safetensors", images), features, rtol=1e-4, atol=1e-4)


def test_the_classifier_is_stored_the_other_way_round(recipe: MakeRecipe, state: Arrays, tmp_path: Path) -> None:
    (tmp_path / "model.pdparams").write_bytes(pickle.dumps(state))
    ours = recipe("softmax_triplet")

    import_weights(tmp_path / "model.pdparams", "paddleclas", ours, tmp_path / "w.safetensors")

    stored = read_weights(tmp_path / "w.safetensors")["head.weight"]
    assert torch.equal(stored, torch.from_numpy(state["head.fc.weight"]).T)


def test_the_plain_baseline_has_no_neck_and_a_classifier_with_a_bias(
    recipe: MakeRecipe, backbone: Arrays, embedded: Embedded, images: Tensor, tmp_path: Path
) -> None:
    head = {
        "head.fc.weight": np.ones((2048, PERSONS), np.float32),
        "head.fc.bias": np.zeros(PERSONS, np.float32),
    }
    state = {f"backbone.{name}": array for name, array in backbone.items()} | head
    (tmp_path / "baseline_pretrained.pdparams").write_bytes(pickle.dumps(state))
    ours = recipe("baseline")

    import_weights(tmp_path / "baseline_pretrained.pdparams", "paddleclas", ours, tmp_path / "w.safetensors")

    expected = maps_of(images, backbone, 2).mean((2, 3))
    torch.testing.assert_close(embedded(ours, tmp_path / "w.safetensors", images), expected, rtol=1e-4, atol=1e-4)


def test_imagenet_weights_are_what_training_starts_from(recipe: MakeRecipe, backbone: Arrays, tmp_path: Path) -> None:
    fc = {"fc.weight": np.zeros((2048, 1000), np.float32), "fc.bias": np.zeros(1000, np.float32)}
    checkpoint = tmp_path / "resnet50-19c8e357_torch2paddle.pdparams"
    checkpoint.write_bytes(pickle.dumps(backbone | fc))
    ours = recipe("softmax_triplet")

    imported = import_weights(checkpoint, "paddleclas", ours, tmp_path / "w.safetensors")

    assert imported.to_start_from
    assert imported.dropped.keys() == fc.keys()
    assert imported.notes
    network = build_network(ours.model, 0).backbone
    load_weights(network, tmp_path / "w.safetensors")
    expected = backbone["blocks.13.short.bn._variance"]
    assert torch.equal(network.state_dict()["layer4.0.downsample.1.running_var"], torch.from_numpy(expected))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"backbone.blocks.15.conv2.bn._mean": None}, r"missing: backbone\.layer4\.2\.bn3\.running_mean"),
        ({"backbone.stem.1.conv.weight": np.zeros(1, np.float32)}, r"stem\.1\.conv\.weight"),
        ({"backbone.blocks.16.conv0.conv.weight": np.zeros(1, np.float32)}, r"blocks\.16"),
        ({"backbone.blocks.3.conv0.conv.gamma": np.zeros(1, np.float32)}, r"gamma"),
        ({"head.fc.weight": np.zeros((512, PERSONS), np.float32)}, r"head\.fc\.weight: head\.weight is \(3, 512\)"),
        ({"neck.feat_bn._mean": np.full(2048, np.nan, np.float32)}, r"not finite numbers: neck\.feat_bn\._mean"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    change: dict[str, np.ndarray | None], named: str, recipe: MakeRecipe, state: Arrays, tmp_path: Path
) -> None:
    changed = {name: array for name, array in (state | change).items() if array is not None}
    (tmp_path / "model.pdparams").write_bytes(pickle.dumps(changed))

    with pytest.raises(WeightsError, match=named):
        import_weights(tmp_path / "model.pdparams", "paddleclas", recipe("softmax_triplet"), tmp_path / "w.safetensors")

    assert not (tmp_path / "w.safetensors").exists()


def test_the_relu_after_the_stem_must_be_out(recipe: MakeRecipe, state: Arrays, tmp_path: Path) -> None:
    (tmp_path / "model.pdparams").write_bytes(pickle.dumps(state))
    ours = recipe("softmax_triplet", "model.backbone.stem_relu=true")

    with pytest.raises(WeightsError, match="stem_relu=false"):
        import_weights(tmp_path / "model.pdparams", "paddleclas", ours, tmp_path / "w.safetensors")
