"""The processes that train one network together, and what they do with each other.

Every collective call is made by all of them in the same order. Work that can fail goes through `run_on_all` or
`on_rank_zero`, which tell the others: no process waits for one that has given up.
"""

from __future__ import annotations

import contextlib
import gc
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from reseen.errors import ReseenError, TrainingError
from reseen.shapes import Float

T = TypeVar("T")

CPU = torch.device("cpu")
PATIENCE = timedelta(minutes=10)
"""How long a process waits for the others; reading a large dataset can differ by minutes."""
MAX_PART = 2000
"""Characters of each part of another process's error that are passed on."""


@dataclass(frozen=True)
class Processes:
    """One process and the others; alone by default, where nothing is exchanged.

    Attributes:
        rank: its number, from 0.
        count: how many there are.
        device: where tensors that are exchanged are kept.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = CPU

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def parallel(self, module: nn.Module, *, some_unused: bool) -> nn.Module:
        """The module with its gradients averaged over the processes; batch norm normalises by each one's own share.

        Args:
            module: the same in every process; the first one's values are taken.
            some_unused: whether parameters may stay without a gradient.
        """
        if self.count == 1:
            return module
        return nn.parallel.DistributedDataParallel(module, find_unused_parameters=some_unused)

    def exchanging_gradients(self, module: nn.Module, wanted: bool) -> contextlib.AbstractContextManager[None]:
        """While entered, backward passes of a `parallel` module exchange their gradients, or keep them back."""
        if isinstance(module, nn.parallel.DistributedDataParallel) and not wanted:
            return module.no_sync()
        return contextlib.nullcontext()

    def gather(self, rows: Tensor) -> Tensor:
        """The rows of all processes in the order of their ranks, with gradients; as many from each."""
        if self.count == 1:
            return rows
        everyone: Tensor = _Gather.apply(rows, self.rank, self.count)  # type: ignore[no-untyped-call]
        return everyone

    def broadcast_buffers(self, module: nn.Module) -> None:
        """Give every process the first one's statistics of batch norm: they differ where each has taken its own."""
        if self.count > 1:
            for buffer in module.buffers():
                dist.broadcast(buffer, src=0)

    def mean(self, values: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """The mean over the processes; NaN where it is NaN in one of them."""
        if self.count == 1:
            return values
        summed = values.detach().clone()
        dist.all_reduce(summed)
        return summed / self.count

    def any_rank(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.count == 1:
            return flag
        return bool(self.mean(torch.tensor([float(flag)], device=self.device)) > 0)

    def run_on_all(self, work: Callable[[], T]) -> T:
        """Do the same in every process, without collective calls in it.

        Raises:
            TrainingError: it failed in another process; where it failed, its own error is raised.
        """
        if self.count == 1:
            return work()
        try:
            result = work()
        except Exception as error:
            self.gather_text(_packed(error))
            raise
        for rank, failure in enumerate(self.gather_text("")):
            if failure:
                raise _failure_of(rank, failure)
        return result

    def on_rank_zero(self, work: Callable[[], T]) -> T | None:
        """Do something in the first process alone, and wait for it; the others get None.

        Raises:
            TrainingError: it failed there; in the first process, its own error is raised.
        """
        return self.run_on_all(lambda: work() if self.is_first else None)

    def broadcast(self, figures: Mapping[str, float]) -> Mapping[str, float]:
        """The first process's figures, in every process."""
        if self.count == 1:
            return figures
        told: dict[str, float] = json.loads(self.gather_text(json.dumps(dict(figures)))[0])
        return told

    def gather_text(self, text: str) -> list[str]:
        """The texts of all processes in the order of their ranks; any of them may be empty."""
        if self.count == 1:
            return [text]
        content = text.encode()
        longest = torch.tensor([len(content)], device=self.device)
        dist.all_reduce(longest, dist.ReduceOp.MAX)
        padded = torch.zeros(int(longest) + 1, dtype=torch.uint8)
        padded[: len(content)] = torch.frombuffer(bytearray(content or b"\0"), dtype=torch.uint8)[: len(content)]
        everyone = self.gather(padded[None].to(self.device)).cpu().numpy()
        return [bytes(each).rstrip(b"\0").decode() for each in everyone]


def _packed(error: Exception) -> str:
    """What an error says, to be sent to the other processes."""
    parts: list[str | None] = [str(error) or type(error).__name__, None, None, None]
    if isinstance(error, ReseenError):
        parts = [error.what, error.expected, error.got, error.cure]
    return json.dumps([part and part[:MAX_PART] for part in parts])


def _failure_of(rank: int, packed: str) -> TrainingError:
    """The error of another process, for this one."""
    what, expected, got, cure = json.loads(packed)
    return TrainingError(
        f"process {rank} failed: {what}",
        expected=expected or "every process to do its part",
        got=got or "an error in one of them",
        cure=cure or "see what that process said",
    )


class _Gather(torch.autograd.Function):
    """Rows of all processes; every process's loss sends gradients back to the process that a row came from."""

    @staticmethod
    def forward(context: Any, rows: Tensor, rank: int, count: int) -> Tensor:
        context.own = slice(rank * len(rows), (rank + 1) * len(rows))
        everyone = [torch.empty_like(rows) for _ in range(count)]
        dist.all_gather(everyone, rows.contiguous())
        return torch.cat(everyone)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        summed = gradient.contiguous().clone()
        dist.all_reduce(summed)
        return summed[context.own], None, None


ALONE = Processes()


@contextlib.contextmanager
def joined(rank: int, count: int, device: torch.device) -> Iterator[Processes]:
    """Meet the other processes while entered; where they meet is what `torchrun` has told torch.

    Args:
        rank: this process's number, from 0.
        count: how many there are; 1 meets nobody.
        device: where this process computes; it decides how they talk: nccl for CUDA, gloo for all else.

    Raises:
        TrainingError: they do not meet, or one of them is gone while the others wait for it.
    """
    if count == 1:
        yield Processes(device=device)
        return
    _meet(rank, count, "nccl" if device.type == "cuda" else "gloo")
    with _loss_of_others(count):
        try:
            yield Processes(rank, count, device if device.type == "cuda" else CPU)
            dist.barrier()  # nobody leaves while another still talks
        finally:
            gc.collect()  # what DistributedDataParallel keeps in circles holds the process group too
            dist.destroy_process_group()


def _meet(rank: int, count: int, backend: str) -> None:
    try:
        dist.init_process_group(backend, rank=rank, world_size=count, timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"the {count} processes of this run could not find each other",
            expected=f"all of them within {PATIENCE.seconds // 60} minutes, at the address that torchrun gives them",
            got=str(error).splitlines()[0][:500],
            cure="start them all with torchrun; on one machine, torchrun --standalone chooses a free port",
        ) from error


@contextlib.contextmanager
def _loss_of_others(count: int) -> Iterator[None]:
    """Say in words that a collective call failed; other errors pass."""
    try:
        yield
    except RuntimeError as error:  # gloo raises no class of its own
        if not isinstance(error, dist.DistError) and "gloo" not in str(error):
            raise
        raise TrainingError(
            "another process of this run has died",
            expected=f"{count} processes that answer within {PATIENCE.seconds // 60} minutes",
            got=re.sub(r"^\[[^\]]*\] *", "", str(error).splitlines()[0])[:200],  # without the place in gloo's source
            cure="see what that process said last; the same command with --resume continues from `latest`, if there",
        ) from error
