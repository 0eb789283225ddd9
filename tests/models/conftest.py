"""Networks in a state that shows mistakes: no scale is 1 and no shift is 0."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

Shake = Callable[[nn.Module], nn.Module]


@pytest.fixture(scope="session")
def shaken() -> Shake:
    """Puts a module into evaluation mode, with random scales, shifts and running statistics in its norms."""

    def shake(module: nn.Module) -> nn.Module:
        generator = torch.Generator().manual_seed(0)
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.InstanceNorm2d):
                for values, low, high in (
                    (layer.weight.data, 0.5, 1.5),
                    (layer.bias.data, -0.5, 0.5),
                    (layer.running_mean, -0.5, 0.5),
                    (layer.running_var, 0.5, 1.5),
                ):
                    if values is not None:  # instance norms have no running statistics
                        values.uniform_(low, high, generator=generator)
        return module.eval()

    return shake
