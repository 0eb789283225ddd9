from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from reseen.errors import WeightsError
from reseen.models.network import build_network
from reseen.models.weights import load_network, load_weights
from reseen.recipe import schema

MODEL = schema.Model(backbone=schema.OSNet(width=0.25, feature_size=16))


class Small(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Linear(2, 3), nn.BatchNorm1d(3))


def filled(value: float = 0.5) -> dict[str, Tensor]:
    """A file for `Small` that holds the value everywhere."""
    return {name: torch.full_like(old, value) for name, old in Small().state_dict().items()}


def saved(path: Path, tensors: dict[str, Tensor]) -> Path:
    safetensors.torch.save_file(tensors, path / "model.safetensors")
    return path / "model"


def assert_untouched(module: nn.Module) -> None:
    assert all((value != 0.5).any() for name, value in module.state_dict().items() if name.startswith("0."))


def test_loads_everything_by_name(tmp_path: Path) -> None:
    module = Small()
    report = load_weights(module, saved(tmp_path, filled()))
    assert report.summary() == "model.safetensors: 7 loaded"
    assert all(torch.equal(value, filled()[name]) for name, value in module.state_dict().items())


def test_of_a_whole_network_the_backbone_is_taken(tmp_path: Path) -> None:
    network = {f"backbone.{name}": value for name, value in filled().items()} | {"head.weight": torch.zeros(9, 3)}
    module = Small()
    report = load_weights(module, saved(tmp_path, network))
    assert not report.unused
    assert all(torch.equal(value, filled()[name]) for name, value in module.state_dict().items())


def test_batch_norm_counters_need_not_be_there(tmp_path: Path) -> None:
    tensors = filled()
    del tensors["1.num_batches_tracked"]
    assert not load_weights(Small(), saved(tmp_path, tensors)).missing


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_float_precisions_are_converted(tmp_path: Path, dtype: torch.dtype) -> None:
    module = Small()
    load_weights(module, saved(tmp_path, filled() | {"0.weight": torch.full((3, 2), 0.25, dtype=dtype)}))
    assert torch.equal(module.state_dict()["0.weight"], torch.full((3, 2), 0.25))


def test_what_the_patterns_expect_is_left_alone_and_reported(tmp_path: Path) -> None:
    tensors = filled() | {"fc.weight": torch.zeros(1), "0.bias": torch.zeros(9)}
    del tensors["1.running_mean"]
    module = Small()
    bias = module.state_dict()["0.bias"].clone()
    report = load_weights(
        module, saved(tmp_path, tensors), expected_missing=["1.run*", "0.bias"], expected_unused=["fc.*", "0.bias"]
    )
    assert (report.missing, report.unused) == (("1.running_mean",), ("fc.weight",))
    assert [entry.name for entry in report.mismatched] == ["0.bias"]
    assert torch.equal(module.state_dict()["0.bias"], bias)
    assert torch.equal(module.state_dict()["0.weight"], tensors["0.weight"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"0.bias": None}, "1 missing: 0.bias"),
        ({"fc.weight": torch.zeros(1)}, "1 unused: fc.weight"),
        ({"0.weight": torch.zeros(2, 3)}, r"1 of another shape: 0.weight is \(2, 3\) instead of \(3, 2\)"),
        ({"0.weight": torch.tensor([[1.0, torch.nan]] * 3)}, "NaN or infinite"),
        ({"1.running_var": torch.tensor([1.0, torch.inf, 1.0])}, "NaN or infinite"),
        ({"0.weight": torch.full((3, 2), 1e300, dtype=torch.float64)}, "NaN or infinite"),
        ({"0.weight": torch.ones(3, 2, dtype=torch.int64)}, "wrong type"),
        ({"0.weight": torch.ones(3, 2, dtype=torch.complex64)}, "wrong type"),
        ({"1.num_batches_tracked": torch.tensor(1.5)}, "wrong type"),
    ],
)
def test_what_is_not_expected_is_an_error_and_loads_nothing(
    tmp_path: Path, change: dict[str, Tensor | None], message: str
) -> None:
    module = Small()
    changed = {name: value for name, value in (filled() | change).items() if value is not None}
    with pytest.raises(WeightsError, match=message):
        load_weights(module, saved(tmp_path, changed))
    assert_untouched(module)


def test_weights_published_for_a_backbone_load_under_a_pooling_that_learns(tmp_path: Path) -> None:
    settings = schema.Model(backbone=MODEL.backbone, pooling=schema.GeMPooling(p=2.5))
    published = build_network(MODEL, persons=0).backbone.state_dict()
    backbone = build_network(settings, persons=0).backbone
    report = load_weights(backbone, saved(tmp_path, published))
    assert report.missing == ("pool.p",)
    assert backbone.state_dict()["pool.p"].tolist() == [2.5]


