"""The weights that a recipe's network starts from."""

from __future__ import annotations

from pathlib import Path

from reseen.errors import WeightsError
from reseen.models.backbone import Backbone
from reseen.models.foreign.installed import PREFIX, installed_entries
from reseen.models.weights import load_entries, load_weights
from reseen.models.weights_report import WeightsReport
from reseen.recipe.schema import Recipe


def load_pretrained(recipe: Recipe, backbone: Backbone) -> WeightsReport | None:
    """Put a recipe's pretrained weights into its backbone; None where it starts from scratch.

    Raises:
        WeightsError: the recipe names none, the package it names is not there, or see `load_weights`.
    """
    pretrained = recipe.model.pretrained
    if pretrained is None:
        return None
    if pretrained.path is None:
        raise WeightsError(
            f"the recipe {recipe.name} starts from pretrained weights, but names no file",
            expected="-o model.pretrained.path=FILE",
            got="model.pretrained.path: null",
            cure="give the file, or -o model.pretrained=null to train from scratch",
        )
    missing, unused = pretrained.expected_missing, pretrained.expected_unused
    if pretrained.path.startswith(PREFIX):
        path, entries, fresh = installed_entries(pretrained.path.removeprefix(PREFIX), recipe.model)
        return load_entries(backbone, entries, path, expected_missing=[*missing, *fresh], expected_unused=unused)
    return load_weights(backbone, Path(pretrained.path), expected_missing=missing, expected_unused=unused)
