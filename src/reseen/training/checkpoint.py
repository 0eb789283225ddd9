"""Checkpoints: weights anyone can read, and beside `latest` the state that resuming needs. Safetensors and JSON only.

`latest.safetensors` names its state file in its header. The state is written first, under a new name; then `latest` is
replaced in one move; then older states are removed. A crash anywhere leaves a `latest` whose state is there. The state
holds the SHA-256 of its `latest`, so that files of different moments are never taken for one.
"""

from __future__ import annotations

import contextlib
import hashlib
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
from reseen.recipe.former_names import renew

FORMAT = "reseen-checkpoint-1"


@dataclass(frozen=True)
class TrainState:
    """How far a run has come.

    Attributes:
        epoch: epochs completed.
        iteration: iterations completed in the epoch after those.
        evaluation_due: whether the completed epoch still has to be evaluated.
        best: highest value so far of the figure that chooses `best`, or None before the first evaluation.
        best_epoch: when that was (1-based), or 0.
        loss_sums: sums of the losses over the iterations completed in the current epoch.
        steps: steps of the optimizer that were done.
        mark: the figure that early stopping compares with, or None before the first evaluation.
        stalled: evaluations in a row that were not better than `mark`.
        scaler: state of the fp16 loss scale; empty but for fp16.
    """

    epoch: int = 0
    iteration: int = 0
    evaluation_due: bool = False
    best: float | None = None
    best_epoch: int = 0
    loss_sums: dict[str, float] = field(default_factory=dict)
    steps: int = 0
    mark: float | None = None
    stalled: int = 0
    scaler: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """What the header of a state file says.

    Attributes:
        progress: how far the run had come.
        identity: of the run, as `Checkpoints` was given it.
        weights: SHA-256 of the `latest` it belongs to.
    """

    progress: TrainState
    identity: dict[str, Any]
    weights: str


STATE = TypeAdapter(State)


@dataclass(frozen=True)
class Parts:
    """What a run learns, and what it learns with.

    Attributes:
        network: what learns; its state is the weights file, or part of the state where weights are averaged.
        criterion: its parameters (the centers) are part of the state.
        optimizers: by name; each holds the state of its parameters.
        average: the averaged network, whose state then is the weights file, or None.
    """

    network: nn.Module
    criterion: nn.Module
    optimizers: Mapping[str, torch.optim.Optimizer]
    average: nn.Module | None = None

    @property
    def deployed(self) -> nn.Module:
        """The network that is evaluated, saved and used."""
        return self.network if self.average is None else self.average


