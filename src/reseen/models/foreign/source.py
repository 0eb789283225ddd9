"""`Source`: what is known of the weights that another project saves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from reseen.recipe import schema

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101")
AS_TORCHVISION: Mapping[str, object] = {
    "backbone.stem_relu": True,
    "backbone.stride_on": "3x3",
    "backbone.max_pool": "padded",
}
"""Settings of torchvision's ResNet."""


class Dropped(NamedTuple):
    """An entry that the network here has no use for, and why."""

    reason: str


def as_it_is(_: str, entry: Tensor) -> Tensor:
    """The entry itself: most projects store arrays as torch does."""
    return entry


def never(_: Collection[str]) -> bool:
    """Every checkpoint of this source is of a trained network."""
    return False


def always(_: Collection[str]) -> bool:
    """Every checkpoint of this source is of a classifier to start from."""
    return True


@dataclass(frozen=True)
class Source:
    """Another project, by what its checkpoints hold.

    Attributes:
        title: the project's name, for messages.
        backbones: the recipe's names of the networks that it has.
        place: the name that an entry has here, or why it is dropped; an entry that the project never saves keeps its
            name, and so is found not to fit.
        settings: what the network of a recipe's kind, with entries of these names, computes with, by dotted name below
            `model`; a recipe that differs would compute something else.
        arrange: an entry's values as they are stored here.
        to_start_from: tells from the names whether the checkpoint is of an ImageNet classifier, whose backbone
            training starts from, and not of a ReID network.
        fresh: glob patterns of entries of the network here that no checkpoint has; training begins with fresh ones.
        normalisation: names of the entries with the mean and the scale of 0-255 pixels, where a checkpoint has them.
    """

    title: str
    backbones: tuple[str, ...]
    place: Callable[[str, schema.Model], str | Dropped]
    settings: Callable[[schema.Model, Collection[str]], Mapping[str, object]]
    arrange: Callable[[str, Tensor], Tensor] = as_it_is
    to_start_from: Callable[[Collection[str]], bool] = never
    fresh: tuple[str, ...] = ()
    normalisation: tuple[str, ...] = ()
