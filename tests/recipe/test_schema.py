from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from reseen.errors import RecipeError
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe

Refused = Callable[..., RecipeError]
OSNET = "model.backbone={name: osnet}"
SMALL = "model.backbone={name: small_resnet}"
SGD = "optimizer={name: sgd}"
COSINE = "schedule={name: cosine}"
ERASING = "augmentation.erasing={}"


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [
        ("seed", ["-1", "9223372036854775808", "1.0", "true", "'1'", "null", "[1]"]),
        ("preprocess.height", ["15", "2049", "128.0"]),
        ("preprocess.mean", ["[0, 0]", "[0, 0, 0, 0]", "0"]),
        ("preprocess.std.1", ["0", "-1"]),
        ("model.neck", ["bn", "null", "true"]),
        ("model.feature", ["after"]),
        ("model.backbone.last_stride", ["0", "3", "'1'"]),
        ("model.backbone.stem_relu", ["1", "'true'", "null"]),
        ("model.backbone.stride_on", ["1x3", "1"]),
        ("model.head.bias", ["1", "'no'"]),
        ("model.head.init", ["zeros"]),
        ("model.pretrained.path", ["1", "true", "[a]"]),
        ("model.pretrained.expected_missing", ["layer4.*", "[1]"]),
        ("augmentation.flip", ["-0.1", "1.1", "'0.5'"]),
        ("augmentation.pad", ["-1", "513", "1.5"]),
        ("sampler.persons", ["0", "4097", "16.0"]),
        ("sampler.images_per_person", ["0", "4097"]),
        ("sampler.short_persons", ["skip"]),
        ("data.memory_limit_gb", ["0", "-1", "'8'"]),
        ("data.hold_out", ["1", "-0.1"]),
        ("losses.0.weight", ["-1", "'1'"]),
        ("losses.0.smoothing", ["1", "-0.1"]),
        ("losses.1.margin", ["-0.1", "hard", "null"]),
        ("losses.2.weight", ["0"]),
        ("losses.2.learning_rate", ["0"]),
        ("optimizer.learning_rate", ["0", "-1", "'3.5e-4'"]),
        ("optimizer.weight_decay", ["-1"]),
        ("optimizer.amsgrad", ["1"]),
        ("schedule.milestones", ["[0]", "[1.5]", "40"]),
        ("schedule.gamma", ["0", "1.1"]),
        ("schedule.warmup.epochs", ["0"]),
        ("schedule.warmup.start_factor", ["0", "1.1"]),
        ("training.epochs", ["0", "1.0", "true", "'3'"]),
        ("training.evaluate_every", ["-1"]),
        ("training.save_every", ["-1"]),
        ("training.log_every", ["0"]),
        ("training.best", ["map"]),
        ("evaluation.batch_size", ["0", "4097"]),
        ("evaluation.reranking.k1", ["0"]),
        ("evaluation.reranking.k2", ["0"]),
        ("evaluation.reranking.lambda", ["-0.1", "1.1"]),
    ],
)
def test_wrong_types_and_ranges_are_refused_by_name(refused: Refused, setting: str, wrong: list[str]) -> None:
    for value in wrong:
        error = refused("softmax_triplet_with_center", f"{setting}={value}")
        assert setting in error.what


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (OSNET, ["model.backbone.width=0.3", "model.backbone.width=1.25", "model.backbone.feature_size=15"]),
        (SMALL, ["model.backbone.widths=[8]", "model.backbone.widths=[3, 8]", "model.backbone.widths=[8, 1025]"]),
        (
            SGD,
            ["optimizer.momentum=1", "optimizer.momentum=-0.1", "optimizer={name: sgd, nesterov: true, momentum: 0}"],
        ),
        (COSINE, ["schedule.end_factor=1.1", "schedule.end_factor=-0.1"]),
        (ERASING, ["augmentation.erasing.probability=1.1", "augmentation.erasing.attempts=0"]),
        (ERASING, ["augmentation.erasing.area=[0.4, 0.02]", "augmentation.erasing.area=[0.1, 1.1]"]),
        (ERASING, ["augmentation.erasing.aspect=[2, 1]", "augmentation.erasing.aspect=[0, 1]"]),
    ],
)
def test_wrong_values_of_other_kinds_are_refused(refused: Refused, kind: str, wrong: list[str]) -> None:
    load_recipe("baseline", [kind])
    for override in wrong:
        assert override.partition("=")[0].rpartition(".")[0] in refused("baseline", kind, override).what


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("seed=9223372036854775807", 2**63 - 1),
        ("losses.1.margin=0", 0.0),
        ("losses.1.margin=soft", "soft"),
        ("optimizer.learning_rate=1", 1.0),
        ("schedule.milestones=[]", ()),
        ("augmentation.pad=0", 0),
        ("data.hold_out=0", 0.0),
    ],
)
def test_values_at_the_edge_are_taken(override: str, value: object) -> None:
    found: object = load_recipe("softmax_triplet", [override])
    for step in override.partition("=")[0].split("."):
        found = found[int(step)] if isinstance(found, tuple) else getattr(found, step)
    assert found == value


def test_no_loss_and_the_same_loss_twice_are_refused(refused: Refused) -> None:
    for losses in ("[]", "[{name: triplet}, {name: triplet, margin: 0.5}]"):
        error = refused("baseline", f"losses={losses}")
        assert "losses cannot be used" in error.what
        assert error.expected == "at least one loss, and none of them twice"


def test_a_batch_of_one_image_is_refused(refused: Refused) -> None:
    load_recipe("baseline", ["sampler={persons: 1, images_per_person: 2}"])
    load_recipe("baseline", ["sampler={persons: 2, images_per_person: 1}"])
    error = refused("baseline", "sampler={persons: 1, images_per_person: 1}")
    assert "sampler cannot be used" in error.what
    assert "at least 2" in str(error.expected)


def test_a_recipe_cannot_be_changed() -> None:
    recipe = Recipe(name="own")
    with pytest.raises(ValidationError, match="frozen"):
        recipe.seed = 1
    with pytest.raises(ValidationError, match="frozen"):
        recipe.training.epochs = 1
