"""`reseen embed`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.broken import tell_broken
from reseen.cli.bundle_options import (
    BatchSizeOption,
    BundleOption,
    EngineDeviceOption,
    EngineOption,
    GpuMemoryOption,
    PrecisionOption,
    SkipBrokenOption,
    ThreadsOption,
)
from reseen.cli.console import StageBars, give, say, visible
from reseen.cli.options import JsonOption
from reseen.cli.terms import tell_terms

if TYPE_CHECKING:
    from reseen.engines.embedder import Embedder
    from reseen.images.source import ImageSource


def embed(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE_OR_FOLDER", help="Images, or folders of images.")],
    bundle: BundleOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE",
            help="Write the features to this .npz or .parquet file instead of printing them.",
        ),
    ] = None,
    engine: EngineOption = "onnxruntime",
    precision: PrecisionOption = None,
    device: EngineDeviceOption = "auto",
    batch_size: BatchSizeOption = 32,
    threads: ThreadsOption = None,
    gpu_memory: GpuMemoryOption = None,
    profile: Annotated[
        Path | None, typer.Option("--profile", metavar="FILE", help="Write how long each operator took.")
    ] = None,
    skip_broken: SkipBrokenOption = False,
    as_json: JsonOption = False,
) -> None:
    """Turn images into features.

    A feature is a row of numbers of unit length; the features of one person are similar. If a command with --output is
    interrupted, run it again and it resumes.

    Example: reseen embed crops --bundle bundle --output features.npz
    """
    from reseen.engines.load import load
    from reseen.images.source import image_sources

    inputs = image_sources(images)
    with load(
        bundle,
        engine=engine,
        precision=None if precision is None else precision.value,
        batch_size=batch_size,
        device=device,
        threads=threads,
        gpu_memory=gpu_memory,
        profile=profile,
    ) as embedder:
        if output is None:
            broken = _print(embedder, inputs, as_json=as_json)
        else:
            broken = _store(embedder, inputs, output, as_json=as_json)
    tell_terms(embedder.bundle)
    tell_broken(broken, len(inputs), skip=skip_broken)


def _store(embedder: Embedder, inputs: Sequence[ImageSource], output: Path, *, as_json: bool) -> dict[str, str]:
    from reseen.retrieval.embed import embed_to_file

    def started(kept: int, begun: int) -> None:
        if kept:
            say(f"resuming after {kept:,} of {len(inputs):,} images, which an earlier run has embedded")
        if kept < begun:
            say(f"{begun - kept:,} images of an earlier run are embedded again: they, or the model, have changed")

    with StageBars() as bars:
        broken = embed_to_file(
            embedder, inputs, output, started=started, progress=lambda done, total: bars("images", done, total)
        )
    say(f"{len(inputs) - len(broken):,} features in {output}")
    if as_json:
        give(
            {
                "output": str(output),
                "images": len(inputs),
                "feature_size": embedder.feature_size,
                "feature_space": embedder.feature_space,
                "broken": broken,
            }
        )
    return broken


def _print(embedder: Embedder, inputs: Sequence[ImageSource], *, as_json: bool) -> dict[str, str]:
    """Print features as they come, so that memory does not grow with them."""
    broken: dict[str, str] = {}
    comma = ""
    if as_json:
        print(f'{{"feature_space": {json.dumps(embedder.feature_space)}, "images": [', end="")
    for batch in embedder.stream(inputs):
        broken |= {name: error.short for name, error in batch.broken.items()}
        for name, feature in batch:
            if as_json:
                print(comma + json.dumps({"name": name, "feature": feature.tolist()}), end="")
                comma = ", "
            else:
                print(f"{visible(name)}: [{feature[0]:.6f} … {feature[-1]:.6f}] ({len(feature)},)")
    if as_json:
        print(f'], "broken": {json.dumps(broken)}}}')
    return broken