class Checkpoints:
    """The `checkpoints` folder of a run.

    Args:
        folder: made when something is saved.
        identity: what must be the same for a state to be resumed (JSON values only).
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder = folder
        self.identity = dict(identity)

    def save_weights(self, name: str, network: nn.Module, header: Mapping[str, str]) -> Path:
        """Write `name.safetensors` with the network's tensors and a header of text values."""
        return self._write(name, _pack(network.state_dict(), header))

    def _write(self, name: str, content: bytes) -> Path:
        path = make_folder(self.folder) / f"{name}.safetensors"
        write_whole(path, content)
        return path

    def save_latest(self, parts: Parts, progress: TrainState, header: Mapping[str, str]) -> Path:
        """Write `latest` and the state that resuming needs.

        Raises:
            StorageError: it could not be written; the `latest` before it is whole.
        """
        name = f"latest.state-{progress.epoch:04d}-{progress.iteration:06d}"
        weights = _pack(parts.deployed.state_dict(), {**header, "state": f"{name}.safetensors"})
        described = State(progress, self.identity, hashlib.sha256(weights).hexdigest())
        state = self._write(name, _pack(_state_tensors(parts), {"state": STATE.dump_json(described).decode()}))
        path = self._write("latest", weights)
        older = [file for file in self.folder.glob("latest.state-*.safetensors") if file != state]
        for file in [*older, *self.folder.glob(".*.part")]:  # parts are of a run that was killed while it saved
            with contextlib.suppress(OSError):
                file.unlink()
        return path

    def check_resumable(self) -> None:
        """Check that there is a state to resume and that it is this run's, without reading weights.

        Raises:
            CheckpointError: there is none, it is damaged, or it belongs to another run.
        """
        state_file = self._state_file(_header(self.folder / "latest.safetensors"))
        try:
            state = STATE.validate_json(_header(state_file)["state"], strict=True)
        except (LookupError, ValueError) as error:
            raise _damaged(self.folder, error) from None
        self._check_identity(state.identity)

    def _state_file(self, header: Mapping[str, str]) -> Path:
        """The state that the header of `latest` names."""
        latest, name = self.folder / "latest.safetensors", Path(header.get("state", "")).name
        if not name:
            raise CheckpointError(
                f"{latest} holds weights, but names no state to resume from",
                expected="a `latest` as training saves it",
                got="the weights of another checkpoint, or of another program",
                cure="restore the run's own `latest`, or train without --resume into another --output",
            )
        if not (self.folder / name).is_file():
            raise CheckpointError(
                f"the state that {latest} names is gone",
                expected=f"{name} beside it",
                got="no such file",
                cure="restore it, or train without --resume into another --output",
            )
        return self.folder / name

    def resume_latest(self, parts: Parts) -> TrainState:
        """Put `latest` and its state into `parts`.

        Raises:
            CheckpointError: there is none, it is damaged, its files are not of one moment, or it belongs to another
                run.
        """
        latest = self.folder / "latest.safetensors"
        weights, header = _read(latest)
        state_file = self._state_file(header)
        tensors, description = _read(state_file)
        try:
            state = STATE.validate_json(description["state"], strict=True)
            self._check_identity(state.identity)
            _check_pair(latest, state_file, state.weights)
            parts.deployed.load_state_dict(weights)
            _restore(parts, tensors)
        except (LookupError, ValueError, RuntimeError) as error:
            raise _damaged(self.folder, error) from None
        return state.progress

    def _check_identity(self, saved: Mapping[str, Any]) -> None:
        recipe = saved.get("recipe")
        renewed = {**saved, "recipe": renew(recipe)} if isinstance(recipe, dict) else saved
        for key, value in self.identity.items():
            for place, before, now in _differences(renewed.get(key), value):
                raise CheckpointError(
                    f"{self.folder} belongs to another run: it differs in its {key}{place and f' at {place[1:]}'}",
                    expected=_short(before),
                    got=_short(now),
                    cure="resume with the same recipe, data and number of processes, or train into another --output",
                )


def _check_pair(latest: Path, state: Path, expected: str) -> None:
    with latest.open("rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    if got != expected:
        raise CheckpointError(
            f"{latest} and {state.name} were not saved together",
            expected=f"weights whose SHA-256 is {expected}, as the state says",
            got=got,
            cure="restore files that were saved together, or train without --resume into another --output",
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


def _pack(tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> bytes:
    contiguous = {key: value.contiguous() for key, value in tensors.items()}
    return safetensors.torch.save(contiguous, {"format": FORMAT, **header})


def _state_tensors(parts: Parts) -> dict[str, Tensor]:
    tensors = {f"criterion.{key}": value for key, value in parts.criterion.state_dict().items()}
    if parts.average is not None:
        tensors |= {f"network.{key}": value for key, value in parts.network.state_dict().items()}
    for name, optimizer in parts.optimizers.items():
        for index, values in optimizer.state_dict()["state"].items():
            for key, value in values.items():
                if value is not None:
                    tensors[f"optimizer.{name}.{index}.{key}"] = value
    return tensors


def _restore(parts: Parts, tensors: Mapping[str, Tensor]) -> None:
    parts.criterion.load_state_dict(_below("criterion.", tensors))
    if parts.average is not None:
        parts.network.load_state_dict(_below("network.", tensors))
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


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _header(path: Path) -> dict[str, str]:
    with _opened(path) as file:
        return file.metadata() or {}


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with _opened(path) as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A safetensors file; what is wrong with it is an error in words."""
    if not path.is_file():
        raise CheckpointError(
            f"there is no checkpoint to resume at {path}",
            expected="a run that was trained before",
            got="no such file",
            cure="train without --resume into another --output",
        )
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            yield file
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
