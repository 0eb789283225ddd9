"""`reseen calibrate`."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from reseen.cli.console import StageBars, give, say
from reseen.cli.options import DeviceOption, JsonOption
from reseen.errors import UsageError

if TYPE_CHECKING:
    from reseen.evaluation.calibration_set import CalibrationSet
    from reseen.evaluation.search_calibration import ScoringRule


class Scoring(StrEnum):
    """How a search compares a query and a person, as the command line writes it."""

    BEST_IMAGE = "best-image"
    MEAN_FEATURE = "mean-feature"


def calibrate(
    output: Annotated[Path, typer.Option("--output", metavar="FILE.json", help="Where the calibration goes.")],
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", metavar="RECIPE", help="recipe.yaml of the run that set people aside to calibrate on."
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", metavar="FILE", help="That run's weights, with or without suffix.")
    ] = None,
    data: Annotated[
        list[Path] | None, typer.Option("--data", metavar="PATH", help="What that run was trained on; repeatable.")
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option("--features", metavar="FILE.npz", help="Stored features of such people, instead of images."),
    ] = None,
    save_features: Annotated[
        Path | None, typer.Option("--save-features", metavar="FILE.npz", help="Store the features for the next time.")
    ] = None,
    scoring: Annotated[
        Scoring, typer.Option("--scoring", help="How a search scores a person: by the best image, or the mean feature.")
    ] = Scoring.BEST_IMAGE,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Measure what a score means: which one says "the same person", and how often that is wrong.

    Uses people whom neither training nor evaluation has seen: those that data.calibration_share keeps out of training.

    Example: reseen calibrate -c run/recipe.yaml --weights run/checkpoints/best --data people --output calibration.json
    """
    from reseen.evaluation.calibration import calibrate as run_calibration
    from reseen.evaluation.calibration import write_calibration
    from reseen.evaluation.features import read_calibration_set, write_calibration_set

    if features is not None and not (config or weights or data or save_features):
        held = read_calibration_set(features)
    elif features is None and config is not None and weights is not None and data:
        held = _embedded(config, weights, data, device)
    else:
        raise UsageError(
            "it is not clear whom to calibrate on",
            expected="-c RECIPE --weights FILE --data PATH, or --features FILE.npz alone",
            got="both kinds of options" if features is not None else "not all of them",
            cure="reseen calibrate --help shows an example",
        )
    if save_features is not None:
        write_calibration_set(save_features, held)
        # What is calibrated is what was stored, to the last bit: its hash is in the calibration.
        held = replace(read_calibration_set(save_features), name=held.name)
    calibration = run_calibration(held, cast("ScoringRule", scoring.replace("-", "_")))
    write_calibration(output, calibration)
    say(f"calibration in {output}")
    give(calibration.model_dump(mode="json") if as_json else "\n".join(calibration.lines()))


def _embedded(config: Path, weights: Path, data: list[Path], device: str) -> CalibrationSet:
    from reseen.datasets.open import open_datasets
    from reseen.recipe.load import load_recipe
    from reseen.workflows.calibrate import embed_calibration_people
    from reseen.workflows.device import choose_device

    # Without -o: the people are those whom the run itself has set aside.
    recipe, manifests = load_recipe(str(config)), open_datasets(data, "--data")
    with StageBars() as bars:
        return embed_calibration_people(recipe, weights, manifests, choose_device(device), bars)
