from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from reseen.engines.load import load
from reseen.errors import BundleError, UsageError


def test_a_changed_file_is_not_loaded(small_bundle: Path, tmp_path: Path) -> None:
    bundle = shutil.copytree(small_bundle, tmp_path / "bundle")
    model, other = bundle / "model.onnx", bundle / "model_fp16.onnx"
    whole = model.read_bytes()

    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    for content in (whole[:-100], other.read_bytes(), bytes(changed)):
        model.write_bytes(content)
        with pytest.raises(BundleError, match=r"model\.onnx is not the file that was exported"):
            load(bundle)


def test_a_profile_without_a_place_is_refused_before_the_work(small_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        load(small_bundle, profile=tmp_path / "missing" / "profile.json")
    with pytest.raises(UsageError, match="cannot be a file"):
        load(small_bundle, profile=tmp_path)


@pytest.mark.parametrize(
    "option", [{"batch_size": 0}, {"threads": 257}, {"threads": -1}, {"gpu_memory": 0.0}, {"engine": "tflite"}]
)
def test_options_that_make_no_sense_are_refused(small_bundle: Path, option: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        load(small_bundle, **option)
