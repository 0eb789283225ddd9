"""`reseen export`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.bundle_options import Precision
from reseen.cli.console import give, say
from reseen.cli.options import JsonOption, OverrideOption
from reseen.errors import UsageError

if TYPE_CHECKING:
    from reseen.bundle.description import Model, TrainingData
    from reseen.export.export import Target


MAX_CARD_BYTES = 2**20


class To(StrEnum):
    """Formats, as the command line writes them."""

    ONNX = "onnx"
    OPENVINO = "openvino"
    MNN = "mnn"


def export(
    config: Annotated[
        str, typer.Option("--config", "-c", metavar="RECIPE", help="The recipe that the weights were trained with.")
    ],
    weights: Annotated[
        Path, typer.Option("--weights", metavar="FILE", help="Trained weights; the suffix may be left out.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            metavar="BUNDLE",
            help="Folder of the bundle: a new one, or a bundle of the same weights to add to.",
        ),
    ],
    to: Annotated[list[To] | None, typer.Option("--to", help="Format. Repeatable. [default: onnx]")] = None,
    precision: Annotated[
        list[Precision] | None, typer.Option("--precision", help="Precision. Repeatable. [default: fp32]")
    ] = None,
    calibration_data: Annotated[
        Path | None,
        typer.Option(
            "--calibration-data",
            metavar="PATH",
            help="Images for int8 quantisation and its accuracy check: a dataset or a folder.",
        ),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option("--metrics", metavar="FILE.json", help="metrics.json of an evaluation, to include in the bundle."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the model. [default: that of the recipe]")] = None,
    training_data: Annotated[
        str | None, typer.Option("--training-data", metavar="NAME", help="What the model was trained on.")
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option("--licence", metavar="TERMS", help="Licence of the training data; goes with --training-data."),
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option("--card", metavar="FILE.md", help="Model card to include as the bundle's README.md."),
    ] = None,
    override: OverrideOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export trained weights to a bundle for deployment.

    Writes every --to in every --precision. Each model is first run and compared with the trained network; if one of
    them disagrees, nothing is written.

    Example: reseen export -c run/recipe.yaml --weights run/checkpoints/best --to onnx --to openvino --output bundle
    """
    from reseen.assess.stored_figures import read_figures
    from reseen.export.export import About, export_bundle
    from reseen.export.quantisation_images import read_quantisation_images
    from reseen.export.source import source_of
    from reseen.models.load_embedder import load_embedder
    from reseen.models.weights_file import read_header, resolve_weights
    from reseen.recipe.load import load_recipe
    from reseen.runs.device import choose_device

    recipe = load_recipe(config, override or ())
    about = About(
        name or recipe.name,
        _learnt_from(training_data, licence),
        read_header(resolve_weights(weights)).get("set_aside"),
        read_figures(metrics) if metrics else {},
        None if card is None else _read_card(card),
    )
    targets: list[Target] = [
        (form.value, kind.value) for form in to or [To.ONNX] for kind in precision or [Precision.FP32]
    ]
    images = None if calibration_data is None else read_quantisation_images(calibration_data, recipe.preprocess)
    source = source_of(load_embedder(recipe, weights, choose_device("cpu")).network, recipe.model, recipe.preprocess)
    bundle = export_bundle(source, targets, output, about, images=images, done=_tell)
    say(f"bundle in {output}")
    if as_json:
        give(bundle.description.model_dump(mode="json"))


def _read_card(card: Path) -> bytes:
    from reseen.files import read_bounded

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
    from pydantic import ValidationError

    from reseen.bundle.description import TrainingData

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


def _tell(model: Model) -> None:
    parity, accuracy = model.parity, model.accuracy
    cost = f", {accuracy.measure} {accuracy.before:.4f} → {accuracy.after:.4f}" if accuracy else ""
    say(
        f"{model.format} {model.precision}: cosine ≥ {parity.cosine:.7f}, error ≤ {parity.max_error:.2g}, "
        f"length 1 ± {parity.norm_error:.2g}{cost}"
    )
