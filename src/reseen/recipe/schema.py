"""The typed schema of a recipe: everything that defines a training run.

Unknown keys are errors. Lists in a recipe replace the lists of the recipe it extends.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, field_validator, model_validator

from reseen.images.preprocess import Preprocess

Fraction = Annotated[float, Field(ge=0, le=1)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Channels = Annotated[int, Field(ge=4, le=1024)]


class Settings(BaseModel):
    """Base of every part of a recipe: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ResNet50(Settings):
    """ResNet-50 (He et al., CVPR 2016), 2048-d.

    Attributes:
        last_stride: stride of the last stage; 1 keeps a 16×8 map for 256×128 images (Luo et al., CVPRW 2019, §3.4).
        stem_relu: the ReLU after the stem's batch norm. The published ReID baselines leave it out.
        stride_on: which convolution of a stage's first block carries the stride: `3x3` as in torchvision
            ("v1.5"), `1x1` as in the original Caffe weights ("v1").
    """

    name: Literal["resnet50"] = "resnet50"
    last_stride: Literal[1, 2] = 1
    stem_relu: bool = False
    stride_on: Literal["1x1", "3x3"] = "3x3"


class OSNet(Settings):
    """Omni-scale network (Zhou et al., ICCV 2019), 512-d.

    Attributes:
        width: multiplier of the channels: 1.0 is `osnet_x1_0`, 0.25 is `osnet_x0_25`.
        feature_size: size of the fully connected layer after pooling.
    """

    name: Literal["osnet"] = "osnet"
    width: Annotated[float, Field(ge=0.25, le=1, multiple_of=0.25)] = 1.0
    feature_size: Annotated[int, Field(ge=16, le=4096)] = 512


class SmallResNet(Settings):
    """A small residual network for demos, tests and first looks at new data.

    Attributes:
        widths: channels of the stem and of each stage after it; every one halves the map.
    """

    name: Literal["small_resnet"] = "small_resnet"
    widths: Annotated[tuple[Channels, ...], Field(min_length=2, max_length=5)] = (24, 48, 96, 160)


Backbone = Annotated[ResNet50 | OSNet | SmallResNet, Field(discriminator="name")]


class Head(Settings):
    """The classifier that training adds on top of the feature.

    Attributes:
        bias: whether the linear layer has a bias.
        init: `uniform` is U(±1/√d), the usual default of a linear layer; `normal` is N(0, 0.001²).
    """

    bias: bool = False
    init: Literal["uniform", "normal"] = "normal"


class Pretrained(Settings):
    """Weights that training starts from.

    Attributes:
        path: a `.safetensors` or `.npz` file with the backbone's parameter names; the suffix may be left out.
        expected_missing: glob patterns of parameters the file need not hold; they keep their fresh initialisation.
        expected_unused: glob patterns of entries of the file that the model does not take.
    """

    path: str | None = None
    expected_missing: tuple[str, ...] = ()
    expected_unused: tuple[str, ...] = ()


class Model(Settings):
    """The network: backbone, pooling, neck, head.

    Attributes:
        neck: `bnneck` is batch norm with a frozen bias between the pooled feature and the head.
        pretrained: weights to start from; null trains from scratch.
        feature: which feature is evaluated and deployed, the one before or after the neck.
    """

    backbone: Backbone = ResNet50()
    neck: Literal["bnneck", "none"] = "bnneck"
    head: Head = Head()
    pretrained: Pretrained | None = None
    feature: Literal["before_neck", "after_neck"] = "after_neck"


class RandomErasing(Settings):
    """Random erasing (Zhong et al., AAAI 2020): one rectangle is filled with `fill` after normalisation.

    Attributes:
        probability: chance that an image is erased.
        area: smallest and largest share of the image that is erased.
        aspect: smallest and largest height/width of the rectangle.
        attempts: draws of a rectangle before the image is left as it is.
        fill: value written into each channel, in normalised units. The published recipes write ImageNet's
            mean *after* normalising.
    """

    probability: Fraction = 0.5
    area: tuple[PositiveFloat, PositiveFloat] = (0.02, 0.4)
    aspect: tuple[PositiveFloat, PositiveFloat] = (0.3, 3.33)
    attempts: Annotated[int, Field(ge=1, le=1000)] = 100
    fill: tuple[float, float, float] = (0.485, 0.456, 0.406)

    @model_validator(mode="after")
    def _ordered(self) -> RandomErasing:
        if not (self.area[0] <= self.area[1] <= 1 and self.aspect[0] <= self.aspect[1]):
            raise ValueError("area and aspect must each be (smallest, largest), and area at most 1")
        return self


class Augmentation(Settings):
    """Random changes of the training images, in this order: flip, pad and crop, normalise, erase.

    Attributes:
        flip: chance of a horizontal flip.
        pad: black pixels added on each side before a random crop of the preprocess size.
        erasing: random erasing, or null.
    """

    flip: Fraction = 0.5
    pad: Annotated[int, Field(ge=0, le=512)] = 10
    erasing: RandomErasing | None = None


class Sampler(Settings):
    """P×K batches.

    Attributes:
        persons: P, different persons in a batch.
        images_per_person: K, images of each.
        short_persons: what to do with a person that has fewer than K images: `error` stops and names them,
            `repeat` draws their images with replacement (as published), `drop` leaves them out.
    """

    persons: Annotated[int, Field(ge=1, le=4096)] = 16
    images_per_person: Annotated[int, Field(ge=1, le=4096)] = 4
    short_persons: Literal["error", "repeat", "drop"] = "error"

    @model_validator(mode="after")
    def _two_images(self) -> Sampler:
        if self.persons * self.images_per_person < 2:
            raise ValueError("persons × images_per_person at least 2: batch norm learns nothing from one image")
        return self


