"""What changes the weights: the steps of the optimizers, and the average of the weights over the steps."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor

from reseen.errors import TrainingError
from reseen.models.network import ReIDNetwork
from reseen.recipe.schema import EMA, Training
from reseen.shapes import Float

SMALLEST_SCALE = 1.0
"""A loss that overflows fp16 even at this scale does so by itself, and not by being scaled."""


class Stepper:
    """Makes the steps of a run's optimizers.

    Args:
        settings: precision and clipping.
        optimizers: by name; `network`'s gradients are clipped.
        device: where the network computes.
    """

    def __init__(
        self, settings: Training, optimizers: Mapping[str, torch.optim.Optimizer], device: torch.device
    ) -> None:
        self.clip_norm = settings.clip_norm
        self.optimizers = optimizers
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "fp16")

    @property
    def state(self) -> dict[str, float]:
        """What resuming needs: the loss scale, and for how many steps it has been good; empty but for fp16."""
        state = self.scaler.state_dict()
        return {"scale": state["scale"], "good_steps": state["_growth_tracker"]} if state else {}

    def restore(self, state: Mapping[str, float]) -> None:
        """Continue with the scale of a saved `state`."""
        if state:
            kept = {"scale": state["scale"], "_growth_tracker": int(state["good_steps"])}
            self.scaler.load_state_dict(self.scaler.state_dict() | kept)

    def backward(self, total: Float[Tensor, ""], share: float) -> None:
        """Add `share` of a batch's gradients to those that are there."""
        self.scaler.scale(total * share).backward()  # type: ignore[no-untyped-call]

    def step(self) -> bool:
        """Change the weights by the gradients, and forget these.

        Returns:
            Whether it was done: a step whose gradients overflow fp16 is left out, and the loss scale halved.

        Raises:
            TrainingError: the gradients overflow fp16 even with an unscaled loss.
        """
        learning = [optimizer for optimizer in self.optimizers.values() if _has_gradients(optimizer)]
        for optimizer in learning:
            self.scaler.unscale_(optimizer)
        if self.clip_norm is not None:
            groups = self.optimizers["network"].param_groups
            torch.nn.utils.clip_grad_norm_([p for group in groups for p in group["params"]], self.clip_norm)
        before = self.scaler.get_scale()
        if not self.scaler.is_enabled() or all(map(_is_finite, learning)):  # all of them step, or none
            for optimizer in learning:
                self.scaler.step(optimizer)
        self.scaler.update()
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()
        done = self.scaler.get_scale() >= before
        if not done and before <= SMALLEST_SCALE:
            raise TrainingError(
                "the gradients overflow fp16 even with an unscaled loss",
                expected="finite gradients",
                got=f"NaN or infinity at a loss scale of {before:g}",
                cure="-o training.precision=bf16 (or fp32), or a lower optimizer.learning_rate",
            )
        return done


def _is_finite(optimizer: torch.optim.Optimizer) -> bool:
    """Whether no gradient overflowed."""
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    return bool(torch.stack([gradient.isfinite().all() for gradient in gradients]).all())


def _has_gradients(optimizer: torch.optim.Optimizer) -> bool:
    """Whether anything learns; nothing of the network does where its backbone is frozen and no loss reads the rest."""
    return any(parameter.grad is not None for group in optimizer.param_groups for parameter in group["params"])


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
