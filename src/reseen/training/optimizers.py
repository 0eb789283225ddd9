"""The optimizers of a run: one for the network, and one for the centers when there is a center loss."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from reseen.losses.criterion import Criterion
from reseen.recipe.schema import Adam, AdamW, Center, Recipe

FUSED_ON = frozenset({"cuda", "mps"})
"""Devices whose steps are one kernel for all parameters instead of a few for each. The CPU would gain a hundredth of a
step's time, and its results would change in their last digits."""


def build_optimizers(recipe: Recipe, network: nn.Module, criterion: Criterion) -> dict[str, torch.optim.Optimizer]:
    """The optimizers by name: `network`, for all that losses learn too, and `centers` for those of a center loss."""
    centers: list[nn.Parameter] = []
    learnt = list(network.parameters())
    for name, loss in criterion.losses.items():
        (centers if name == Center().name else learnt).extend(loss.parameters())
    optimizers = {"network": _network_optimizer(recipe, learnt)}
    for settings in recipe.losses:
        if isinstance(settings, Center):
            optimizers["centers"] = _center_optimizer(settings, centers)
    return optimizers


def _network_optimizer(recipe: Recipe, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The recipe's optimizer over every parameter that learns.

    Weight decay applies to all of them, as published; that of AdamW spares biases and norms.
    """
    settings = recipe.optimizer
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    fused = learning[0].device.type in FUSED_ON
    if isinstance(settings, Adam):
        return torch.optim.Adam(
            learning,
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            amsgrad=settings.amsgrad,
            fused=fused,
        )
    if isinstance(settings, AdamW):
        filters: dict[str, Any] = {"params": [parameter for parameter in learning if parameter.ndim > 1]}
        others = {"params": [parameter for parameter in learning if parameter.ndim <= 1], "weight_decay": 0.0}
        return torch.optim.AdamW(
            [filters, others],
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=fused,
        )
    return torch.optim.SGD(
        learning,
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        fused=fused,
    )


def _center_optimizer(loss: Center, centers: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Plain SGD for the centers.

    The backward pass carries the loss's weight, and the recipe's rate is meant without it. Plain SGD is linear, so
    dividing the rate by the weight moves the centers as the unweighted loss would: 0.5 / 5e-4 = 1000 is PaddleClas's
    rate, and the original code's rescaled gradient.
    """
    return torch.optim.SGD(centers, lr=loss.learning_rate / loss.weight)
