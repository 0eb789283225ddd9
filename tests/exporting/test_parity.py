"""Graphs that are deliberately broken do not pass the gate; the one that is not does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from reseen.bundle.description import Parity, Precision
from reseen.engines.choose import open_engine
from reseen.engines.engine import EngineOptions
from reseen.errors import ExportError
from reseen.exporting.graph import DeployedNetwork
from reseen.exporting.onnx_exporter import export_onnx
from reseen.exporting.parity import BATCHES, Run, Trial, make_trial, measure_parity, require_parity
from reseen.images.preprocess import Preprocess
from reseen.models.embedder import unit_norm
from reseen.models.network import ReIDNetwork, build_network
from reseen.recipe.load import load_recipe

PREPROCESS = Preprocess(height=64, width=32)
GOOD = Parity(batches=BATCHES, cosine=1, norm_error=0, max_error=0, ranked_lists_agree=True)


class Intact(DeployedNetwork):
    """With its parts in reach."""

    def raw(self, maps: Float32[Tensor, "b 3 h w"]) -> Float32[Tensor, "b d"]:
        """Features of normalised images, of any length."""
        return self.network.embed(maps)

    def normalised(self, images: UInt8[Tensor, "b h w 3"]) -> Float32[Tensor, "b 3 h w"]:
        """As the network takes them."""
        return images.permute(0, 3, 1, 2).float() * self.scale + self.offset


class NormalisedTwice(Intact):
    """The commonest fault of all."""

    def forward(self, images: UInt8[Tensor, "b h w 3"]) -> Tensor:
        return unit_norm(self.raw(self.normalised(images) * self.scale + self.offset))


class BlueFirst(Intact):
    """Takes RGB for BGR."""

    def forward(self, images: UInt8[Tensor, "b h w 3"]) -> Tensor:
        return unit_norm(self.raw(self.normalised(images.flip(3))))


class NormOfTheBatch(Intact):
    """Divides by the length of all features together; the cosine does not notice."""

    def forward(self, images: UInt8[Tensor, "b h w 3"]) -> Tensor:
        features = self.raw(self.normalised(images))
        return features * features.square().sum().rsqrt()


class DependsOnTheBatch(Intact):
    """As a batch norm that was left in training mode does."""

    def forward(self, images: UInt8[Tensor, "b h w 3"]) -> Tensor:
        features = self.raw(self.normalised(images))
        return unit_norm(features - 0.2 * features.mean(0, keepdim=True))


class OneNumberShort(Intact):
    """Gives features of another size."""

    def forward(self, images: UInt8[Tensor, "b h w 3"]) -> Tensor:
        return unit_norm(self.raw(self.normalised(images)))[:, 1:]


class NotANumber(Intact):
    """Divides nothing by nothing."""

    def forward(self, images: UInt8[Tensor, "b h w 3"]) -> Tensor:
        features = self.raw(self.normalised(images))
        return features / (features - features)


@pytest.fixture(scope="module")
def trial() -> Trial:
    return make_trial(PREPROCESS)


@pytest.fixture(scope="module")
def network() -> ReIDNetwork:
    torch.manual_seed(0)
    return build_network(load_recipe("tiny", ["model.backbone.widths=[8, 16]"]).model, persons=0)


@pytest.fixture
def run(network: ReIDNetwork) -> Run:
    """The network itself."""
    graph = Intact(network, PREPROCESS)

    @torch.inference_mode()
    def features(images: np.ndarray) -> np.ndarray:
        found: np.ndarray = graph(torch.from_numpy(images)).numpy()
        return found

    return features


@pytest.fixture
def exported(network: ReIDNetwork, tmp_path: Path) -> Callable[[type[Intact]], Run]:
    """A graph as ONNX Runtime runs it."""

    def opened(kind: type[Intact]) -> Run:
        (tmp_path / "model.onnx").write_bytes(export_onnx(kind(network, PREPROCESS), PREPROCESS))
        return open_engine("onnxruntime", tmp_path / "model.onnx", EngineOptions()).run

    return opened


def test_the_graph_as_it_should_be_passes(run: Run, exported: Callable[[type[Intact]], Run], trial: Trial) -> None:
    parity = measure_parity(run, exported(Intact), trial)
    require_parity(parity, "fp32", "model")
    assert parity.batches[:4] == (1, 2, 7, 32)
    assert parity.cosine == pytest.approx(1, abs=1e-6)
    assert parity.max_error < 1e-5


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        (NormalisedTwice, "cosine ≥ 0.9999"),
        (BlueFirst, "cosine ≥ 0.9999"),
        (NormOfTheBatch, "length 1 ± 0.0001"),
        (DependsOnTheBatch, "cosine ≥ 0.9999"),
        (OneNumberShort, "finite numbers of shape (1, 16)"),
        (NotANumber, "finite numbers of shape (1, 16)"),
    ],
)
def test_a_broken_graph_does_not_pass(
    run: Run, exported: Callable[[type[Intact]], Run], trial: Trial, kind: type[Intact], broken: str
) -> None:
    with pytest.raises(ExportError) as error:
        require_parity(measure_parity(run, exported(kind), trial), "fp32", "model")
    assert error.value.expected is not None
    assert broken in error.value.expected


def test_a_norm_over_the_batch_is_hidden_from_the_cosine(
    run: Run, exported: Callable[[type[Intact]], Run], trial: Trial
) -> None:
    parity = measure_parity(run, exported(NormOfTheBatch), trial)
    assert parity.cosine == pytest.approx(1, abs=1e-6)
    assert parity.norm_error > 0.5


@pytest.mark.parametrize(
    ("precision", "change", "passes"),
    [
        ("fp32", {"cosine": 0.99991, "norm_error": 0.9e-4, "max_error": 0.9e-4}, True),
        ("fp32", {"cosine": 0.99989}, False),
        ("fp32", {"norm_error": 1.1e-4}, False),
        ("fp32", {"max_error": 1.1e-4}, False),
        ("fp32", {"ranked_lists_agree": False}, False),
        ("fp16", {"cosine": 0.9991, "norm_error": 0.9e-3, "max_error": 0.9e-2}, True),
        ("fp16", {"cosine": 0.9989}, False),
        ("fp16", {"norm_error": 1.1e-3}, False),
        ("fp16", {"max_error": 1.1e-2}, False),
        ("fp16", {"ranked_lists_agree": False}, False),
        ("int8", {"cosine": 0.5, "norm_error": 0.9e-3, "max_error": 0.9, "ranked_lists_agree": False}, True),
        ("int8", {"norm_error": 1.1e-3}, False),
    ],
)
def test_each_limit_alone_decides(precision: Precision, change: dict[str, float], passes: bool) -> None:
    parity = GOOD.model_copy(update=change)
    if passes:
        require_parity(parity, precision, "model")
    else:
        with pytest.raises(ExportError, match="model does not give the features"):
            require_parity(parity, precision, "model")


@pytest.mark.parametrize(("apart", "agree"), [(0.0005, True), (0.01, False)])
def test_only_close_scores_may_change_places(apart: float, agree: bool) -> None:
    """A query at 0 degrees and two gallery images, the first the nearer one; the model takes the second for nearer."""
    pixel = np.zeros((1, 1, 1, 3), dtype=np.uint8)
    trial = Trial(noise=(pixel,), query=pixel + 1, gallery=np.concatenate([pixel + 2, pixel + 3]))
    scores = {0: 1.0, 1: 1.0, 2: 0.9, 3: 0.9 - apart}

    def features(images: np.ndarray, swapped: dict[int, int]) -> np.ndarray:
        values = [scores[swapped.get(int(image[0, 0, 0]), int(image[0, 0, 0]))] for image in images]
        return np.array([[value, np.sqrt(1 - value**2)] for value in values], dtype=np.float32)

    parity = measure_parity(lambda images: features(images, {}), lambda images: features(images, {2: 3, 3: 2}), trial)
    assert parity.ranked_lists_agree is agree


def test_the_trial_is_always_the_same_and_of_the_model_s_size(trial: Trial) -> None:
    again = make_trial(PREPROCESS)
    assert [batch.shape for batch in trial.noise] == [(count, 64, 32, 3) for count in BATCHES]
    assert len(trial.query) == len(trial.gallery) == 16
    for one, other in zip([*trial.noise, trial.query], [*again.noise, again.query], strict=True):
        np.testing.assert_array_equal(one, other)
