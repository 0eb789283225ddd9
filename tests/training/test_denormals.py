from __future__ import annotations

import subprocess
import sys

import torch

from reseen.training.denormals import denormals_flushed

SMALL = 1e-30

LARGE_ENOUGH_FOR_THREADS = """
import torch
from reseen.training.denormals import denormals_flushed
with denormals_flushed():
    print((torch.full((2_000_000,), 1e-30) * 1e-10).count_nonzero().item())
"""


def test_denormal_numbers_are_zero_within_and_not_after() -> None:
    with denormals_flushed():
        assert (torch.tensor(SMALL) * 1e-10).item() == 0
        assert (torch.tensor(SMALL) * 1e-7).item() > 0

    assert (torch.tensor(SMALL) * 1e-10).item() > 0


def test_threads_that_begin_within_do_so_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LARGE_ENOUGH_FOR_THREADS], capture_output=True, text=True, check=True, timeout=120
    )

    assert done.stdout.strip() == "0"
