"""The demo's comparison and its search."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from reseen.assess.evaluate import embed_split, evaluate_retrieval
from reseen.datasets.evaluation_split import evaluation_split
from reseen.datasets.manifest import Manifest
from reseen.demo import bundle as demo_bundle
from reseen.demo.bundle import show_bundle
from reseen.engines.load import load


def test_a_bundle_compares_and_searches(small_bundle: Path, people: Manifest, tmp_path: Path) -> None:
    with load(small_bundle) as embedder:
        found = evaluate_retrieval(embed_split(embedder, evaluation_split(people)))
        shown = show_bundle(embedder, people, found, tmp_path)

    assert shown.searched == len(people.split("gallery"))
    assert -1 <= shown.compared.score <= 1
    assert shown.compared.verdict is None
    with Image.open(tmp_path / "comparison.png") as picture:
        assert picture.width > 600
    assert (tmp_path / "search.html").read_text(encoding="utf-8").count("<img") >= 3 * (1 + demo_bundle.ENTRIES)
