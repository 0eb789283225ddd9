"""Drawn people for the tests that quantise, and what opens a model's files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from reseen.engines.choose import open_engine
from reseen.engines.engine import EngineName, EngineOptions
from reseen.exporting.parity import Run
from reseen.exporting.quantisation_images import read_quantisation_images
from reseen.images.preprocess import Preprocess
from reseen.synthetic import Plan, synthesise

OpenFiles = Callable[[EngineName, Mapping[str, bytes]], Run]


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of drawn people with training, query and gallery images; read only."""
    folder = tmp_path_factory.mktemp("people") / "people"
    synthesise(
        folder,
        Plan(
            persons=8,
            test_persons=9,
            cameras=2,
            images_per_camera=2,
            distractors=3,
            junk=2,
            seed=1,
            height=64,
            width=32,
        ),
    )
    return folder


@pytest.fixture(scope="session")
def pixels(people: Path) -> np.ndarray:
    """Images of people to quantise on, 64×32; read only."""
    return read_quantisation_images(people, Preprocess(height=64, width=32)).quantise


@pytest.fixture
def open_files(tmp_path: Path) -> OpenFiles:
    """Opens a model's files, given by name, with an engine."""

    def opened(engine: EngineName, files: Mapping[str, bytes]) -> Run:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        return open_engine(engine, tmp_path / next(iter(files)), EngineOptions()).run

    return opened
