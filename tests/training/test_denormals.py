from __future__ import annotations

import torch

from reseen.training.denormals import drop_denormals


def test_denormal_numbers_become_zero_and_others_stay() -> None:
    numbers = torch.tensor([1.0, -1.2e-38, 1.1e-38, -1e-45, 0.0, float("nan"), float("-inf")])
    double, counter = torch.tensor([1e-300, 1e-310], dtype=torch.float64), torch.tensor(3)

    drop_denormals([numbers, double, counter])

    assert numbers[:5].tolist() == [1.0, torch.tensor(-1.2e-38).item(), 0.0, 0.0, 0.0]
    assert numbers[5].isnan()
    assert numbers[6] == float("-inf")
    assert double.tolist() == [1e-300, 0.0]
    assert counter == 3
