from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
import torch
from pytorch_metric_learning import losses
from torch import Tensor, nn

from reseen.errors import RecipeError, UsageError
from reseen.losses.metric_learning import build_metric_learning_loss
from reseen.recipe import schema

Batch = Callable[..., tuple[Tensor, Tensor]]
Arguments = dict[str, bool | int | float | str]
USABLE = [
    *("AngularLoss", "ArcFaceLoss", "CircleLoss", "ContrastiveLoss", "CosFaceLoss"),
    *("FastAPLoss", "GeneralizedLiftedStructureLoss", "HistogramLoss", "InstanceLoss", "IntraPairVarianceLoss"),
    *("LargeMarginSoftmaxLoss", "LiftedStructureLoss", "MarginLoss", "MultiSimilarityLoss", "NCALoss", "NPairsLoss"),
    *("NTXentLoss", "NormalizedSoftmaxLoss", "P2SGradLoss", "PNPLoss", "ProxyAnchorLoss", "ProxyNCALoss"),
    *("SignalToNoiseRatioContrastiveLoss", "SmoothAPLoss", "SoftTripleLoss", "SphereFaceLoss", "SubCenterArcFaceLoss"),
    *("SupConLoss", "ThresholdConsistentMarginLoss", "TripletMarginLoss", "TupletMarginLoss"),
]
NO_LOSSES = ["BaseMetricLossFunction", "CrossBatchMemory", "MultipleLosses", "SelfSupervisedLoss", "__builtins__"]


def build(name: str, arguments: Arguments | None = None, persons: int = 5) -> nn.Module:
    settings = schema.MetricLearningLoss(name=f"pml:{name}", arguments=arguments or {})
    return build_metric_learning_loss(settings, persons, feature_size=8)


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence:UserWarning")  # HistogramLoss
@pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning")  # LargeMarginSoftmaxLoss
@pytest.mark.parametrize("name", USABLE)
def test_a_loss_of_features_and_labels_is_the_librarys_and_goes_backward(batch: Batch, name: str) -> None:
    loss = build(name)
    assert type(loss) is getattr(losses, name)
    features, labels = batch(0, 0, 1, 1, 4, 4, width=8)
    value = loss.double()(features, labels)
    assert value.isfinite()
    assert torch.autograd.grad(value, features)[0].isfinite().all()


def test_every_loss_of_the_library_is_usable_or_refused() -> None:
    base = losses.BaseMetricLossFunction
    kinds = {key for key, kind in vars(losses).items() if isinstance(kind, type) and issubclass(kind, base)}
    refused = {"ManifoldLoss", "VICRegLoss", "GenericPairLoss", "RankedListLoss", "DynamicSoftMarginLoss"}
    assert kinds == set(USABLE) | refused | {"BaseMetricLossFunction"}


def test_arguments_reach_the_class(batch: Batch) -> None:
    features, labels = batch(0, 0, 1, 1, width=8)
    value = build("TripletMarginLoss", {"margin": 0.7, "smooth_loss": True})(features, labels)
    assert value.item() == losses.TripletMarginLoss(margin=0.7, smooth_loss=True)(features, labels).item()
    assert build("RankedListLoss", {"margin": 0.4, "Tn": 5})(features, labels).isfinite()


@pytest.mark.parametrize("name", ["ArcFaceLoss", "CosFaceLoss", "SubCenterArcFaceLoss", "P2SGradLoss"])
@pytest.mark.parametrize("persons", [1, 5])
def test_persons_and_feature_size_are_filled_in_where_a_class_asks_for_them(name: str, persons: int) -> None:
    (weight,) = build(name, persons=persons).parameters()
    assert weight.numel() % (persons * 8) == 0


def test_what_was_tried_leaves_no_trace() -> None:
    torch.manual_seed(0)
    untouched, drawn = losses.P2SGradLoss(8, 5), torch.rand(1)
    torch.manual_seed(0)
    tried = build("P2SGradLoss")
    assert torch.equal(torch.rand(1), drawn)
    (weight,) = tried.parameters()
    assert torch.equal(weight, untouched.weight)  # calling it changes them
    assert weight.grad is None


