"""Random changes of a whole batch at a time, on the device that holds it.

What is drawn (`draw`) is kept apart from how it is applied (`augment`): the draws are small arrays made on the host
from a numpy generator, so a run gives the same images on every device and they can be checked one image at a time.

Each change is written twice, with the same result to the bit. On the host an image at a time is fastest. An accelerator
would be asked for hundreds of tiny copies then, so there a whole batch is changed by a few kernels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from reseen.images.preprocess import Preprocess
from reseen.models.preprocessing import normalise, resize, send
from reseen.recipe.schema import Augmentation, RandomErasing
from reseen.shapes import Bool, Float32, Int64, UInt8


@dataclass(frozen=True)
class Draws:
    """What happens to each image of a batch.

    Attributes:
        flipped: whether it is mirrored left to right.
        corner: top and left of the crop in the padded image, 0 to 2 × pad.
        erased: top, left, bottom, right of the rectangle that is filled; empty (all 0) where nothing is.
    """

    flipped: Bool[np.ndarray, " b"]
    corner: Int64[np.ndarray, "b 2"]
    erased: Int64[np.ndarray, "b 4"]

    def of(self, places: Int64[np.ndarray, " share"]) -> Draws:
        """What happens to some of the images."""
        return Draws(self.flipped[places], self.corner[places], self.erased[places])


def draw(settings: Augmentation, images: int, preprocess: Preprocess, rng: np.random.Generator) -> Draws:
    """Draw the changes for a batch of `images` images that will be `preprocess.height` × `preprocess.width`."""
    flipped = rng.random(images) < settings.flip
    corner = rng.integers(0, 2 * settings.pad, (images, 2), endpoint=True)
    erased = np.zeros((images, 4), dtype=np.int64)
    if settings.erasing is not None:
        erased = _rectangles(settings.erasing, images, preprocess.height, preprocess.width, rng)
    return Draws(flipped, corner, erased)


def _rectangles(
    settings: RandomErasing, images: int, height: int, width: int, rng: np.random.Generator
) -> Int64[np.ndarray, "b 4"]:
    """Random erasing's rectangles: for each image the first of `attempts` draws that is smaller than the image."""
    chosen = rng.random(images) < settings.probability
    area = rng.uniform(*settings.area, (images, settings.attempts)) * (height * width)
    aspect = rng.uniform(*settings.aspect, (images, settings.attempts))
    tall = np.rint(np.sqrt(area * aspect)).astype(np.int64)
    wide = np.rint(np.sqrt(area / aspect)).astype(np.int64)
    fits = (tall < height) & (wide < width)
    first = (np.arange(images), fits.argmax(axis=1))
    tall, wide = tall[first], wide[first]
    top = rng.integers(0, np.maximum(height - tall, 0), endpoint=True)
    left = rng.integers(0, np.maximum(width - wide, 0), endpoint=True)
    boxes = np.stack([top, left, top + tall, left + wide], axis=1)
    return np.where((chosen & fits[first])[:, None], boxes, 0)


def augment(
    images: UInt8[Tensor, "b h w 3"], draws: Draws, settings: Augmentation, preprocess: Preprocess
) -> Float32[Tensor, "b 3 H W"]:
    """Resize, flip, pad, crop, normalise and erase a batch, in that order (the recipes' order).

    Returns:
        The network's input, in channels-last memory.
    """
    resized = resize(images, preprocess.height, preprocess.width)
    if images.device.type != "cpu":
        return augment_at_once(resized, draws, settings, preprocess)
    inputs = normalise(_flip_pad_crop(resized, draws, settings.pad), preprocess)
    _erase(inputs, draws.erased, settings.erasing)
    return inputs


def augment_at_once(
    resized: UInt8[Tensor, "b h w 3"], draws: Draws, settings: Augmentation, preprocess: Preprocess
) -> Float32[Tensor, "b 3 h w"]:
    """`augment` for accelerators, of images that have the network's size: no step of it goes image by image."""
    drawn = np.concatenate([draws.flipped[:, None], draws.corner, draws.erased], axis=1).astype(np.int64)
    flipped, top, left, *erased = send(torch.from_numpy(drawn), resized.device)[:, :, None].unbind(1)
    inputs = normalise(_window_of_each(resized, flipped, top - settings.pad, left - settings.pad), preprocess)
    return inputs if settings.erasing is None else _erase_in_each(inputs, erased, settings.erasing)


def _flip_pad_crop(images: UInt8[Tensor, "b h w 3"], draws: Draws, pad: int) -> UInt8[Tensor, "b h w 3"]:
    """Each image is one window of its padded self, or of that one's mirror image.

    Copying windows beats gathering pixels, and copying all in one call beats an image at a time when cores are busy.
    """
    _, height, width, _ = images.shape
    padded = functional.pad(images, (0, 0, pad, pad, pad, pad))
    either = (padded, padded.flip(2))
    corners = enumerate(zip(draws.flipped.astype(int), *draws.corner.T, strict=True))
    return torch.stack([either[flip][at, top : top + height, left : left + width] for at, (flip, top, left) in corners])


def _erase(
    images: Float32[Tensor, "b 3 h w"], erased: Int64[np.ndarray, "b 4"], settings: RandomErasing | None
) -> None:
    """Fill the rectangles, in place."""
    if settings is None:
        return
    fill = torch.tensor(settings.fill, device=images.device)[:, None, None]
    for image, (top, left, bottom, right) in zip(images, erased, strict=True):
        image[:, top:bottom, left:right] = fill


def _window_of_each(
    images: UInt8[Tensor, "b h w 3"],
    flipped: Int64[Tensor, "b 1"],
    top: Int64[Tensor, "b 1"],
    left: Int64[Tensor, "b 1"],
) -> UInt8[Tensor, "b h w 3"]:
    """The window of each image, or of its mirror image, that begins at `top` and `left`; what lies outside is black."""
    count, height, width, _ = images.shape
    rows = top + torch.arange(height, device=images.device)
    columns = left + torch.arange(width, device=images.device)
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    columns = torch.where(flipped > 0, width - 1 - columns, columns)
    image = torch.arange(count, device=images.device)[:, None, None]
    window = images[image, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]]
    return window * inside[..., None]


def _erase_in_each(
    images: Float32[Tensor, "b 3 h w"], erased: list[Int64[Tensor, "b 1"]], settings: RandomErasing
) -> Float32[Tensor, "b 3 h w"]:
    """Images whose rectangles (top, left, bottom, right) are filled."""
    top, left, bottom, right = erased
    rows, columns = (torch.arange(size, device=images.device) for size in images.shape[2:])
    within = ((rows >= top) & (rows < bottom))[:, :, None] & ((columns >= left) & (columns < right))[:, None, :]
    fill = send(torch.tensor(settings.fill), images.device)[:, None, None]
    return torch.where(within[:, None], fill, images)
