"""Small drawn people, a recipe that is quick to train, and one finished run of it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reseen.datasets.manifest import Manifest, Sample
from reseen.datasets.synthetic.dataset import synthesise
from reseen.datasets.synthetic.plan import Plan
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe
from reseen.workflows.run_plan import TrainingRun
from reseen.workflows.train import train

SMALL = (
    "preprocess.height=64",
    "preprocess.width=32",
    "model.backbone.widths=[8, 16]",
    "sampler.persons=3",
    "sampler.images_per_person=2",
    "training.epochs=3",
    "training.evaluate_every=1",
    "training.save_every=2",
    "training.log_every=1",
)

SmallRecipe = Callable[..., Recipe]
WriteManifest = Callable[[Sequence[Sample]], Path]
WritePeople = Callable[..., Path]


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Drawn people with splits, cameras, distractors and junk; read only."""
    plan = Plan(
        persons=6, test_persons=4, cameras=3, images_per_camera=2, distractors=3, junk=2, height=64, width=32, seed=1
    )
    return synthesise(tmp_path_factory.mktemp("people"), plan)


@pytest.fixture(scope="session")
def small_recipe() -> SmallRecipe:
    """`tiny`, smaller still, with further overrides."""

    def load(*overrides: str) -> Recipe:
        return load_recipe("tiny", [*SMALL, *overrides])

    return load


@pytest.fixture(scope="session")
def finished_run(people: Manifest, small_recipe: SmallRecipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run of `small_recipe()` on `people`; read only."""
    output = tmp_path_factory.mktemp("run") / "small"
    train(TrainingRun(small_recipe(), people, output, torch.device("cpu")))
    return output


@pytest.fixture(scope="session")
def files() -> Callable[[Path], dict[str, bytes]]:
    """What the files in a folder hold."""
    return lambda folder: {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def write_manifest(tmp_path: Path) -> WriteManifest:
    """Write samples as a CSV manifest; a column that no sample fills is left out."""

    def write(samples: Sequence[Sample]) -> Path:
        rows = [(str(s.path), s.person, s.camera, s.split) for s in samples]
        used = [place for place in range(4) if any(row[place] for row in rows)]
        path = tmp_path / "manifest.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([("path", "person", "camera", "split")[place] for place in used])
            writer.writerows([row[place] for place in used] for row in rows)
        return path

    return write


@pytest.fixture
def write_people(tmp_path: Path) -> WritePeople:
    """Write a folder for each person with noisy images of the person's colour; sizes are (height, width)."""

    def write(colours: dict[str, tuple[int, int, int]], sizes: Sequence[tuple[int, int]]) -> Path:
        draw = np.random.default_rng(0)
        for person, colour in colours.items():
            (tmp_path / "people" / person).mkdir(parents=True)
            for number, size in enumerate(sizes):
                pixels = np.clip(draw.normal(colour, 12, (*size, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(tmp_path / "people" / person / f"{number}.png")
        return tmp_path / "people"

    return write
