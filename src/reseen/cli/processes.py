"""What `torchrun` tells each of the processes that it starts."""

from __future__ import annotations

import os
from typing import NamedTuple

from reseen.errors import UsageError


class RankInfo(NamedTuple):
    """A process among those that train together; one that was not started by `torchrun` is alone.

    Attributes:
        rank: its number, from 0.
        processes: how many there are.
        local_rank: its number among those on this machine.
    """

    rank: int
    processes: int
    local_rank: int


def rank_info() -> RankInfo:
    """Read torchrun's environment variables.

    Raises:
        UsageError: they are there, but torchrun did not write them.
    """
    told = RankInfo(_number("RANK", 0), _number("WORLD_SIZE", 1), _number("LOCAL_RANK", 0))
    missing = [name for name in ("MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if told.processes > 1 and (missing or told.rank >= told.processes):
        raise UsageError(
            f"WORLD_SIZE={told.processes} announces other processes, but torchrun did not start this one",
            expected="RANK below WORLD_SIZE, and MASTER_ADDR and MASTER_PORT, where they meet",
            got=f"RANK={told.rank}; not set: {', '.join(missing) or 'nothing'}",
            cure="torchrun --nproc-per-node N -m reseen train …, or unset WORLD_SIZE to train in one process",
        )
    return told


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
