"""Denormal numbers: those below 1.2e-38, on which processors work in microcode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Within, the processor takes denormal numbers for zero, in this thread and those that begin here.

    Weight decay halves the weights of channels that nothing uses until they are denormal, and training becomes slower
    with every epoch: in one run 227 → 52 images/s (docs/experiments.md, 2026-11-23).
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
