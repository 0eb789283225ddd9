from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from reseen.errors import WeightsError
from reseen.models import weights_file
from reseen.models.weights_file import read_header, read_weights, resolve_weights

TENSORS = {"layer.weight": torch.arange(6.0).reshape(2, 3), "layer.count": torch.tensor(7)}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """`TENSORS` in every format that is read, by suffix."""
    safetensors.torch.save_file(TENSORS, tmp_path / "epoch_1.5.safetensors")
    with zipfile.ZipFile(tmp_path / "epoch_1.5.npz", "w") as archive:
        for name, value in TENSORS.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.save(file, value.numpy())
    return {suffix: tmp_path / f"epoch_1.5{suffix}" for suffix in (".safetensors", ".npz")}


class Malicious:
    """A pickle of this makes a file when it is opened."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return (Path.touch, (self.witness,))


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_reads_what_was_saved(files: dict[str, Path], suffix: str) -> None:
    read = read_weights(files[suffix])
    assert read.keys() == TENSORS.keys()
    assert all(torch.equal(read[name], value) and read[name].dtype == value.dtype for name, value in TENSORS.items())


def test_the_suffix_may_be_left_out_and_safetensors_is_preferred(files: dict[str, Path]) -> None:
    stem = files[".npz"].with_name("epoch_1.5")
    assert resolve_weights(stem) == files[".safetensors"]
    assert resolve_weights(files[".npz"]) == files[".npz"]
    files[".safetensors"].unlink()
    assert resolve_weights(stem) == files[".npz"]


@pytest.mark.parametrize("name", ["gone", "gone.npz", "gone.safetensors", "folder.npz", "x" * 300])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(WeightsError, match=name):
        resolve_weights(tmp_path / name)


@pytest.mark.parametrize("path", [Path(), Path("/"), Path("..")], ids=str)
def test_a_path_without_a_name_is_no_weight_file(path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights"):
        resolve_weights(path)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".pdparams", ".PKL"])
def test_pickles_are_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps(TENSORS["layer.count"].item()))
    with pytest.raises(WeightsError, match="pickle"):
        resolve_weights(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_a_renamed_pickle_is_refused_and_does_not_run(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps(Malicious(tmp_path / "ran")))
    with pytest.raises(WeightsError):
        read_weights(path)
    assert not (tmp_path / "ran").exists()


def test_a_pickle_inside_an_npz_is_refused_and_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez(path, weight=np.array([Malicious(tmp_path / "ran")], dtype=object))
    with pytest.raises(WeightsError, match="allow_pickle"):
        read_weights(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_a_truncated_file_is_refused_wherever_it_ends(files: dict[str, Path], suffix: str) -> None:
    whole = files[suffix].read_bytes()
    for length in range(0, len(whole), 7):
        files[suffix].write_bytes(whole[:length])
        with pytest.raises(WeightsError, match="cannot be read"):
            read_weights(files[suffix])


def test_a_corrupt_npz_is_refused(files: dict[str, Path]) -> None:
    content = bytearray(files[".npz"].read_bytes())
    place = content.index(TENSORS["layer.weight"].numpy().tobytes())
    content[place + 9] ^= 0xFF
    files[".npz"].write_bytes(content)
    with pytest.raises(WeightsError, match="CRC"):
        read_weights(files[".npz"])


def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path: Path) -> None:
    lying = tmp_path / "model.safetensors"
    lying.write_bytes((2**62).to_bytes(8, "little") + b"{}")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_weights(lying)
    array = io.BytesIO()
    np.lib.format.write_array_header_1_0(array, {"descr": "<f4", "fortran_order": False, "shape": (2**50,)})
    npz = tmp_path / "model.npz"
    with zipfile.ZipFile(npz, "w") as archive:
        archive.writestr("weight.npy", array.getvalue())
    with pytest.raises(WeightsError, match="cannot be read"):
        read_weights(npz)


@pytest.mark.parametrize("array", [np.array(["text"]), np.zeros(2, dtype=">f4")], ids=["text", "big-endian"])
def test_arrays_that_are_no_tensors_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.savez(tmp_path / "model.npz", weight=array)
    with pytest.raises(WeightsError, match="arrays of numbers"):
        read_weights(tmp_path / "model.npz")


def test_size_is_bounded_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.truncate(weights_file.MAX_BYTES + 1)  # sparse: takes no room
    with pytest.raises(WeightsError, match="too large"):
        read_weights(path)


def test_a_small_file_may_not_unpack_to_a_huge_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.npz"
    np.savez_compressed(path, weight=np.zeros(1_000_000, dtype=np.float32))
    monkeypatch.setattr(weights_file, "MAX_BYTES", 1_000_000)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(WeightsError, match="too large"):
        read_weights(path)


def test_the_header_of_a_file_is_read_where_the_format_has_one(tmp_path: Path) -> None:
    safetensors.torch.save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors", {"recipe": "tiny"})
    np.savez(tmp_path / "b.npz", a=np.ones(2))

    assert read_header(tmp_path / "a.safetensors") == {"recipe": "tiny"}
    assert read_header(tmp_path / "b.npz") == {}


def test_a_damaged_header_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"\xff" * 64)

    with pytest.raises(WeightsError, match=r"cannot be read"):
        read_header(path)
