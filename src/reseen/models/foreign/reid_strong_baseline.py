"""reid-strong-baseline (github.com/michuanhaohao/reid-strong-baseline): ResNet with batch-norm neck, or without.

Names after `modeling/baseline.py`; the file is the state dict.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reseen.models.foreign.source import AS_TORCHVISION, RESNETS, Dropped, Source
from reseen.recipe import schema

PARTS = {"base.": "backbone.", "bottleneck.": "neck.", "classifier.": "head."}


def _place(name: str, _: schema.Model) -> str | Dropped:
    if name.startswith("base.fc."):
        return Dropped("an ImageNet classifier that its network has and does not use")
    for theirs, ours in PARTS.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def _settings(model: schema.Model, _: Collection[str]) -> Mapping[str, object]:
    """`modeling/backbones/resnet.py` leaves out the ReLU of the stem, `resnet_ibn_a.py` does not."""
    return {
        **AS_TORCHVISION,
        "backbone.stem_relu": isinstance(model.backbone, schema.ResNet) and model.backbone.ibn,
        "pooling.name": "average",
        "head.name": "linear",
        "head.bias": model.neck == "none",
    }


SOURCE = Source("reid-strong-baseline", RESNETS, _place, _settings)
