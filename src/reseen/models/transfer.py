"""Small tensors on their way to an accelerator."""

from __future__ import annotations

import torch
from torch import Tensor


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host's on the device, without waiting for what the device still has to do.

    Only from pinned memory does CUDA copy while Python goes on; a copy from elsewhere waits for all that was asked
    before.
    """
    if device.type != "cuda":
        return tensor.to(device)
    return (tensor if tensor.is_pinned() else tensor.pin_memory()).to(device, non_blocking=True)
