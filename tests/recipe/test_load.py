from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reseen.errors import RecipeError
from reseen.recipe.load import dump_recipe, load_recipe, shipped_recipes
from reseen.recipe.schema import Recipe

WriteRecipe = Callable[[str, str], Path]
Refused = Callable[..., RecipeError]

IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
BASELINE = {
    "preprocess.height": 256,
    "preprocess.width": 128,
    "preprocess.mean": IMAGENET_MEAN,
    "preprocess.std": IMAGENET_STD,
    "model.backbone": {
        "name": "resnet50",
        "stages": 4,
        "last_stride": 2,
        "stem_relu": False,
        "stride_on": "3x3",
        "ibn": False,
        "max_pool": "padded",
    },
    "model.neck": "none",
    "model.head": {"name": "linear", "bias": True, "init": "uniform"},
    "model.feature": "before_neck",
    "sampler.persons": 16,
    "sampler.images_per_person": 4,
    "augmentation": {"flip": 0.5, "pad": 10, "erasing": None},
    "losses": [
        {"name": "cross_entropy", "weight": 1.0, "smoothing": 0.0},
        {"name": "triplet", "weight": 1.0, "feature": "before_neck", "margin": 0.3},
    ],
    "optimizer": {"name": "adam", "learning_rate": 3.5e-4, "weight_decay": 5e-4, "amsgrad": False},
    "schedule": {"name": "multistep", "milestones": [40, 70], "gamma": 0.1, "warmup": None, "per": "epoch"},
    "training.epochs": 120,
    "training.evaluate_every": 10,
    "training.save_every": 40,
    "training.log_every": 20,
    "training.best": "recall1",
    "evaluation.batch_size": 128,
    "evaluation.reranking": {"name": "k_reciprocal", "k1": 20, "k2": 6, "lambda": 0.3},
}
"""The published values; the schedule's are for absolute epochs (decay_epochs 30 and 60 after a warm-up of 10)."""
SOFTMAX_TRIPLET = BASELINE | {
    "model.backbone": {
        "name": "resnet50",
        "stages": 4,
        "last_stride": 1,
        "stem_relu": False,
        "stride_on": "3x3",
        "ibn": False,
        "max_pool": "padded",
    },
    "model.neck": "bnneck",
    "model.head": {"name": "linear", "bias": False, "init": "normal"},
    "model.feature": "after_neck",
    "augmentation": {
        "flip": 0.5,
        "pad": 10,
        "erasing": {
            "probability": 0.5,
            "area": [0.02, 0.4],
            "aspect": [0.3, 3.33],
            "attempts": 100,
            "fill": IMAGENET_MEAN,
        },
    },
    "losses": [
        {"name": "cross_entropy", "weight": 1.0, "smoothing": 0.1},
        {"name": "triplet", "weight": 1.0, "feature": "before_neck", "margin": 0.3},
    ],
    "schedule": {
        "name": "multistep",
        "milestones": [40, 70],
        "gamma": 0.1,
        "warmup": {"epochs": 10, "start_factor": 3.5e-6 / 3.5e-4},
        "per": "epoch",
    },
}
WITH_CENTER = SOFTMAX_TRIPLET | {
    "losses": [
        {"name": "cross_entropy", "weight": 1.0, "smoothing": 0.1},
        {"name": "triplet", "weight": 1.0, "feature": "before_neck", "margin": 0.3},
        {"name": "center", "weight": 5e-4, "feature": "before_neck", "learning_rate": 1000 * 5e-4},
    ],
}
SHIPPED = (
    *("baseline", "efficientnet_lite0", "efficientnet_lite2", "osnet_x0_25", "osnet_x1_0"),
    *("softmax_triplet", "softmax_triplet_with_center", "tiny"),
)


def at(recipe: Recipe, place: str) -> Any:
    tree: Any = recipe.model_dump(mode="json", by_alias=True)
    for step in place.split("."):
        tree = tree[step]
    return tree


def test_the_promised_recipes_are_shipped() -> None:
    assert shipped_recipes() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_is_complete_and_reads_back_to_itself(name: str, write_recipe: WriteRecipe) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    text = dump_recipe(recipe)
    assert "extends" not in yaml.safe_load(text)
    assert load_recipe(write_recipe("resolved.yaml", text)) == recipe


