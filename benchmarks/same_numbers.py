"""One bundle, the same figures through torch, every engine and C++, on the real Market-1501.

    python benchmarks/same_numbers.py [MARKET1501 [RECIPE WEIGHTS]]

Exports trained weights (by default those in `weights/`) to ONNX, OpenVINO and MNN, builds the C++ command, embeds query
and gallery through each, and prints rank-1 and mAP. Exit code 1 when one differs from torch by more than 1e-3.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from reseen.assess.evaluate import embed_split, evaluate_retrieval
from reseen.assess.extract import EmbedsFiles, Progress
from reseen.datasets.evaluation_split import evaluation_split
from reseen.datasets.open import open_dataset
from reseen.engines.load import load
from reseen.evaluation.protocol import RetrievalSet
from reseen.exporting.export import About, export_bundle
from reseen.exporting.source import source_of
from reseen.models.load_embedder import load_embedder
from reseen.recipe.load import load_recipe

REPOSITORY = Path(__file__).parents[1]
SHIPPED = REPOSITORY / "weights" / "osnet_x0_25_market1501_128x64"
LIMIT = 1e-3
AT_A_TIME = 5_000
"""Paths of one call of the C++ command, whose command line has its limit."""


def openvino_cmake() -> Path:
    """OpenVINO's CMake files, found without importing it: that would report to its vendor."""
    found = find_spec("openvino")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "cmake"


class CppCommand:
    """Embeds image files by the C++ command, called as `extract_features` is."""

    def __init__(self, bundle: Path, folder: Path) -> None:
        self.bundle, self.folder = bundle, folder
        cmake = openvino_cmake()
        build = folder / "build"
        for step in (["-S", REPOSITORY / "cpp", "-B", build, f"-DOpenVINO_DIR={cmake}"], ["--build", build]):
            subprocess.run(["cmake", *map(str, step)], check=True, stdout=subprocess.DEVNULL)  # noqa: S607
        self.command = build / "reseen-embed"

    def __call__(
        self, embedder: EmbedsFiles, paths: Sequence[Path], progress: Progress | None, stage: str, /
    ) -> np.ndarray:
        """Unit-norm features of image files, in their order."""
        parts = [np.empty((0, embedder.feature_size), dtype=np.float32)]
        output = self.folder / "features.npy"
        for start in range(0, len(paths), AT_A_TIME):
            options: list[Path | str] = ["--bundle", self.bundle, "--output", output, *paths[start : start + AT_A_TIME]]
            subprocess.run([self.command, *options], check=True, stdout=subprocess.DEVNULL)
            parts.append(np.load(output))
        return np.concatenate(parts)


def figures(retrieval: RetrievalSet) -> tuple[float, float]:
    """Recall@1 and mAP."""
    metrics = evaluate_retrieval(retrieval).metrics
    return metrics.recall1, metrics.mAP


def main() -> int:
    """Measure every way, print the table, and say whether all agree."""
    named = sys.argv[1:]
    data = Path(named[0] if named else os.environ["RESEEN_MARKET1501"])
    recipe_path, weights = (
        (Path(named[1]), Path(named[2])) if named[1:] else (SHIPPED / "recipe.yaml", SHIPPED / "best")
    )
    recipe, split = load_recipe(str(recipe_path)), evaluation_split(open_dataset(data))
    trained = load_embedder(recipe, weights, torch.device("cpu"))
    found: dict[str, tuple[float, float]] = {}
    print(f"{recipe.name}, {split.name}\n\n| through | rank-1 | mAP | seconds |\n|---|---|---|---|")

    def measure(way: str, start: float, retrieval: RetrievalSet) -> None:
        seconds = time.perf_counter() - start
        found[way] = figures(retrieval)
        print(f"| {way} | {100 * found[way][0]:.3f} | {100 * found[way][1]:.3f} | {seconds:.0f} |", flush=True)

    measure("torch", time.perf_counter(), embed_split(trained, split))
    with tempfile.TemporaryDirectory(prefix="reseen-") as folder:
        bundle = Path(folder) / "bundle"
        targets = [("onnx", "fp32"), ("onnx", "fp16"), ("openvino", "fp32"), ("mnn", "fp32"), ("mnn", "fp16")]
        export_bundle(source_of(trained.network, recipe.model, recipe.preprocess), targets, bundle, About(recipe.name))  # type: ignore[arg-type]
        engines = {"onnx": "onnxruntime", "openvino": "openvino", "mnn": "mnn"}
        for form, precision in targets:
            with load(bundle, engine=engines[form], precision=precision) as embedder:  # type: ignore[arg-type]
                start = time.perf_counter()
                measure(f"{engines[form]} {precision}", start, embed_split(embedder, split))
        with load(bundle) as embedder:
            command, start = CppCommand(bundle, Path(folder)), time.perf_counter()
            measure("C++ fp32", start, embed_split(embedder, split, extract=command))
    worst = max(abs(a - b) for each in found.values() for a, b in zip(each, found["torch"], strict=True))
    kept = worst <= LIMIT
    print(f"\nlargest difference {worst:.1e} (limit {LIMIT:g}): {'kept' if kept else 'BROKEN'}")
    print(json.dumps({way: {"recall1": both[0], "mAP": both[1]} for way, both in found.items()}))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
