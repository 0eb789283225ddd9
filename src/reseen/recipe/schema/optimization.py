"""Settings of the optimizers and of the learning rate over time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, Tag, model_validator

from reseen.recipe.schema.settings import Fraction, NonNegativeFloat, Settings, chosen_by_name


class Adam(Settings):
    """Adam with coupled L2 regularisation, applied to every parameter as published.

    Attributes:
        name: `adam`.
        learning_rate: multiplied by the schedule.
        weight_decay: of the L2 regularisation.
        amsgrad: keep the largest second moment (Reddi et al., ICLR 2018).
    """

    name: Literal["adam"] = "adam"
    learning_rate: PositiveFloat = 3.5e-4
    weight_decay: NonNegativeFloat = 5e-4
    amsgrad: bool = False


class AdamW(Settings):
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019), which spares biases and norms.

    Coupled regularisation drives channels that help little to zero; this one shrinks all filters at the same pace.

    Attributes:
        name: `adamw`.
        learning_rate: multiplied by the schedule.
        weight_decay: a step first multiplies every filter by 1 - learning rate × this.
    """

    name: Literal["adamw"] = "adamw"
    learning_rate: PositiveFloat = 1e-3
    weight_decay: NonNegativeFloat = 0.02


class SGD(Settings):
    """SGD with momentum and coupled L2 regularisation.

    Attributes:
        name: `sgd`.
        learning_rate: multiplied by the schedule.
        weight_decay: of the L2 regularisation.
        momentum: share of the last step that is kept.
        nesterov: Nesterov's momentum.
    """

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


Optimizer = Annotated[
    Annotated[Adam, Tag("adam")] | Annotated[AdamW, Tag("adamw")] | Annotated[SGD, Tag("sgd")], chosen_by_name()
]


class Warmup(Settings):
    """Linear growth of the learning rate at the start of a run.

    Attributes:
        epochs: over how many epochs it grows.
        start_factor: share of the learning rate that it grows from.
    """

    epochs: PositiveInt = 10
    start_factor: Annotated[float, Field(gt=0, le=1)] = 0.01


Rhythm = Literal["epoch", "step"]


class MultiStep(Settings):
    """The learning rate falls at given epochs.

    Attributes:
        name: `multistep`.
        milestones: after as many epochs the learning rate is multiplied by `gamma`; counted from the start of the run,
            warm-up included.
        gamma: what it is multiplied by.
        warmup: growth at the start, or null.
        per: whether the learning rate changes with every epoch (as published) or with every step.
    """

    name: Literal["multistep"] = "multistep"
    milestones: tuple[PositiveInt, ...] = (40, 70)
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1
    warmup: Warmup | None = None
    per: Rhythm = "epoch"


class Cosine(Settings):
    """Half a cosine from the learning rate, after the warm-up, down to `end_factor` of it at the end.

    Attributes:
        name: `cosine`.
        end_factor: share of the learning rate in the last epoch or step.
        warmup: growth at the start, or null.
        per: whether the learning rate changes with every epoch or with every step.
    """

    name: Literal["cosine"] = "cosine"
    end_factor: Fraction = 0.0
    warmup: Warmup | None = None
    per: Rhythm = "epoch"


Schedule = Annotated[Annotated[MultiStep, Tag("multistep")] | Annotated[Cosine, Tag("cosine")], chosen_by_name()]
