"""`reseen calibrate`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.console import StageBars, give, say
from reseen.cli.options import DeviceOption, JsonOption
from reseen.errors import UsageError

if TYPE_CHECKING:
    from reseen.calibration.strangers import ScoringRule


class On(StrEnum):
    """Whom to calibrate on, where that is not what a dataset is for."""

    EVALUATION_PEOPLE = "evaluation-people"


class Scoring(StrEnum):
    """How a search compares a query and a person, as the command line writes it."""

    BEST_IMAGE = "best-image"
    MEAN_FEATURE = "mean-feature"


RULES: dict[Scoring, ScoringRule] = {Scoring.BEST_IMAGE: "best_image", Scoring.MEAN_FEATURE: "mean_feature"}


def calibrate(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE.json", help="File to write. [default: calibration.json in the --bundle]"
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", metavar="RECIPE", help="recipe.yaml of the run that kept people aside for calibration."
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", metavar="FILE", help="Weights of that run; the suffix may be left out.")
    ] = None,
    bundle: Annotated[
        str | None, typer.Option("--bundle", metavar="BUNDLE", help="Calibrate a bundle instead of weights.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="PATH",
            help="The --data of that run; without -c, a dataset of your own people. Repeatable.",
        ),
    ] = None,
    on: Annotated[
        On | None,
        typer.Option(
            "--on",
            help="With --bundle: calibrate on the people of query and gallery, and measure error rates on each half of "
            "them with the thresholds of the other.",
        ),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option("--features", metavar="FILE.npz", help="Stored features of such people, instead of images."),
    ] = None,
    save_features: Annotated[
        Path | None, typer.Option("--save-features", metavar="FILE.npz", help="Also store the features.")
    ] = None,
    scoring: Annotated[
        Scoring,
        typer.Option("--scoring", help="Score a person in a search by their best image, or by their mean feature."),
    ] = Scoring.BEST_IMAGE,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Measure score thresholds and their error rates.

    The people must be new to the model: those that data.calibration_share kept out of its training (give -c), or people
    of your own, in a dataset without train, query and gallery parts (leave out -c).

    Example: reseen calibrate --bundle bundle -c run/recipe.yaml --data Market-1501-v15.09.15
    """
    from reseen.reports.calibration_words import calibration_lines
    from reseen.verbs.calibrate import calibrate as run

    if output is None and bundle is None:
        raise UsageError(
            "no place to write the calibration",
            expected="--output FILE.json, or --bundle BUNDLE",
            got="neither",
            cure="say where it goes",
        )
    with StageBars() as bars:
        calibration = run(
            bundle,
            data or (),
            on=None if on is None else "evaluation_people",
            recipe=config,
            weights=weights,
            features=features,
            save_features=save_features,
            scoring=RULES[scoring],
            output=output,
            device=device,
            on_progress=bars,
        )
    say(f"calibration in {output or bundle}")
    give(calibration.model_dump(mode="json") if as_json else "\n".join(calibration_lines(calibration)))
