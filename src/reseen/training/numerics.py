"""How a step computes: in which precision, compiled or not, and without numbers that processors are slow with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Literal

import torch
from torch import Tensor

from reseen.errors import TrainingError

Precision = Literal["fp32", "bf16", "fp16"]

FIRST_WITH_BF16 = (8, 0)
"""CUDA's compute capability from which multiplications in bf16 are faster than those in 32 bits."""


def chosen_precision(precision: Literal["auto"] | Precision, device: torch.device) -> Precision:
    """The precision itself; for `auto`, `bf16` where the device is made for it, else `fp32`.

    Not `fp16`: its loss must be scaled, and every step then waits to learn whether its gradients overflowed.
    """
    if precision != "auto":
        return precision
    made_for_it = device.type == "cuda" and torch.cuda.get_device_capability(device) >= FIRST_WITH_BF16
    return "bf16" if made_for_it else "fp32"


COMPILER = ("torch._dynamo", "torch._inductor")


@contextlib.contextmanager
def compiler_errors() -> Iterator[None]:
    """While entered, what goes wrong in the compiler is an error in words; all else passes.

    Raises:
        TrainingError: the network cannot be compiled here.
    """
    try:
        yield
    except RuntimeError as error:
        if not type(error).__module__.startswith(COMPILER):
            raise
        raise TrainingError(
            "torch.compile cannot compile the network",
            expected="a compiler for this device: g++ for the CPU, triton for CUDA",
            got=f"{type(error).__name__}: {str(error).strip().splitlines()[0][:300]}",
            cure="-o training.compile=false, or install the compiler",
        ) from error


@torch.no_grad()
def drop_denormals(tensors: Iterable[Tensor]) -> None:
    """Put zero in the place of denormal numbers, of floating-point tensors.

    Weight decay makes the weights of channels that nothing uses smaller and smaller, and there they stay; a long
    training became slower with every epoch, 232 → 52 images/s (docs/experiments.md, 2026-11-23).
    """
    for tensor in tensors:
        if tensor.is_floating_point():
            tensor.masked_fill_(tensor.abs() < torch.finfo(tensor.dtype).tiny, 0)
