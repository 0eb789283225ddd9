"""Images → stored features, however many, going on where an earlier call was stopped."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import reseen
from reseen.engines.embedded import gather, reported
from reseen.engines.embedder import Embedder
from reseen.errors import ImageError
from reseen.files import hold_folder, make_folder, require_file
from reseen.images.source import ImageSource
from reseen.map_ahead import OnProgress
from reseen.retrieval.embed_output import Stored, writer_for
from reseen.retrieval.embed_unfinished import Unfinished

BLOCK = 512
"""Images that are embedded between two steps of the journal: what is lost, at most, when a call is stopped."""


def embed_to_file(
    embedder: Embedder,
    inputs: Sequence[ImageSource],
    output: Path,
    *,
    started: Callable[[int, int], None] | None = None,
    progress: OnProgress | None = None,
) -> dict[str, str]:
    """Embed image files and store their features, names and feature space.

    Until all is done, it lies in a folder beside the output. Called again with the same images and bundle, it goes on
    from there; from the first block of images on that is not the same, it embeds again. Memory does not grow with the
    images, but for their names.

    Args:
        embedder: a loaded bundle.
        inputs: image files.
        output: `.npz` or `.parquet`; written as a whole at the end.
        started: told, before the work, how many images an earlier call has done, and how many such a call had begun
            with, 0 for none.
        progress: told how many images are done, and how many there are.

    Returns:
        What is wrong with the images that could not be read, by their names.

    Raises:
        ImageError: images were changed meanwhile.
        UsageError: another kind of output, or something else than a file; its library is missing; another
            process writes to it.
        StorageError: it cannot be written.
        EngineError: the engine failed.
    """
    write, output = writer_for(output), require_file(output)
    folder = make_folder(output.with_name(f"{output.name}.unfinished"))
    with hold_folder(folder):
        unfinished = Unfinished(folder, embedder.feature_size)
        blocks = [inputs[start : start + BLOCK] for start in range(0, len(inputs), BLOCK)]
        keys = _keys(embedder, blocks)
        kept, found = unfinished.resume(keys)
        if started is not None:
            started(min(kept * BLOCK, len(inputs)), min(found * BLOCK, len(inputs)))
        for place in range(kept, len(blocks)):
            unfinished.add(keys[place], *_embed(embedder, blocks[place], place * BLOCK, len(inputs), progress))
        broken = unfinished.broken()
        names = [
            each.name for block, lost in zip(blocks, broken, strict=True) for each in block if each.name not in lost
        ]
        with unfinished.writing():
            write(Stored(unfinished.features, embedder.feature_size, names, embedder.feature_space), folder / "whole")
        unfinished.finish(folder / "whole", output)
    return {name: reason for lost in broken for name, reason in lost.items()}


def _embed(
    embedder: Embedder, block: Sequence[ImageSource], before: int, total: int, progress: OnProgress | None
) -> tuple[np.ndarray, dict[str, str]]:
    """Features of one block, and what is wrong with those that have none."""
    batches = reported(embedder.stream(block), total, progress, done=before)
    embedded = gather(batches, len(block), embedder.feature_size)
    broken = {name: error.short for name, error in embedded.broken.items()}
    if len(embedded) != sum(each.name not in broken for each in block):  # else names and features would part ways
        raise ImageError(
            "an image that was given twice changed in between",
            expected="images that do not change while they are embedded",
            got=", ".join(broken)[:300],
            cure="run the command again when nothing writes to them: it resumes",
        )
    return embedded.features, broken


def _keys(embedder: Embedder, blocks: Sequence[Sequence[ImageSource]]) -> list[str]:
    """What tells each block from one of other images, or of another model."""
    files = embedder.bundle.description.files
    model = [reseen.__version__, embedder.feature_space, *(files[name].sha256 for name in embedder.model.files)]
    return [_hash([*model, *([each.name, *_state(each.name)] for each in block)]) for block in blocks]


def _hash(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _state(path: str) -> tuple[int, int]:
    """Size and time of change of a file; zeros where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - of a million files, without a million objects
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns
