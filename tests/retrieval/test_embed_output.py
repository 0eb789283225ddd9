from __future__ import annotations

import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from reseen.errors import UsageError
from reseen.retrieval import embed_output
from reseen.retrieval.embed_output import Stored, write_npz, write_parquet, writer_for


def stored(tmp_path: Path, names: Sequence[str], width: int = 3) -> tuple[Stored, np.ndarray]:
    features = np.random.default_rng(0).standard_normal((len(names), width), dtype=np.float32)
    path = tmp_path / "features.f32"
    features.astype("<f4").tofile(path)
    return Stored(path, width, names, "f" * 64), features


@pytest.fixture(params=[1, 2, 100])
def part(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many rows are in memory at a time."""
    monkeypatch.setattr(embed_output, "ROWS", request.param)
    rows: int = request.param
    return rows


NAMES = ["a.jpg", "folder/Zoë 人.png", "<b>&.png", "x" * 300, "not\udcffutf8.jpg"]


@pytest.mark.usefixtures("part")
def test_npz_holds_features_names_and_the_feature_space_without_pickles(tmp_path: Path) -> None:
    what, features = stored(tmp_path, NAMES)

    write_npz(what, tmp_path / "f.npz")

    with np.load(tmp_path / "f.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"features", "names", "feature_space"}
        np.testing.assert_array_equal(arrays["features"], features)
        assert arrays["features"].dtype == np.float32
        assert arrays["names"].tolist() == NAMES
        assert arrays["feature_space"].item() == "f" * 64
    assert zipfile.ZipFile(tmp_path / "f.npz").testzip() is None


@pytest.mark.usefixtures("part")
def test_parquet_holds_the_same(tmp_path: Path) -> None:
    what, features = stored(tmp_path, NAMES)

    write_parquet(what, tmp_path / "f.parquet")

    table = parquet.read_table(tmp_path / "f.parquet")
    np.testing.assert_array_equal(np.array(table["features"].to_pylist(), dtype=np.float32), features)
    assert table["name"].to_pylist() == [*NAMES[:4], r"not\udcffutf8.jpg"]
    assert table.schema.metadata[b"feature_space"] == b"f" * 64
    assert table.schema.field("features").type.list_size == 3


@pytest.mark.parametrize("name", ["f.npz", "f.parquet"])
def test_no_rows_are_a_file_without_rows(name: str, tmp_path: Path) -> None:
    what, _ = stored(tmp_path, [])

    writer_for(tmp_path / name)(what, tmp_path / name)

    if name == "f.npz":
        with np.load(tmp_path / name, allow_pickle=False) as arrays:
            assert arrays["features"].shape == (0, 3)
            assert arrays["names"].shape == (0,)
    else:
        assert parquet.read_table(tmp_path / name).num_rows == 0


@pytest.mark.parametrize("name", ["f.csv", "f", "f.npy"])
def test_another_kind_of_file_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"cannot be stored as {name}"):
        writer_for(Path(name))


def test_parquet_without_its_library_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(UsageError, match="cannot be written without pyarrow") as error:
        writer_for(Path("f.parquet"))
    assert "pip install '.[parquet]' in a clone of reseen" in (error.value.cure or "")
    assert writer_for(Path("f.npz")) is write_npz
