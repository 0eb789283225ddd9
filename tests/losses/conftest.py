"""Batches for the losses: float64, so that finite differences and naive loops are exact enough to compare with."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

Batch = Callable[..., tuple[Tensor, Tensor]]


@pytest.fixture(scope="session")
def batch() -> Batch:
    """Random rows (b, width) that take gradients, and the given labels."""

    def make(*labels: int, width: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randn(len(labels), width, dtype=torch.float64, generator=generator).requires_grad_()
        return rows, torch.tensor(labels)

    return make
