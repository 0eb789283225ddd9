"""Where a run holds its training images: on the device, in the host's memory, or in their files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from reseen.assess.extract import Progress
from reseen.datasets.image_files import ImageFiles
from reseen.datasets.resident import load_images
from reseen.recipe.schema import Recipe
from reseen.training.images import Images, ImagesReadAhead, ResidentImages

READING_THREADS = min(8, os.cpu_count() or 1)
SHARE_OF_DEVICE = 0.25
"""Of an accelerator's free memory, at most this is taken by images: the network's maps need the rest."""


def hold_images(
    paths: Sequence[Path], recipe: Recipe, device: torch.device, progress: Progress | None = None
) -> tuple[Images, str]:
    """The training images, decoded where the memory for it is there; and where they are, in words.

    Every way gives the same batches of the same pixels.

    Args:
        paths: the image files.
        recipe: says their size, and how much of the host's memory they may take.
        device: the device that trains.
        progress: told about reading them.

    Raises:
        DatasetError: there is no image.
        ImageError: an image cannot be read. Of images that stay in their files, only the headers are read now.
    """
    files = ImageFiles.of(paths, recipe.preprocess.height, recipe.preprocess.width)
    size = f"{files.decoded_bytes / 1e6:.1f} MB of training images"
    limit = recipe.data.memory_limit_gb
    if files.decoded_bytes > limit * 1e9:
        told = f"{size} are read as they are needed: data.memory_limit_gb is {limit:g}"
        return ImagesReadAhead(files.read, device, READING_THREADS), told
    pixels = load_images(files, progress=None if progress is None else partial(progress, "reading"))
    if fit(pixels.nbytes, device):
        return ResidentImages(torch.from_numpy(pixels).to(device)), f"{size} are held in memory, on {device}"
    return ImagesReadAhead(partial(np.take, pixels, axis=0), device), f"{size} are held in the host's memory"


def fit(size: int, device: torch.device) -> bool:
    """Whether as many bytes may be kept on the device. What is no CUDA device shares the host's memory."""
    return device.type != "cuda" or size <= SHARE_OF_DEVICE * torch.cuda.mem_get_info(device)[0]