@pytest.mark.parametrize(
    ("name", "published"),
    [("baseline", BASELINE), ("softmax_triplet", SOFTMAX_TRIPLET), ("softmax_triplet_with_center", WITH_CENTER)],
)
def test_the_strong_baselines_have_the_published_values(name: str, published: dict[str, Any]) -> None:
    recipe = load_recipe(name)
    assert {place: at(recipe, place) for place in published} == published


@pytest.mark.parametrize(("name", "width"), [("osnet_x0_25", 0.25), ("osnet_x1_0", 1.0)])
def test_osnets_train_from_scratch_at_their_width(name: str, width: float) -> None:
    recipe = load_recipe(name)
    assert at(recipe, "model.backbone") == {"name": "osnet", "width": width, "feature_size": 512}
    assert at(recipe, "model.pretrained") is None


def test_a_dumped_recipe_keeps_overrides_and_awkward_names(write_recipe: WriteRecipe) -> None:
    for name in ("2024-01-01", "null", "5e-4", "é: [", "two\nlines"):
        overrides = ["model.pretrained.path='1e3'", "optimizer.learning_rate=1e-10", "losses.1.margin=soft"]
        recipe = load_recipe("softmax_triplet", overrides).model_copy(update={"name": name})
        assert load_recipe(write_recipe("resolved.yaml", dump_recipe(recipe))) == recipe


def test_a_recipe_extends_another_by_name_and_by_path_relative_to_itself(write_recipe: WriteRecipe) -> None:
    write_recipe("shared/base.yaml", "extends: tiny\nseed: 7\ntraining: {epochs: 5, log_every: 3}\n")
    path = write_recipe("mine/own.yaml", "extends: ../shared/base.yaml\ntraining: {epochs: 6}\n")
    recipe, tiny = load_recipe(path), load_recipe("tiny")
    assert recipe.name == "own"
    assert recipe.seed == 7
    assert recipe.training == tiny.training.model_copy(update={"epochs": 6, "log_every": 3})
    assert recipe.model == tiny.model


def test_a_list_replaces_the_list_that_it_extends(write_recipe: WriteRecipe) -> None:
    path = write_recipe("own.yaml", "extends: softmax_triplet\nlosses: [{name: triplet, margin: soft}]\n")
    assert at(load_recipe(path), "losses") == [
        {"name": "triplet", "weight": 1.0, "feature": "before_neck", "margin": "soft"}
    ]


def test_another_kind_drops_what_was_set_for_the_old_one(write_recipe: WriteRecipe) -> None:
    base = write_recipe("base.yaml", "extends: baseline\noptimizer: {learning_rate: 0.5, amsgrad: true}\n")
    same = write_recipe("same.yaml", f"extends: {base}\noptimizer: {{name: adam, weight_decay: 0}}\n")
    other = write_recipe("other.yaml", f"extends: {base}\noptimizer: {{name: sgd, weight_decay: 0}}\n")
    kept = {"name": "adam", "learning_rate": 0.5, "weight_decay": 0.0, "amsgrad": True}
    assert at(load_recipe(same), "optimizer") == kept
    fresh = {"name": "sgd", "learning_rate": 0.065, "weight_decay": 0.0, "momentum": 0.9, "nesterov": False}
    assert at(load_recipe(other), "optimizer") == fresh


def test_null_and_mapping_replace_each_other(write_recipe: WriteRecipe) -> None:
    without = write_recipe("without.yaml", "extends: softmax_triplet\naugmentation: {erasing: null}\n")
    again = write_recipe("again.yaml", f"extends: {without}\naugmentation: {{erasing: {{probability: 0.1}}}}\n")
    assert at(load_recipe(without), "augmentation") == {"flip": 0.5, "pad": 10, "erasing": None}
    assert at(load_recipe(again), "augmentation.erasing")["probability"] == 0.1


def test_circles_and_endless_chains_are_refused(write_recipe: WriteRecipe, refused: Refused) -> None:
    itself = write_recipe("itself.yaml", "extends: itself.yaml\n")
    circle = write_recipe("a.yaml", "extends: b.yaml\n")
    write_recipe("b.yaml", "extends: a.yaml\n")
    for path in (itself, circle):
        assert "extends itself" in (refused(path).cure or "")


