from __future__ import annotations

import argparse
import os
import pickle
import re
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reseen.errors import WeightsError
from reseen.models.foreign import pickle_machine, restricted_pickle
from reseen.models.foreign.pickled import Array
from reseen.models.foreign.restricted_pickle import read_pickle


class Attack:
    """Touches a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch trace",)


def saved(path: Path, held: object, *, legacy: bool) -> Path:
    torch.save(held, path, _use_new_zipfile_serialization=not legacy)
    return path


@pytest.mark.parametrize("legacy", [False, True])
def test_a_checkpoint_with_numpy_s_numbers_beside_its_weights_is_read(legacy: bool, tmp_path: Path) -> None:
    weights = OrderedDict(weight=torch.arange(6.0).reshape(2, 3))
    held = {
        "state_dict": weights,
        "rank1": np.float32(0.5),
        "epoch": np.int64(3),
        "labels": np.arange(3),
        "scheduler": {"milestones": Counter([40, 70])},
    }

    read: Any = read_pickle(saved(tmp_path / "model.pth.tar", held, legacy=legacy))

    assert torch.equal(read["state_dict"]["weight"], weights["weight"])
    assert (read["rank1"], read["epoch"]) == (0.5, 3)
    assert isinstance(read["labels"], Array)
    assert read["labels"].values.tolist() == [0, 1, 2]


def test_a_plain_pickle_of_arrays_is_read(tmp_path: Path) -> None:
    (tmp_path / "model.pdparams").write_bytes(pickle.dumps({"weight": np.ones(2, np.float32)}))
    read: Any = read_pickle(tmp_path / "model.pdparams")
    assert read["weight"].values.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("held", "named"),
    [
        (Attack(), "posix.system"),
        ({"state_dict": {}, "more": Attack()}, "posix.system"),
        (argparse.Namespace(a=1), "argparse.Namespace"),
        (re.compile("a"), "re._compile"),
    ],
)
@pytest.mark.parametrize("form", ["zip", "legacy", "plain"])
def test_p10_what_weights_do_not_need_is_refused_and_leaves_no_trace(
    held: object, named: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pth"
    if form == "plain":
        path.write_bytes(pickle.dumps(held))
    else:
        saved(path, held, legacy=form == "legacy")

    with pytest.raises(WeightsError, match="cannot be read as data") as error:
        read_pickle(path)

    assert error.value.got == f"the name {named!r}, which weights do not need"
    assert "safetensors.torch.save_file" in str(error.value.cure)
    assert [file.name for file in tmp_path.iterdir()] == ["model.pth"]


@pytest.mark.parametrize("form", ["zip", "legacy", "plain"])
def test_a_network_saved_whole_is_refused(form: str, tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    network = torch.nn.Linear(2, 2)
    if form == "plain":
        path.write_bytes(pickle.dumps(network))
    else:
        saved(path, network, legacy=form == "legacy")

    with pytest.raises(WeightsError):
        read_pickle(path)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_half_a_file_is_refused(legacy: bool, share: float, tmp_path: Path) -> None:
    path = saved(tmp_path / "model.pth", {"weight": torch.ones(100)}, legacy=legacy)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(WeightsError):
        read_pickle(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_steps_in_a_torch_file_are_counted(legacy: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "model.pth", list(range(100)), legacy=legacy)
    monkeypatch.setattr(pickle_machine, "MAX_OPCODES", 50)

    with pytest.raises(WeightsError, match="more than 50 steps"):
        read_pickle(path)


@pytest.mark.parametrize("layer", [b"\x85", b"q\x00h\x00\x86"])  # (x,) and (x, x): deep, and of 2**n leaves
def test_a_key_of_tuples_within_tuples_is_refused_at_once(layer: bytes, tmp_path: Path) -> None:
    path = saved(tmp_path / "model.pth", {"weight": torch.ones(1)}, legacy=False)
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: archive.read(member) for member in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            deep = b"\x80\x02})" + layer * 50_000 + b"K\x01s."
            archive.writestr(name, deep if name.endswith("data.pkl") else content)

    with pytest.raises(WeightsError, match="a tuple for a key"):
        read_pickle(path)


def test_files_over_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "model.pth", {"weight": torch.ones(1000)}, legacy=True)
    monkeypatch.setattr(restricted_pickle, "MAX_BYTES", 1000)

    with pytest.raises(WeightsError, match="bytes"):
        read_pickle(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="No such file"):
        read_pickle(tmp_path / "model.pth")
