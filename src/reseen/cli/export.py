"""`reseen export`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.bundle_options import Precision
from reseen.cli.console import give, say
from reseen.cli.options import JsonOption, OverrideOption

if TYPE_CHECKING:
    from reseen.bundle.description import Model


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
    from reseen.verbs.export import export as run

    done = run(
        config,
        weights,
        output=output,
        to=[form.value for form in to or [To.ONNX]],
        precision=[kind.value for kind in precision or [Precision.FP32]],
        calibration_data=calibration_data,
        metrics=metrics,
        name=name,
        training_data=training_data,
        licence=licence,
        card=card,
        overrides=override or (),
        on_done=_tell,
    )
    say(f"bundle in {output}")
    if as_json:
        give(done.description.model_dump(mode="json"))


def _tell(model: Model) -> None:
    parity, accuracy = model.parity, model.accuracy
    cost = f", {accuracy.measure} {accuracy.before:.4f} → {accuracy.after:.4f}" if accuracy else ""
    say(
        f"{model.format} {model.precision}: cosine ≥ {parity.cosine:.7f}, error ≤ {parity.max_error:.2g}, "
        f"length 1 ± {parity.norm_error:.2g}{cost}"
    )
