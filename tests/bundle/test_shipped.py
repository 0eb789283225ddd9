"""The bundle that comes with reseen: by its name, unchanged, and small."""

from __future__ import annotations

from pathlib import Path

import pytest

import reseen
from reseen.bundle.bundle import CALIBRATION, CARD, open_bundle, write_bundle
from reseen.bundle.shipped import DEFAULT, bundle_folder, require_own
from reseen.errors import UsageError

SHIPPED = Path(reseen.__file__).parent / "bundle" / "default"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_is_meant_where_no_other_is_named(here: Path) -> None:
    (here / DEFAULT).mkdir()

    assert bundle_folder(None) == bundle_folder(DEFAULT) == SHIPPED


@pytest.mark.parametrize("name", ["./default", "runs/default", "bundle"])
def test_a_path_is_a_path(name: str) -> None:
    assert bundle_folder(name) == bundle_folder(Path(name)) == Path(name)


def test_a_bundle_here_that_has_its_name_too_is_told(here: Path) -> None:
    (here / DEFAULT).mkdir()
    (here / DEFAULT / "bundle.json").touch()

    with pytest.raises(UsageError, match="there is a folder of that name here too") as caught:
        bundle_folder(DEFAULT)

    assert caught.value.cure is not None
    assert caught.value.cure.startswith("write ./default ")
    assert bundle_folder(None) == SHIPPED


def test_it_is_small_calibrated_and_says_what_it_is() -> None:
    bundle = open_bundle(SHIPPED)

    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) <= 2_000_000
    assert {file.name for file in SHIPPED.iterdir()} == {"bundle.json", *bundle.description.files}
    assert {CALIBRATION, CARD} <= bundle.description.files.keys()
    assert bundle.description.feature_size <= 512
    assert bundle.description.training_data is not None
    assert "research" in bundle.description.training_data.licence


def test_its_card_has_the_figures_that_the_bundle_has() -> None:
    (figures,) = open_bundle(SHIPPED).description.metrics.values()
    names = ("recall1", "recall5", "recall10", "mAP", "mINP")

    row = " | ".join(f"{100 * figures[name]:.1f}" for name in names)
    assert f"\n| {row} |\n" in (SHIPPED / CARD).read_text(encoding="utf-8")


def test_nothing_is_written_into_it(here: Path) -> None:
    (here / "link").symlink_to(SHIPPED)

    for folder in (SHIPPED, here / "link"):
        with pytest.raises(UsageError, match="cannot be changed"):
            write_bundle(folder, open_bundle(SHIPPED).description, {})


def is_own(folder: Path) -> bool:
    try:
        require_own(folder)
    except UsageError:
        return False
    return True


def test_other_folders_may_be_written(here: Path) -> None:
    (here / "loop").symlink_to("loop")

    assert all(is_own(folder) for folder in (here / DEFAULT, Path(DEFAULT), Path("loop")))
    assert not is_own(SHIPPED)
