"""`Teacher`: a trained network that another learns from, and `BundleTeacher`, one that an engine runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from reseen.images.preprocess import Preprocess
from reseen.models.network import ReIDNetwork
from reseen.shapes import Float, Float32, UInt8


@runtime_checkable
class Teaches(Protocol):
    """Whom a network learns from."""

    def compile(self) -> None:
        """Make it faster, where that can be done."""
        ...

    def __call__(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b t"]:
        """Its features of images that are normalised for the student."""
        ...


class Teacher:
    """What a trained network makes of the very images that another learns from, augmented as they are.

    A teacher that is shown what the student sees teaches better than one that knows the plain image alone (Beyer et
    al., CVPR 2022). It learns nothing itself, and is no part of what a run saves.

    Args:
        network: on the device that trains; put into evaluation mode for good.
        preprocess: the images that it was trained with.
        shown: the images that the student is trained with, and the teacher is shown.
    """

    def __init__(self, network: ReIDNetwork, preprocess: Preprocess, shown: Preprocess) -> None:
        self.embed = network.eval().requires_grad_(False).embed
        self.size = preprocess.height, preprocess.width
        device = next(network.parameters()).device
        mean, std, mean_shown, std_shown = (
            torch.tensor(values, device=device)[:, None, None]
            for values in (preprocess.mean, preprocess.std, shown.mean, shown.std)
        )
        self.scale, self.offset = std_shown / std, (mean_shown - mean) / std

    def compile(self) -> None:
        """Make one program of the network, with its weights as constants, which folds its batch norms away.

        What is frozen is decided where the network is traced, at its first call: an option of `torch.compile` alone
        comes too late for that.
        """
        from torch._inductor import config  # noqa: PLC0415  (the compiler takes a second to import)

        self.embed = config.patch(freezing=True)(torch.compile(self.embed))

    @torch.no_grad()
    def __call__(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b t"]:
        """Its features of images that are normalised for the student; they are resized and normalised for it."""
        return self.embed(torch.addcmul(self.offset, _resized(images, self.size), self.scale))


class BundleTeacher:
    """A model of a bundle, run by an engine on the processor, as a teacher; see `Teacher`.

    Args:
        run: pixels of the model's own size to features.
        preprocess: the model's.
        shown: the images that the student is trained with, and the teacher is shown.
    """

    def __init__(
        self,
        run: Callable[[UInt8[np.ndarray, "n h w 3"]], Float32[np.ndarray, "n t"]],
        preprocess: Preprocess,
        shown: Preprocess,
    ) -> None:
        self.run = run
        self.size = preprocess.height, preprocess.width
        self.mean, self.std = (torch.tensor(values)[:, None, None] for values in (shown.mean, shown.std))

    def compile(self) -> None:
        """Nothing: engines have done so."""

    @torch.no_grad()
    def __call__(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b t"]:
        """Its features of images that are normalised for the student: made pixels again, and resized for it."""
        values = torch.addcmul(self.mean, _resized(images.float().cpu(), self.size), self.std)
        pixels = values.mul(255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
        return torch.from_numpy(self.run(pixels.numpy())).to(images.device)


def _resized(images: Float[Tensor, "b 3 _ _"], size: tuple[int, int]) -> Float[Tensor, "b 3 h w"]:
    if images.shape[2:] == size:
        return images
    return functional.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
