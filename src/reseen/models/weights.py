"""Loading weights by name: all that the model needs and all that the file holds, unless a pattern says otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from reseen.errors import WeightsError
from reseen.models.network import ReIDNetwork, build_head, build_network
from reseen.models.weights_file import read_weights, resolve_weights
from reseen.models.weights_report import WeightsReport, compare, first
from reseen.recipe import schema

BACKBONE = "backbone."
"""Begins the names of the backbone's entries in a file that training saved."""
POOLING = "pool.*"
"""What pooling learns need not be in a file that a backbone starts from: weights published for it hold none."""
FLOATS = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})


def load_weights(
    module: nn.Module,
    path: Path,
    *,
    expected_missing: Sequence[str] = (),
    expected_unused: Sequence[str] = (),
) -> WeightsReport:
    """Load a file's arrays into a module's parameters and buffers of the same names. On an error nothing is loaded.

    Of a file that training saved, the `backbone.` entries are taken: neck and head belong to the people it was
    trained on.

    Args:
        module: for the weights a recipe starts from, the network's `backbone`.
        path: a `.safetensors` or `.npz` file; the suffix may be left out.
        expected_missing: glob patterns of entries the file need not hold.
        expected_unused: glob patterns of entries the model need not have. An entry whose shape differs is left
            alone where it matches a pattern of both kinds.

    Raises:
        WeightsError: the file cannot be read; something is missing, unused or of another shape that no pattern
            expects; a value is not finite, or not floating-point where it should be.
    """
    source = resolve_weights(path)
    entries = read_weights(source)
    trained = {name.removeprefix(BACKBONE): entry for name, entry in entries.items() if name.startswith(BACKBONE)}
    return load_entries(
        module, trained or entries, source, expected_missing=expected_missing, expected_unused=expected_unused
    )


def load_entries(
    module: nn.Module,
    entries: Mapping[str, Tensor],
    source: Path,
    *,
    expected_missing: Sequence[str] = (),
    expected_unused: Sequence[str] = (),
) -> WeightsReport:
    """Load arrays that were read already; see `load_weights`.

    Args:
        module: the network's `backbone`.
        entries: arrays by the names of the module's parameters and buffers.
        source: the file they are of, for messages.
        expected_missing: as for `load_weights`.
        expected_unused: as for `load_weights`.

    Raises:
        WeightsError: see `load_weights`.
    """
    return _load(
        module,
        entries,
        source,
        expected_missing=[*expected_missing, POOLING],
        expected_unused=expected_unused,
        cure="use weights made for this model; if a difference is intended, name it with glob patterns in "
        "model.pretrained.expected_missing or expected_unused (a shape that differs: in both)",
    )


def load_network(model: schema.Model, path: Path) -> ReIDNetwork:
    """The trained network of a recipe, from a file that training saved; nothing need be known of its dataset.

    Args:
        model: the recipe's model.
        path: a `.safetensors` or `.npz` file; the suffix may be left out. How many people its head tells apart is
            read from the file; without a head in it, the network has none.

    Raises:
        WeightsError: the file cannot be read, or its entries are not exactly this model's.
    """
    source = resolve_weights(path)
    entries = read_weights(source)
    cure = "use the recipe that these weights were trained with"
    network = build_network(model, persons=0)
    head = entries.get("head.weight")
    if head is not None:
        if head.ndim != 2 or head.shape[1] != network.feature_size:
            raise WeightsError(
                f"{source} does not fit the recipe's model: its head reads other features",
                expected=f"head.weight of shape (persons, {network.feature_size})",
                got=f"{tuple(head.shape)}",
                cure=cure,
            )
        network.head = build_head(model.head, network.feature_size, len(head))
    _load(network, entries, source, expected_missing=(), expected_unused=(), cure=cure)
    return network


def _load(
    module: nn.Module,
    entries: Mapping[str, Tensor],
    source: Path,
    *,
    expected_missing: Sequence[str],
    expected_unused: Sequence[str],
    cure: str,
) -> WeightsReport:
    wanted = module.state_dict()
    report = compare(wanted, entries, source)
    differences = report.unexpected(expected_missing, expected_unused).differences()
    if differences or not report.loaded:
        kind = type(module).__name__
        raise WeightsError(
            f"{source} does not fit the {kind}",
            expected=f"the {len(wanted)} entries of the {kind}, by name and shape",
            got="; ".join([f"{len(report.loaded)} that fit", *differences]),
            cure=cure,
        )
    _check_values({name: (entries[name], wanted[name].dtype) for name in report.loaded}, source)
    module.load_state_dict({name: entries[name] for name in report.loaded}, strict=False)
    return report


def _check_values(entries: Mapping[str, tuple[Tensor, torch.dtype]], source: Path) -> None:
    """Floats, of any usual precision, go where floats are; and all of them are finite there."""
    wrong = [f"{name} {entry.dtype}" for name, (entry, dtype) in entries.items() if not _castable(entry.dtype, dtype)]
    _reject(wrong, f"{source} holds values of the wrong type", "floating-point weights", "save its weights as float32")
    infinite = [name for name, (entry, dtype) in entries.items() if not entry.to(dtype).isfinite().all()]
    cure = "take weights from before the training that made them diverged"
    _reject(infinite, f"{source} holds NaN or infinite values", "finite weights", cure)


def _castable(stored: torch.dtype, wanted: torch.dtype) -> bool:
    return stored in FLOATS if wanted in FLOATS else not (stored.is_floating_point or stored.is_complex)


def _reject(entries: Sequence[str], what: str, expected: str, cure: str) -> None:
    if entries:
        raise WeightsError(what, expected=expected, got=first(entries), cure=cure)
