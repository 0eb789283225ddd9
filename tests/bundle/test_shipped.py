"""The bundle that comes with reseen: by its name, unchanged, and small."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import reseen
from reseen.bundle.bundle import CALIBRATION, CARD, open_bundle, write_bundle
from reseen.bundle.shipped import DEFAULT, bundle_folder, require_own
from reseen.errors import BundleError, UsageError

SHIPPED = Path(reseen.__file__).parent / "bundle" / "default"


def test_its_name_opens_it() -> None:
    assert open_bundle(Path(DEFAULT)) == open_bundle(SHIPPED)


def test_it_is_small_calibrated_and_says_what_it_is() -> None:
    bundle = open_bundle(Path(DEFAULT))

    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) <= 2_000_000
    assert {file.name for file in SHIPPED.iterdir()} == {"bundle.json", *bundle.description.files}
    assert {CALIBRATION, CARD} <= bundle.description.files.keys()
    assert bundle.description.feature_size <= 512
    assert bundle.description.training_data is not None
    assert "research" in bundle.description.training_data.licence


def test_its_card_has_the_figures_that_the_bundle_has() -> None:
    (figures,) = open_bundle(Path(DEFAULT)).description.metrics.values()
    card = (SHIPPED / CARD).read_text(encoding="utf-8")

    for name in ("recall1", "recall5", "recall10", "mAP", "mINP"):
        assert f"{100 * figures[name]:.1f}" in card


def test_a_bundle_of_ones_own_under_its_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SHIPPED, DEFAULT)

    with pytest.raises(BundleError, match="something of yours has that name here") as caught:
        bundle_folder(Path(DEFAULT))

    assert str(tmp_path / DEFAULT) in (caught.value.cure or "")
    assert open_bundle(tmp_path / DEFAULT).folder == tmp_path / DEFAULT


@pytest.mark.parametrize("folder", [Path(DEFAULT), SHIPPED], ids=["its name", "its folder"])
def test_nothing_is_written_into_it(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    description = open_bundle(SHIPPED).description
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match="stays as it is"):
        write_bundle(folder, description, {})

    assert not list(tmp_path.iterdir())


def test_other_folders_may_be_written(tmp_path: Path) -> None:
    require_own(tmp_path / DEFAULT)
    require_own(Path("runs") / DEFAULT)
