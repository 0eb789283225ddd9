"""Settings of the losses."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat, Tag, model_validator

from reseen.recipe.schema.settings import Arguments, NonNegativeFloat, Settings, chosen_by_name

Feature = Literal["before_neck", "after_neck"]


class CrossEntropy(Settings):
    """Identity classification, on the head's scores.

    Attributes:
        name: `cross_entropy`.
        weight: factor of this loss in the sum.
        smoothing: ε of label smoothing (Szegedy et al., CVPR 2016).
    """

    name: Literal["cross_entropy"] = "cross_entropy"
    weight: NonNegativeFloat = 1.0
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Triplet(Settings):
    """Batch-hard triplet loss (Hermans et al., 2017) on Euclidean distances.

    Attributes:
        name: `triplet`.
        weight: factor of this loss in the sum.
        feature: which feature it reads.
        margin: how much farther other people should be; `soft` is softplus instead of a margin.
    """

    name: Literal["triplet"] = "triplet"
    weight: NonNegativeFloat = 1.0
    feature: Feature = "before_neck"
    margin: NonNegativeFloat | Literal["soft"] = 0.3


class Circle(Settings):
    """Circle loss (Sun et al., CVPR 2020) on the cosines of all pairs of a batch.

    Attributes:
        name: `circle`.
        weight: factor of this loss in the sum.
        feature: which feature it reads.
        margin: m, the relaxation; same-person pairs aim at a cosine of 1 - m, others at m.
        scale: γ, what the weighted cosines are multiplied by.
    """

    name: Literal["circle"] = "circle"
    weight: NonNegativeFloat = 1.0
    feature: Feature = "before_neck"
    margin: Annotated[float, Field(ge=0, lt=1)] = 0.25
    scale: PositiveFloat = 128.0


class Center(Settings):
    """Center loss (Wen et al., ECCV 2016). Its centers have their own SGD optimizer, saved with the training state.

    Attributes:
        name: `center`.
        weight: factor of this loss in the sum.
        feature: which feature it reads.
        learning_rate: of the centers, for the loss *before* `weight` is applied (0.5 as published; with the weight
            5e-4 that is the rate 1000 on the weighted loss).
    """

    name: Literal["center"] = "center"
    weight: PositiveFloat = 5e-4
    feature: Feature = "before_neck"
    learning_rate: PositiveFloat = 0.5


class Teacher(Settings):
    """A trained network that a smaller one learns from: a run's recipe and weights, or a bundle.

    Attributes:
        recipe: the `recipe.yaml` of the run that trained it.
        weights: a file that training saved; the suffix may be left out.
        bundle: the folder of a bundle, of reseen's own or imported; it runs in the first engine that has one of its
            models, on the processor.
    """

    recipe: str | None = None
    weights: str | None = None
    bundle: str | None = None

    @model_validator(mode="after")
    def _is_a_run_or_a_bundle(self) -> Teacher:
        run = (self.recipe, self.weights)
        if (None in run) == (self.bundle is None) or (self.bundle is not None and any(run)):
            raise ValueError("recipe and weights of a run, or a bundle alone")
        return self


class Distillation(Settings):
    """The cosines between the images of a batch, as a teacher's features have them (after Park et al., CVPR 2019).

    Attributes:
        name: `distillation`.
        weight: factor of this loss in the sum.
        feature: which feature of the network that learns it reads.
        features: how much 1 less the cosine of each feature with the teacher's adds; 0 teaches cosines alone. Where
            the sizes differ, the student's goes through a linear layer that is learnt with it and not kept.
        teacher: whose cosines are reproduced. It sees the same augmented images, resized to its own size.
    """

    name: Literal["distillation"] = "distillation"
    weight: NonNegativeFloat = 30.0
    feature: Feature = "after_neck"
    features: NonNegativeFloat = 0.0
    teacher: Teacher


class MetricLearningLoss(Settings):
    """Any loss of the library pytorch-metric-learning, if that is installed.

    Attributes:
        name: `pml:` and the class's name: `pml:MultiSimilarityLoss`. One that needs more than features and
            labels, or that keeps a state that checkpoints do not hold, is refused before training. Warnings are the
            library's own: `pml:HistogramLoss` gives two.
        weight: factor of this loss in the sum.
        feature: which feature it reads.
        arguments: passed to the class, for example `{alpha: 2, beta: 50}`. The number of people and the feature's
            size are filled in if the class asks for them.
    """

    open_kind: ClassVar[str] = "pml:NAME"

    name: Annotated[str, Field(pattern=r"^pml:[A-Za-z0-9_]{1,100}$")]
    weight: NonNegativeFloat = 1.0
    feature: Feature = "before_neck"
    arguments: Arguments = Field(default={})


Loss = Annotated[
    Annotated[CrossEntropy, Tag("cross_entropy")]
    | Annotated[Triplet, Tag("triplet")]
    | Annotated[Circle, Tag("circle")]
    | Annotated[Center, Tag("center")]
    | Annotated[Distillation, Tag("distillation")]
    | Annotated[MetricLearningLoss, Tag("pml:NAME")],
    chosen_by_name(),
]
