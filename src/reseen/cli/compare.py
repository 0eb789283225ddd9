"""`reseen compare`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from reseen.cli.bundle_options import (
    BundleOption,
    EngineDeviceOption,
    EngineOption,
    PrecisionOption,
    ThreadsOption,
)
from reseen.cli.console import give, say
from reseen.cli.options import JsonOption
from reseen.cli.terms import tell_terms


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="First image.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Second image.")],
    bundle: BundleOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE.png", help="Save a picture of both images side by side.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            metavar="RATE",
            min=0,
            max=1,
            help="False-match rate of the answer “same person”: 0.01, 0.001 or 0.0001. [default: 0.001]",
        ),
    ] = None,
    engine: EngineOption = "onnxruntime",
    precision: PrecisionOption = None,
    device: EngineDeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether two images show the same person.

    Prints the similarity of the two images. A calibrated bundle, such as the default one, also gives a verdict with the
    rate at which such verdicts are wrong.

    Example: reseen compare a.jpg b.jpg --bundle bundle --output both.png
    """
    from reseen.bundle.terms import restriction
    from reseen.engines.load import load
    from reseen.images.decode import decode_image
    from reseen.reports.comparison_picture import in_words, require_picture, write_comparison_picture

    if output is not None:
        require_picture(output)
    with load(
        bundle, engine=engine, precision=None if precision is None else precision.value, device=device, threads=threads
    ) as embedder:
        match = embedder.compare(a, b, rate=rate)
        tell_terms(embedder.bundle)
    if match.verdict is None:
        say("no verdicts: this model has no calibration (run `reseen calibrate`)")
    if output is not None:
        pixels, terms = [decode_image(a), decode_image(b)], restriction(embedder.bundle.description)
        write_comparison_picture(output, pixels, [str(a), str(b)], match, terms)
        say(f"look at {output}")
    if as_json:
        verdict = None if match.verdict is None else asdict(match.verdict)
        give({"a": str(a), "b": str(b), "score": match.score, "verdict": verdict})
    else:
        give("\n".join(in_words(match)))
