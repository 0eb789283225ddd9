"""Stored features are read as they are, and whatever is wrong with a file is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.assess.features import read_calibration_set, read_features, write_calibration_set, write_features
from reseen.calibration.calibration_set import CalibrationSet
from reseen.errors import FeaturesError
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet

Clustered = Callable[..., RetrievalSet]
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
        ({"persons": np.array([1, -1, -1, -1, -1])}, "only junk"),
        ({"role": np.array("training")}, r"unknown role(.|\n)*got: 'training'"),
        ({"role": np.array(b"\xff")}, "unknown role"),
        ({"role": np.array("calibration")}, r"kept aside for calibration(.|\n)*got: role: calibration"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(folder: Path, changes: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(FeaturesError, match=message):
        read_features(stored(folder, **changes))


def test_what_was_written_is_read_back(folder: Path, clustered: Clustered) -> None:
    retrieval = clustered(7, 20)
    write_features(folder / "written.npz", retrieval)

    made = read_features(folder / "written.npz")

    for name in ("query_features", "gallery_features"):
        np.testing.assert_allclose(getattr(made, name), getattr(retrieval, name), atol=1e-6)
    for name in ("query_persons", "gallery_persons", "query_cameras", "gallery_cameras"):
        assert getattr(made, name).tolist() == getattr(retrieval, name).tolist()
    with pytest.raises(
        FeaturesError, match=r"is not meant for calibration(.|\n)*role: evaluation(.|\n)*calibration_share"
    ):
        read_calibration_set(folder / "written.npz")


def test_the_junk_that_a_file_leaves_out_is_counted(folder: Path, clustered: Clustered) -> None:
    retrieval = clustered(7, 60)
    assert retrieval.junk_dropped > 0
    write_features(folder / "written.npz", retrieval)

    assert read_features(folder / "written.npz").junk_dropped == retrieval.junk_dropped
    junk = int((ARRAYS["persons"] == -1).sum())
    assert read_features(stored(folder, junk_dropped=np.array(40))).junk_dropped == 40 + junk
    with pytest.raises(FeaturesError, match=r"impossible number of junk images(.|\n)*got: -1"):
        read_features(stored(folder, junk_dropped=np.array(-1)))


def test_an_image_that_is_query_and_gallery_does_not_find_itself_when_it_is_read_back(
    folder: Path, clustered: Clustered
) -> None:
    made = clustered(10, 30)
    everyone = RetrievalSet.of(
        query_features=made.gallery_features,
        gallery_features=made.gallery_features,
        query_persons=made.gallery_persons,
        gallery_persons=made.gallery_persons,
        query_images=np.arange(len(made.gallery_persons)) + 5,
        gallery_images=np.arange(len(made.gallery_persons)) + 5,
    )
    write_features(folder / "everyone.npz", everyone)

    read = read_features(folder / "everyone.npz")

    assert evaluate(read).found.ranks.tolist() == evaluate(everyone).found.ranks.tolist()
    assert evaluate(read).recall1 < 1


def test_people_to_calibrate_on_are_read_back(folder: Path) -> None:
    held = CalibrationSet.of("held", np.eye(4), np.array([3, 1, 2, 2]), np.array([0, 1, 2, -1]))
    write_calibration_set(folder / "held.npz", held)

    made = read_calibration_set(folder / "held.npz")

    assert made.name == "held.npz"
    assert made.sha256 == held.sha256
    with pytest.raises(FeaturesError, match="kept aside for calibration"):
        read_features(folder / "held.npz")


def test_people_from_elsewhere_are_calibrated_on_when_their_file_says_so(folder: Path) -> None:
    arrays = {"persons": np.array([1, 2, 3, -1, 0]), "cameras": None}

    made = read_calibration_set(stored(folder, role=np.array(b"calibration"), **arrays))

    assert made.persons.tolist() == [1, 2, 3]
    assert not made.cameras_known
    with pytest.raises(FeaturesError, match=r"is not meant for calibration(.|\n)*got: no role"):
        read_calibration_set(stored(folder, **arrays))


def test_a_role_that_is_no_text_is_refused(folder: Path) -> None:
    for role in (np.array(1), np.array(["calibration"])):
        with pytest.raises(FeaturesError, match=r"^role in .* cannot be used"):
            read_features(stored(folder, role=role))


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
