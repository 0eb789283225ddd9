from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reseen.models.transfer import send

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_what_is_there_already_is_not_copied() -> None:
    tensor = torch.arange(3)

    assert send(tensor, CPU) is tensor


@pytest.mark.parametrize("pinned", [True, False])
def test_cuda_copies_from_pinned_memory_while_python_goes_on(pinned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def pin(tensor: Tensor) -> Tensor:
        asked.append("pin")
        return tensor

    def copy(tensor: Tensor, device: torch.device, non_blocking: bool = False) -> Tensor:
        asked.append(f"copy to {device}, waiting: {not non_blocking}")
        return tensor

    monkeypatch.setattr(Tensor, "is_pinned", lambda _: pinned)
    monkeypatch.setattr(Tensor, "pin_memory", pin)
    monkeypatch.setattr(Tensor, "to", copy)

    send(torch.arange(3), CUDA)

    assert asked == [*([] if pinned else ["pin"]), "copy to cuda, waiting: False"]
