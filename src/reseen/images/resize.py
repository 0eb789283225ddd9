"""`fit`: the one resize of deployed models, by Pillow, on images in host memory."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from reseen.images.preprocess import Preprocess


def fit(image: UInt8[np.ndarray, "_ _ 3"], preprocess: Preprocess) -> UInt8[np.ndarray, "h w 3"]:
    """The image at the size of the preprocessing, by antialiased bilinear resampling.

    An image of that size comes back as it is, not as a copy. `reseen.models.preprocessing.resize` does the same on
    whole batches, within ±1.
    """
    if image.shape[:2] == (preprocess.height, preprocess.width):
        return image
    size = preprocess.width, preprocess.height
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
