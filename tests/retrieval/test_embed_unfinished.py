from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reseen.errors import StorageError
from reseen.retrieval.embed_unfinished import Unfinished

ROWS = np.arange(24, dtype=np.float32).reshape(6, 4)


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """Three blocks, `a` to `c`, of two, one and three rows of four numbers."""
    folder = tmp_path / "f.npz.unfinished"
    folder.mkdir()
    unfinished = Unfinished(folder, 4)
    assert unfinished.resume(["a", "b", "c"]) == (0, 0)
    unfinished.add("a", ROWS[:2], {})
    unfinished.add("b", ROWS[2:3], {"lost.jpg": "lost.jpg is empty"})
    unfinished.add("c", ROWS[3:], {})
    return folder


def stored(folder: Path) -> np.ndarray:
    return np.fromfile(folder / "features.f32", dtype="<f4").reshape(-1, 4)


@pytest.mark.parametrize(
    ("keys", "kept", "rows"),
    [
        (["a", "b", "c"], 3, 6),
        (["a", "b", "c", "d"], 3, 6),
        (["a", "b"], 2, 3),
        (["a", "b", "other"], 2, 3),
        (["a", "other", "c"], 1, 2),
        (["other", "b", "c"], 0, 0),
        ([], 0, 0),
    ],
)
def test_blocks_are_kept_up_to_the_first_that_is_another(begun: Path, keys: list[str], kept: int, rows: int) -> None:
    assert Unfinished(begun, 4).resume(keys) == (kept, 3)

    np.testing.assert_array_equal(stored(begun), ROWS[:rows])
    assert Unfinished(begun, 4).resume(keys) == (kept, kept)


def test_what_goes_on_is_appended(begun: Path) -> None:
    unfinished = Unfinished(begun, 4)
    unfinished.resume(["a", "x"])
    unfinished.add("x", ROWS[4:], {"torn.jpg": "torn.jpg is torn"})

    np.testing.assert_array_equal(stored(begun), ROWS[[0, 1, 4, 5]])
    assert unfinished.broken() == [{}, {"torn.jpg": "torn.jpg is torn"}]


@pytest.mark.parametrize("cut", [1, 30])
def test_a_torn_line_of_the_journal_is_not_believed(begun: Path, cut: int) -> None:
    journal = begun / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-cut])

    assert Unfinished(begun, 4).resume(["a", "b", "c"]) == ((3, 3) if cut == 1 else (2, 2))
    assert journal.read_bytes().endswith(b"\n")


def test_a_line_whose_features_are_missing_is_not_believed(begun: Path) -> None:
    features = begun / "features.f32"
    features.write_bytes(features.read_bytes()[:-1])

    assert Unfinished(begun, 4).resume(["a", "b", "c"]) == (2, 3)
    np.testing.assert_array_equal(stored(begun), ROWS[:3])


def test_features_without_a_line_are_written_again(begun: Path) -> None:
    with (begun / "features.f32").open("ab") as file:
        file.write(b"half a row")

    assert Unfinished(begun, 4).resume(["a", "b", "c"]) == (3, 3)
    np.testing.assert_array_equal(stored(begun), ROWS)


def test_finishing_leaves_the_output_alone(begun: Path) -> None:
    (begun / "whole").write_text("new", encoding="ascii")
    output = begun.parent / "f.npz"
    output.write_text("old", encoding="ascii")

    Unfinished(begun, 4).finish(begun / "whole", output)

    assert output.read_text(encoding="ascii") == "new"
    assert [path.name for path in begun.parent.iterdir()] == ["f.npz"]


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write to"):
        Unfinished(tmp_path / "gone", 4).add("a", ROWS, {})
