"""Stored features are read as they are, and whatever is wrong with a file is said."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.errors import FeaturesError
from reseen.evaluation import features as module
from reseen.evaluation.features import read_features

ARRAYS: dict[str, np.ndarray] = {
    "features": np.array([[3, 4], [5, 12], [0, -2], [8, 6], [1, 0]], dtype=np.float64),
    "persons": np.array([1, 1, 0, -1, 2]),
    "cameras": np.array([1, 2, 3, 1, 2]),
    "splits": np.array(["query", "gallery", "gallery", "gallery", "gallery"]),
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


def stored(folder: Path, **changes: np.ndarray | None) -> Path:
    """A good file but for the changes; None leaves an array out."""
    path = folder / "features.npz"
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


def test_a_file_is_read_into_its_parts(folder: Path) -> None:
    made = read_features(stored(folder))

    np.testing.assert_allclose(made.query_features, [[0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(made.gallery_features, np.array([[5 / 13, 12 / 13], [0, -1], [1, 0]]), rtol=1e-6)
    assert made.query_persons.tolist() == [1]
    assert made.gallery_persons.tolist() == [1, 0, 2]
    assert made.query_cameras.tolist() == [1]
    assert made.gallery_cameras.tolist() == [2, 3, 2]
    assert made.junk_dropped == 1


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8"])
def test_features_of_any_float_type_are_read(folder: Path, dtype: str) -> None:
    made = read_features(stored(folder, features=ARRAYS["features"].astype(dtype)))
    np.testing.assert_allclose(made.query_features, [[0.6, 0.8]], rtol=1e-6)


def test_splits_may_be_bytes_and_codes_of_any_integer_type(folder: Path) -> None:
    path = stored(
        folder,
        splits=ARRAYS["splits"].astype(bytes),
        persons=ARRAYS["persons"].astype(np.int8),
        cameras=ARRAYS["cameras"].astype(np.uint64),
    )
    assert read_features(path).gallery_cameras.tolist() == [2, 3, 2]


def test_column_major_and_compressed_arrays_are_read(folder: Path) -> None:
    path = folder / "compressed.npz"
    np.savez_compressed(path, **ARRAYS | {"features": np.asfortranarray(ARRAYS["features"])})  # type: ignore[arg-type]
    np.testing.assert_allclose(read_features(path).query_features, [[0.6, 0.8]], rtol=1e-6)


def test_without_cameras_none_is_known(folder: Path) -> None:
    made = read_features(stored(folder, cameras=None))
    assert not made.cameras_known
    assert made.gallery_cameras.tolist() == [-1, -1, -1]


def test_other_arrays_are_not_looked_at(folder: Path) -> None:
    path = stored(folder, paths=np.array([{"an": "object"}] * 5, dtype=object))
    assert read_features(path).junk_dropped == 1


@pytest.mark.parametrize("name", ["features", "persons", "splits"])
def test_a_missing_array_is_named(folder: Path, name: str) -> None:
    with pytest.raises(FeaturesError, match=rf"lacks {name}\n"):
        read_features(stored(folder, **{name: None}))


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("features", np.ones((5, 2), dtype=int)),
        ("features", np.ones((5, 2), dtype=np.longdouble)),
        ("features", np.ones((5, 2), dtype=complex)),
        ("features", np.ones(5)),
        ("features", np.ones((5, 2, 1))),
        ("features", np.ones((5, 0))),
        ("features", np.ones((0, 2))),
        ("persons", np.ones(5)),
        ("persons", np.array(["1", "1", "0", "-1", "2"])),
        ("persons", np.ones(5, dtype=bool)),
        ("persons", np.ones((5, 1), dtype=int)),
        ("persons", np.array(1)),
        ("cameras", np.ones(5)),
        ("cameras", np.array([1, None, 2, 3, 4], dtype=object)),
        ("splits", np.array([0, 1, 1, 1, 1])),
        ("splits", np.array(["query", "gallery", "gallery", "gallery", "gallery"], dtype=object)),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.dtype}{list(value.shape)}",
)
def test_an_array_of_another_kind_is_named(folder: Path, name: str, array: np.ndarray) -> None:
    with pytest.raises(FeaturesError, match=rf"^{name} in .* cannot be used\n  expected: (.|\n)*got: .* of shape"):
        read_features(stored(folder, **{name: array}))


@pytest.mark.parametrize("name", list(ARRAYS))
def test_arrays_of_different_lengths_are_refused(folder: Path, name: str) -> None:
    with pytest.raises(FeaturesError, match=rf"differ in length(.|\n)*'{name}': 4"):
        read_features(stored(folder, **{name: ARRAYS[name][:4]}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": np.array([[1, 1], [1, 1], [1, np.nan], [1, 1], [1, 1]])}, r"row 2 of the(.|\n)*NaN or infinity"),
        ({"features": np.array([[1, 1], [1, 1], [1, 1], [1, 1], [0, 0.0]])}, r"row 4 of the(.|\n)*all zeros"),
        ({"persons": np.array([1, 1, 0, -5, 2])}, r"persons: row 3(.|\n)*got: -5"),
        ({"cameras": np.array([1, 1, 0, 1, -2])}, r"cameras: row 4(.|\n)*got: -2"),
        ({"splits": np.array(["query", "galery", "gallery", "gallery", "train"])}, r"split in row 1(.|\n)*'galery'"),
        ({"splits": np.array(["query", "gallery", "\u00e9", "gallery", "train"])}, r"split in row 2"),
        ({"splits": np.array([b"query", b"gallery", b"\xff", b"gallery", b"train"])}, r"split in row 2"),
        ({"splits": np.array(["gallery"] * 5)}, "the query is empty"),
        ({"splits": np.array(["query"] * 5)}, "the gallery is empty"),
        ({"persons": np.array([1, -1, -1, -1, -1])}, "nothing but junk"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(folder: Path, changes: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(FeaturesError, match=message):
        read_features(stored(folder, **changes))


@pytest.mark.parametrize(
    ("content", "got"),
    [(b"", "BadZipFile"), (b"features, persons\n", "BadZipFile"), (npy(np.ones(3)), "BadZipFile")],
)
def test_a_file_of_another_format_is_refused(folder: Path, content: bytes, got: str) -> None:
    path = folder / "other.npz"
    path.write_bytes(content)
    with pytest.raises(FeaturesError, match=rf"cannot read the features in .*other.npz(.|\n)*{got}"):
        read_features(path)


def test_a_path_that_is_no_file_is_refused(folder: Path) -> None:
    with pytest.raises(FeaturesError, match="FileNotFoundError"):
        read_features(folder / "missing.npz")
    with pytest.raises(FeaturesError, match="IsADirectoryError"):
        read_features(folder)


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
        read_features(stored_members(folder, features=member))


def test_p11_splits_of_no_length_do_not_make_a_long_array(folder: Path) -> None:
    with pytest.raises(FeaturesError, match="differ in length"):
        read_features(stored_members(folder, splits=claim("<U0", (10**15,))))


def test_p11_arrays_beyond_the_limit_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stored(folder)
    size = sum(array.nbytes for array in ARRAYS.values())
    monkeypatch.setattr(module, "MAX_BYTES", size)
    read_features(path)
    monkeypatch.setattr(module, "MAX_BYTES", size - 1)
    with pytest.raises(FeaturesError, match=f"holds too much(.|\n)*got: {size} bytes"):
        read_features(path)


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
        read_features(stored_members(folder, features=member))


def test_a_compression_numpy_does_not_use_is_refused(folder: Path) -> None:
    path = folder / "bzip2.npz"
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_BZIP2) as archive:
        for name, array in ARRAYS.items():
            archive.writestr(f"{name}.npy", npy(array))
    with pytest.raises(FeaturesError, match="compressed in a way that numpy does not use"):
        read_features(path)


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
        read_features(path)
    assert not mark.exists()


@pytest.mark.filterwarnings("ignore:Reading .* required additional header parsing")
@given(st.data())
def test_p11_a_file_with_any_byte_changed_is_read_or_refused(folder: Path, data: st.DataObject) -> None:
    content = bytearray(stored(folder).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "changed.npz"
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))] if data.draw(st.booleans()) else content)
    try:
        made = read_features(path)
    except FeaturesError:
        return
    assert np.isfinite(made.query_features).all()
    assert np.isfinite(made.gallery_features).all()
