"""Checkpoints with other projects' names, and their ResNet computed from those names alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from reseen.models.embedder import NetworkEmbedder
from reseen.models.foreign.import_weights import Imported, import_weights
from reseen.models.weights import load_network
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe

Entries = dict[str, Tensor]
SMALL = ("preprocess.height=64", "preprocess.width=32")


def norm(name: str, channels: int, generator: torch.Generator) -> Entries:
    """The entries of a batch norm that has learnt something."""
    return {
        f"{name}.weight": torch.rand(channels, generator=generator) + 0.5,
        f"{name}.bias": torch.rand(channels, generator=generator) - 0.5,
        f"{name}.running_mean": torch.rand(channels, generator=generator) - 0.5,
        f"{name}.running_var": torch.rand(channels, generator=generator) + 0.5,
        f"{name}.num_batches_tracked": torch.tensor(7),
    }


def convolution(name: str, outputs: int, inputs: int, size: int, generator: torch.Generator) -> Entries:
    """The entry of a convolution that keeps the size of what goes through it."""
    weights = torch.randn(outputs, inputs, size, size, generator=generator)
    return {f"{name}.weight": weights / (inputs * size * size) ** 0.5}


@pytest.fixture(scope="session")
def resnet18_entries() -> Callable[[str], Entries]:
    """ResNet-18's entries, as torchvision and those who took its names after it call them, behind a prefix."""

    def make(prefix: str) -> Entries:
        generator = torch.Generator().manual_seed(0)
        entries = convolution(f"{prefix}conv1", 64, 3, 7, generator) | norm(f"{prefix}bn1", 64, generator)
        inputs = 64
        for stage, channels in enumerate((64, 128, 256, 512), 1):
            for block in range(2):
                name = f"{prefix}layer{stage}.{block}"
                entries |= convolution(f"{name}.conv1", channels, inputs, 3, generator)
                entries |= norm(f"{name}.bn1", channels, generator)
                entries |= convolution(f"{name}.conv2", channels, channels, 3, generator)
                entries |= norm(f"{name}.bn2", channels, generator)
                if inputs != channels:
                    entries |= convolution(f"{name}.downsample.0", channels, inputs, 1, generator)
                    entries |= norm(f"{name}.downsample.1", channels, generator)
                inputs = channels
        return entries

    return make


def batch_norm(maps: Tensor, entries: Mapping[str, Tensor], name: str) -> Tensor:
    mean, variance = entries[f"{name}.running_mean"], entries[f"{name}.running_var"]
    return functional.batch_norm(maps, mean, variance, entries[f"{name}.weight"], entries[f"{name}.bias"], eps=1e-5)


@pytest.fixture(scope="session")
def resnet18_maps() -> Callable[..., Tensor]:
    """The last maps of ResNet-18, from the names of its entries."""

    def compute(images: Tensor, entries: Entries, prefix: str, *, relu: bool, ceil: bool, last_stride: int) -> Tensor:
        maps = functional.conv2d(images, entries[f"{prefix}conv1.weight"], stride=2, padding=3)
        maps = batch_norm(maps, entries, f"{prefix}bn1")
        maps = maps.relu() if relu else maps
        maps = functional.max_pool2d(maps, 3, 2, 0 if ceil else 1, ceil_mode=ceil)
        for stage, stride in enumerate((1, 2, 2, last_stride), 1):
            for block in range(2):
                name, step = f"{prefix}layer{stage}.{block}", stride if block == 0 else 1
                inner = functional.conv2d(maps, entries[f"{name}.conv1.weight"], stride=step, padding=1)
                inner = batch_norm(inner, entries, f"{name}.bn1").relu()
                inner = functional.conv2d(inner, entries[f"{name}.conv2.weight"], padding=1)
                inner = batch_norm(inner, entries, f"{name}.bn2")
                if f"{name}.downsample.0.weight" in entries:
                    maps = functional.conv2d(maps, entries[f"{name}.downsample.0.weight"], stride=step)
                    maps = batch_norm(maps, entries, f"{name}.downsample.1")
                maps = (inner + maps).relu()
        return maps

    return compute


@pytest.fixture(scope="session")
def resnet18_with_neck(resnet18_entries: Callable[[str], Entries]) -> Callable[[str, str, str], Entries]:
    """ResNet-18's entries behind a prefix, a neck's, and those of a classifier of four people."""

    def make(prefix: str, neck: str, classifier: str) -> Entries:
        generator = torch.Generator().manual_seed(1)
        head = {f"{classifier}.weight": torch.randn(4, 512, generator=generator)}
        return resnet18_entries(prefix) | norm(neck, 512, generator) | head

    return make


@pytest.fixture(scope="session")
def recipe() -> Callable[..., Recipe]:
    """A shipped recipe for small images, with overrides."""
    return lambda name, *overrides: load_recipe(name, [*SMALL, *overrides])


@pytest.fixture
def embedded() -> Callable[[Recipe, Path, Tensor], Tensor]:
    """Features of normalised images by the network of a weights file, before they are scaled to unit norm."""

    @torch.inference_mode()
    def embed(recipe: Recipe, weights: Path, images: Tensor) -> Tensor:
        network = NetworkEmbedder(load_network(recipe.model, weights), recipe.preprocess).network
        return network.eval().embed(images)

    return embed


@pytest.fixture
def computed_alike(
    resnet18_maps: Callable[..., Tensor], embedded: Callable[..., Tensor], images: Tensor
) -> Callable[..., None]:
    """Compares the features of a weights file with those of ResNet-18 and a neck, from the names of its entries."""

    def check(
        ours: Recipe, weights: Path, entries: Entries, prefix: str, neck: str, p: float = 1, **stem: bool
    ) -> None:
        maps = resnet18_maps(images, entries, prefix, **stem, last_stride=1)
        pooled = maps.clamp(min=1e-6).pow(p).mean((2, 3)).pow(1 / p)
        expected = batch_norm(pooled, entries, neck)
        torch.testing.assert_close(embedded(ours, weights, images), expected, rtol=1e-4, atol=1e-4)

    return check


@pytest.fixture
def imported(tmp_path: Path) -> Callable[[object, str, Recipe], Imported]:
    """What became of a checkpoint of a source that was imported to `w.safetensors`."""

    def take(held: object, source: str, recipe: Recipe) -> Imported:
        torch.save(held, tmp_path / "model.pth")
        return import_weights(tmp_path / "model.pth", source, recipe, tmp_path / "w.safetensors")

    return take


@pytest.fixture(scope="session")
def images() -> Tensor:
    """Normalised images."""
    return torch.randn(3, 3, 64, 32, generator=torch.Generator().manual_seed(2))
