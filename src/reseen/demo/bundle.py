"""The end of the demo: what one does with a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reseen.assess.evaluate import Evaluation
from reseen.datasets.manifest import Manifest
from reseen.engines.embedder import Embedder
from reseen.engines.match import Match
from reseen.evaluation.ranked_list import ranked_list
from reseen.images.decode import decode_image
from reseen.images.source import image_sources
from reseen.reports.comparison_picture import write_comparison_picture
from reseen.reports.search_page import write_search_page
from reseen.retrieval.search import search_folder

SEARCHED = 3
ENTRIES = 10


@dataclass(frozen=True)
class BundleShown:
    """What a bundle did.

    Attributes:
        compared: a query and its best match by another camera.
        searched: how many images a search looked through.
    """

    compared: Match
    searched: int


def show_bundle(embedder: Embedder, manifest: Manifest, found: Evaluation, output: Path) -> BundleShown:
    """Write `comparison.png` and `search.html`.

    Args:
        embedder: of the bundle.
        manifest: whose query and gallery are compared and searched.
        found: the model's evaluation on them.
        output: the demo's folder.
    """
    queries, gallery = manifest.split("query"), manifest.split("gallery")
    best = int(found.metrics.valid_queries[np.argmax(found.metrics.average_precision)])
    pair = [queries[best].path, gallery[ranked_list(found.retrieval, best, 1).places[0]].path]
    compared = embedder.compare(*pair)
    write_comparison_picture(
        output / "comparison.png", [decode_image(path) for path in pair], [str(path) for path in pair], compared
    )
    wanted = [sample.path for sample in queries[:: max(1, len(queries) // SEARCHED)][:SEARCHED]]
    search = search_folder(embedder, image_sources(wanted), image_sources([each.path for each in gallery]), ENTRIES)
    write_search_page(output / "search.html", search, str(gallery[0].path.parent), embedder)
    return BundleShown(compared, search.images)
