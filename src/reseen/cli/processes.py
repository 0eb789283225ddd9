"""What `torchrun` tells each of the processes that it starts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reseen.errors import UsageError

if TYPE_CHECKING:
    import torch

    from reseen.training.processes import Processes


@contextlib.contextmanager
def launched(device: str) -> Iterator[tuple[Processes, torch.device]]:
    """The process that this is among those that train together, and the device it computes on, while entered.

    Started without `torchrun` it is alone. Of several processes on one machine, each takes the CUDA device of its
    local rank, where `device` names no other.

    Raises:
        UsageError: no such device, or an environment that torchrun did not write.
        TrainingError: the others do not come, or leave early.
    """
    from reseen.training.processes import joined
    from reseen.workflows.device import choose_device

    rank, count, local_rank = (_number(name, default) for name, default in _TOLD.items())
    chosen = choose_device(device)
    if count > 1 and chosen.type == "cuda" and chosen.index is None:
        chosen = choose_device(f"cuda:{local_rank}")
    with joined(rank, count, chosen) as processes:
        yield processes, chosen


_TOLD = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0}


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or (name == "WORLD_SIZE" and int(text) < 1):
        raise UsageError(
            f"the environment variable {name} cannot be used",
            expected="a number, as torchrun writes it",
            got=text,
            cure="start several processes with torchrun --nproc-per-node N -m reseen train …, or unset the variable",
        )
    return int(text)