@pytest.mark.parametrize(
    ("name", "cure"),
    [("MultiSimilarity", "MultiSimilarityLoss"), ("tripletmarginloss", "TripletMarginLoss"), ("xyz", "one of these")],
)
def test_an_unknown_name_is_an_error_that_names_the_nearest(name: str, cure: str) -> None:
    with pytest.raises(RecipeError, match=f"has no loss {name}") as raised:
        build(name)
    assert cure in (raised.value.cure or "")
    assert "ContrastiveLoss" in (raised.value.expected or "")


@pytest.mark.parametrize("name", NO_LOSSES)
def test_what_else_the_library_has_is_no_loss(name: str) -> None:
    with pytest.raises(RecipeError, match=f"has no loss {name}"):
        build(name)


@pytest.mark.parametrize(
    ("name", "arguments", "got"),
    [
        ("ContrastiveLoss", {"nonsense": 1}, "unexpected keyword argument 'nonsense'"),
        ("ArcFaceLoss", {"num_classes": 3}, "multiple values for keyword argument 'num_classes'"),
        ("RankedListLoss", {}, "missing 2 required positional arguments"),
    ],
)
def test_arguments_that_the_class_refuses_are_an_error(name: str, arguments: Arguments, got: str) -> None:
    with pytest.raises(RecipeError, match=f"pml:{name} refuses the arguments") as raised:
        build(name, arguments)
    assert got in (raised.value.got or "")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("VICRegLoss", {}),
        ("ManifoldLoss", {"l": 8}),
        ("GenericPairLoss", {"mat_based_loss": True}),
        ("ContrastiveLoss", {"pos_margin": "far"}),
        ("DynamicSoftMarginLoss", {}),  # goes backward through what it kept of the batch before
    ],
)
def test_a_loss_that_cannot_be_learnt_from_features_and_labels_is_an_error(name: str, arguments: Arguments) -> None:
    with pytest.raises(RecipeError, match=f"pml:{name} cannot be computed"):
        build(name, arguments)


@pytest.mark.parametrize("kept", ["memory", "dice"])
def test_a_loss_that_no_checkpoint_holds_whole_is_an_error(kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def remember(loss: nn.Module, features: Tensor, _labels: Tensor) -> Tensor:
        value = features.square().mean() + getattr(loss, "last", 0.0)
        vars(loss)["last"] = value.item()
        return value

    def throw(_loss: nn.Module, features: Tensor, _labels: Tensor) -> Tensor:
        return features.square().mean() * next(dice)

    dice = iter(range(9))
    monkeypatch.setattr(losses.ContrastiveLoss, "forward", {"memory": remember, "dice": throw}[kept])
    with pytest.raises(RecipeError, match="could not resume exactly with pml:ContrastiveLoss"):
        build("ContrastiveLoss")


def test_a_loss_that_draws_with_the_runs_seed_is_usable(batch: Batch) -> None:
    """It draws its triplets: with another seed it has another value, with the same seed the same."""
    loss = build("TripletMarginLoss", {"triplets_per_anchor": 2})
    features, labels = batch(0, 0, 1, 1, 2, 2, 3, 3, width=8)
    values = []
    for seed in (0, 0, 1, 2, 3):
        torch.manual_seed(seed)
        values.append(loss(features, labels).item())
    assert values[0] == values[1]
    assert len(set(values)) > 1


def test_a_loss_without_a_scalar_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses.ContrastiveLoss, "forward", lambda _self, features, _labels: features)
    with pytest.raises(RecipeError, match="cannot be computed") as raised:
        build("ContrastiveLoss")
    assert raised.value.got == "Tensor of shape (16, 8)"


def test_without_the_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pytorch_metric_learning.losses")
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning", None)  # makes importing it fail
    with pytest.raises(UsageError, match="needs the library pytorch-metric-learning") as raised:
        build("CircleLoss")
    assert "pip install pytorch-metric-learning" in (raised.value.cure or "")
