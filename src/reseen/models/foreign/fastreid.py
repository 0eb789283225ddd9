"""fast-reid (github.com/JDAI-CV/fast-reid): ResNet with batch-norm neck, or without.

Names after `fastreid/modeling/backbones/resnet.py`, `modeling/heads/embedding_head.py` and `meta_arch/baseline.py` of
version 1.3; the file is a dict with the state dict under `model` (`fastreid/utils/checkpoint.py`). Version 1.0 keeps
the classifier in `heads.classifier` and the normalisation among the weights; version 0.1 calls the neck `heads.bnneck`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reseen.models.foreign.source import AS_TORCHVISION, RESNETS, Dropped, Source
from reseen.recipe import schema

FIRST_NECK = "heads.bnneck."
PARTS = {
    "heads.bottleneck.0.": "neck.",
    FIRST_NECK: "neck.",
    "heads.classifier.": "head.",
    "heads.pool_layer.": "backbone.pool.",
}
NORMALISATION = ("pixel_mean", "pixel_std")


def _place(name: str, _: schema.Model) -> str | Dropped:
    if name in NORMALISATION:
        return Dropped("the recipe's preprocess normalises, with the same numbers")
    if name == "heads.classifier.t":
        return Dropped("how hard the margin was at the end of the training")
    if name == "heads.weight":
        return "head.weight"
    for theirs, ours in PARTS.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def _settings(model: schema.Model, names: Collection[str]) -> Mapping[str, object]:
    """No classifier has a bias; from version 1.0 on, maximum pooling begins on the map and not before it."""
    padded = any(name.startswith(FIRST_NECK) for name in names)
    head = {"head.bias": False} if isinstance(model.head, schema.LinearHead) else {}
    return {**AS_TORCHVISION, "backbone.max_pool": "padded" if padded else "ceil", **head}


SOURCE = Source("fast-reid", RESNETS, _place, _settings, normalisation=NORMALISATION)
