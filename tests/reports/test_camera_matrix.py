"""The camera matrix, cell by cell."""

from __future__ import annotations

from reseen.evaluation.camera_pairs import CameraPair
from reseen.reports.camera_matrix import camera_matrix


def test_rows_and_columns_are_in_the_order_of_the_cameras_numbers() -> None:
    names = ["c1", "c10", "c2"]
    pairs = [CameraPair(one, other, 4, 0.25, 0.5) for one in names for other in names if one != other]
    matrix = camera_matrix(pairs)

    assert matrix is not None
    assert matrix["cameras"] == [row["camera"] for row in matrix["rows"]] == ["c1", "c2", "c10"]
    assert [[cell["text"] for cell in row["cells"]] for row in matrix["rows"]] == [
        ["", "25", "25"],
        ["25", "", "25"],
        ["25", "25", ""],
    ]


def test_names_without_numbers_and_numbers_without_names_can_be_mixed() -> None:
    matrix = camera_matrix([CameraPair("yard", "12", 1, 1.0, 1.0), CameraPair("3", "yard", 1, 1.0, 1.0)])

    assert matrix is not None
    assert matrix["cameras"] == ["12", "yard"]


def test_without_pairs_there_is_none() -> None:
    assert camera_matrix([]) is None
