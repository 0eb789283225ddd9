"""`WeightAverage`: an exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch

from reseen.models.network import ReIDNetwork
from reseen.recipe.schema import EMA


class WeightAverage:
    """Follows a network; its average is what is evaluated and deployed (Polyak & Juditsky, 1992, with a decay).

    Batch norm's statistics are averaged like weights; counters are copied.

    Attributes:
        network: the averaged network, in evaluation mode; its parameters need no gradients.
    """

    def __init__(self, network: ReIDNetwork, settings: EMA) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        self.decay = settings.decay

    @torch.no_grad()
    def update(self, network: ReIDNetwork, steps: int) -> None:
        """Take in the network's weights after `steps` steps, counted from 1.

        The average keeps min(decay, (1 + steps) / (10 + steps)) of itself, so that it soon forgets the first weights.
        """
        kept = min(self.decay, (1 + steps) / (10 + steps))
        current = network.state_dict()
        averages = self.network.state_dict()
        weights = [name for name, average in averages.items() if average.is_floating_point()]
        counters = sorted(averages.keys() - set(weights))
        # All at once: on an accelerator a few kernels instead of one for each tensor.
        torch._foreach_lerp_([averages[name] for name in weights], [current[name] for name in weights], 1 - kept)
        if counters:
            torch._foreach_copy_([averages[name] for name in counters], [current[name] for name in counters])
