"""`Preprocess`: how an image becomes the network's input. One value, shared by training and evaluation."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Side = Annotated[int, Field(ge=16, le=2048)]
Channels = tuple[float, float, float]
Scales = tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]


class Preprocess(BaseModel):
    """Size, resampling and normalisation of an RGB image.

    The image is resized to `height` × `width` pixels with antialiased bilinear resampling (Pillow's `BILINEAR`),
    scaled to 0..1, then normalised per channel as `(x - mean) / std`.

    Examples:
        >>> import reseen
        >>> reseen.Preprocess(height=128, width=64).mean
        (0.485, 0.456, 0.406)

    Attributes:
        height: pixels; images are resized to it, without keeping their proportions.
        width: pixels.
        interpolation: antialiased when shrinking, as Pillow does it.
        colour: order of the channels.
        mean: subtracted from each channel, of pixels scaled to 0–1.
        std: each channel is then divided by it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    height: Side = 256
    width: Side = 128
    interpolation: Literal["bilinear"] = "bilinear"
    colour: Literal["RGB"] = "RGB"
    mean: Channels = (0.485, 0.456, 0.406)
    std: Scales = (0.229, 0.224, 0.225)

    @property
    def sha256(self) -> str:
        """Hash that identifies this preprocessing: SHA-256 of its JSON with sorted keys."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()
