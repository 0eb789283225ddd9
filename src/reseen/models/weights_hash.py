"""The hash of a network: its weights, and what it does with them. It says which features can be compared."""

from __future__ import annotations

import hashlib
import json

from torch import nn

from reseen.recipe import schema

HEAD = "head."
"""Begins the names of the weights that only training uses."""
COUNTER = "num_batches_tracked"
"""Ends the names of what counts steps of training."""


def weights_sha256(network: nn.Module, model: schema.Model) -> str:
    """SHA-256 over all that features depend on.

    First the settings of backbone, pooling, neck and feature, as JSON; of those that are as by default only the names
    of backbone and pooling, so that a setting which a later version adds leaves the hash as it is. Then name, type,
    shape and content of every weight, sorted by name.

    Args:
        network: what is exported.
        model: the settings that it was built from.
    """
    settings = model.model_dump(mode="json", include={"backbone", "pooling", "neck", "feature"}, exclude_defaults=True)
    names = {"backbone": model.backbone.name, "pooling": model.pooling.name}
    total = hashlib.sha256((json.dumps([names, settings], sort_keys=True) + "\n").encode())
    for name, tensor in sorted(network.state_dict().items()):
        if name.startswith(HEAD) or name.endswith(COUNTER):
            continue
        array = tensor.detach().cpu().contiguous().numpy()
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()
