from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from reseen.errors import WeightsError
from reseen.models.foreign import checkpoint
from reseen.models.foreign.checkpoint import read_checkpoint

WEIGHTS = {"a.weight": torch.arange(4.0), "a.bias": torch.ones(1)}


def saved(folder: Path, held: object) -> Path:
    torch.save(held, folder / "model.pth")
    return folder / "model.pth"


@pytest.mark.parametrize(
    "held",
    [
        WEIGHTS,
        {"state_dict": WEIGHTS, "epoch": 3},
        {"model": WEIGHTS, "optimizer": {"state": {}}},
        {"model": {"state_dict": {f"module.{name}": entry for name, entry in WEIGHTS.items()}}},
        {f"module.{name}": entry for name, entry in WEIGHTS.items()},
        {name: torch.nn.Parameter(entry) for name, entry in WEIGHTS.items()},
    ],
)
def test_weights_are_found_wherever_they_are(held: Any, tmp_path: Path) -> None:
    found = read_checkpoint(saved(tmp_path, held))

    assert found.keys() == WEIGHTS.keys()
    assert all(torch.equal(found[name], entry) for name, entry in WEIGHTS.items())
    assert not any(entry.requires_grad for entry in found.values())


def test_a_prefix_that_only_some_names_have_is_a_part_of_them(tmp_path: Path) -> None:
    assert "module.a" in read_checkpoint(saved(tmp_path, {"module.a": torch.ones(1), "b": torch.ones(1)}))


@pytest.mark.parametrize("dtype", [">f4", "<f8", "<f2", "<i8"])
def test_numpy_s_arrays_become_tensors_of_this_machine(dtype: str, tmp_path: Path) -> None:
    expected = np.arange(6).reshape(2, 3).astype(dtype)
    (tmp_path / "m.pdparams").write_bytes(pickle.dumps({"w": expected, "pair": ("linear_0.w", expected)}))

    found = read_checkpoint(tmp_path / "m.pdparams")

    assert found["w"].tolist() == expected.tolist()
    assert torch.equal(found["w"], found["pair"])


def test_weights_that_are_a_view_are_whole_ones_of_their_own(tmp_path: Path) -> None:
    column = torch.arange(6.0).reshape(2, 3)[:, 1]
    found = read_checkpoint(saved(tmp_path, {"column": column}))
    assert found["column"].untyped_storage().nbytes() == 8


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_other_formats_of_arrays_are_read_as_well(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    if suffix == ".npz":
        arrays: dict[str, Any] = {name: entry.numpy() for name, entry in WEIGHTS.items()}
        np.savez(path, **arrays)
    else:
        safetensors.torch.save_file(WEIGHTS, path)

    assert torch.equal(read_checkpoint(path)["a.weight"], WEIGHTS["a.weight"])


@pytest.mark.parametrize(
    "held",
    [
        torch.ones(1),
        [torch.ones(1)],
        3,
        {},
        {"state_dict": {}},
        {"a": 1},
        {"a": torch.ones(1), "epoch": 3},
        {"a": torch.ones(1).to_sparse()},
        {"state": {0: {"step": torch.ones(1)}}, "param_groups": []},
    ],
)
def test_what_is_not_arrays_by_name_is_refused(held: Any, tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        read_checkpoint(saved(tmp_path, held))


def test_arrays_that_share_their_bytes_are_counted_before_they_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = saved(tmp_path, {"wide": torch.ones(1).expand(1000, 1000)})
    with pytest.raises(WeightsError, match="4,000,000 bytes of arrays in a file of"):
        read_checkpoint(wide)

    shared = torch.ones(1000)
    tied = saved(tmp_path, {"one": shared, "other": shared})
    assert len(read_checkpoint(tied)) == 2
    monkeypatch.setattr(checkpoint, "MAX_BYTES", 7999)
    with pytest.raises(WeightsError, match="8,000 bytes of arrays"):
        read_checkpoint(tied)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="does not exist"):
        read_checkpoint(tmp_path / "model.pth")
