from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reseen.bundle.bundle import CARD
from reseen.bundle.description import Model
from reseen.datasets.manifest import Manifest
from reseen.engines.load import load
from reseen.errors import RecipeError, UsageError
from reseen.images.decode import decode_image
from reseen.models.load_embedder import load_embedder
from reseen.recipe.load import load_recipe
from reseen.runs.device import choose_device
from reseen.verbs.export import export


def test_a_run_becomes_a_bundle_of_its_best_weights(finished_run: Path, people: Manifest, tmp_path: Path) -> None:
    told: list[Model] = []

    bundle = export(finished_run, output=tmp_path / "bundle", precision=["fp32", "fp16"], on_done=told.append)

    assert tuple(told) == bundle.description.models
    assert [(model.format, model.precision) for model in told] == [("onnx", "fp32"), ("onnx", "fp16")]
    recipe = load_recipe(finished_run / "recipe.yaml")
    assert bundle.description.name == recipe.name
    trained = load_embedder(recipe, finished_run / "checkpoints" / "best", choose_device("cpu"))
    paths = [sample.path for sample in people.split("query")[:3]]
    with load(bundle.folder) as embedder:
        np.testing.assert_allclose(embedder.embed(paths), trained.embed([decode_image(p) for p in paths]), atol=1e-5)


def test_a_recipe_and_weights_become_a_bundle_that_tells_what_it_is(finished_run: Path, tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text("# Mine")

    bundle = export(
        load_recipe(finished_run / "recipe.yaml"),
        str(finished_run / "checkpoints" / "best"),
        output=str(tmp_path / "bundle"),
        name="mine",
        training_data="drawn people",
        licence="free",
        card=tmp_path / "card.md",
    )

    described = bundle.description
    assert (described.name, described.training_data and described.training_data.licence) == ("mine", "free")
    assert (bundle.folder / CARD).read_text() == "# Mine"


def test_a_recipe_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no weights to export"):
        export("tiny", output=tmp_path / "bundle")
    with pytest.raises(RecipeError):
        export(tmp_path / "nowhere.yaml", "best", output=tmp_path / "bundle")


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"licence": "free"}, "--training-data and --licence go together"),
        ({"training_data": "d" * 2001, "licence": "free"}, "name or licence is too long"),
        ({"card": "nowhere.md"}, "nowhere.md cannot be read"),
        ({"card": "/dev/zero"}, "/dev/zero cannot be read"),
        ({"card": "/dev/null"}, "/dev/null cannot be read"),
        ({"precision": "int8"}, "cannot export onnx in int8"),
        ({"to": "onnx", "precision": ("fp32", "int8")}, "cannot export onnx in int8"),
        ({"metrics": "nowhere.json"}, "does not hold the figures"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_used_is_refused(given: dict[str, str], what: str, finished_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=what):
        export(finished_run, output=tmp_path / "bundle", **given)  # type: ignore[arg-type]
    assert not (tmp_path / "bundle").exists()
