"""Which parts of a network learn in an epoch, and which of its batch norms follow the batches."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from reseen.models.network import ReIDNetwork
from reseen.recipe.schema import Training


class Modes:
    """Puts a network into the mode that an epoch asks for.

    Args:
        network: what learns.
        settings: how long the backbone is frozen, and whether batch norm is.
    """

    def __init__(self, network: ReIDNetwork, settings: Training) -> None:
        self.network = network
        self.settings = settings
        self._backbone = [parameter for parameter in network.backbone.parameters() if parameter.requires_grad]

    def backbone_learns(self, epoch: int) -> bool:
        """Whether the backbone learns in an epoch (0-based)."""
        return epoch >= self.settings.freeze_backbone

    def enter(self, epoch: int) -> None:
        """Make the network ready to learn in an epoch (0-based).

        A frozen backbone is in evaluation mode: neither its weights nor its batch norms' statistics change.
        """
        learns = self.backbone_learns(epoch)
        self.network.train()
        self.network.backbone.train(learns)
        for parameter in self._backbone:
            parameter.requires_grad_(learns)
        if self.settings.batch_norm == "frozen":
            for module in self.network.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()


def synchronise_batch_norm(network: ReIDNetwork) -> ReIDNetwork:
    """The network with batch norms that take their statistics over the batches of all processes."""
    converted: ReIDNetwork = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return converted
