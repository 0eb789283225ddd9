"""Arrays are read as their file promises, and whatever is wrong with a file is said."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reseen.errors import FeaturesError
from reseen.scores import npz_arrays as module
from reseen.scores.npz_arrays import Wanted, read_arrays

WANTED = {
    "features": Wanted("floats, (n, d)", "efd", dimensions=2),
    "splits": Wanted("strings, (n,)", "US"),
    "role": Wanted("a string, ()", "US", dimensions=0, required=False),
    "cameras": Wanted("integers, (n,)", "l", required=False),
}
ARRAYS: dict[str, np.ndarray] = {
    "features": np.array([[3, 4], [5, 12], [0, -2], [8, 6], [1, 0]], dtype=np.float64),
    "splits": np.array(["query", "gallery", "gallery", "gallery", "gallery"]),
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arrays")


def stored(folder: Path, **changes: np.ndarray | None) -> Path:
    """A good file but for the changes; None leaves an array out."""
    path = folder / "arrays.npz"
    arrays = {name: array for name, array in (ARRAYS | changes).items() if array is not None}
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def stored_members(folder: Path, **members: bytes) -> Path:
    """A good file but for the bytes of some members."""
    path = folder / "members.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in ARRAYS.items():
            archive.writestr(f"{name}.npy", members.get(name, npy(array)))
    return path


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def claim(descr: str, shape: Any, body: bytes = b"") -> bytes:
    """A `.npy` member whose header claims this type and shape."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue() + body


def test_the_wanted_arrays_are_read_and_others_are_not_looked_at(folder: Path) -> None:
    path = stored(folder, role=np.array("any"), other=np.array([{"an": "object"}], dtype=object))

    arrays = read_arrays(path, WANTED)

    assert list(arrays) == ["features", "splits", "role"]
    np.testing.assert_array_equal(arrays["features"], ARRAYS["features"])
    assert arrays["role"].item() == "any"


def test_what_may_be_left_out_is_named_with_what_is_missing(folder: Path) -> None:
    with pytest.raises(FeaturesError, match=r"lacks splits\n(.|\n)*only role and cameras may be left out"):
        read_arrays(stored(folder, splits=None), WANTED)


@pytest.mark.parametrize(
    ("content", "got"),
    [(b"", "BadZipFile"), (b"features, persons\n", "BadZipFile"), (npy(np.ones(3)), "BadZipFile")],
)
def test_a_file_of_another_format_is_refused(folder: Path, content: bytes, got: str) -> None:
    path = folder / "other.npz"
    path.write_bytes(content)
    with pytest.raises(FeaturesError, match=rf"cannot read the features in .*other.npz(.|\n)*{got}"):
        read_arrays(path, WANTED)


def test_a_path_that_is_no_file_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match="FileNotFoundError"):
        read_arrays(folder / "missing.npz", WANTED)
    os.mkfifo(tmp_path / "pipe.npz")
    for path in (folder, tmp_path / "pipe.npz"):  # nobody ever writes into the pipe
        with pytest.raises(FeaturesError, match="got: ValueError: a folder, a pipe or a device"):
            read_arrays(path, WANTED)


@pytest.mark.parametrize(
    "member",
    [
        claim("<f8", (10**12, 2048)),
        claim("<f8", (10**30, 10**30)),
        claim("<f8", (5, 3), bytes(80)),
        claim("<f8", (-5, -2), bytes(80)),
        claim("<f8", (10**15, 0)),
        claim("<f8", (5, 2), bytes(79)),
        claim("<f8", (5, 2), bytes(81)),
    ],
    ids=["huge", "beyond 64 bits", "too many", "negative", "rows of nothing", "one byte less", "one byte more"],
)
def test_p11_a_header_that_claims_what_is_not_there_is_refused(folder: Path, member: bytes) -> None:
    with pytest.raises(FeaturesError, match=r"^features in .* cannot be used"):
        read_arrays(stored_members(folder, features=member), WANTED)


def test_p11_splits_of_no_length_do_not_make_a_long_array(folder: Path) -> None:
    with pytest.raises(FeaturesError, match="differ in length"):
        read_arrays(stored_members(folder, splits=claim("<U0", (10**15,))), WANTED)


def test_p11_arrays_beyond_the_limit_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stored(folder)
    size = sum(array.nbytes for array in ARRAYS.values())
    monkeypatch.setattr(module, "MAX_BYTES", size)
    read_arrays(path, WANTED)
    monkeypatch.setattr(module, "MAX_BYTES", size - 1)
    with pytest.raises(FeaturesError, match=f"holds too much(.|\n)*got: {size} bytes"):
        read_arrays(path, WANTED)


@pytest.mark.parametrize(
    ("member", "got"),
    [
        (b"", "ValueError"),
        (b"\x93NUMPY\x09\x00", "ValueError"),
        (b"\x93NUMPY\x03\x00" + npy(np.ones((5, 2)))[8:], "version"),
        (npy(np.ones((5, 2)))[:40], "ValueError"),
        (npy(np.ones((5, 2))).replace(b"'descr'", b"'other'"), "ValueError"),
        (npy(np.ones((5, 2))).replace(b"(5, 2)", b"(((((("), "Error"),
    ],
    ids=["empty", "unknown version", "version 3", "cut short", "other keys", "no literal"],
)
def test_a_damaged_member_is_refused(folder: Path, member: bytes, got: str) -> None:
    with pytest.raises(FeaturesError, match=rf"cannot read the features(.|\n)*{got}"):
        read_arrays(stored_members(folder, features=member), WANTED)


def test_a_compression_numpy_does_not_use_is_refused(folder: Path) -> None:
    path = folder / "bzip2.npz"
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_BZIP2) as archive:
        for name, array in ARRAYS.items():
            archive.writestr(f"{name}.npy", npy(array))
    with pytest.raises(FeaturesError, match="compressed in a way that numpy does not use"):
        read_arrays(path, WANTED)


class Payload:
    """Touches a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.mark,)


def test_p10_nothing_in_the_file_is_unpickled(folder: Path) -> None:
    mark = folder / "ran"
    path = stored(folder, splits=np.array([Payload(mark)] * 5, dtype=object), extra=np.array([Payload(mark)]))
    with pytest.raises(FeaturesError, match=r"splits in .* cannot be used"):
        read_arrays(path, WANTED)
    assert not mark.exists()
