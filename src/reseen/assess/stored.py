"""An evaluation kept in a folder, so that reports need no network: `features.npz`, and `evaluation.json` beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from reseen.assess.description import Description, StoredEvaluation, describe, read_description
from reseen.assess.evaluate import Evaluation
from reseen.assess.evaluations import Evaluations
from reseen.assess.features import read_features, write_features
from reseen.datasets.evaluation_split import EvaluationSplit
from reseen.errors import FeaturesError, StorageError, UsageError
from reseen.evaluation.protocol import RetrievalSet
from reseen.files import make_folder, write_whole
from reseen.run_folder import Run

FEATURES, DESCRIPTION = "features.npz", "evaluation.json"
FOLDERS_TOLD = 5


def write_stored(folder: Path, reported: StoredEvaluation) -> None:
    """Keep an evaluation in a folder, which is made when it is not there.

    Raises:
        StorageError: it cannot be written.
    """
    write_features(make_folder(folder) / FEATURES, reported.retrieval)
    write_whole(folder / DESCRIPTION, describe(reported).model_dump_json(by_alias=True) + "\n")


def store_evaluations(
    output: Path, found: Evaluations, splits: Sequence[EvaluationSplit], *, model: str, command: str
) -> None:
    """Keep what was evaluated: in `output` itself, or with several datasets each in a folder of its name there.

    Merged queries are no longer images that could be shown: of them the features are kept alone.

    Args:
        output: a folder.
        found: the evaluations.
        splits: what was evaluated.
        model: what made the features, in words.
        command: that makes the same again.

    Raises:
        StorageError: it cannot be written.
    """
    if len(splits) > 1:
        forget(output)
    for split in splits:
        evaluation = found.each[split.name]
        reported = StoredEvaluation(
            title=split.name,
            model=model + _merged(evaluation),
            command=command,
            retrieval=evaluation.retrieval,
            query_paths=() if evaluation.joined else tuple(sample.path for sample in split.query),
            gallery_paths=() if evaluation.joined else tuple(sample.path for sample in split.gallery),
            reranking=evaluation.reranking,
        )
        write_stored(output if len(splits) == 1 else output / split.name, reported)


def store_features(output: Path, found: Evaluation, features: Path, *, command: str) -> None:
    """Keep an evaluation of stored features; where they are those of a stored evaluation, with what that tells of them.

    Args:
        output: a folder, not that of the features.
        found: the evaluation.
        features: the file.
        command: that makes the same again.

    Raises:
        FeaturesError: the stored evaluation cannot be read, or its files do not belong together.
        StorageError: it cannot be written.
    """
    if features.name == FEATURES and (features.parent / DESCRIPTION).is_file():
        told = read_stored(features.parent)
    else:
        told = StoredEvaluation(
            title=features.stem, model=f"features of {features}", command=command, retrieval=found.retrieval
        )
    if found.joined:
        told = replace(told, model=told.model + _merged(found), query_paths=(), gallery_paths=())
    retrieval = replace(found.retrieval, camera_names=told.retrieval.camera_names)
    write_stored(output, replace(told, command=command, retrieval=retrieval, reranking=found.reranking))


def _merged(found: Evaluation) -> str:
    return f", {found.joined:,} queries merged into others" if found.joined else ""


def require_apart(output: Path, features: Path) -> None:
    """Refuse to write what is made of some features over them.

    Raises:
        UsageError: they are in `output`, under the name that it gives them.
    """
    if (output / FEATURES).resolve() == features.resolve():
        raise UsageError(
            f"{features} would be overwritten",
            expected="a folder other than that of the features",
            got=f"--output {output}",
            cure="choose another --output",
        )


def forget(folder: Path) -> None:
    """Take away what tells of an evaluation in a folder, so that no report is drawn of what others have replaced."""
    try:
        (folder / DESCRIPTION).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot remove {folder / DESCRIPTION}",
            expected="write permission",
            got=error.strerror or str(error),
            cure="choose another --output",
        ) from None


def read_stored(folder: Path) -> StoredEvaluation:
    """Read an evaluation back: its own folder, or that of a run which holds it as `evaluation`.

    Raises:
        FeaturesError: there is none, or its files cannot be read or do not belong together.
    """
    found = next((each for each in (folder, Run(folder).evaluation) if (each / DESCRIPTION).is_file()), None)
    if found is None:
        raise _none_there(folder)
    description = read_description(found / DESCRIPTION)
    retrieval = read_features(found / FEATURES)
    _check_together(found, description, retrieval)
    return StoredEvaluation(
        title=description.dataset,
        model=description.model,
        command=description.command,
        retrieval=replace(retrieval, camera_names=description.cameras),
        query_paths=tuple(map(Path, description.query)),
        gallery_paths=tuple(map(Path, description.gallery)),
        reranking=description.reranking,
    )


def _none_there(folder: Path) -> FeaturesError:
    inside = sorted(each.parent for each in folder.glob(f"*/{DESCRIPTION}"))
    if inside:
        return FeaturesError(
            f"{folder} holds the evaluations of several datasets",
            expected="the folder of one of them",
            got=", ".join(map(str, inside[:FOLDERS_TOLD])) + (", …" if len(inside) > FOLDERS_TOLD else ""),
            cure=f"reseen report {inside[0]}",
        )
    return FeaturesError(
        f"{folder} holds no evaluation",
        expected=f"{DESCRIPTION} and {FEATURES}, as `reseen evaluate --output` writes them",
        got="neither there nor in a folder `evaluation` below it",
        cure=_how_to_evaluate(folder),
    )


def _check_together(folder: Path, description: Description, retrieval: RetrievalSet) -> None:
    """That the description is of these features: as many images, and a name for each camera, if for any."""
    told, held = [], []
    if description.query or description.gallery:
        told.append(f"{len(description.query):,} queries and {len(description.gallery):,} gallery images")
        held.append(f"{len(retrieval.query_persons):,} queries and {len(retrieval.gallery_persons):,} gallery images")
    highest = int(max(retrieval.query_cameras.max(), retrieval.gallery_cameras.max()))
    if description.cameras and highest >= len(description.cameras):
        told.append(f"{len(description.cameras):,} cameras")
        held.append(f"camera {highest:,}, counted from 0")
    if told != held:
        raise FeaturesError(
            f"the files in {folder} do not belong together",
            expected=f"{', '.join(told)}, as {DESCRIPTION} says",
            got=f"{', '.join(held)} in {FEATURES}",
            cure="evaluate again, into a new folder",
        )


def _how_to_evaluate(folder: Path) -> str:
    """For a run's folder, the very command."""
    run = Run(folder)
    return (run if run.recipe_path.is_file() else Run("RUN")).evaluate_command()
