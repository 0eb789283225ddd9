"""Person re-identification: train, evaluate, and find the same person in other cameras' images.

    import reseen

    embedder = reseen.load()
    features = embedder.embed(["a.jpg", "b.jpg"])

Every public name is here; where it is defined may change. Each is imported when it is first asked for: `import reseen`
alone loads nothing but the standard library, and only what trains or exports loads torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reseen.bundle.bundle import Bundle
    from reseen.calibration.calibration import Calibration
    from reseen.calibration.verdict import Verdict
    from reseen.datasets.manifest import Manifest, Sample
    from reseen.datasets.open import open_dataset
    from reseen.engines.embedded import Embedded
    from reseen.engines.embedder import Embedder
    from reseen.engines.load import load
    from reseen.engines.match import Match
    from reseen.errors import (
        BundleError,
        CheckpointError,
        DatasetError,
        DownloadError,
        EngineError,
        ExportError,
        FeaturesError,
        ImageError,
        Interrupted,
        RecipeError,
        ReseenError,
        RunError,
        StorageError,
        TrainingError,
        UsageError,
        WeightsError,
    )
    from reseen.images.preprocess import Preprocess
    from reseen.recipe.load import load_recipe
    from reseen.recipe.schema import Recipe
    from reseen.run_folder import Run
    from reseen.runs.train import train
    from reseen.verbs.calibrate import calibrate
    from reseen.verbs.evaluate import evaluate
    from reseen.verbs.export import export

__version__ = "0.1.0"
__all__ = [
    "Bundle",
    "BundleError",
    "Calibration",
    "CheckpointError",
    "DatasetError",
    "DownloadError",
    "Embedded",
    "Embedder",
    "EngineError",
    "ExportError",
    "FeaturesError",
    "ImageError",
    "Interrupted",
    "Manifest",
    "Match",
    "Preprocess",
    "Recipe",
    "RecipeError",
    "ReseenError",
    "Run",
    "RunError",
    "Sample",
    "StorageError",
    "TrainingError",
    "UsageError",
    "Verdict",
    "WeightsError",
    "calibrate",
    "evaluate",
    "export",
    "load",
    "load_recipe",
    "open_dataset",
    "train",
]

_HOMES = {
    "Bundle": "bundle.bundle",
    "Calibration": "calibration.calibration",
    "Embedded": "engines.embedded",
    "Embedder": "engines.embedder",
    "Manifest": "datasets.manifest",
    "Match": "engines.match",
    "Preprocess": "images.preprocess",
    "Recipe": "recipe.schema",
    "Run": "run_folder",
    "Sample": "datasets.manifest",
    "Verdict": "calibration.verdict",
    "load": "engines.load",
    "load_recipe": "recipe.load",
    "open_dataset": "datasets.open",
    "calibrate": "verbs.calibrate",
    "evaluate": "verbs.evaluate",
    "export": "verbs.export",
    "train": "runs.train",
}
"""Where each public name is defined; what is not named here is an error, of `reseen.errors`."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'reseen' has no attribute {name!r}")
    return getattr(importlib.import_module(f"reseen.{_HOMES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
