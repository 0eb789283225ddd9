"""torchreid (github.com/KaiyangZhou/deep-person-reid): OSNet and ResNet, with torchvision's names and a classifier.

Names after `torchreid/models/osnet.py`, `osnet_ain.py` and `resnet.py`; the file is the state dict, or a dict with it
under `state_dict` (`torchreid/utils/torchtools.py`, `save_checkpoint`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reseen.models.foreign.source import AS_TORCHVISION, RESNETS, Dropped, Source
from reseen.recipe import schema

CLASSIFIER = "classifier."


def _place(name: str, _: schema.Model) -> str | Dropped:
    if name.startswith(CLASSIFIER):
        return f"head.{name.removeprefix(CLASSIFIER)}"
    return f"backbone.{name}"


def _settings(model: schema.Model, _: Collection[str]) -> Mapping[str, object]:
    """The feature is read before a classifier with a bias; its ResNet is torchvision's."""
    common = {"pooling.name": "average", "neck": "none", "head.name": "linear", "head.bias": True}
    if isinstance(model.backbone, schema.ResNet):
        return {**AS_TORCHVISION, "backbone.last_stride": 2, "backbone.ibn": False, **common}
    return common


SOURCE = Source("torchreid", ("osnet", "osnet_ibn", "osnet_ain", *RESNETS), _place, _settings)