def test_what_pooling_learnt_is_loaded_and_missed_in_a_trained_network(tmp_path: Path) -> None:
    settings = schema.Model(backbone=MODEL.backbone, pooling=schema.GeMPooling())
    trained = build_network(settings, persons=0).state_dict() | {"backbone.pool.p": torch.tensor([4.5])}
    backbone = build_network(settings, persons=0).backbone
    load_weights(backbone, saved(tmp_path, trained))
    assert backbone.state_dict()["pool.p"].tolist() == [4.5]
    del trained["backbone.pool.p"]
    with pytest.raises(WeightsError, match=r"1 missing: backbone\.pool\.p"):
        load_network(settings, saved(tmp_path, trained))


def test_weights_of_another_model_are_an_error_even_where_every_difference_is_expected(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="0 that fit"):
        load_weights(Small(), saved(tmp_path, {"x": torch.zeros(1)}), expected_missing=["*"], expected_unused=["*"])


def test_weights_of_resnet_do_not_load_into_osnet(imagenet_weights: Path) -> None:
    backbone = build_network(MODEL, persons=0).backbone
    with pytest.raises(WeightsError, match="does not fit the OSNet") as raised:
        load_weights(backbone, imagenet_weights)
    assert "220 unused" in str(raised.value)
    assert "expected_unused" in (raised.value.cure or "")


@pytest.mark.parametrize(
    "patterns",
    [["layer4.*"], ["layer4.0.conv[23].*", "layer4.0.bn[23].*", "layer4.0.downsample.*", "layer4.[12].*"]],
    ids=["broad", "exact"],
)
def test_partial_imagenet_weights_load_where_the_recipe_expects_the_gap(
    imagenet_weights: Path, patterns: list[str]
) -> None:
    backbone = build_network(schema.Model(backbone=schema.ResNet(stride_on="1x1")), persons=0).backbone
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    report = load_weights(backbone, imagenet_weights.with_suffix(""), expected_missing=patterns)
    assert len(report.loaded) == 220
    assert len([name for name in report.missing if "conv" in name or "downsample.0" in name]) == 9
    after = backbone.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in report.missing)
    assert not any(torch.equal(after[name], before[name]) for name in report.loaded if name.endswith("weight"))


def test_partial_imagenet_weights_are_an_error_where_the_gap_is_not_expected(imagenet_weights: Path) -> None:
    backbone = build_network(schema.Model(), persons=0).backbone
    with pytest.raises(WeightsError, match=r"45 missing: layer4\.0\.conv2\.weight, .* and 35 more"):
        load_weights(backbone, imagenet_weights)


@pytest.mark.parametrize("head", [schema.LinearHead(bias=True), schema.CosineHead(), schema.ArcHead()])
@pytest.mark.parametrize("persons", [0, 5])
def test_a_trained_network_comes_back_with_the_people_it_was_trained_on(
    tmp_path: Path, persons: int, head: schema.Head
) -> None:
    model = schema.Model(backbone=MODEL.backbone, head=head)
    trained = build_network(model, persons).eval()
    loaded = load_network(model, saved(tmp_path, trained.state_dict())).eval()
    assert type(loaded.head) is type(trained.head)
    images = torch.randn(2, 3, 64, 32)
    with torch.no_grad():
        for before, after in zip(trained(images), loaded(images), strict=True):
            assert torch.equal(before, after)
    assert loaded(images).logits.shape == (2, persons)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"neck": "none"}, "5 unused: neck."),
        ({"head": {"bias": True}}, "1 missing: head.bias"),
        ({"backbone": {"name": "osnet", "width": 0.5, "feature_size": 16}}, "of another shape: backbone.conv1"),
        ({"backbone": {"name": "osnet", "width": 0.25, "feature_size": 32}}, r"\(persons, 32\)\n  got: \(5, 16\)"),
    ],
    ids=["neck", "head", "width", "feature size"],
)
def test_a_network_trained_by_another_recipe_is_an_error(
    tmp_path: Path, recipe: dict[str, object], message: str
) -> None:
    path = saved(tmp_path, build_network(MODEL, persons=5).state_dict())
    with pytest.raises(WeightsError, match=message) as raised:
        load_network(schema.Model.model_validate(MODEL.model_dump() | recipe), path)
    assert raised.value.cure == "use the recipe that these weights were trained with"


@pytest.mark.parametrize("shape", [(), (16,), (10**9, 0)], ids=str)
def test_a_head_of_an_impossible_shape_is_an_error(tmp_path: Path, shape: tuple[int, ...]) -> None:
    tensors = build_network(MODEL, persons=0).state_dict() | {"head.weight": torch.zeros(shape)}
    with pytest.raises(WeightsError, match="head"):
        load_network(MODEL, saved(tmp_path, tensors))
