"""What `bundle.json` may hold."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from pydantic import ValidationError

from reseen.bundle.description import Description, feature_space
from reseen.images.preprocess import Preprocess

WEIGHTS = "ab" * 32
PARITY = {"batches": (1, 2), "cosine": 1.0, "norm_error": 0.0, "max_error": 0.0, "ranked_lists_agree": True}


def described(**changes: Any) -> Description:
    space = feature_space(Preprocess(), WEIGHTS)
    model = {
        "format": "onnx", "precision": "fp32", "files": ("model.onnx",), "feature_space": space, "parity": PARITY
    }  # fmt: skip
    whole = {
        "name": "small",
        "preprocess": Preprocess(),
        "feature_size": 16,
        "weights_sha256": WEIGHTS,
        "feature_space": space,
        "models": (model,),
        "files": {"model.onnx": {"sha256": "cd" * 32, "bytes": 10}},
    }
    return Description.model_validate(whole | changes)


def test_it_is_read_back_as_it_was_written() -> None:
    assert Description.model_validate_json(described().model_dump_json()) == described()


def test_the_feature_space_is_a_hash_over_preprocess_and_weights() -> None:
    parts = [Preprocess().sha256, WEIGHTS]
    assert feature_space(Preprocess(), WEIGHTS) == hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        feature_space(Preprocess(height=128), WEIGHTS),
        feature_space(Preprocess(std=(0.2, 0.2, 0.2)), WEIGHTS),
        feature_space(Preprocess(), "cd" * 32),
        feature_space(Preprocess(), WEIGHTS, {"model.xml": "ef" * 32}),
    ],
    ids=["size", "std", "weights", "quantised"],
)
def test_whatever_changes_features_changes_their_space(other: str) -> None:
    assert other != feature_space(Preprocess(), WEIGHTS)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"feature_space": "00" * 32}, "does not follow"),
        ({"files": {}}, "files without a hash: model.onnx"),
        ({"files": {"../model.onnx": {"sha256": "cd" * 32, "bytes": 10}}}, "pattern"),
        ({"files": {"/etc/passwd": {"sha256": "cd" * 32, "bytes": 10}}}, "pattern"),
        ({"files": {".hidden": {"sha256": "cd" * 32, "bytes": 10}}}, "pattern"),
        ({"files": {"model.onnx": {"sha256": "CD" * 32, "bytes": 10}}}, "pattern"),
        ({"files": {"model.onnx": {"sha256": "cd" * 32, "bytes": -1}}}, "greater"),
        ({"feature_size": 0}, "greater"),
        ({"format": True}, "valid integer"),
        ({"metrics": {"people": {"mAP": float("nan")}}}, "finite"),
        ({"surprise": 1}, "Extra"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        described(**changes)


def test_an_openvino_model_lists_its_weights() -> None:
    model = {**described().models[0].model_dump(), "format": "openvino", "files": ("model.xml",)}
    with pytest.raises(ValidationError, match=r"weights are not among its files: model\.bin"):
        described(models=(model,), files={"model.xml": {"sha256": "cd" * 32, "bytes": 10}})


def test_two_models_of_one_kind_are_refused() -> None:
    twice = described().models * 2
    with pytest.raises(ValidationError, match="two models of one format and precision"):
        described(models=twice)
