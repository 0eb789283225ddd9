"""`Preprocess` on tensors: whole batches of uint8 images are sent to a device, resized and normalised there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from reseen.images.preprocess import Preprocess
from reseen.shapes import Float32, UInt8


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host's on the device, without waiting for what the device still has to do.

    Only from pinned memory does CUDA copy while Python goes on; a copy from elsewhere waits for all that was asked
    before.
    """
    if device.type != "cuda":
        return tensor.to(device)
    return (tensor if tensor.is_pinned() else tensor.pin_memory()).to(device, non_blocking=True)


def resize(images: UInt8[Tensor, "b h w 3"], height: int, width: int) -> UInt8[Tensor, "b {height} {width} 3"]:
    """Antialiased bilinear resampling, within ±1 of Pillow's `BILINEAR`.

    Images of the right size come back as they are, not as a copy.
    """
    if images.shape[1:3] == (height, width):
        return images
    if images.device.type != "cpu":
        return resize_in_float(images, height, width)
    return _resample(images, height, width)


def resize_in_float(images: UInt8[Tensor, "b h w 3"], height: int, width: int) -> UInt8[Tensor, "b {height} {width} 3"]:
    """`resize` for devices that do not resample integers: it rounds once, where Pillow rounds after each axis."""
    return _resample(images.float(), height, width).round_().clamp_(0, 255).to(torch.uint8)


def _resample(images: Tensor, height: int, width: int) -> Tensor:
    maps = images.permute(0, 3, 1, 2)  # a channels-last view: nothing is copied
    resampled = functional.interpolate(maps, (height, width), mode="bilinear", antialias=True, align_corners=False)
    return resampled.permute(0, 2, 3, 1)


def resize_mixed(
    images: Sequence[UInt8[np.ndarray, "_ _ 3"] | UInt8[Tensor, "_ _ 3"]], height: int, width: int
) -> UInt8[Tensor, "b {height} {width} 3"]:
    """One batch, on the CPU and in the given order, of images of any sizes; equal sizes are resized together."""
    places: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, image in enumerate(images):
        places[tuple(image.shape)].append(place)
    batch = torch.empty((len(images), height, width, 3), dtype=torch.uint8)
    for group in places.values():
        stacked = np.stack([np.asarray(images[place]) for place in group])
        batch[group] = resize(torch.from_numpy(stacked), height, width)
    return batch


def normalise(images: UInt8[Tensor, "b h w 3"], preprocess: Preprocess) -> Float32[Tensor, "b 3 h w"]:
    """The network's input, `(x / 255 - mean) / std` for each channel, in channels-last memory.

    Channels vary fastest, so a row of pixels is one long multiply-add with the scales repeated along it: several
    times faster than broadcasting three numbers.
    """
    _, height, width, _ = images.shape
    mean, std = np.array(preprocess.mean), np.array(preprocess.std)
    scale, offset = (
        send(torch.from_numpy(np.tile(channels, width).astype(np.float32)), images.device)
        for channels in (1 / (255 * std), -mean / std)
    )
    rows = images.reshape(-1, width * 3).float()
    torch.addcmul(offset, rows, scale, out=rows)
    return rows.view(-1, height, width, 3).permute(0, 3, 1, 2)
