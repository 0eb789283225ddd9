from __future__ import annotations

import contextlib

import pytest
import torch

from reseen.errors import UsageError
from reseen.runs.device import choose_device, join_processes
from reseen.training.processes import Processes


def test_a_named_device_is_that_device() -> None:
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(("available", "expected"), [(False, "cpu"), (True, "cuda")])
def test_auto_takes_an_accelerator_when_there_is_one(
    available: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    memory = torch.zeros(1)
    monkeypatch.setattr(torch, "empty", lambda *_, **__: memory)  # nothing is asked of a device that is not there

    assert choose_device("auto") == torch.device(expected)


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "", "cpu:", "meta", "CPU"])
def test_a_device_that_is_not_here_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"--device {name} cannot be used here") as refused:
        choose_device(name)

    assert refused.value.expected == "cpu, cuda, cuda:N, mps or auto"
    assert refused.value.got


def test_a_process_alone_gets_the_device_that_is_named() -> None:
    with join_processes("cpu", 0, 1, 0) as (processes, device):
        assert processes == Processes()
        assert device == torch.device("cpu")


def test_each_of_several_processes_takes_the_cuda_device_of_its_local_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = torch.zeros(1)
    chosen: list[torch.device] = []
    told: list[tuple[int, int, torch.device]] = []

    def meet(rank: int, count: int, device: torch.device) -> contextlib.AbstractContextManager[Processes]:
        told.append((rank, count, device))
        return contextlib.nullcontext(Processes(rank, count))

    monkeypatch.setattr(torch, "empty", lambda *_, **__: memory)  # nothing is asked of a device that is not there
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr("reseen.runs.device.joined", meet)

    with join_processes("cuda", 5, 8, 1) as (_, device):
        assert told == [(5, 8, torch.device("cuda:1"))]
        assert device == torch.device("cuda:1")
    with join_processes("cuda:3", 5, 8, 1) as (_, device):
        assert device == torch.device("cuda:3")
    assert chosen == [torch.device("cuda:1")]
