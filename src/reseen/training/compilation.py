"""`torch.compile`, where a recipe asks for it: its errors are errors, never a silent return to eager steps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from reseen.errors import TrainingError

COMPILER = ("torch._dynamo", "torch._inductor")


@contextlib.contextmanager
def compiler_errors() -> Iterator[None]:
    """While entered, what goes wrong in the compiler is an error in words; all else passes.

    Raises:
        TrainingError: the network cannot be compiled here.
    """
    try:
        yield
    except RuntimeError as error:
        if not type(error).__module__.startswith(COMPILER):
            raise
        raise TrainingError(
            "torch.compile cannot compile the network",
            expected="a compiler for this device: g++ for the CPU, triton for CUDA",
            got=f"{type(error).__name__}: {str(error).strip().splitlines()[0][:300]}",
            cure="-o training.compile=false, or install the compiler",
        ) from error
