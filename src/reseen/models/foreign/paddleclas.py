"""PaddleClas (github.com/PaddlePaddle/PaddleClas): the ReID network (`RecModel`), and ResNet trained on ImageNet.

Names after `ppcls/arch/__init__.py`, `ppcls/arch/backbone/legendary_models/resnet.py`, `ppcls/arch/gears/bnneck.py` and
`fc.py`; centers are saved with the weights (`ppcls/utils/save_load.py`). Blocks are numbered through all stages, and
linear layers are stored the other way round than in torch. A file without `backbone.` before its names is of the
classifier alone, as `resnet50-19c8e357_torch2paddle.pdparams` is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from torch import Tensor

from reseen.models.foreign.source import AS_TORCHVISION, Dropped, Source
from reseen.models.resnet import LAYOUTS
from reseen.recipe import schema

PREFIX = "backbone."
STATISTICS = {"_mean": "running_mean", "_variance": "running_var"}
BLOCK = re.compile(r"blocks\.(\d{1,3})\.(conv(\d)|short)\.(conv|bn)\.(\w+)")


def _place(name: str, model: schema.Model) -> str | Dropped:
    if re.fullmatch(r"loss_func\.\d+\.centers", name):
        return Dropped("centers of the center loss, which only training needs")
    if name.startswith("neck.feat_bn."):
        return f"neck.{_norm(name.removeprefix('neck.feat_bn.'))}"
    if name.startswith("head.fc."):
        return f"head.{name.removeprefix('head.fc.')}"
    name = name.removeprefix(PREFIX)
    if name.startswith("fc."):
        return Dropped("is the classifier of ImageNet's classes")
    return _in_stem(name) or _in_block(name, model) or name


def _norm(entry: str) -> str:
    return STATISTICS.get(entry, entry)


def _in_stem(name: str) -> str | None:
    for theirs, ours in (("stem.0.conv.", "conv1."), ("stem.0.bn.", "bn1.")):
        if name.startswith(theirs):
            return f"{PREFIX}{ours}{_norm(name.removeprefix(theirs))}"
    return None


def _in_block(name: str, model: schema.Model) -> str | None:
    found = BLOCK.fullmatch(name)
    if found is None:
        return None
    number, _, convolution, kind, entry = found.groups()
    place = _stage_and_block(int(number), LAYOUTS[model.backbone.name][1])
    if place is None:
        return None
    stage, block = place
    in_shortcut = f"downsample.{0 if kind == 'conv' else 1}"
    layer = in_shortcut if convolution is None else f"{kind}{int(convolution) + 1}"
    return f"{PREFIX}layer{stage}.{block}.{layer}.{_norm(entry)}"


def _stage_and_block(number: int, blocks: tuple[int, ...]) -> tuple[int, int] | None:
    """Stage, counted from 1, and block within it, counted from 0."""
    for stage, count in enumerate(blocks, 1):
        if number < count:
            return stage, number
        number -= count
    return None


def _arrange(name: str, entry: Tensor) -> Tensor:
    return entry.T.contiguous() if name.endswith("fc.weight") and entry.ndim == 2 else entry


def _settings(_: schema.Model, names: Collection[str]) -> Mapping[str, object]:
    """The ReID configurations set `stem_act: null`; the classifier is torchvision's."""
    if _to_start_from(names):
        return {**AS_TORCHVISION, "backbone.ibn": False}
    return {
        **AS_TORCHVISION,
        "backbone.stem_relu": False,
        "backbone.ibn": False,
        "pooling.name": "average",
        "head.name": "linear",
    }


def _to_start_from(names: Collection[str]) -> bool:
    return not any(name.startswith(PREFIX) for name in names)


SOURCE = Source("PaddleClas", ("resnet50", "resnet101"), _place, _settings, _arrange, _to_start_from)
