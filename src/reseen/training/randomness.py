"""Every random draw of a run is a pure function of (seed, purpose, epoch, iteration).

Nothing carries over from one draw to the next, so a run that was stopped anywhere continues exactly as if it had not
been, and no generator state needs to be saved.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import torch


class Purpose(IntEnum):
    """What a stream of random numbers is for; each purpose has a stream of its own."""

    INITIALISATION = 0
    SAMPLING = 1
    AUGMENTATION = 2
    NETWORK = 3


def generator(seed: int, purpose: Purpose, epoch: int = 0, iteration: int = 0, rank: int = 0) -> np.random.Generator:
    """An independent generator for one purpose at one point of the run.

    `rank` is for draws that each of several processes makes for itself; all others are the same in every process.
    """
    return np.random.default_rng((seed, purpose, epoch, iteration, *([rank] if rank else [])))


def seed_torch(seed: int, purpose: Purpose, epoch: int = 0, iteration: int = 0, rank: int = 0) -> None:
    """Seed torch's own generators (initialisation, dropout) for one purpose at one point of the run."""
    torch.manual_seed(int(generator(seed, purpose, epoch, iteration, rank).integers(2**63)))
