"""Trained weights as an embedder."""

from __future__ import annotations

from pathlib import Path

import torch

from reseen.errors import WeightsError
from reseen.models.embedder import NetworkEmbedder
from reseen.models.weights import load_network
from reseen.models.weights_file import read_header, resolve_weights
from reseen.recipe.schema import Recipe


def load_embedder(recipe: Recipe, weights: Path, device: torch.device) -> NetworkEmbedder:
    """Trained weights as an embedder, with the recipe's preprocessing and settings.

    Args:
        recipe: the one the weights were trained with.
        weights: a file that training saved; the suffix may be left out.
        device: where to compute.

    Raises:
        WeightsError: the weights are not this recipe's, or were trained with another preprocessing.
    """
    _check_preprocess(recipe, weights)
    network, settings = load_network(recipe.model, weights), recipe.evaluation
    return NetworkEmbedder(network, recipe.preprocess, device, batch_size=settings.batch_size, flip=settings.flip)


def _check_preprocess(recipe: Recipe, weights: Path) -> None:
    """Refuse weights whose header tells of another preprocessing; weights from elsewhere tell of none."""
    trained_with = read_header(resolve_weights(weights)).get("preprocess")
    ours = recipe.preprocess.model_dump_json()
    if trained_with not in (None, ours):
        raise WeightsError(
            f"{weights} was trained with different preprocessing",
            expected=trained_with,
            got=ours,
            cure="evaluate with the recipe.yaml of the run that trained it",
        )
