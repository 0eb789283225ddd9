"""`Recipe`: everything that defines a training run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from reseen.images.preprocess import Preprocess
from reseen.recipe.schema.data import Augmentation, Data, Sampler
from reseen.recipe.schema.evaluation import Evaluation
from reseen.recipe.schema.losses import CrossEntropy, Loss
from reseen.recipe.schema.model import Model
from reseen.recipe.schema.optimization import Adam, MultiStep, Optimizer, Schedule
from reseen.recipe.schema.settings import Settings
from reseen.recipe.schema.training import Training


class Recipe(Settings):
    """Everything that defines a training run, but for the data and the output folder.

    Examples:
        >>> import reseen
        >>> reseen.load_recipe("baseline")
        <Recipe baseline: resnet50, 256×128, 120 epochs, cross_entropy + triplet>

    Attributes:
        name: what to call it. A file without one goes by its file name.
        seed: of every random draw: initialisation, sampling, augmentation.
        preprocess: how an image becomes the network's input, in training and in evaluation alike.
        model: the network.
        data: how images are read, and who is kept for evaluation.
        sampler: P×K batches.
        augmentation: random changes of the training images.
        losses: their weighted sum is minimised; at least one, none of them twice.
        optimizer: how the network learns.
        schedule: the learning rate over the epochs.
        training: length and rhythm of the run, and how a step is made.
        evaluation: how features are computed and compared.
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

    def __repr__(self) -> str:
        size, losses = self.preprocess, " + ".join(loss.name for loss in self.losses)
        return (
            f"<Recipe {self.name}: {self.model.backbone.name}, {size.height}×{size.width}, "
            f"{self.training.epochs} epochs, {losses}>"
        )

    @field_validator("losses")
    @classmethod
    def _losses_once(cls, losses: tuple[Loss, ...]) -> tuple[Loss, ...]:
        names = [loss.name for loss in losses]
        if not names or len(set(names)) != len(names):
            raise ValueError("at least one loss, and none of them twice")
        return losses

    @model_validator(mode="after")
    def _calibration_people_are_kept(self) -> Recipe:
        if self.training.best_on == "calibration_people" and not self.data.calibration_share:
            raise ValueError("data.calibration_share above 0 where training.best_on is calibration_people")
        return self
