from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from reseen.images.preprocess import Preprocess
from reseen.models.embedder import NetworkEmbedder, unit_norm
from reseen.models.network import ReIDNetwork, build_network
from reseen.models.preprocessing import normalise
from reseen.recipe.schema import Recipe
from reseen.training.teacher import BundleTeacher, Teacher

SmallRecipe = Callable[..., Recipe]
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 32, 16, 3), dtype=np.uint8)
OWN = Preprocess(height=32, width=16)
OTHER_COLOURS = Preprocess(height=32, width=16, mean=(0.5, 0.4, 0.3), std=(0.1, 0.2, 0.3))
LARGER = Preprocess(height=64, width=32)


@pytest.fixture
def network(small_recipe: SmallRecipe) -> ReIDNetwork:
    torch.manual_seed(0)
    return build_network(small_recipe().model, persons=3)


def smooth(height: int, width: int) -> Tensor:
    """Images that look the same at every size: a ramp of grey from left to right."""
    ramp = torch.linspace(0, 255, 2 * width + 1)[1::2].round().to(torch.uint8)
    return ramp[None, None, :, None].expand(2, height, width, 3).contiguous()


@pytest.mark.parametrize("shown", [OWN, OTHER_COLOURS], ids=["its own", "other means"])
def test_it_gives_the_features_that_it_has_of_these_images_by_itself(network: ReIDNetwork, shown: Preprocess) -> None:
    expected = NetworkEmbedder(network, OWN).embed(list(IMAGES))
    features = Teacher(network, OWN, shown)(normalise(torch.from_numpy(IMAGES), shown))
    torch.testing.assert_close(unit_norm(features), torch.from_numpy(expected), rtol=1e-4, atol=1e-5)


def means(pixels: np.ndarray) -> np.ndarray:
    found: np.ndarray = pixels.astype(np.float32).mean((1, 2))
    return found


@pytest.mark.parametrize("shown", [OWN, OTHER_COLOURS], ids=["its own", "other means"])
def test_a_bundles_model_is_given_the_pixels_that_the_student_is_shown(shown: Preprocess) -> None:
    features = BundleTeacher(means, OWN, shown)(normalise(torch.from_numpy(IMAGES), shown))
    assert features.numpy() == pytest.approx(means(IMAGES), abs=1e-3)


def test_a_bundles_model_is_given_its_own_size() -> None:
    features = BundleTeacher(means, OWN, LARGER)(normalise(smooth(64, 32), LARGER))
    assert features.numpy() == pytest.approx(means(smooth(32, 16).numpy()), abs=0.5)


def test_images_of_another_size_are_resized_to_its_own(network: ReIDNetwork) -> None:
    teacher = Teacher(network, OWN, LARGER)
    expected = teacher(normalise(smooth(32, 16), OWN))
    features = teacher(normalise(smooth(64, 32), LARGER))
    torch.testing.assert_close(unit_norm(features), unit_norm(expected), rtol=0, atol=0.01)


def test_it_learns_nothing(network: ReIDNetwork) -> None:
    teacher = Teacher(network.train(), OWN, OWN)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    features = teacher(normalise(torch.from_numpy(IMAGES), OWN))
    assert not features.requires_grad
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
