"""An evaluation kept in a folder, so that reports need no network: `features.npz`, and `evaluation.json` beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from reseen.datasets.manifest import Manifest
from reseen.errors import FeaturesError
from reseen.evaluation.features import read_features, write_features
from reseen.files import make_folder, write_whole
from reseen.recipe.schema import Recipe, Reranking
from reseen.workflows.evaluate import evaluated_part, query_and_gallery
from reseen.workflows.evaluations import Evaluations
from reseen.workflows.report.page import Reported

FEATURES, DESCRIPTION = "features.npz", "evaluation.json"
MAX_BYTES = 500_000_000
"""Largest description: some millions of paths."""


class Description(BaseModel):
    """What `evaluation.json` holds.

    Attributes:
        format: of this file.
        dataset: its name.
        model: what made the features, in words.
        command: that makes the same again.
        cameras: what the camera codes stand for.
        query: file of each query.
        gallery: file of each gallery image, without junk.
        reranking: how the ranking was improved, None for not at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["reseen-evaluation-1"] = "reseen-evaluation-1"
    dataset: str
    model: str
    command: str
    cameras: tuple[str, ...]
    query: tuple[str, ...]
    gallery: tuple[str, ...]
    reranking: Reranking | None = None


def write_stored(folder: Path, reported: Reported) -> None:
    """Keep an evaluation in a folder, which is made when it is not there.

    Raises:
        StorageError: it cannot be written.
    """
    description = Description(
        dataset=reported.title,
        model=reported.model,
        command=reported.command,
        cameras=reported.retrieval.camera_names,
        query=tuple(str(path.absolute()) for path in reported.query_paths),
        gallery=tuple(str(path.absolute()) for path in reported.gallery_paths),
        reranking=reported.reranking,
    )
    write_features(make_folder(folder) / FEATURES, reported.retrieval)
    write_whole(folder / DESCRIPTION, description.model_dump_json(by_alias=True) + "\n")


def store_evaluations(
    output: Path, found: Evaluations, recipe: Recipe, manifests: Sequence[Manifest], *, model: str, command: str
) -> None:
    """Keep what was evaluated: in `output` itself, or with several datasets each in a folder of its name there.

    Args:
        output: a folder.
        found: the evaluations.
        recipe: of the network.
        manifests: the datasets, as they were evaluated.
        model: what made the features, in words.
        command: that makes the same again.

    Raises:
        StorageError: it cannot be written.
    """
    for manifest in manifests:
        query, gallery = query_and_gallery(evaluated_part(recipe, manifest))
        reported = Reported(
            title=manifest.name,
            model=model,
            command=command,
            retrieval=found.each[manifest.name].retrieval,
            query_paths=tuple(sample.path for sample in query),
            gallery_paths=tuple(sample.path for sample in gallery),
            reranking=found.each[manifest.name].reranking,
        )
        write_stored(output if len(manifests) == 1 else output / manifest.name, reported)


def read_stored(folder: Path) -> Reported:
    """Read an evaluation back: its own folder, or that of a run which holds it as `evaluation`.

    Raises:
        FeaturesError: there is none, or its files cannot be read or do not belong together.
    """
    found = next((each for each in (folder, folder / "evaluation") if (each / DESCRIPTION).is_file()), None)
    if found is None:
        raise FeaturesError(
            f"{folder} holds no evaluation",
            expected=f"{DESCRIPTION} and {FEATURES}, as `reseen evaluate --output` writes them",
            got="neither there nor in a folder `evaluation` below it",
            cure=_how_to_evaluate(folder),
        )
    description = _read_description(found / DESCRIPTION)
    retrieval = read_features(found / FEATURES)
    if description.query or description.gallery:
        sizes = (len(description.query), len(description.gallery))
        if sizes != (len(retrieval.query_persons), len(retrieval.gallery_persons)):
            raise FeaturesError(
                f"the files in {found} do not belong together",
                expected=f"{sizes[0]:,} queries and {sizes[1]:,} gallery images, as {DESCRIPTION} says",
                got=f"{len(retrieval.query_persons):,} and {len(retrieval.gallery_persons):,} in {FEATURES}",
                cure="evaluate again, into a new folder",
            )
    return Reported(
        title=description.dataset,
        model=description.model,
        command=description.command,
        retrieval=replace(retrieval, camera_names=description.cameras),
        query_paths=tuple(map(Path, description.query)),
        gallery_paths=tuple(map(Path, description.gallery)),
        reranking=description.reranking,
    )


def _read_description(path: Path) -> Description:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.stat().st_size:,} bytes")
        return Description.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        faults = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise FeaturesError(
            f"{path} cannot be read",
            expected="what `reseen evaluate --output` writes",
            got=faults,
            cure="evaluate again, into a new folder",
        ) from None


def _how_to_evaluate(folder: Path) -> str:
    """For a run's folder, the very command."""
    try:
        data = json.loads((folder / "environment.json").read_text(encoding="utf-8"))["dataset_root"]
    except (OSError, ValueError, LookupError, TypeError):
        data = "PATH"
    run = folder if (folder / "recipe.yaml").is_file() else Path("RUN")
    return (
        f"reseen evaluate -c {run}/recipe.yaml --weights {run}/checkpoints/best --data {data} --output {run}/evaluation"
    )
