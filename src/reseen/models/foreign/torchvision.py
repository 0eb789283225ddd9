"""torchvision's and timm's ResNet, trained on ImageNet: a backbone to start training from.

Names after `torchvision/models/resnet.py`. The backbones with instance norm of their authors
(github.com/XingangPan/IBN-Net) have the same names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reseen.models.foreign.source import AS_TORCHVISION, RESNETS, Dropped, Source, always
from reseen.recipe import schema


def _place(name: str, _: schema.Model) -> str | Dropped:
    if name.startswith("fc."):
        return Dropped("is the classifier of ImageNet's classes")
    return f"backbone.{name}"


def _settings(_: schema.Model, __: Collection[str]) -> Mapping[str, object]:
    return AS_TORCHVISION


SOURCE = Source("torchvision", RESNETS, _place, _settings, to_start_from=always)
