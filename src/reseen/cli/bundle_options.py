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
PrecisionOption = Annotated[Precision, typer.Option("--precision", help="Of the bundle's models.")]
