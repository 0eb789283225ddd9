"""Checkpoints: weights anyone can read, and beside `latest` the state that resuming needs. Safetensors and JSON only.

`latest.safetensors` names its state file in its header. The state is written first, under a new name; then `latest` is
replaced in one move; then older states are removed. A crash anywhere leaves a `latest` whose state is there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from reseen.errors import CheckpointError
from reseen.files import make_folder, write_whole

FORMAT = "reseen-checkpoint-1"


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        epoch: epochs completed.
        iteration: iterations completed in the epoch after those.
        evaluation_due: whether the completed epoch still has to be evaluated.
        best: highest value so far of the figure that chooses `best`, or None before the first evaluation.
        best_epoch: when that was (1-based), or 0.
        loss_sums: sums of the losses over the iterations completed in the current epoch.
    """

    epoch: int = 0
    iteration: int = 0
    evaluation_due: bool = False
    best: float | None = None
    best_epoch: int = 0
    loss_sums: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """What the header of a state file says.

    Attributes:
        progress: how far the run had come.
        identity: of the run, as `Checkpoints` was given it.
    """

    progress: Progress
    identity: dict[str, Any]


STATE = TypeAdapter(State)


@dataclass(frozen=True)
class Parts:
    """What a run learns, and what it learns with.

    Attributes:
        network: its state is the weights file.
        criterion: its parameters (the centers) are part of the state.
        optimizers: by name; each holds the state of its parameters.
    """

    network: nn.Module
    criterion: nn.Module
    optimizers: Mapping[str, torch.optim.Optimizer]


class Checkpoints:
    """The `checkpoints` folder of a run.

    Args:
        folder: made when it is not there.
        identity: what must be the same for a state to be resumed (JSON values only).
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder = make_folder(folder)
        self.identity = dict(identity)

    def save_weights(self, name: str, network: nn.Module, header: Mapping[str, str]) -> Path:
        """Write `name.safetensors` with the network's tensors and a header of text values."""
        path = self.folder / f"{name}.safetensors"
        tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
        write_whole(path, safetensors.torch.save(tensors, {"format": FORMAT, **header}))
        return path

    def save_latest(self, parts: Parts, progress: Progress, header: Mapping[str, str]) -> Path:
        """Write `latest` and the state that resuming needs.

        Raises:
            StorageError: it could not be written; the `latest` before it is whole.
        """
        state = self.folder / f"latest.state-{progress.epoch:04d}-{progress.iteration:06d}.safetensors"
        description = STATE.dump_json(State(progress, self.identity)).decode()
        write_whole(state, safetensors.torch.save(_state_tensors(parts), {"format": FORMAT, "state": description}))
        path = self.save_weights("latest", parts.network, {**header, "state": state.name})
        older = [file for file in self.folder.glob("latest.state-*.safetensors") if file != state]
        for file in [*older, *self.folder.glob(".*.part")]:  # parts are of a run that was killed while it saved
            with contextlib.suppress(OSError):
                file.unlink()
        return path

    def resume_latest(self, parts: Parts) -> Progress:
        """Put `latest` and its state into `parts`.

        Raises:
            CheckpointError: there is none, it is damaged, or it belongs to another run.
        """
        weights, header = _read(self.folder / "latest.safetensors")
        tensors, description = _read(self.folder / Path(header.get("state", "")).name)
        try:
            state = STATE.validate_json(description["state"], strict=True)
            self._check_identity(state.identity)
            parts.network.load_state_dict(weights)
            _restore(parts, tensors)
        except (LookupError, ValueError, RuntimeError) as error:
            raise _damaged(self.folder, error) from None
        return state.progress

    def _check_identity(self, saved: Mapping[str, Any]) -> None:
        for key, value in self.identity.items():
            for place, before, now in _differences(saved.get(key), value):
                raise CheckpointError(
                    f"{self.folder} belongs to another run: its {key} differs{place and f' in {place[1:]}'}",
                    expected=_short(before),
                    got=_short(now),
                    cure="resume with the same recipe and data, or train into another --output",
                )


def _differences(before: Any, now: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Places (`.a.0.b`) where two trees of JSON values differ, and the two values there."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in before | now:
            yield from _differences(before.get(key), now.get(key), f"{place}.{key}")
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from _differences(one, other, f"{place}.{index}")
    elif before != now:
        yield place, before, now


def _state_tensors(parts: Parts) -> dict[str, Tensor]:
    tensors = {f"criterion.{key}": value.contiguous() for key, value in parts.criterion.state_dict().items()}
    for name, optimizer in parts.optimizers.items():
        for index, values in optimizer.state_dict()["state"].items():
            for key, value in values.items():
                if value is not None:
                    tensors[f"optimizer.{name}.{index}.{key}"] = value.contiguous()
    return tensors


def _restore(parts: Parts, tensors: Mapping[str, Tensor]) -> None:
    prefix = "criterion."
    parts.criterion.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    for name, optimizer in parts.optimizers.items():
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith(f"optimizer.{name}."):
                index, entry = key.removeprefix(f"optimizer.{name}.").split(".")
                same_layout = value.shape == parameters[int(index)].shape
                state.setdefault(int(index), {})[entry] = (
                    torch.empty_like(parameters[int(index)].detach()).copy_(value) if same_layout else value
                )
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if not path.is_file():
        raise CheckpointError(
            f"there is no checkpoint to resume at {path}",
            expected="a run that was trained before",
            got="no such file",
            cure="train without --resume into another --output",
        )
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be resumed",
        expected=f"a whole {FORMAT} of this recipe",
        got=str(error)[:500],
        cure="train without --resume into another --output",
    )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