@pytest.mark.parametrize("extends", ["[tiny]", "1", "{name: tiny}", "true"])
def test_extends_that_is_no_name_is_refused(write_recipe: WriteRecipe, refused: Refused, extends: str) -> None:
    path = write_recipe("own.yaml", f"extends: {extends}\n")
    assert f"{path}: extends names no recipe" in refused(path).what


def test_a_missing_recipe_names_the_shipped_ones(write_recipe: WriteRecipe, refused: Refused) -> None:
    path = write_recipe("own.yaml", 'extends: "soft\\0max"\n')
    for source in ("softmax", path.parent / "none.yaml", path):
        error = refused(source)
        assert "cannot be read" in error.what
        assert all(name in (error.expected or "") for name in SHIPPED)


def test_what_is_no_text_file_is_refused(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    for source in (tmp_path, tmp_path / "binary.yaml"):
        assert "cannot be read" in refused(source).what


@pytest.mark.parametrize("text", ["", "just words", "[1, 2]", "1: {}\n", "null: 1\n"])
def test_what_is_no_mapping_of_settings_is_refused(write_recipe: WriteRecipe, refused: Refused, text: str) -> None:
    assert "is not a recipe" in refused(write_recipe("own.yaml", text)).what


def test_no_more_than_a_recipe_is_read_of_a_file_without_end(refused: Refused) -> None:
    assert "too long" in refused("/dev/zero").what


def test_overrides_apply_in_order() -> None:
    recipe = load_recipe("tiny", ["optimizer.name=sgd", "optimizer.momentum=0.5", "seed=1", "seed=2"])
    assert at(recipe, "optimizer")["momentum"] == 0.5
    assert recipe.seed == 2


CANARIES = (
    "__import__('os').system('touch CANARY')",
    "{x: $(touch CANARY)}",
    "!!python/object/apply:os.system [touch CANARY]",
)


@pytest.mark.parametrize("value", CANARIES)
def test_p10_values_are_never_evaluated(
    write_recipe: WriteRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_recipe("own.yaml", f"extends: tiny\nmodel: {{pretrained: {{path: {value}}}}}\n")
    for source, overrides in ((path, []), ("tiny", [f"model.pretrained.path={value}"])):
        with contextlib.suppress(RecipeError):
            assert at(load_recipe(source, overrides), "model.pretrained.path") == value
    assert not (tmp_path / "CANARY").exists()


PLACES = (
    "seed",
    "name",
    "losses",
    "losses.0",
    "model.pretrained.path",
    "augmentation.erasing",
    "preprocess.mean.1",
    "x",
)


@given(place=st.sampled_from(PLACES), value=st.text(max_size=40) | st.text("[]{}:,-?!&*'\"0e.~# \nan", max_size=20))
def test_any_text_gives_a_recipe_or_a_recipe_error(place: str, value: str) -> None:
    with contextlib.suppress(RecipeError):
        recipe = load_recipe("tiny", [f"{place}={value}"])
        assert Recipe.model_validate(recipe.model_dump(by_alias=True)) == recipe


def test_a_recipe_can_be_changed_in_python() -> None:
    changes = {"training.epochs": 3, "losses.1.margin": "soft", "schedule.milestones": (1, 2), "model.pretrained": None}
    changed = load_recipe(load_recipe("softmax_triplet"), changes)

    words = ["training.epochs=3", "losses.1.margin=soft", "schedule.milestones=[1, 2]", "model.pretrained=null"]
    assert changed == load_recipe("softmax_triplet", words)
    assert load_recipe("tiny", "seed=3") == load_recipe("tiny", {"seed": 3})
    assert load_recipe("tiny", {"model.pretrained": {"path": Path("a.npz")}}).model.pretrained is not None


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"training.epoch": 3}, "unknown key training.epoch"),
        ({"seed": object()}, "seed cannot be set"),
        ({"seed": "many"}, "seed='many': seed cannot be used"),
    ],
)
def test_a_change_in_python_that_cannot_be_made_is_told(changes: dict[str, object], what: str) -> None:
    with pytest.raises(RecipeError, match=what):
        load_recipe("tiny", changes)
