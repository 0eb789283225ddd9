from __future__ import annotations

from collections.abc import Callable

import pytest

from reseen.recipe.schema import Training

RefuseEach = Callable[..., None]


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [
        ("epochs", ["0", "1.0", "true", "'3'"]),
        ("evaluate_every", ["-1"]),
        ("save_every", ["-1"]),
        ("log_every", ["0"]),
        ("tensorboard", ["1"]),
        ("best", ["map"]),
        ("best_on", ["test", "null"]),
        ("early_stopping.patience", ["0", "1.5"]),
        ("early_stopping.min_delta", ["-0.1"]),
        ("precision", ["fp8", "16", "null"]),
        ("accumulate", ["0", "4097", "2.0"]),
        ("clip_norm", ["0", "-1"]),
        ("ema.decay", ["1", "-0.1"]),
        ("freeze_backbone", ["-1", "true"]),
        ("batch_norm", ["sync", "null"]),
        ("compile", ["1", "null"]),
    ],
)
def test_wrong_values_are_refused_by_name(refuse_each: RefuseEach, setting: str, wrong: list[str]) -> None:
    refuse_each(f"training.{setting}", wrong)


def test_everything_beyond_the_published_recipes_is_off_by_default() -> None:
    training = Training()

    assert training.precision == "auto"  # fp32, but for devices that are made for more
    assert not training.compile
    assert training.batch_norm == "per_process"
    assert (training.accumulate, training.freeze_backbone) == (1, 0)
    assert (training.early_stopping, training.ema, training.clip_norm) == (None, None, None)
