"""Small real image files for the tests of the readers."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

WriteImages = Callable[..., list[Path]]


@pytest.fixture
def write_images(tmp_path: Path) -> WriteImages:
    """Write images of `size` (height, width) at paths below `tmp_path`; no two have the same content."""

    def write(*names: str, size: tuple[int, int] = (16, 8)) -> list[Path]:
        paths = [tmp_path / name for name in names]
        for name, path in zip(names, paths, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            rng = np.random.default_rng(zlib.crc32(name.encode()))
            Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)
        return paths

    return write
