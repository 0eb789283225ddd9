"""`calibrate`: what a score of a bundle, a run or trained weights means; what `reseen calibrate` does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from reseen.assess.calibrate import (
    add_calibration,
    calibration_people,
    embed_calibration_people,
    evaluated_people,
    evaluation_people,
    own_people,
    require_set_aside,
)
from reseen.assess.features import read_calibration_set, write_calibration_set
from reseen.bundle.bundle import Bundle, open_bundle
from reseen.bundle.shipped import bundle_folder, require_own
from reseen.calibration.calibration import Calibration, write_calibration
from reseen.calibration.calibration import calibrate as calibrate_set
from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.strangers import ScoringRule
from reseen.datasets.manifest import Manifest
from reseen.datasets.open import open_datasets
from reseen.engines.load import load
from reseen.errors import UsageError
from reseen.files import make_folder, require_file
from reseen.map_ahead import OnStage
from reseen.recipe.load import load_recipe
from reseen.run_folder import Run
from reseen.verbs.model import Datasets, RecipeSource, Weights, run_of, trained_by


def calibrate(
    model: str | Path | Run | None = None,
    data: Datasets = (),
    *,
    on: Literal["evaluation_people"] | None = None,
    recipe: RecipeSource | None = None,
    weights: Weights | None = None,
    features: str | Path | None = None,
    save_features: str | Path | None = None,
    scoring: ScoringRule = "best_image",
    output: str | Path | None = None,
    device: str = "auto",
    on_progress: OnStage | None = None,
) -> Calibration:
    """Measure what a score means: which one says "the same person", and how often that is wrong.

        reseen.calibrate("bundle", "my-people")
        reseen.calibrate("bundle", "Market-1501-v15.09.15", recipe="runs/osnet/recipe.yaml")

    The people must be new to the model: those that `data.calibration_share` kept out of its training (give `recipe`),
    or people of your own, in a dataset without train, query and gallery parts.

    Give one of: `model` and `data`, with `recipe` where people were set aside; `recipe`, `weights` and `data`;
    `features` alone.

    Args:
        model: a bundle's folder, or `default`; a run, or its folder.
        data: what was trained on; for a bundle without `recipe`, people of your own.
        on: `evaluation_people` calibrates a bundle, or stored features, on the people of query and gallery, and
            measures error rates on each half of them with the thresholds of the other.
        recipe: that of the run that set people aside.
        weights: that run's weights, with or without suffix.
        features: a file of stored features of such people, instead of images.
        save_features: a file to store the features in for the next time.
        scoring: how a search compares a query and a person: `best_image`, or `mean_feature`.
        output: a file for the calibration; None: it goes into the bundle, where there is one.
        device: `cpu`, `cuda`, `cuda:N`, `mps`; `auto` is an accelerator when there is one.
        on_progress: called with a stage, how much of it is done, and how much there is.

    Raises:
        UsageError: it is not clear what to calibrate on; the bundle is the one that comes with reseen.
        DatasetError: the people were not set aside, or are too few.
        FeaturesError: the features cannot be read, or are not there to calibrate on.
        BundleError, WeightsError: the model cannot be loaded.
        StorageError: something cannot be written.
    """
    run = run_of(model)
    if run is not None:
        recipe, weights = trained_by(run, recipe, weights)
    bundle = None if run or model is None or isinstance(model, Run) else open_bundle(bundle_folder(model))
    if bundle is not None and output is None:
        require_own(bundle.folder)
    for file in (output, save_features):
        if file is not None:  # so that one which cannot be written is told before the work
            make_folder(Path(file).parent)
            require_file(Path(file))
    if features is not None and not (bundle or recipe or weights or data or save_features):
        held = evaluated_people(Path(features)) if on else read_calibration_set(Path(features))
    elif features is None and data and recipe is not None and weights is not None and bundle is None and on is None:
        held = _by_weights(recipe, Path(weights), data, device, on_progress)
    elif features is None and data and bundle is not None and weights is None and not (on and recipe):
        people = _people_for(bundle, recipe, open_datasets(data, "--data"), own=on is None)
        with load(bundle.folder, device=device) as embedder:
            held = embed_calibration_people(embedder, people, on_progress)
    else:
        raise UsageError(
            "it is not clear what to calibrate on",
            expected="-c RECIPE --weights FILE --data PATH, --bundle BUNDLE --data PATH, or --features FILE.npz alone; "
            "--on without -c",
            got="options of several of these, or an incomplete set",
            cure="see the example in reseen calibrate --help",
        )
    if save_features is not None:
        held = _kept(held, Path(save_features))
    calibration = calibrate_set(held, scoring, on_progress, check=on is not None)
    if output is not None:
        write_calibration(Path(output), calibration)
    elif bundle is not None:
        add_calibration(bundle, calibration)
    return calibration


def _kept(held: CalibrationSet, path: Path) -> CalibrationSet:
    """What was stored, to the last bit: its hash will be in the calibration."""
    write_calibration_set(path, held)
    return replace(read_calibration_set(path), name=held.name, usual=held.usual)


def _by_weights(
    recipe: RecipeSource, weights: Path, data: Datasets, device: str, progress: OnStage | None
) -> CalibrationSet:
    from reseen.models.load_embedder import load_embedder
    from reseen.models.weights_file import read_header, resolve_weights
    from reseen.runs.device import choose_device

    # Without overrides: the people are those whom the run itself has set aside.
    trained = load_recipe(recipe)
    people = calibration_people(trained, open_datasets(data, "--data"))
    require_set_aside(people, read_header(resolve_weights(weights)).get("set_aside"), str(weights))
    embedder = load_embedder(trained, weights, choose_device(device))
    return embed_calibration_people(embedder, people, progress)


def _people_for(bundle: Bundle, recipe: RecipeSource | None, manifests: tuple[Manifest, ...], *, own: bool) -> Manifest:
    """Those whom the bundle's training set aside, the user's own, or those of query and gallery."""
    if recipe is not None:
        people = calibration_people(load_recipe(recipe), manifests)
        require_set_aside(people, bundle.description.set_aside, str(bundle.folder))
        return people
    if len(manifests) == 1:
        return own_people(manifests[0]) if own else evaluation_people(manifests[0])
    raise UsageError(
        "several --data need the recipe of the run that kept people aside",
        expected="-c RECIPE, or one --data",
        got=f"{len(manifests)} --data without -c",
        cure="calibrate on one dataset of people of your own",
    )
