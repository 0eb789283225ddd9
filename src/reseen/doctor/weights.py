"""Whether weight files can be read, and which shipped recipes need one."""

from __future__ import annotations

from pathlib import Path

from reseen.doctor.finding import Finding
from reseen.errors import WeightsError
from reseen.models.foreign.installed import PREFIX
from reseen.models.weights_file import read_weights, resolve_weights
from reseen.recipe.load import load_recipe, shipped_recipes


def check_weights(path: Path) -> Finding:
    """Read a weight file as training and evaluation would."""
    try:
        file = resolve_weights(path)
        arrays = read_weights(file)
    except WeightsError as error:
        return Finding("weights", "problem", f"{error.what} ({error.got})", error.cure)
    numbers = sum(array.numel() for array in arrays.values())
    return Finding("weights", "ok", f"{path}: {len(arrays)} entries, {numbers:,} numbers")


def check_recipes() -> Finding:
    """The shipped recipes that start from a file which the user has to name, or from a package to be installed."""
    recipes = [load_recipe(name) for name in shipped_recipes()]
    starting = [(each.name, each.model.pretrained.path) for each in recipes if each.model.pretrained is not None]
    asking = ", ".join(name for name, path in starting if path is None)
    text = f"{asking} start from ImageNet weights: name them with -o model.pretrained.path=FILE"
    packaged = ", ".join(f"{name} from {path.removeprefix(PREFIX)}" for name, path in starting if path is not None)
    return Finding("recipes", "note", f"{text}; {packaged}, once installed; the others start from scratch")
