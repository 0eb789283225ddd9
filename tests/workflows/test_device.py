from __future__ import annotations

import pytest
import torch

from reseen.errors import UsageError
from reseen.workflows.device import choose_device


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
