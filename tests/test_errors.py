from __future__ import annotations

import pytest

from reseen import errors
from reseen.errors import ImageError, ReseenError, UsageError

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ReseenError)]
UNUSABLE_ARGUMENTS = {
    "UsageError",
    "RecipeError",
    "DatasetError",
    "FeaturesError",
    "WeightsError",
    "CheckpointError",
    "BundleError",
    "RunError",
}
FAILURES = {
    "ReseenError",
    "ImageError",
    "StorageError",
    "DownloadError",
    "TrainingError",
    "Interrupted",
    "ExportError",
    "EngineError",
}


def test_an_error_says_what_expected_got_and_the_cure() -> None:
    error = ReseenError("x is wrong", expected="a number", got="'one'", cure="write 1")
    assert str(error) == "x is wrong\n  expected: a number\n  got: 'one'\n  cure: write 1"
    assert (error.what, error.expected, error.got, error.cure) == ("x is wrong", "a number", "'one'", "write 1")
    assert error.args == (str(error),)


def test_what_is_not_known_is_left_out() -> None:
    assert str(ReseenError("x is wrong")) == "x is wrong"
    assert str(ReseenError("x is wrong", got="")) == "x is wrong\n  got: "
    assert str(ReseenError("x is wrong", cure="write 1")) == "x is wrong\n  cure: write 1"


def test_unusable_arguments_end_with_2_and_failures_with_1() -> None:
    assert {kind.__name__ for kind in ALL if kind.exit_code == 2} == UNUSABLE_ARGUMENTS
    assert {kind.__name__ for kind in ALL if kind.exit_code == 1} == FAILURES
    assert {kind for kind in ALL if kind.exit_code == 2} == {kind for kind in ALL if issubclass(kind, UsageError)}


@pytest.mark.parametrize("kind", ALL)
def test_every_error_can_be_caught_as_one_of_reseen(kind: type[ReseenError]) -> None:
    with pytest.raises(ReseenError, match=r"^x is wrong$"):
        raise kind("x is wrong")


def test_an_image_s_error_fits_on_one_line() -> None:
    assert ImageError("a.jpg is empty", expected="e", got="0 bytes", cure="c").short == "a.jpg is empty: 0 bytes"
