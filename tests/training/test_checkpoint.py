from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from reseen.errors import CheckpointError, StorageError
from reseen.training.checkpoint import Checkpoints, Parts, TrainState

Bits = Callable[[Parts], dict[str, Tensor]]
CrashAtWrite = Callable[[int, BaseException], None]
IDENTITY = {"recipe": {"seed": 0, "optimizer": {"name": "adam"}, "losses": [{"margin": 0.3}, {}]}, "images": "12 of 3"}
HALF = TrainState(epoch=3, iteration=7, evaluation_due=True, best=0.1 + 0.2, best_epoch=2, loss_sums={"total": 1 / 3})
OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]] = {
    "adam": lambda learning: torch.optim.Adam(learning, lr=0.1, weight_decay=0.1),
    "amsgrad": lambda learning: torch.optim.Adam(learning, lr=0.1, amsgrad=True),
    "momentum": lambda learning: torch.optim.SGD(learning, lr=0.1, momentum=0.9, nesterov=True),
    "plain": lambda learning: torch.optim.SGD(learning, lr=0.1),
}


class Centers(nn.Module):
    """A criterion with something to learn."""

    def __init__(self) -> None:
        super().__init__()
        self.centers = nn.Parameter(torch.randn(3, 4))


def parts(seed: int, optimizer: str = "adam") -> Parts:
    """A network in channels-last memory with batch norm, centers, and an optimizer for each."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(4))
    network(torch.randn(2, 3, 5, 6))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    criterion = Centers()
    optimizers = {
        "network": OPTIMIZERS[optimizer]([*network.parameters()]),
        "centers": torch.optim.SGD(criterion.parameters(), lr=0.5),
    }
    return Parts(network, criterion, optimizers)


def learn(parts: Parts, seed: int = 0) -> None:
    """One step on a batch of its own."""
    images = torch.randn(3, 3, 5, 6, generator=torch.Generator().manual_seed(seed))
    for optimizer in parts.optimizers.values():
        optimizer.zero_grad()
    loss = (parts.network(images) - next(parts.criterion.parameters())).square().sum()
    loss.backward()
    for optimizer in parts.optimizers.values():
        optimizer.step()


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def saved(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def header(path: Path) -> dict[str, str]:
    with safetensors.safe_open(path, framework="pt") as file:
        return dict(file.metadata())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_everything_comes_back_to_the_bit_and_goes_on_as_it_would_have(
    tmp_path: Path, bits: Bits, optimizer: str
) -> None:
    one, other = parts(1, optimizer), parts(2, optimizer)
    learn(one)
    learn(one, seed=1)
    Checkpoints(tmp_path, IDENTITY).save_latest(one, HALF, {})
    assert not same(bits(one), bits(other))
    assert Checkpoints(tmp_path, IDENTITY).resume_latest(other) == HALF
    assert same(bits(one), bits(other))
    learn(one, seed=2)
    learn(other, seed=2)
    assert same(bits(one), bits(other))


def test_a_state_before_the_first_step_comes_back_too(tmp_path: Path, bits: Bits) -> None:
    one, other = parts(1), parts(2)
    Checkpoints(tmp_path, IDENTITY).save_latest(one, TrainState(), {})
    assert Checkpoints(tmp_path, IDENTITY).resume_latest(other) == TrainState()
    assert same(bits(one), bits(other))


def test_settings_of_the_optimizers_are_the_recipes_not_the_checkpoints(tmp_path: Path) -> None:
    one, other = parts(1), parts(2)
    learn(one)
    one.optimizers["network"].param_groups[0]["lr"] = 0.7
    Checkpoints(tmp_path, IDENTITY).save_latest(one, HALF, {})
    Checkpoints(tmp_path, IDENTITY).resume_latest(other)
    assert other.optimizers["network"].param_groups[0]["lr"] == 0.1


def test_weights_are_plain_safetensors_with_the_networks_names(tmp_path: Path) -> None:
    one = parts(1)
    path = Checkpoints(tmp_path / "below" / "it", IDENTITY).save_weights("epoch_40", one.network, {"recipe": "own"})
    assert path == tmp_path / "below" / "it" / "epoch_40.safetensors"
    assert same(safetensors.torch.load_file(path), one.network.state_dict())
    assert header(path) == {"format": "reseen-checkpoint-1", "recipe": "own"}


def test_p10_files_are_safetensors_alone_without_a_pickle(tmp_path: Path) -> None:
    one = parts(1)
    learn(one)
    Checkpoints(tmp_path, IDENTITY).save_latest(one, HALF, {"recipe": "own"})
    for content in saved(tmp_path).values():
        size = int.from_bytes(content[:8], "little")
        described = json.loads(content[8 : 8 + size])
        assert {entry["dtype"] for name, entry in described.items() if name != "__metadata__"} <= {"F32", "I64"}
        assert len(content) == 8 + size + max(e["data_offsets"][1] for n, e in described.items() if n != "__metadata__")


def test_older_states_and_leftovers_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    one, checkpoints = parts(1), Checkpoints(tmp_path, IDENTITY)
    (tmp_path / ".latest.safetensors.123.part").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("keep")
    for epoch in range(3):
        checkpoints.save_latest(one, TrainState(epoch=epoch), {})
        checkpoints.save_weights("best", one.network, {})
    assert sorted(saved(tmp_path)) == [
        "best.safetensors",
        "latest.safetensors",
        "latest.state-0002-000000.safetensors",
        "notes.txt",
    ]


def test_without_a_checkpoint_there_is_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint to resume") as caught:
        Checkpoints(tmp_path, IDENTITY).resume_latest(parts(1))
    assert str(tmp_path) in caught.value.what
    assert "--resume" in (caught.value.cure or "")


def with_margin(margin: object) -> dict[str, Any]:
    return IDENTITY | {"recipe": {"seed": 0, "optimizer": {"name": "adam"}, "losses": [{"margin": margin}, {}]}}


@pytest.mark.parametrize(
    ("identity", "what", "expected", "got"),
    [
        (with_margin("soft"), "it differs in its recipe at losses.0.margin", "0.3", "soft"),
        (with_margin(None), "it differs in its recipe at losses.0.margin", "0.3", "None"),
        (IDENTITY | {"images": "11 of 3"}, "it differs in its images", "12 of 3", "11 of 3"),
        (IDENTITY | {"recipe": {"seed": 0}}, "it differs in its recipe at optimizer", "{'name': 'adam'}", "None"),
        (IDENTITY | {"code": 2}, "it differs in its code", "None", "2"),
    ],
)
def test_a_state_of_another_run_is_refused_and_the_difference_named(
    tmp_path: Path, bits: Bits, identity: dict[str, Any], what: str, expected: str, got: str
) -> None:
    Checkpoints(tmp_path, IDENTITY).save_latest(parts(1), HALF, {})
    other = parts(2)
    before = bits(other)
    with pytest.raises(CheckpointError) as caught:
        Checkpoints(tmp_path, identity).resume_latest(other)
    assert caught.value.what.endswith(what)
    assert (caught.value.expected, caught.value.got) == (expected, got)
    assert same(bits(other), before)


def test_a_state_of_before_settings_were_renamed_is_resumed(tmp_path: Path) -> None:
    former = {"recipe": {"data": {"hold_out": 0.25}, "training": {"best_on": "held_out"}}}
    data = {"evaluation_share": 0.25}
    now = {"recipe": {"data": data, "training": {"best_on": "calibration_people"}}}
    Checkpoints(tmp_path, former).save_latest(parts(1), HALF, {})

    assert Checkpoints(tmp_path, now).resume_latest(parts(2)) == HALF
    data["evaluation_share"] = 0.5
    with pytest.raises(CheckpointError, match=r"differs in its recipe at data\.evaluation_share"):
        Checkpoints(tmp_path, now).resume_latest(parts(2))


def test_a_list_that_grew_is_a_difference_and_shown_in_part(tmp_path: Path) -> None:
    Checkpoints(tmp_path, {"losses": ["x" * 90] * 9}).save_latest(parts(1), HALF, {})
    with pytest.raises(CheckpointError, match="it differs in its losses") as caught:
        Checkpoints(tmp_path, {"losses": ["x" * 90] * 10}).resume_latest(parts(2))
    assert len(caught.value.got or "") == len(caught.value.expected or "") == 200


@pytest.fixture
def whole(tmp_path: Path) -> Checkpoints:
    """A folder with a checkpoint that can be resumed."""
    one = parts(1)
    learn(one)
    checkpoints = Checkpoints(tmp_path, IDENTITY)
    checkpoints.save_latest(one, HALF, {})
    return checkpoints


STATE = "latest.state-0003-000007.safetensors"


@pytest.mark.parametrize("name", ["latest.safetensors", STATE])
def test_damaged_files_are_refused(whole: Checkpoints, name: str) -> None:
    path = whole.folder / name
    content = path.read_bytes()
    for damaged in (
        b"",
        content[:4],
        content[:100],
        content[:-1],
        content + b"x",
        b"\xff" * 8 + content,
        b"PK\x03\x04",
    ):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError) as caught:
            whole.resume_latest(parts(2))
        assert "another --output" in str(caught.value.cure)  # this one holds a run, so it cannot be started again
        assert len(str(caught.value)) < 1500
    path.write_bytes(content)
    assert whole.resume_latest(parts(2)) == HALF


@pytest.mark.parametrize("name", ["latest.safetensors", STATE])
def test_a_missing_file_is_said(whole: Checkpoints, name: str) -> None:
    (whole.folder / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        whole.resume_latest(parts(2))


PROGRESS = {"epoch": 1, "iteration": 0}


@pytest.mark.parametrize(
    "state",
    [
        "",
        "null",
        "[]",
        "{}",
        json.dumps({"progress": PROGRESS}),
        json.dumps({"progress": PROGRESS | {"epoch": "1"}, "identity": IDENTITY}),
        json.dumps({"progress": PROGRESS | {"best": [1]}, "identity": IDENTITY}),
        json.dumps({"progress": PROGRESS, "identity": [IDENTITY]}),
        "[" * 10_000,
    ],
)
def test_a_state_that_says_nonsense_is_refused(whole: Checkpoints, state: str) -> None:
    tensors = safetensors.torch.load_file(whole.folder / STATE)
    safetensors.torch.save_file(tensors, whole.folder / STATE, {"state": state})
    with pytest.raises(CheckpointError, match="cannot be resumed"):
        whole.resume_latest(parts(2))


@pytest.mark.parametrize(
    ("key", "becomes"),
    [
        ("optimizer.network.0.exp_avg", "optimizer.network.99.exp_avg"),
        ("optimizer.network.0.exp_avg", "optimizer.network.x.exp_avg"),
        ("optimizer.network.0.exp_avg", "optimizer.network.exp_avg"),
        ("criterion.centers", "criterion.other"),
    ],
)
def test_a_state_of_other_parts_is_refused(whole: Checkpoints, key: str, becomes: str) -> None:
    path = whole.folder / STATE
    tensors, description = safetensors.torch.load_file(path), header(path)
    tensors[becomes] = tensors.pop(key)
    safetensors.torch.save_file(tensors, path, description)
    with pytest.raises(CheckpointError, match="cannot be resumed"):
        whole.resume_latest(parts(2))


def test_weights_of_another_network_are_refused(whole: Checkpoints) -> None:
    other = replace(parts(2), network=nn.Linear(4, 4))
    with pytest.raises(CheckpointError, match="cannot be resumed"):
        whole.resume_latest(other)


@pytest.mark.parametrize("resume", ["check", "resume"])
def test_weights_alone_and_a_state_that_is_gone_are_told_apart(whole: Checkpoints, resume: str) -> None:
    def refused() -> CheckpointError:
        with pytest.raises(CheckpointError) as caught:
            whole.check_resumable() if resume == "check" else whole.resume_latest(parts(2))
        return caught.value

    (whole.folder / STATE).rename(whole.folder / "elsewhere")
    assert "the state that" in refused().what
    assert STATE in str(refused().expected)
    whole.save_weights("latest", parts(1).network, {"epoch": "3"})
    assert "names no state to resume from" in refused().what


def test_a_check_reads_no_weights_and_finds_another_run(whole: Checkpoints) -> None:
    whole.check_resumable()
    with pytest.raises(CheckpointError, match="differs in its images"):
        Checkpoints(whole.folder, IDENTITY | {"images": "11 of 3"}).check_resumable()
    damaged = whole.folder / STATE
    damaged.write_bytes(damaged.read_bytes()[:20])
    with pytest.raises(CheckpointError, match="cannot be resumed"):
        whole.check_resumable()


def test_weights_of_another_moment_are_refused(whole: Checkpoints) -> None:
    path = whole.folder / "latest.safetensors"
    tensors = safetensors.torch.load_file(path)
    tensors["0.weight"] += 1e-3
    safetensors.torch.save_file(tensors, path, header(path))
    with pytest.raises(CheckpointError, match="not saved together"):
        whole.resume_latest(parts(2))


def test_an_average_is_what_is_saved_and_what_learns_comes_back_too(tmp_path: Path, bits: Bits) -> None:
    one, other = (replace(parts(seed), average=parts(seed + 2).network) for seed in (1, 2))
    learn(one)
    Checkpoints(tmp_path, IDENTITY).save_latest(one, HALF, {})

    assert same(safetensors.torch.load_file(tmp_path / "latest.safetensors"), one.deployed.state_dict())
    Checkpoints(tmp_path, IDENTITY).resume_latest(other)
    assert same(bits(one), bits(other))
    assert same(dict(one.deployed.state_dict()), dict(other.deployed.state_dict()))


def test_a_state_named_outside_the_folder_is_not_followed(whole: Checkpoints, tmp_path: Path) -> None:
    path = whole.folder / "latest.safetensors"
    for name in ("../../etc/passwd", "/etc/passwd", "..", ""):
        safetensors.torch.save_file(safetensors.torch.load_file(path), path, {"state": name})
        with pytest.raises(CheckpointError, match=str(tmp_path)) as caught:
            whole.resume_latest(parts(2))
        assert "etc/" not in str(caught.value)


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def crash_at_write(monkeypatch: pytest.MonkeyPatch) -> CrashAtWrite:
    """Make the n-th move of a written file into its place raise instead."""

    def crash(number: int, error: BaseException) -> None:
        moved = 0
        replace = Path.replace

        def counted(path: Path, target: Path) -> Path:
            nonlocal moved
            moved += 1
            if moved == number:
                raise error
            return replace(path, target)

        monkeypatch.setattr(Path, "replace", counted)

    return crash


@pytest.mark.parametrize(("number", "last_good"), [(1, 1), (2, 1), (3, 2)])
def test_a_crash_at_any_write_leaves_a_checkpoint_that_can_be_resumed(
    tmp_path: Path, bits: Bits, crash_at_write: CrashAtWrite, number: int, last_good: int
) -> None:
    """Writes 1 and 2 are the second save's state and weights; write 3 is no part of it."""
    one, checkpoints = parts(1), Checkpoints(tmp_path, IDENTITY)
    learn(one)
    checkpoints.save_latest(one, TrainState(epoch=1), {})
    after = {1: bits(one)}
    learn(one, seed=1)
    after[2] = bits(one)
    crash_at_write(number, Killed())
    try:
        checkpoints.save_latest(one, TrainState(epoch=2), {})
    except Killed:
        assert number < 3
    other = parts(2)
    assert Checkpoints(tmp_path, IDENTITY).resume_latest(other).epoch == last_good
    assert same(bits(other), after[last_good])