class Data(Settings):
    """How images are read.

    Attributes:
        memory_limit_gb: the decoded training set is kept in memory; more than this is refused.
        hold_out: for datasets that name no splits: the share of the people kept out of training, for evaluation.
    """

    memory_limit_gb: PositiveFloat = 8.0
    hold_out: Annotated[float, Field(ge=0, lt=1)] = 0.25


class CrossEntropy(Settings):
    """Identity classification; `smoothing` is label smoothing's ε (Szegedy et al., CVPR 2016)."""

    name: Literal["cross_entropy"] = "cross_entropy"
    weight: NonNegativeFloat = 1.0
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Triplet(Settings):
    """Batch-hard triplet loss (Hermans et al., 2017) on the feature before the neck; `margin: soft` is softplus."""

    name: Literal["triplet"] = "triplet"
    weight: NonNegativeFloat = 1.0
    margin: NonNegativeFloat | Literal["soft"] = 0.3


class Center(Settings):
    """Center loss (Wen et al., ECCV 2016) on the feature before the neck; centers have an SGD of their own.

    Attributes:
        learning_rate: of the centers, for the loss *before* `weight` is applied (0.5 as published; with the weight
            5e-4 that is the rate 1000 on the weighted loss).
    """

    name: Literal["center"] = "center"
    weight: PositiveFloat = 5e-4
    learning_rate: PositiveFloat = 0.5


Loss = Annotated[CrossEntropy | Triplet | Center, Field(discriminator="name")]


class Adam(Settings):
    """Adam with coupled L2 regularisation, applied to every parameter as published."""

    name: Literal["adam"] = "adam"
    learning_rate: PositiveFloat = 3.5e-4
    weight_decay: NonNegativeFloat = 5e-4
    amsgrad: bool = False


class SGD(Settings):
    """SGD with momentum and coupled L2 regularisation."""

    name: Literal["sgd"] = "sgd"
    learning_rate: PositiveFloat = 0.065
    weight_decay: NonNegativeFloat = 5e-4
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    nesterov: bool = False

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> SGD:
        if self.nesterov and not self.momentum:
            raise ValueError("momentum above 0 where nesterov is true")
        return self


Optimizer = Annotated[Adam | SGD, Field(discriminator="name")]


class Warmup(Settings):
    """Linear growth of the learning rate over the first `epochs` epochs, from `start_factor` of it."""

    epochs: PositiveInt = 10
    start_factor: Annotated[float, Field(gt=0, le=1)] = 0.01


class MultiStep(Settings):
    """The learning rate is multiplied by `gamma` at each of `milestones` (absolute epochs, warm-up included)."""

    name: Literal["multistep"] = "multistep"
    milestones: tuple[PositiveInt, ...] = (40, 70)
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1
    warmup: Warmup | None = None


class Cosine(Settings):
    """Half a cosine from the learning rate, after the warm-up, down to `end_factor` of it at the last epoch."""

    name: Literal["cosine"] = "cosine"
    end_factor: Fraction = 0.0
    warmup: Warmup | None = None


Schedule = Annotated[MultiStep | Cosine, Field(discriminator="name")]


class Training(Settings):
    """Length and rhythm of a run.

    Attributes:
        epochs: passes of the sampler.
        evaluate_every: epochs between evaluations; 0 evaluates only at the end.
        save_every: epochs between the `epoch_N` checkpoints that are kept; 0 keeps none. `latest` is saved every epoch.
        log_every: iterations between lines in `train.log`.
        best: the figure that chooses the `best` checkpoint.
    """

    epochs: PositiveInt = 120
    evaluate_every: Count = 10
    save_every: Count = 40
    log_every: PositiveInt = 20
    best: Literal["recall1", "mAP", "mINP"] = "recall1"


class Reranking(Settings):
    """k-reciprocal re-ranking (Zhong et al., CVPR 2017); `lambda` weighs the original distance."""

    k1: PositiveInt = 20
    k2: PositiveInt = 6
    lambda_: Fraction = Field(default=0.3, alias="lambda")


class Evaluation(Settings):
    """How features are computed and compared."""

    batch_size: Annotated[int, Field(ge=1, le=4096)] = 128
    reranking: Reranking = Reranking()


class Recipe(Settings):
    """Everything that defines a training run, but for the data and the output folder.

    Attributes:
        name: what to call it; a resolved recipe keeps the name of the recipe it came from.
        seed: of every random draw: initialisation, sampling, augmentation.
    """

    name: str
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    preprocess: Preprocess = Preprocess()
    model: Model = Model()
    data: Data = Data()
    sampler: Sampler = Sampler()
    augmentation: Augmentation = Augmentation()
    losses: tuple[Loss, ...] = (CrossEntropy(),)
    optimizer: Optimizer = Adam()
    schedule: Schedule = MultiStep()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()

    @field_validator("losses")
    @classmethod
    def _losses_once(cls, losses: tuple[Loss, ...]) -> tuple[Loss, ...]:
        names = [loss.name for loss in losses]
        if not names or len(set(names)) != len(names):
            raise ValueError("at least one loss, and none of them twice")
        return losses
