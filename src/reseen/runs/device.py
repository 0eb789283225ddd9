"""Where to compute, and with whom."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from reseen.errors import UsageError
from reseen.training.processes import Processes, joined


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


@contextlib.contextmanager
def join_processes(name: str, rank: int, count: int, local_rank: int) -> Iterator[tuple[Processes, torch.device]]:
    """Meet the processes that train together, and choose the device of this one, while entered.

    Args:
        name: as for `choose_device`; of several processes, each takes the CUDA device of its local rank, unless one
            is named.
        rank: this process's number, from 0.
        count: how many there are; 1 meets nobody.
        local_rank: this process's number on this machine.

    Raises:
        UsageError: there is no such device here.
        TrainingError: the others do not come, or are gone before the end.
    """
    device = choose_device(name)
    if count > 1 and device.type == "cuda" and device.index is None:
        device = choose_device(f"cuda:{local_rank}")
        torch.cuda.set_device(device)
    with joined(rank, count, device) as processes:
        yield processes, device
