from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float64, UInt8
from PIL import Image, ImageOps

from reseen.images.preprocess import Preprocess
from reseen.recipe.schema import Augmentation, RandomErasing
from reseen.training.augmentation import Draws, augment, augment_at_once, draw

PREPROCESS = Preprocess(height=256, width=128)
ERASING = RandomErasing()
MANY = 4000


def pixels(*shape: int, seed: int = 0) -> UInt8[np.ndarray, "..."]:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def one_by_one(
    image: UInt8[np.ndarray, "h w 3"], draws: Draws, at: int, settings: Augmentation, preprocess: Preprocess
) -> Float64[np.ndarray, "H W 3"]:
    """What the recipes say about one image, step by step."""
    height, width = preprocess.height, preprocess.width
    changed = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    if draws.flipped[at]:
        changed = ImageOps.mirror(changed)
    changed = ImageOps.expand(changed, settings.pad, fill=(0, 0, 0))
    top, left = draws.corner[at].tolist()
    changed = changed.crop((left, top, left + width, top + height))
    normalised = (np.asarray(changed) / 255 - preprocess.mean) / preprocess.std
    if settings.erasing is not None:
        top, left, bottom, right = draws.erased[at].tolist()
        for row in range(top, bottom):
            for column in range(left, right):
                normalised[row, column] = settings.erasing.fill
    return normalised


def assert_equals_one_by_one(
    images: UInt8[np.ndarray, "b h w 3"], draws: Draws, settings: Augmentation, preprocess: Preprocess, levels: float
) -> None:
    """Within `levels` of the 256 grey levels."""
    batch = augment(torch.from_numpy(images), draws, settings, preprocess)
    assert batch.dtype == torch.float32
    for at, image in enumerate(images):
        expected = one_by_one(image, draws, at, settings, preprocess)
        off = (batch[at].permute(1, 2, 0).numpy() - expected) * np.array(preprocess.std) * 255
        assert np.abs(off).max() <= levels + 1e-3


def test_equals_pillow_one_image_at_a_time_on_a_real_batch() -> None:
    settings = Augmentation(erasing=ERASING)
    draws = draw(settings, 16, PREPROCESS, np.random.default_rng(1))
    assert 0 < draws.flipped.sum() < 16
    assert 0 < draws.erased.any(axis=1).sum() < 16
    assert_equals_one_by_one(pixels(16, 128, 64), draws, settings, PREPROCESS, levels=1)
    assert_equals_one_by_one(pixels(16, 256, 128), draws, settings, PREPROCESS, levels=0)


SIDES = st.integers(1, 90)


@given(
    batch=st.integers(1, 4),
    height=SIDES,
    width=SIDES,
    to=st.tuples(st.integers(16, 60), st.integers(16, 60)),
    pad=st.integers(0, 12),
    erasing=st.none() | st.builds(RandomErasing, probability=st.sampled_from([0.5, 1.0])),
    seed=st.integers(0, 100),
)
def test_equals_pillow_for_images_of_any_size(
    batch: int, height: int, width: int, to: tuple[int, int], pad: int, erasing: RandomErasing | None, seed: int
) -> None:
    preprocess = Preprocess(height=to[0], width=to[1])
    settings = Augmentation(flip=0.5, pad=pad, erasing=erasing)
    draws = draw(settings, batch, preprocess, np.random.default_rng(seed))
    assert_equals_one_by_one(pixels(batch, height, width, seed=seed), draws, settings, preprocess, levels=1)


def test_every_change_by_hand() -> None:
    """A 16×16 image whose red is its column and green its row, moved 2 right and 1 down, mirrored, one pixel erased."""
    preprocess = Preprocess(height=16, width=16, mean=(0, 0, 0), std=(1, 1, 1))
    image = np.zeros((16, 16, 3), dtype=np.uint8)
    image[..., 0], image[..., 1] = np.arange(16), np.arange(16)[:, None]
    draws = Draws(np.array([True]), np.array([[2, 1]]), np.array([[5, 6, 6, 7]]))
    settings = Augmentation(pad=3, erasing=RandomErasing(fill=(7.0, 8.0, 9.0)))
    (out,) = augment(torch.from_numpy(image[None]), draws, settings, preprocess)
    assert out[:, 0, 5].tolist() == [0, 0, 0]
    assert (out[:, 1, 2] * 255).round().tolist() == [15, 0, 0]
    assert (out[:, 15, 15] * 255).round().tolist() == [2, 14, 0]
    assert out[:, 5, 6].tolist() == [7, 8, 9]
    assert (out[:, 5, 7] * 255).round().tolist() == [10, 4, 0]


def test_without_changes_only_resizes_and_normalises() -> None:
    settings = Augmentation(flip=0, pad=0)
    draws = draw(settings, 3, PREPROCESS, np.random.default_rng(0))
    assert not draws.flipped.any()
    assert not draws.corner.any()
    assert not draws.erased.any()
    assert_equals_one_by_one(pixels(3, 256, 128), draws, settings, PREPROCESS, levels=0)


