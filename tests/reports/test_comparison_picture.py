from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reseen.calibration.verdict import Answer, Verdict
from reseen.engines.match import Match
from reseen.errors import UsageError
from reseen.reports.comparison_picture import (
    HIT,
    MARGIN,
    MISS,
    SIDE,
    UNKNOWN,
    in_words,
    require_picture,
    write_comparison_picture,
)

RED = np.full((100, 50, 3), (255, 0, 0), dtype=np.uint8)
BLUE = np.full((30, 90, 3), (0, 0, 255), dtype=np.uint8)


def match(answer: Answer | None) -> Match:
    if answer is None:
        return Match(0.25)
    return Match(0.25, Verdict(answer, 0.25, 0.5, 1e-3, (1e-4, 1e-2), None, "our people"))


@pytest.mark.parametrize(
    ("answer", "frame"), [("same", HIT), ("different", MISS), ("unsure", UNKNOWN), (None, UNKNOWN)]
)
def test_both_images_are_whole_side_by_side_in_the_verdicts_colour(tmp_path: Path, answer: Any, frame: Any) -> None:
    output = tmp_path / "both.png"

    write_comparison_picture(output, [RED, BLUE], ["a.jpg", "folder/b.jpg"], match(answer))

    picture = np.asarray(Image.open(output))
    middle = MARGIN + SIDE // 2
    assert tuple(picture[middle, middle]) == (255, 0, 0)
    assert tuple(picture[middle, middle + SIDE + MARGIN]) == (0, 0, 255)
    assert tuple(picture[middle, MARGIN - 3]) == frame
    assert (picture == (255, 0, 0)).all(2).sum() == SIDE * SIDE // 2
    assert (picture == (0, 0, 255)).all(2).sum() == SIDE * (SIDE * 30 // 90 + 1)
    text = picture[SIDE + 2 * MARGIN :]
    assert (text < 100).any()


def test_names_of_any_length_and_kind_are_drawn(tmp_path: Path) -> None:
    names = ["x" * 3000 + ".jpg", "not\udcffutf8 人.jpg"]

    write_comparison_picture(tmp_path / "both.JPG", [RED, BLUE], names, match(None))

    with Image.open(tmp_path / "both.JPG") as picture:
        assert picture.format == "JPEG"


def test_a_score_is_told_with_what_it_means() -> None:
    assert in_words(match(None)) == ["score 0.2500"]
    assert in_words(match("same"))[1].startswith("same person · false-match rate ")


@pytest.mark.parametrize("name", ["both.gif", "both", "both.html"])
def test_a_name_that_is_no_pictures_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} cannot be a picture"):
        require_picture(Path(name))
