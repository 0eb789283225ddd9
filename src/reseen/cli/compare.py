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


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="First image.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Second image.")],
    bundle: BundleOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE.png", help="Save a picture of both images side by side.")
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
    from reseen.engines.load import load
    from reseen.images.decode import decode_image
    from reseen.reports.comparison_picture import in_words, require_picture, write_comparison_picture

    if output is not None:
        require_picture(output)
    with load(
        bundle, engine=engine, precision=None if precision is None else precision.value, device=device, threads=threads
    ) as embedder:
        match = embedder.compare(a, b)
    if match.verdict is None:
        say("what the score means is not known: this model is not calibrated (reseen calibrate --bundle)")
    if output is not None:
        write_comparison_picture(output, [decode_image(a), decode_image(b)], [str(a), str(b)], match)
        say(f"look at {output}")
    if as_json:
        verdict = None if match.verdict is None else asdict(match.verdict)
        give({"a": str(a), "b": str(b), "score": match.score, "verdict": verdict})
    else:
        give("\n".join(in_words(match)))
