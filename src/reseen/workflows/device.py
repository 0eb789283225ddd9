"""Where to compute."""

from __future__ import annotations

import torch

from reseen.errors import UsageError


def choose_device(name: str) -> torch.device:
    """The device that `--device` names; `auto` is an accelerator when there is one.

    Raises:
        UsageError: there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device).item()  # fails also where tensors hold no data
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"--device {name} cannot be used here",
            expected="cpu, cuda, cuda:N, mps or auto",
            got=str(error).splitlines()[0],
            cure="leave out --device, or name one that this machine and this build of torch have",
        ) from None
    return device
