from __future__ import annotations

import pytest

from reseen.cli.broken import tell_broken
from reseen.errors import ImageError

BROKEN = {"a.jpg": "a.jpg is empty: 0 bytes", "b.jpg": "b.jpg cannot be decoded: torn"}


def test_broken_images_are_listed_and_the_work_has_failed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImageError, match="2 of 1,000 images could not be read") as error:
        tell_broken(BROKEN, 1000, skip=False)

    assert error.value.exit_code == 1
    assert capsys.readouterr().err.splitlines() == list(BROKEN.values())


def test_broken_images_that_may_be_skipped_are_listed_too(capsys: pytest.CaptureFixture[str]) -> None:
    tell_broken(BROKEN, 1000, skip=True)

    assert capsys.readouterr().err.splitlines() == [*BROKEN.values(), "skipped 2 of 1,000 images"]


def test_of_whole_images_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    tell_broken({}, 1000, skip=False)

    assert capsys.readouterr().err == ""
