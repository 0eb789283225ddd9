"""The end of the demo: the trained network as a bundle, and what one does with it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from reseen.bundle.description import Parity, TrainingData
from reseen.datasets.manifest import Manifest
from reseen.engines.embedder import load
from reseen.engines.inputs import inputs_of
from reseen.engines.match import Match
from reseen.evaluation.ranked_list import ranked_list
from reseen.images.decode import decode_image
from reseen.models.network import ReIDNetwork
from reseen.recipe.schema import Recipe
from reseen.workflows.compare import write_comparison_picture
from reseen.workflows.evaluate import Evaluation
from reseen.workflows.search import search_folder
from reseen.workflows.search_page import write_search_page

NEEDED = ("onnx", "onnxscript")
"""What exporting needs beside training."""
SEARCHED = 3
ENTRIES = 10


@dataclass(frozen=True)
class BundleShown:
    """What the bundle did.

    Attributes:
        parity: how far its features lie from the trained network's.
        bytes: of its model.
        compared: a query and its best match by another camera.
        searched: how many images a search looked through.
    """

    parity: Parity
    bytes: int
    compared: Match
    searched: int


def show_bundle(
    network: ReIDNetwork, recipe: Recipe, manifest: Manifest, found: Evaluation, output: Path
) -> BundleShown | None:
    """Write `bundle`, `comparison.png` and `search.html`; None where the libraries that export are not installed.

    Args:
        network: as it was trained.
        recipe: it was trained with.
        manifest: whose query and gallery are compared and searched.
        found: the network's evaluation on them.
        output: the demo's folder.

    Raises:
        ExportError: the bundle does not agree with the network.
    """
    if any(find_spec(library) is None for library in NEEDED):
        return None
    from reseen.export.export import About, export_bundle  # noqa: PLC0415 - only where it is installed
    from reseen.export.source import source_of  # noqa: PLC0415

    about = About("demo", TrainingData(name="people drawn by a program", licence="none needed"))
    bundle = export_bundle(
        source_of(network, recipe.model, recipe.preprocess), [("onnx", "fp32")], output / "bundle", about
    )
    model = bundle.description.models[0]
    queries, gallery = manifest.split("query"), manifest.split("gallery")
    best = int(found.metrics.valid_queries[np.argmax(found.metrics.average_precision)])
    match = gallery[ranked_list(found.retrieval, best, 1).places[0]]
    with load(bundle.folder) as embedder:
        pair = [queries[best].path, match.path]
        compared = embedder.compare(*pair)
        pixels = [decode_image(path) for path in pair]
        write_comparison_picture(output / "comparison.png", pixels, [str(path) for path in pair], compared)
        wanted = [sample.path for sample in queries[:: max(1, len(queries) // SEARCHED)][:SEARCHED]]
        search = search_folder(embedder, inputs_of(wanted), inputs_of([each.path for each in gallery]), ENTRIES)
        write_search_page(output / "search.html", search, str(gallery[0].path.parent), embedder)
    return BundleShown(model.parity, bundle.description.files[model.files[0]].bytes, compared, search.images)