@pytest.mark.parametrize("number", [1, 2])
def test_a_full_disk_is_said_and_the_last_checkpoint_is_as_it_was(
    whole: Checkpoints, bits: Bits, crash_at_write: CrashAtWrite, number: int
) -> None:
    latest = (whole.folder / "latest.safetensors").read_bytes()
    one = parts(3)
    crash_at_write(number, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(StorageError, match="No space left on device"):
        whole.save_latest(one, TrainState(epoch=4), {})
    assert (whole.folder / "latest.safetensors").read_bytes() == latest
    assert whole.resume_latest(parts(2)) == HALF
    whole.save_latest(one, TrainState(epoch=4), {})
    assert whole.resume_latest(parts(2)).epoch == 4


SAVE_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from torch import nn, optim
from reseen.errors import StorageError
from reseen.training.checkpoint import Checkpoints, Parts, TrainState

checkpoints = Checkpoints(Path(sys.argv[1]), {})
network = nn.Linear(100, 100)
parts = Parts(network, nn.Module(), {"network": optim.SGD(network.parameters(), lr=1)})
checkpoints.save_latest(parts, TrainState(epoch=1), {})
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    checkpoints.save_latest(parts, TrainState(epoch=2), {})
except StorageError as error:
    print(error)
print("epoch", checkpoints.resume_latest(parts).epoch)
"""


@pytest.mark.parametrize("room", [10, 4096])
def test_a_disk_that_is_really_full_leaves_the_last_checkpoint(tmp_path: Path, room: int) -> None:
    """With no room for the state, and with room for the state and not for the weights."""
    command = [sys.executable, "-c", SAVE_ON_A_FULL_DISK, str(tmp_path), str(room)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "cannot write" in result.stdout
    assert result.stdout.endswith("epoch 1\n")
    assert not list(tmp_path.glob(".*.part"))
