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
from reseen.files import make_folder, require_file

if TYPE_CHECKING:
    from reseen.bundle.bundle import Bundle
    from reseen.calibration.calibration_set import CalibrationSet
    from reseen.calibration.strangers import ScoringRule


class On(StrEnum):
    """Whom to calibrate on, where that is not what a dataset is for."""

    EVALUATION_PEOPLE = "evaluation-people"


class Scoring(StrEnum):
    """How a search compares a query and a person, as the command line writes it."""

    BEST_IMAGE = "best-image"
    MEAN_FEATURE = "mean-feature"


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
    from reseen.assess.calibrate import add_calibration, evaluated_people
    from reseen.assess.features import read_calibration_set, write_calibration_set
    from reseen.bundle.bundle import open_bundle
    from reseen.bundle.shipped import bundle_folder, require_own
    from reseen.calibration.calibration import calibrate as run_calibration
    from reseen.calibration.calibration import write_calibration
    from reseen.reports.calibration_words import calibration_lines

    opened = None if bundle is None else open_bundle(bundle_folder(bundle))
    if output is None and opened is None:
        raise UsageError(
            "no place to write the calibration",
            expected="--output FILE.json, or --bundle BUNDLE",
            got="neither",
            cure="say where it goes",
        )
    if output is None and opened is not None:
        require_own(opened.folder)
    for file in (output, save_features):
        if file is not None:  # so that one which cannot be written is told before the work
            make_folder(file.parent)
            require_file(file)
    if features is not None and not (config or weights or data or save_features):
        held = evaluated_people(features) if on else read_calibration_set(features)
    elif features is None and data and config and weights and bundle is None and on is None:
        held = _by_weights(config, weights, data, device)
    elif features is None and data and weights is None and opened is not None and not (on and config):
        held = _by_bundle(opened, config, data, on, device)
    else:
        raise UsageError(
            "it is not clear what to calibrate on",
            expected="-c RECIPE --weights FILE --data PATH, --bundle BUNDLE --data PATH, or --features FILE.npz alone; "
            "--on without -c",
            got="options of several of these, or an incomplete set",
            cure="see the example in reseen calibrate --help",
        )
    if save_features is not None:
        write_calibration_set(save_features, held)
        # What is calibrated is what was stored, to the last bit: its hash is in the calibration.
        held = replace(read_calibration_set(save_features), name=held.name, usual=held.usual)
    with StageBars() as bars:
        rule = cast("ScoringRule", scoring.replace("-", "_"))
        calibration = run_calibration(held, rule, bars, check=on is not None)
    if output is not None:
        write_calibration(output, calibration)
    elif opened is not None:
        add_calibration(opened, calibration)
    say(f"calibration in {output or bundle}")
    give(calibration.model_dump(mode="json") if as_json else "\n".join(calibration_lines(calibration)))


def _by_weights(config: Path, weights: Path, data: list[Path], device: str) -> CalibrationSet:
    from reseen.assess.calibrate import calibration_people, embed_calibration_people, require_set_aside
    from reseen.datasets.open import open_datasets
    from reseen.models.load_embedder import load_embedder
    from reseen.models.weights_file import read_header, resolve_weights
    from reseen.recipe.load import load_recipe
    from reseen.runs.device import choose_device

    # Without -o: the people are those whom the run itself has set aside.
    recipe = load_recipe(str(config))
    people = calibration_people(recipe, open_datasets(data, "--data"))
    require_set_aside(people, read_header(resolve_weights(weights)).get("set_aside"), str(weights))
    embedder = load_embedder(recipe, weights, choose_device(device))
    with StageBars() as bars:
        return embed_calibration_people(embedder, people, bars)


def _by_bundle(bundle: Bundle, config: Path | None, data: list[Path], on: On | None, device: str) -> CalibrationSet:
    from reseen.assess.calibrate import (
        calibration_people,
        embed_calibration_people,
        evaluation_people,
        own_people,
        require_set_aside,
    )
    from reseen.datasets.open import open_datasets
    from reseen.engines.load import load
    from reseen.recipe.load import load_recipe

    manifests = open_datasets(data, "--data")
    if config is not None:
        people = calibration_people(load_recipe(str(config)), manifests)
        require_set_aside(people, bundle.description.set_aside, str(bundle.folder))
    elif len(manifests) == 1:
        people = own_people(manifests[0]) if on is None else evaluation_people(manifests[0])
    else:
        raise UsageError(
            "several --data need the recipe of the run that kept people aside",
            expected="-c RECIPE, or one --data",
            got=f"{len(manifests)} --data without -c",
            cure="calibrate on one dataset of people of your own",
        )
    with load(bundle.folder, device=device) as embedder, StageBars() as bars:
        return embed_calibration_people(embedder, people, bars)
