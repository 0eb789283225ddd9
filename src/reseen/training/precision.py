"""What `training.precision` means on a device."""

from __future__ import annotations

from typing import Literal

import torch

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
