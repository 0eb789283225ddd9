"""Importing another project's weights: every entry finds its place, or is dropped for a reason that is told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch

from reseen.errors import UsageError
from reseen.files import write_whole
from reseen.models.foreign import efficientnet_lite, fastreid, paddleclas, reid_strong_baseline, torchreid, torchvision
from reseen.models.foreign.checkpoint import read_checkpoint
from reseen.models.foreign.fit import check_fit, check_normalisation, check_settings
from reseen.models.foreign.source import Dropped, Source
from reseen.recipe.schema import Recipe

SOURCES: dict[str, Source] = {
    "torchreid": torchreid.SOURCE,
    "fastreid": fastreid.SOURCE,
    "paddleclas": paddleclas.SOURCE,
    "reid-strong-baseline": reid_strong_baseline.SOURCE,
    "torchvision": torchvision.SOURCE,
    "efficientnet-lite": efficientnet_lite.SOURCE,
}
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Imported:
    """What became of every entry of a checkpoint.

    Attributes:
        loaded: the name here of each entry that was taken, by its name there.
        dropped: why each other entry was not, by its name there.
        to_start_from: whether these are a backbone's weights alone, for training to start from.
        notes: what else the user should know.
    """

    loaded: Mapping[str, str]
    dropped: Mapping[str, str]
    to_start_from: bool
    notes: Sequence[str]


def import_weights(path: Path, source: str, recipe: Recipe, output: Path) -> Imported:
    """Write another project's checkpoint as a weights file of a recipe's network.

    Args:
        path: the checkpoint; see `read_checkpoint`.
        source: one of `SOURCES`.
        recipe: its model is the network that the checkpoint is of; its preprocess goes into the file's header.
        output: a `.safetensors` file; its folder exists.

    Raises:
        UsageError: the output is no such file.
        WeightsError: the checkpoint cannot be read, is of another network than the recipe's, or holds values that are
            not finite numbers. Nothing is written then.
        StorageError: it cannot be written.
    """
    if output.suffix != SUFFIX:
        raise UsageError(
            f"weights are not written to {output}",
            expected=f"a file whose name ends in {SUFFIX}",
            got=output.suffix or "no suffix",
            cure=f"name it {output.stem}{SUFFIX}",
        )
    foreign = SOURCES[source]
    entries = read_checkpoint(path)
    start = foreign.to_start_from(entries)
    notes = check_settings(path, foreign, recipe, entries)
    check_normalisation(path, foreign, recipe, entries)
    placed = {name: foreign.place(name, recipe.model) for name in entries}
    loaded = {name: place for name, place in placed.items() if isinstance(place, str)}
    arranged = {place: foreign.arrange(name, entries[name]) for name, place in loaded.items()}
    check_fit(path, recipe, loaded, arranged, start=start, fresh=foreign.fresh)
    stored = {name: entry.float() if entry.is_floating_point() else entry for name, entry in arranged.items()}
    write_whole(output, safetensors.torch.save(stored, _header(path, foreign, recipe)))
    dropped = {name: place.reason for name, place in placed.items() if isinstance(place, Dropped)}
    return Imported(loaded, dropped, start, notes)


def _header(path: Path, source: Source, recipe: Recipe) -> dict[str, str]:
    """As training writes it, and where the weights come from."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    preprocess = recipe.preprocess.model_dump_json()
    return {"recipe": recipe.name, "preprocess": preprocess, "imported": source.title, "imported_sha256": digest}
