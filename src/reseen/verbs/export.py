"""`export`: a run, or a recipe and trained weights → a bundle; what `reseen export` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from reseen.assess.stored_figures import read_figures
from reseen.bundle.bundle import Bundle
from reseen.bundle.description import Format, Model, Precision, TrainingData
from reseen.errors import UsageError
from reseen.files import read_bounded
from reseen.recipe.load import Overrides, load_recipe
from reseen.run_folder import Run
from reseen.verbs.model import RecipeSource, Weights, run_of

MAX_CARD_BYTES = 2**20


def export(
    model: RecipeSource | Run,
    weights: Weights | None = None,
    *,
    output: str | Path,
    to: Format | Sequence[Format] = "onnx",
    precision: Precision | Sequence[Precision] = "fp32",
    calibration_data: str | Path | None = None,
    metrics: str | Path | None = None,
    name: str | None = None,
    training_data: str | None = None,
    licence: str | None = None,
    card: str | Path | None = None,
    overrides: Overrides = (),
    on_done: Callable[[Model], None] | None = None,
) -> Bundle:
    """Write a bundle: the model in the formats asked for, each proven to give the trained network's features.

        reseen.export("runs/osnet", output="bundle")
        reseen.export("runs/osnet/recipe.yaml", "runs/osnet/checkpoints/best", output="bundle", to=["onnx", "openvino"])

    Every format in every precision that are named is exported. Nothing is written when one of them does not agree.

    Args:
        model: a run, or its folder; or the recipe that `weights` were trained with.
        weights: trained weights, with or without suffix; None: the best of the run.
        output: the bundle's folder: new, or one of the same weights.
        to: formats: `onnx`, `openvino`, `mnn`.
        precision: `fp32`, `fp16`, `int8`.
        calibration_data: images that int8 is made and measured on: a dataset or a folder.
        metrics: the `metrics.json` of an evaluation, to go with the model.
        name: of the model; None: the recipe's.
        training_data: what the model has learnt from; goes with `licence`.
        licence: the terms of that data.
        card: a text file of what people must know of it, kept as the bundle's README.md.
        overrides: changes of the recipe.
        on_done: called with each model that has passed.

    Raises:
        UsageError: something named does not exist or does not go together; the folder is in the way.
        RecipeError, WeightsError: the recipe or the weights cannot be loaded.
        ExportError: something cannot be converted, or does not agree with the network.
        StorageError: something cannot be written.
    """
    from reseen.exporting.export import About, export_bundle
    from reseen.exporting.quantisation_images import read_quantisation_images
    from reseen.exporting.source import source_of
    from reseen.models.load_embedder import load_embedder
    from reseen.models.weights_file import read_header, resolve_weights
    from reseen.runs.device import choose_device

    chosen, trained = _recipe_and_weights(model, weights)
    recipe = load_recipe(chosen, overrides)
    about = About(
        name or recipe.name,
        _learnt_from(training_data, licence),
        read_header(resolve_weights(trained)).get("set_aside"),
        read_figures(Path(metrics)) if metrics else {},
        None if card is None else _read_card(Path(card)),
    )
    forms, kinds = ([to] if isinstance(to, str) else to), ([precision] if isinstance(precision, str) else precision)
    images = None if calibration_data is None else read_quantisation_images(Path(calibration_data), recipe.preprocess)
    source = source_of(load_embedder(recipe, trained, choose_device("cpu")).network, recipe.model, recipe.preprocess)
    targets = [(form, kind) for form in forms for kind in kinds]
    return export_bundle(source, targets, Path(output), about, images=images, done=on_done)


def _recipe_and_weights(model: RecipeSource | Run, weights: Weights | None) -> tuple[RecipeSource, Path]:
    run = run_of(model)
    if run is not None:
        return run.recipe_path, run.weights("best") if weights is None else Path(weights)
    if weights is None or isinstance(model, Run):
        raise UsageError(
            "there are no weights to export",
            expected="a run's folder, or a recipe and weights",
            got=f"{model} without weights",
            cure="name the weights that were trained with it",
        )
    return model, Path(weights)


def _read_card(card: Path) -> bytes:
    try:
        content = read_bounded(card, MAX_CARD_BYTES)
        if not content.decode().strip():
            raise ValueError("nothing")
        return content
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{card} cannot be read",
            expected=f"text in UTF-8 of at most {MAX_CARD_BYTES:,} bytes",
            got=getattr(error, "strerror", None) or str(error),
            cure="check --card",
        ) from None


def _learnt_from(name: str | None, licence: str | None) -> TrainingData | None:
    if name is None and licence is None:
        return None
    if name is None or licence is None:
        raise UsageError(
            "--training-data and --licence go together",
            expected="both --training-data NAME and --licence TERMS, or neither",
            got="one of them",
            cure="give both",
        )
    try:
        return TrainingData(name=name, licence=licence)
    except ValidationError as error:
        raise UsageError(
            "training-data name or licence is too long",
            expected="at most 2,000 characters each",
            got=f"{len(name):,} and {len(licence):,}",
            cure="shorten it, and say where to read the rest",
        ) from error
