"""Images of many kinds, and what a bundle's model gives for pixels when nothing of reseen is in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

Bare = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="session")
def bare(small_bundle: Path) -> Bare:
    """The features of one image of any size: Pillow's resampling and a session of ONNX Runtime, nothing else."""
    session = onnxruntime.InferenceSession(small_bundle / "model.onnx", providers=["CPUExecutionProvider"])

    def features(pixels: np.ndarray) -> np.ndarray:
        resized = Image.fromarray(pixels).resize((32, 64), Image.Resampling.BILINEAR)
        (found,) = session.run(None, {"images": np.asarray(resized)[None]})
        row: np.ndarray = found[0]
        return row

    return features


@pytest.fixture
def image_folder(pictures: list[np.ndarray], tmp_path: Path) -> Path:
    """The pictures as `0.png` to `4.png`."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder
