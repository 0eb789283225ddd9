"""How training measures its network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from reseen.assess.evaluate import embed_split, evaluate_retrieval
from reseen.datasets.evaluation_split import evaluation_split
from reseen.datasets.manifest import Manifest
from reseen.models.load_embedder import load_embedder
from reseen.recipe.schema import Recipe
from reseen.runs.measure_network import measure_network

CPU = torch.device("cpu")
SmallRecipe = Callable[..., Recipe]


def test_a_network_in_training_is_evaluated_on_every_dataset(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe
) -> None:
    embedder = load_embedder(small_recipe(), finished_run / "checkpoints" / "best", CPU)
    other = replace(people, name="other")

    found = measure_network(embedder, [evaluation_split(people), evaluation_split(other)])

    alone = evaluate_retrieval(embed_split(embedder, evaluation_split(people))).figures()
    for figure in ("recall1", "recall5", "recall10", "mAP", "mINP"):
        assert found[figure] == found[f"{people.name}/{figure}"] == found[f"other/{figure}"] == alone[figure]
    assert (found["queries"], found["other/queries"]) == (24, 12)
    assert all(isinstance(value, float) for value in found.values())
