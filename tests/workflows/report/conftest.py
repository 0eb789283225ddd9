"""A small retrieval set with images, whose figures are known."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from reseen.evaluation.protocol import RetrievalSet


class Small(NamedTuple):
    """Features of 12 people by 3 cameras, with a distractor and a query nobody matches, and their images."""

    retrieval: RetrievalSet
    query_paths: tuple[Path, ...]
    gallery_paths: tuple[Path, ...]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Features of 12 people by 3 cameras, and their images."""
    draw = np.random.default_rng(0)
    centers = draw.normal(size=(13, 16))
    persons = np.repeat(np.arange(1, 13), 3)
    cameras = np.tile(np.arange(3), 12)
    gallery = centers[persons - 1] + draw.normal(scale=0.6, size=(36, 16))
    query_persons = np.append(np.arange(1, 13), 13)
    query = centers[query_persons - 1] + draw.normal(scale=0.6, size=(13, 16))
    folder = tmp_path_factory.mktemp("images")
    paths = []
    for number in range(50):
        paths.append(folder / f"{number:02d}.jpg")
        Image.new("RGB", (20, 40), (number * 5, 80, 120)).save(paths[-1])
    return Small(
        RetrievalSet.of(
            query_features=query.astype(np.float32),
            gallery_features=np.concatenate([gallery, draw.normal(size=(1, 16))]).astype(np.float32),
            query_persons=query_persons,
            gallery_persons=np.append(persons, 0),
            query_cameras=np.arange(13) % 3,
            gallery_cameras=np.append(cameras, 1),
        ),
        tuple(paths[:13]),
        tuple(paths[13:]),
    )
