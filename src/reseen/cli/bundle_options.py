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


EngineOption = Annotated[
    str, typer.Option("--engine", metavar="ENGINE", help="Inference engine: onnxruntime, openvino or mnn.")
]
PrecisionOption = Annotated[
    Precision | None, typer.Option("--precision", help="Which model of the bundle to run. [default: the most precise]")
]
# Text and no path: `./default` is a folder, `default` the bundle that comes with reseen.
BundleOption = Annotated[
    str | None,
    typer.Option(
        "--bundle", metavar="BUNDLE", help="Folder written by `reseen export`. [default: the model shipped with reseen]"
    ),
]
EngineDeviceOption = Annotated[str, typer.Option("--device", metavar="DEVICE", help="cpu, cuda, tensorrt, or auto.")]
BatchSizeOption = Annotated[int, typer.Option("--batch-size", min=1, max=4096, help="Images per forward pass.")]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", min=1, max=256, help="CPU threads for inference and decoding. [default: all cores]"),
]
GpuMemoryOption = Annotated[
    float | None, typer.Option("--gpu-memory", metavar="GB", min=0.01, help="Limit on GPU memory.")
]
SkipBrokenOption = Annotated[
    bool, typer.Option("--skip-broken", help="Report unreadable images, but still exit with 0.")
]
