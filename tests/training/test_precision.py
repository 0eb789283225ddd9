from __future__ import annotations

import pytest
import torch

from reseen.training.precision import Precision, chosen_precision


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_named_precision_is_that_one_everywhere(precision: Precision, device: str) -> None:
    assert chosen_precision(precision, torch.device(device)) == precision


@pytest.mark.parametrize(
    ("device", "capability", "expected"),
    [("cpu", (9, 0), "fp32"), ("mps", (9, 0), "fp32"), ("cuda", (7, 5), "fp32"), ("cuda", (8, 0), "bf16")],
)
def test_auto_is_bf16_where_a_device_is_made_for_it(
    device: str, capability: tuple[int, int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)

    assert chosen_precision("auto", torch.device(device)) == expected
