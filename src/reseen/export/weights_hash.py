"""The hash of a network's weights, which says which features can be compared."""

from __future__ import annotations

import hashlib

from torch import nn

HEAD = "head."
"""Begins the names of the weights that only training uses."""
COUNTER = "num_batches_tracked"
"""Ends the names of what counts steps of training."""


def weights_sha256(network: nn.Module) -> str:
    """SHA-256 over name, type, shape and content of every weight that features depend on, sorted by name."""
    total = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        if name.startswith(HEAD) or name.endswith(COUNTER):
            continue
        array = tensor.detach().cpu().contiguous().numpy()
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()