def test_the_batch_is_channels_last_and_the_images_are_left_alone() -> None:
    settings = Augmentation(erasing=RandomErasing(probability=1))
    images = torch.from_numpy(pixels(4, 256, 128))
    before = images.clone()
    draws = draw(settings, 4, PREPROCESS, np.random.default_rng(0))
    assert augment(images, draws, settings, PREPROCESS).is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images, before)


@pytest.mark.parametrize("probability", [0.0, 0.3, 0.5, 1.0])
def test_flips_as_often_as_asked(probability: float) -> None:
    draws = draw(Augmentation(flip=probability), MANY, PREPROCESS, np.random.default_rng(0))
    assert draws.flipped.mean() == pytest.approx(probability, abs=0.03)


def test_corners_reach_both_ends_evenly_and_independently() -> None:
    draws = draw(Augmentation(pad=2), MANY, PREPROCESS, np.random.default_rng(0))
    counts = np.bincount(draws.corner[:, 0] * 5 + draws.corner[:, 1], minlength=25)
    assert len(counts) == 25
    assert counts.min() > MANY / 25 * 0.7


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_erases_as_often_as_asked(probability: float) -> None:
    settings = Augmentation(erasing=RandomErasing(probability=probability))
    erased = draw(settings, MANY, PREPROCESS, np.random.default_rng(0)).erased
    assert erased.any(axis=1).mean() == pytest.approx(probability, abs=0.03)


def test_erased_rectangles_lie_inside_and_have_the_asked_areas_and_aspects() -> None:
    settings = Augmentation(erasing=RandomErasing(probability=1))
    top, left, bottom, right = draw(settings, MANY, PREPROCESS, np.random.default_rng(0)).erased.T
    assert top.min() == 0
    assert left.min() == 0
    assert bottom.max() == 256
    assert right.max() == 128
    tall, wide = bottom - top, right - left
    share, aspect = tall * wide / (256 * 128), tall / wide
    rounding = 0.5 / tall + 0.5 / wide + 0.25 / (tall * wide)
    assert (share >= 0.02 * (1 - rounding)).all()
    assert (share <= 0.4 * (1 + rounding)).all()
    assert (aspect >= 0.3 * (1 - 2 * rounding)).all()
    assert (aspect <= 3.33 * (1 + 2 * rounding)).all()
    assert share.min() < 0.03
    assert aspect.max() > 3.2
    assert ((tall < 256) & (wide < 128)).all()


def test_areas_are_drawn_evenly_where_every_rectangle_fits() -> None:
    settings = Augmentation(erasing=RandomErasing(probability=1, area=(0.1, 0.3), aspect=(1.9, 2.1)))
    top, left, bottom, right = draw(settings, MANY, PREPROCESS, np.random.default_rng(0)).erased.T
    share = (bottom - top) * (right - left) / (256 * 128)
    counts, _ = np.histogram(share, bins=4, range=(0.1, 0.3))
    assert counts == pytest.approx(MANY / 4, rel=0.15)


def test_what_never_fits_is_not_erased() -> None:
    settings = Augmentation(erasing=RandomErasing(probability=1, area=(0.9, 1.0), aspect=(50, 60)))
    assert not draw(settings, 100, PREPROCESS, np.random.default_rng(0)).erased.any()


def test_a_second_attempt_is_made_where_the_first_does_not_fit() -> None:
    rates = []
    for attempts in (1, 3):
        erasing = RandomErasing(probability=1, area=(0.35, 0.4), aspect=(0.3, 3.33), attempts=attempts)
        draws = draw(Augmentation(erasing=erasing), MANY, Preprocess(height=256, width=64), np.random.default_rng(0))
        rates.append(draws.erased.any(axis=1).mean())
    once, thrice = rates
    assert 0.1 < once < 0.9
    assert thrice == pytest.approx(1 - (1 - once) ** 3, abs=0.03)


def test_the_same_generator_state_draws_the_same() -> None:
    settings = Augmentation(erasing=ERASING)
    one, same, other = (draw(settings, 8, PREPROCESS, np.random.default_rng(seed)) for seed in (3, 3, 4))
    for name in ("flipped", "corner", "erased"):
        assert np.array_equal(getattr(one, name), getattr(same, name))
        assert not np.array_equal(getattr(one, name), getattr(other, name))


@given(
    batch=st.integers(1, 4),
    pad=st.integers(0, 12),
    erasing=st.none() | st.builds(RandomErasing, probability=st.sampled_from([0.5, 1.0])),
    seed=st.integers(0, 100),
)
def test_what_an_accelerator_does_at_once_is_the_same_to_the_bit(
    batch: int, pad: int, erasing: RandomErasing | None, seed: int
) -> None:
    preprocess = Preprocess(height=24, width=16)
    settings = Augmentation(flip=0.5, pad=pad, erasing=erasing)
    draws = draw(settings, batch, preprocess, np.random.default_rng(seed))
    images = torch.from_numpy(pixels(batch, 24, 16, seed=seed))
    before = images.clone()
    at_once = augment_at_once(images, draws, settings, preprocess)

    assert torch.equal(at_once, augment(images, draws, settings, preprocess))
    assert at_once.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images, before)
