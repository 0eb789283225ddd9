"""`fit`: the one resize of deployed models, by Pillow, on images in host memory."""

from __future__ import annotations

import numpy as np
from PIL import Image

from reseen.images.preprocess import Preprocess
from reseen.shapes import UInt8


def fit(image: UInt8[np.ndarray, "_ _ 3"] | Image.Image, preprocess: Preprocess) -> UInt8[np.ndarray, "h w 3"]:
    """The image, or Pillow's picture of mode RGB, at the size of the preprocessing, by antialiased bilinear resampling.

    An array of that size comes back as it is, not as a copy. `reseen.models.preprocessing.resize` does the same on
    whole batches, within ±1.
    """
    size = preprocess.width, preprocess.height
    if isinstance(image, np.ndarray):
        if image.shape[1::-1] == size:
            return image
        image = Image.fromarray(image)
    return np.asarray(image if image.size == size else image.resize(size, Image.Resampling.BILINEAR))
