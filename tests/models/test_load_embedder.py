"""Trained weights as an embedder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from reseen.assess.evaluate import embed_split
from reseen.datasets.evaluation_split import evaluation_split
from reseen.datasets.manifest import Manifest
from reseen.errors import WeightsError
from reseen.models.load_embedder import load_embedder
from reseen.recipe.schema import Recipe

CPU = torch.device("cpu")
SmallRecipe = Callable[..., Recipe]


@pytest.mark.parametrize("other", ["model.backbone.widths=[8, 32]", "model.backbone.widths=[4, 16]", "model.neck=none"])
def test_weights_of_another_model_are_refused(other: str, finished_run: Path, small_recipe: SmallRecipe) -> None:
    with pytest.raises(WeightsError, match="does not fit") as refused:
        load_embedder(small_recipe(other), finished_run / "checkpoints" / "best", CPU)

    assert refused.value.cure == "use the recipe that these weights were trained with"


def test_weights_trained_with_another_preprocessing_are_refused(finished_run: Path, small_recipe: SmallRecipe) -> None:
    with pytest.raises(WeightsError, match="trained with different preprocessing") as refused:
        load_embedder(small_recipe("preprocess.height=80"), finished_run / "checkpoints" / "best", CPU)

    assert refused.value.expected is not None
    assert '"height":64' in refused.value.expected


def test_flip_is_a_setting_of_the_recipe(finished_run: Path, people: Manifest, small_recipe: SmallRecipe) -> None:
    weights = finished_run / "checkpoints" / "best"

    plain, flipped = (load_embedder(small_recipe(f"evaluation.flip={flip}"), weights, CPU) for flip in (False, True))

    assert (plain.flip, flipped.flip) == (False, True)
    split = evaluation_split(people)
    assert not np.allclose(embed_split(plain, split).query_features, embed_split(flipped, split).query_features)
