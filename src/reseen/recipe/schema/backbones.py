"""Settings of the backbones."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, Tag, model_validator

from reseen.recipe.schema.settings import Arguments, Settings, chosen_by_name

Channels = Annotated[int, Field(ge=4, le=1024)]
LITE0_BLOCKS = 16


class ResNet(Settings):
    """Residual networks (He et al., CVPR 2016): 512-d with 18 and 34 layers, 2048-d with 50 and 101.

    Attributes:
        name: which of them.
        stages: 3 leaves the last stage out, with more than half of the parameters; features are half as long.
        last_stride: stride of the last stage; 1 keeps a 16×8 map for 256×128 images (Luo et al., CVPRW 2019, §3.4).
        stem_relu: the ReLU after the stem's batch norm. The published ReID baselines leave it out.
        stride_on: which convolution of a stage's first block carries the stride: `3x3` as in torchvision
            ("v1.5"), `1x1` as in the original Caffe weights ("v1"). With 18 and 34 layers there is no 1×1 convolution.
        max_pool: where the windows of the stem's maximum pooling begin: one pixel before the map as in torchvision
            (`padded`), or on its first pixel as in fast-reid since version 1.0 (`ceil`).
        ibn: instance norm for half the channels of the first batch norm of each block of the first three stages:
            IBN-a (Pan et al., ECCV 2018).
    """

    name: Literal["resnet18", "resnet34", "resnet50", "resnet101"] = "resnet50"
    stages: Literal[3, 4] = 4
    last_stride: Literal[1, 2] = 1
    stem_relu: bool = False
    stride_on: Literal["1x1", "3x3"] = "3x3"
    max_pool: Literal["padded", "ceil"] = "padded"
    ibn: bool = False

    @model_validator(mode="after")
    def _stride_has_a_place(self) -> ResNet:
        if self.stride_on == "1x1" and self.name in ("resnet18", "resnet34"):
            raise ValueError(f"stride_on 3x3 for {self.name}, whose blocks begin with a 3×3 convolution")
        return self


class OSNet(Settings):
    """Omni-scale networks (Zhou et al., ICCV 2019).

    Attributes:
        name: `osnet`; `osnet_ibn` and `osnet_ain` place instance norms for other domains than the training set's, by
            hand and by search (Zhou et al., TPAMI 2021).
        width: multiplier of the channels: 1.0 is `osnet_x1_0`, 0.25 is `osnet_x0_25`.
        feature_size: size of the fully connected layer after pooling.
    """

    name: Literal["osnet", "osnet_ibn", "osnet_ain"] = "osnet"
    width: Annotated[float, Field(ge=0.25, le=1, multiple_of=0.25)] = 1.0
    feature_size: Annotated[int, Field(ge=16, le=4096)] = 512


class MobileNetV3Small(Settings):
    """MobileNetV3-small (Howard et al., ICCV 2019), 576-d, for phones and boards.

    Attributes:
        name: `mobilenet_v3_small`.
        last_stride: stride of the last block that has one; 1 keeps a 16×8 map for 256×128 images.
    """

    name: Literal["mobilenet_v3_small"] = "mobilenet_v3_small"
    last_stride: Literal[1, 2] = 1


class EfficientNetLite(Settings):
    """EfficientNet-Lite (Tan and Le, ICML 2019, without squeeze-and-excitation): 1280-d, plain convolutions and ReLU6.

    Attributes:
        name: which of them: 3.4 and 4.8 million parameters.
        last_stride: stride of the last stage that has one; 1 keeps a 16×8 map for 256×128 images.
        blocks: how many of the 16 or 21 blocks are kept, in order; null keeps all. In a cut network the maps are
            widened, before pooling, by the convolution that the next block begins with.
        feature_size: size of a linear layer after pooling; null leaves it out.
    """

    name: Literal["efficientnet_lite0", "efficientnet_lite2"] = "efficientnet_lite0"
    last_stride: Literal[1, 2] = 1
    blocks: Annotated[int, Field(ge=1, le=20)] | None = None
    feature_size: Annotated[int, Field(ge=16, le=4096)] | None = None

    @model_validator(mode="after")
    def _blocks_are_left_out(self) -> EfficientNetLite:
        if self.blocks is not None and self.name == "efficientnet_lite0" and self.blocks >= LITE0_BLOCKS:
            raise ValueError(f"blocks below {LITE0_BLOCKS} for efficientnet_lite0, or null for all of them")
        return self


class SmallResNet(Settings):
    """A small residual network for demos, tests and first looks at new data.

    Attributes:
        name: `small_resnet`.
        widths: channels of the stem and of each stage after it; every one halves the map.
        blocks: residual blocks of a stage.
        last_stride: of the last stage; 1 keeps the map of the stage before.
    """

    name: Literal["small_resnet"] = "small_resnet"
    widths: Annotated[tuple[Channels, ...], Field(min_length=2, max_length=5)] = (24, 48, 96, 160)
    blocks: Annotated[int, Field(ge=1, le=8)] = 1
    last_stride: Literal[1, 2] = 2


class Timm(Settings):
    """Any network of the library timm, where that is installed.

    Attributes:
        name: `timm:` and timm's name of the network: `timm:convnext_tiny`. Its weights are not fetched.
        arguments: handed on to `timm.create_model`, for example `{drop_path_rate: 0.1}`.
    """

    open_kind: ClassVar[str] = "timm:NAME"

    name: Annotated[str, Field(pattern=r"^timm:[A-Za-z0-9_.]{1,100}$")]
    arguments: Arguments = Field(default={})


Backbone = Annotated[
    Annotated[ResNet, Tag("resnet18")]
    | Annotated[ResNet, Tag("resnet34")]
    | Annotated[ResNet, Tag("resnet50")]
    | Annotated[ResNet, Tag("resnet101")]
    | Annotated[OSNet, Tag("osnet")]
    | Annotated[OSNet, Tag("osnet_ibn")]
    | Annotated[OSNet, Tag("osnet_ain")]
    | Annotated[MobileNetV3Small, Tag("mobilenet_v3_small")]
    | Annotated[EfficientNetLite, Tag("efficientnet_lite0")]
    | Annotated[EfficientNetLite, Tag("efficientnet_lite2")]
    | Annotated[SmallResNet, Tag("small_resnet")]
    | Annotated[Timm, Tag("timm:NAME")],
    chosen_by_name(),
]
