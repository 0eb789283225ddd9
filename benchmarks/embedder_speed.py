"""How much of a bare ONNX Runtime session's speed an embedder keeps, and how soon it gives its first features.

    python benchmarks/embedder_speed.py

Two models with random weights are exported at 256×128, and JPEGs of drawn people are written at 128×64, Market-1501's
size. Reference in the same run: a session of ONNX Runtime as it comes, on batches of 32 that lie ready in memory. Exit
code 1 when a promise is broken: from images in memory ≥ 95 % of its images/s; from a folder of JPEGs, which are found,
read, decoded and resized on the way, ≥ 75 % for osnet_x0_25 and ≥ 90 % for ResNet-50; `import reseen` ≤ 0.3 s; the
first features of osnet_x0_25 ≤ 1.5 s after the start of the process, by the command line and from Python.

The limits are those of two cores that nothing else uses: decoding and resizing one JPEG takes 0.6 ms of a core, one
image of osnet_x0_25 takes 2.7 ms. The rounds are interleaved and the best of each counts.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from _measure import best_times, promise
from reseen.engines.embedder import BATCH_SIZE
from reseen.engines.load import load
from reseen.exporting.export import About, export_bundle
from reseen.exporting.source import source_of
from reseen.models.network import build_network
from reseen.recipe.load import load_recipe
from reseen.synthetic import Plan, synthesise

PEOPLE = Plan(persons=2, test_persons=62, cameras=4, images_per_camera=2, distractors=0, junk=0, height=128, width=64)
SIZE = ("preprocess.height=256", "preprocess.width=128")
SMALL, LARGE = "osnet_x0_25", "resnet50"
RECIPES = {SMALL: "osnet_x0_25", LARGE: "baseline"}
FROM_FILES = {SMALL: 0.75, LARGE: 0.9}
"""Share of the session's images/s that is promised from a folder of JPEGs."""
IMAGES = {SMALL: 512, LARGE: 64}
ROUNDS = {SMALL: 9, LARGE: 5}
STARTS = 9


def main() -> int:
    """Measure both models and the start; return the exit code."""
    kept = []
    with tempfile.TemporaryDirectory(prefix="reseen-") as scratch:
        folder = Path(scratch)
        synthesise(folder / "people", PEOPLE)
        paths = sorted((folder / "people").rglob("*.jpg"))
        for name, recipe in RECIPES.items():
            bundle = exported(recipe, folder / name)
            kept += throughput(name, bundle, paths[: IMAGES[name]])
        kept += start(folder / SMALL, paths[0])
    return 0 if all(kept) else 1


def exported(recipe: str, bundle: Path) -> Path:
    """A bundle of the recipe's network, its weights drawn by chance."""
    loaded = load_recipe(recipe, SIZE)
    torch.manual_seed(0)
    source = source_of(build_network(loaded.model, persons=0), loaded.model, loaded.preprocess)
    export_bundle(source, [("onnx", "fp32")], bundle, About(recipe))
    return bundle


def throughput(name: str, bundle: Path, paths: Sequence[Path]) -> list[bool]:
    """Print images/s of one model; return whether the promises are kept."""
    count = len(paths)
    with load(bundle) as embedder:
        shape = (count, embedder.preprocess.height, embedder.preprocess.width, 3)
        pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        session = onnxruntime.InferenceSession(bundle / "model.onnx", providers=["CPUExecutionProvider"])

        def bare() -> None:
            for first in range(0, count, BATCH_SIZE):
                session.run(None, {"images": pixels[first : first + BATCH_SIZE]})

        seconds = best_times(
            ROUNDS[name], bare, lambda: embedder.embed(list(pixels)), lambda: embedder.embed(list(paths))
        )
    reference, memory, files = (count / each for each in seconds)
    print(f"{name}, images/s: bare session {reference:.1f}, from memory {memory:.1f}, from JPEGs {files:.1f}")
    return [
        promise("bare session / embedder from memory", reference / memory, at_most=1 / 0.95),
        promise("bare session / embedder from JPEGs", reference / files, at_most=1 / FROM_FILES[name]),
    ]


def start(bundle: Path, image: Path) -> list[bool]:
    """Print how long processes take to begin; return whether the promises are kept."""
    python = [sys.executable, "-c"]
    embed = f"import reseen; reseen.load({str(bundle)!r}).embed({str(image)!r})"
    command = [sys.executable, "-m", "reseen", "embed", str(image), "--bundle", str(bundle)]
    empty, imported, first, by_command = best_times(
        STARTS,
        lambda: run([*python, ""]),
        lambda: run([*python, "import reseen"]),
        lambda: run([*python, embed]),
        lambda: run(command),
    )
    print(f"start, seconds: Python alone {empty:.3f}")
    return [
        promise("import reseen, s", imported - empty, at_most=0.3),
        promise("first features from Python, s from the start of the process", first, at_most=1.5),
        promise("first features by the command, s from the start of the process", by_command, at_most=1.5),
    ]


def run(command: Sequence[str]) -> None:
    """Run a process to its end."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
