from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from reseen.errors import UsageError
from reseen.models.foreign.import_weights import import_weights
from reseen.models.weights_file import read_header, read_weights
from reseen.recipe.schema import Recipe

MakeRecipe = Callable[..., Recipe]


@pytest.fixture
def checkpoint(resnet18_entries: Callable[[str], dict[str, Tensor]], tmp_path: Path) -> Path:
    torch.save(
        {name: entry.half() if entry.is_floating_point() else entry for name, entry in resnet18_entries("").items()},
        tmp_path / "resnet18.pth",
    )
    return tmp_path / "resnet18.pth"


def test_the_file_tells_its_preprocess_as_training_does_and_where_it_comes_from(
    checkpoint: Path, recipe: MakeRecipe, tmp_path: Path
) -> None:
    ours = recipe("baseline", "model.backbone={name: resnet18}")

    import_weights(checkpoint, "torchvision", ours, tmp_path / "w.safetensors")

    assert read_header(tmp_path / "w.safetensors") == {
        "recipe": "baseline",
        "preprocess": ours.preprocess.model_dump_json(),
        "imported": "torchvision",
        "imported_sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
    }


def test_weights_are_written_in_single_precision_and_counters_as_they_are(
    checkpoint: Path, recipe: MakeRecipe, tmp_path: Path
) -> None:
    import_weights(
        checkpoint, "torchvision", recipe("baseline", "model.backbone={name: resnet18}"), tmp_path / "w.safetensors"
    )

    stored = read_weights(tmp_path / "w.safetensors")
    assert {entry.dtype for name, entry in stored.items() if "num_batches" not in name} == {torch.float32}
    assert stored["backbone.bn1.num_batches_tracked"] == 7


@pytest.mark.parametrize("name", ["weights.pth", "weights", "weights.npz"])
def test_another_format_is_refused_before_anything_is_read(name: str, recipe: MakeRecipe, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not written") as error:
        import_weights(tmp_path / "missing.pth", "torchvision", recipe("baseline"), tmp_path / name)

    assert error.value.cure == "name it weights.safetensors"
