"""`ReIDNetwork`: backbone, neck and head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from torch import Tensor, nn

from reseen.models.backbone import Backbone
from reseen.models.efficientnet_lite import EfficientNetLite
from reseen.models.head import Head
from reseen.models.linear_head import LinearHead
from reseen.models.margin_head import ArcHead, CosineHead
from reseen.models.mobilenet import MobileNetV3Small
from reseen.models.neck import BNNeck
from reseen.models.osnet import OSNet
from reseen.models.osnet_ain import OSNetAIN
from reseen.models.pooling import AveragePooling, GeMPooling
from reseen.models.resnet import ResNet
from reseen.models.small_resnet import SmallResNet
from reseen.models.timm_backbone import TimmBackbone
from reseen.recipe import schema
from reseen.shapes import Float, Int64

BACKBONES: dict[str, Callable[[Any, nn.Module], Backbone]] = {
    "resnet18": ResNet,
    "resnet34": ResNet,
    "resnet50": ResNet,
    "resnet101": ResNet,
    "osnet": OSNet,
    "osnet_ibn": OSNet,
    "osnet_ain": OSNetAIN,
    "mobilenet_v3_small": MobileNetV3Small,
    "efficientnet_lite0": EfficientNetLite,
    "efficientnet_lite2": EfficientNetLite,
    "small_resnet": SmallResNet,
}
HEADS: dict[str, Callable[[int, int, Any], Head]] = {"linear": LinearHead, "cosine": CosineHead, "arc": ArcHead}
NECKS: dict[str, Callable[[int], nn.Module]] = {"bnneck": BNNeck, "none": nn.Identity}


class Outputs(NamedTuple):
    """What the losses read.

    Attributes:
        before_neck: the pooled feature, for metric losses.
        after_neck: the feature the head classifies; the same tensor as `before_neck` where there is no neck.
        logits: one score a training person; (b, 0) for a network without a head.
    """

    before_neck: Float[Tensor, "b d"]
    after_neck: Float[Tensor, "b d"]
    logits: Float[Tensor, "b c"]


class ReIDNetwork(nn.Module):
    """Backbone, neck and head.

    Attributes:
        feature: which feature `embed` returns.
        head: the classifier, or None in a network that is only evaluated.
    """

    def __init__(
        self,
        backbone: Backbone,
        neck: nn.Module,
        head: Head | None,
        feature: Literal["before_neck", "after_neck"] = "after_neck",
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = neck
        self.head = head
        self.feature = feature

    @property
    def feature_size(self) -> int:
        """d, the length of a feature."""
        return self.backbone.feature_size

    def forward(self, images: Float[Tensor, "b 3 h w"], labels: Int64[Tensor, " b"] | None = None) -> Outputs:
        """Both features and the logits of normalised images; labels, given in training, are for the head's margin."""
        before = self.backbone(images)
        after = self.neck(before)
        logits = after.new_empty((len(after), 0)) if self.head is None else self.head(after, labels)
        return Outputs(before, after, logits)

    def embed(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The feature that is evaluated and deployed, not yet of unit norm."""
        before: Tensor = self.backbone(images)
        if self.feature == "before_neck":
            return before
        after: Tensor = self.neck(before)
        return after


def build_network(model: schema.Model, persons: int) -> ReIDNetwork:
    """The network a recipe describes, freshly initialised from torch's global generator.

    Args:
        model: the recipe's model. Its `pretrained` weights are *not* loaded here: see `load_weights`.
        persons: people the head tells apart; 0 builds no head.

    Raises:
        UsageError: the backbone is one of a library that is missing, or that does not build it.
    """
    backbone = build_backbone(model.backbone, build_pooling(model.pooling))
    neck = NECKS[model.neck](backbone.feature_size)
    head = build_head(model.head, backbone.feature_size, persons) if persons else None
    return ReIDNetwork(backbone, neck, head, model.feature)


def build_head(settings: schema.Head, feature_size: int, persons: int) -> Head:
    """The head a recipe describes, freshly initialised.

    Args:
        settings: the recipe's head.
        feature_size: length of the feature it reads.
        persons: people it tells apart.
    """
    return HEADS[settings.name](feature_size, persons, settings)


def build_backbone(settings: schema.Backbone, pool: nn.Module) -> Backbone:
    """The backbone a recipe describes, freshly initialised.

    Raises:
        UsageError: it is one of a library that is missing, or that does not build it.
    """
    if isinstance(settings, schema.Timm):
        return TimmBackbone(settings, pool)
    return BACKBONES[settings.name](settings, pool)


def build_pooling(settings: schema.Pooling) -> nn.Module:
    """The pooling a recipe describes."""
    if isinstance(settings, schema.GeMPooling):
        return GeMPooling(settings.p, learn=settings.learn)
    return AveragePooling()
