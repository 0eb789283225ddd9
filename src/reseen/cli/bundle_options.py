"""Options of the verbs that run a bundle."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Precision(StrEnum):
    """Precisions, as the command line writes them."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


EngineOption = Annotated[str, typer.Option("--engine", help="What runs the bundle: onnxruntime, openvino or mnn.")]
PrecisionOption = Annotated[
    Precision | None, typer.Option("--precision", help="Of the bundle's models. [the most exact that it has]")
]
# Text and no path: `./default` is a folder, `default` the bundle that comes with reseen.
BundleOption = Annotated[
    str | None,
    typer.Option("--bundle", metavar="BUNDLE", help="What `reseen export` wrote. [default, which comes with reseen]"),
]
EngineDeviceOption = Annotated[str, typer.Option("--device", help="cpu, cuda, tensorrt, or auto.")]
BatchSizeOption = Annotated[
    int, typer.Option("--batch-size", min=1, max=4096, help="Images that go through the model at a time.")
]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", min=1, max=256, help="Of the processor, to compute and to decode. [all cores]"),
]
GpuMemoryOption = Annotated[
    float | None, typer.Option("--gpu-memory", metavar="GB", min=0.01, help="Of an accelerator, at most.")
]
SkipBrokenOption = Annotated[
    bool, typer.Option("--skip-broken", help="List images that cannot be read, but end with 0 all the same.")
]
