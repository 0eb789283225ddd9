"""Settings of what is read, how batches are drawn, and how images are changed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, model_validator

from reseen.recipe.schema.settings import Fraction, Settings


class Data(Settings):
    """How images are read, and who is kept for evaluation.

    Attributes:
        memory_limit_gb: the decoded training set is kept in memory up to this size: Market-1501 takes 0.3. A larger one
            is read from its files again in every epoch, ahead of the step that needs it; the batches are the same.
        evaluation_share: for datasets that name no splits: share of the people kept out of training, for evaluation.
        calibration_share: share of the training people who are kept out of training, so that `reseen calibrate` can
            measure on them how often strangers are taken for each other.
    """

    memory_limit_gb: PositiveFloat = 8.0
    evaluation_share: Annotated[float, Field(ge=0, lt=1)] = 0.25
    calibration_share: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Sampler(Settings):
    """P×K batches. With several processes, each takes an equal share of the people of every batch.

    Attributes:
        persons: P, different people in a batch.
        images_per_person: K, images of each person. A batch has at least 2 images.
        short_persons: what to do with a person who has fewer than K images: `error` stops and names them, `repeat`
            draws their images with replacement (as published), `drop` leaves these people out.
        method: `exhaustive` visits every person until their images are used up (as published). `id_avg_prob` draws the
            people of each batch with equal probability, `sample_avg_prob` with a probability proportional to their
            images; an epoch then has as many batches as the images fill.
        drop_last: for the two random methods: whether an epoch leaves out the last, incomplete batch. An exhaustive
            epoch always ends when fewer than P people are left.
        shuffle: whether every epoch draws new batches. If not, all epochs have the same batches.
    """

    persons: Annotated[int, Field(ge=1, le=4096)] = 16
    images_per_person: Annotated[int, Field(ge=1, le=4096)] = 4
    short_persons: Literal["error", "repeat", "drop"] = "error"
    method: Literal["exhaustive", "id_avg_prob", "sample_avg_prob"] = "exhaustive"
    drop_last: bool = False
    shuffle: bool = True

    @model_validator(mode="after")
    def _two_images(self) -> Sampler:
        if self.persons * self.images_per_person < 2:
            raise ValueError("persons × images_per_person at least 2: batch norm cannot learn from one image")
        return self


class RandomErasing(Settings):
    """Random erasing (Zhong et al., AAAI 2020): one rectangle is filled with `fill` after normalisation.

    Attributes:
        probability: chance that an image is erased.
        area: smallest and largest share of the image that is erased.
        aspect: smallest and largest height/width of the rectangle.
        attempts: rectangles to try before the image is left as it is.
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
