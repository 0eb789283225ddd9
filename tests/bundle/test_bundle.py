"""Opening a bundle checks every file of it."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx.external_data_helper import set_external_data

from reseen.bundle.bundle import CALIBRATION, DESCRIPTION, MAX_DESCRIPTION_BYTES, file_of, open_bundle, write_bundle
from reseen.errors import BundleError, StorageError, UsageError


@pytest.fixture
def bundle(small_bundle: Path, tmp_path: Path) -> Path:
    """A bundle that may be spoilt."""
    return Path(shutil.copytree(small_bundle, tmp_path / "bundle"))


def edit(bundle: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change `bundle.json` without minding what it means."""
    description = json.loads((bundle / DESCRIPTION).read_text())
    change(description)
    (bundle / DESCRIPTION).write_text(json.dumps(description))


def put_in_its_place(file: Path, put: Callable[[Path], None]) -> None:
    """Put something that says it has no bytes in a file's place, and say in the bundle that it has none."""
    file.unlink()
    put(file)
    edit(file.parent, lambda description: description["files"][file.name].update(bytes=0))


def refused(bundle: Path) -> str:
    with pytest.raises(BundleError) as caught:
        open_bundle(bundle)
    assert caught.value.expected
    assert caught.value.got
    assert caught.value.cure
    return str(caught.value)


def test_a_whole_bundle_opens(bundle: Path) -> None:
    opened = open_bundle(bundle)
    assert opened.path(opened.description.models[0]) == bundle / "model.onnx"
    assert opened.calibration is None


def test_files_are_added_and_a_calibration_is_found(bundle: Path) -> None:
    description = open_bundle(bundle).description
    written = write_bundle(bundle, description, {CALIBRATION: b"{}"})
    assert written == open_bundle(bundle)
    assert written.calibration == bundle / CALIBRATION
    assert written.description.feature_space == description.feature_space


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.write_bytes(file.read_bytes()[:-1] + b"x"),
        lambda file: file.write_bytes((file.parent / "model_fp16.onnx").read_bytes()),
        Path.unlink,
        lambda file: (file.unlink(), file.mkdir()),
        lambda file: put_in_its_place(file, os.mkfifo),
        lambda file: put_in_its_place(file, lambda path: path.symlink_to("/dev/zero")),
    ],
    ids=["truncated", "one byte changed", "swapped", "missing", "a folder", "a pipe", "a device"],
)
def test_a_file_that_is_not_the_one_that_was_exported(bundle: Path, spoil: Callable[[Path], object]) -> None:
    spoil(bundle / "model.onnx")
    assert "model.onnx is not the file that was exported" in refused(bundle)


def test_a_newer_version_is_refused_with_words(bundle: Path) -> None:
    edit(bundle, lambda description: description.update(format=2, preprocess="of a kind to come"))
    message = refused(bundle)
    assert "written by a newer version of reseen" in message
    assert "install a newer version of reseen" in message


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"format": "1"}', '{"format": 1}', "[" * 100_000, "\xff", '{"format": 1e400}'],
    ids=lambda content: repr(content[:20]),
)
def test_a_description_that_is_none(bundle: Path, content: str) -> None:
    (bundle / DESCRIPTION).write_text(content, encoding="latin-1")
    assert "cannot open the bundle" in refused(bundle)


def test_a_description_that_is_a_pipe(bundle: Path) -> None:
    (bundle / DESCRIPTION).unlink()
    os.mkfifo(bundle / DESCRIPTION)
    assert "a pipe or a device" in refused(bundle)


def test_a_description_too_large_to_be_one(bundle: Path) -> None:
    with (bundle / DESCRIPTION).open("r+b") as file:
        file.truncate(MAX_DESCRIPTION_BYTES + 1)
    assert "more than 4,194,304 bytes" in refused(bundle)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    assert "cannot open the bundle" in refused(tmp_path / "nowhere")


def test_another_preprocessing_does_not_go_unseen(bundle: Path) -> None:
    edit(bundle, lambda description: description["preprocess"].update(mean=[0.5, 0.5, 0.5]))
    assert "feature_space does not follow" in refused(bundle)


def test_a_name_that_leads_out_of_the_folder(bundle: Path) -> None:
    def lead_out(description: dict[str, Any]) -> None:
        description["files"]["../secret"] = {"sha256": "00" * 32, "bytes": 1}

    edit(bundle, lead_out)
    assert "pattern" in refused(bundle)


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "weights.bin"])
def test_weights_that_lie_outside_the_bundle(bundle: Path, location: str) -> None:
    model = onnx.load(bundle / "model.onnx")
    weights = model.graph.initializer[0]
    set_external_data(weights, location)
    weights.ClearField("raw_data")
    content = model.SerializeToString()

    def list_it(description: dict[str, Any]) -> None:
        description["files"]["model.onnx"] = file_of(content).model_dump()

    (bundle / "model.onnx").write_bytes(content)
    edit(bundle, list_it)
    assert repr(location) in refused(bundle)


def test_files_that_no_description_lists_do_not_stay(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.fsync
    calls: list[int] = []

    def third_fails(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 2:
            raise OSError(28, "No space left on device")
        whole(descriptor)

    monkeypatch.setattr(os, "fsync", third_fails)
    with pytest.raises(StorageError):
        write_bundle(tmp_path / "new", open_bundle(bundle).description, {"a.onnx": b"a", "b.onnx": b"b"})
    assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_whose_name_is_no_text(bundle: Path) -> None:
    odd = bundle.with_name("b\udcff")
    description = open_bundle(bundle).description
    with pytest.raises(BundleError, match="is not UTF-8"):
        write_bundle(odd, description, {})
    bundle.rename(odd)
    assert "is not UTF-8" in refused(odd)


def test_until_the_description_is_written_the_old_bundle_is_whole(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = open_bundle(bundle).description

    move = Path.replace

    def fail_at_the_description(part: Path, target: Path) -> Path:
        if Path(target).name == DESCRIPTION:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return move(part, target)

    monkeypatch.setattr(Path, "replace", fail_at_the_description)
    with pytest.raises(StorageError, match="No space left"):
        write_bundle(bundle, description, {"card.md": b"about"})
    assert (bundle / "card.md").read_bytes() == b"about"
    assert open_bundle(bundle).description == description


def test_a_file_in_the_folder_s_place(small_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be a folder"):
        write_bundle(tmp_path / "file", open_bundle(small_bundle).description, {})
