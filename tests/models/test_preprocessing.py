from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from reseen.images.preprocess import Preprocess
from reseen.models.preprocessing import normalise, resize, resize_in_float, resize_mixed, send

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_what_is_there_already_is_not_copied() -> None:
    tensor = torch.arange(3)

    assert send(tensor, CPU) is tensor


@pytest.mark.parametrize("pinned", [True, False])
def test_cuda_copies_from_pinned_memory_while_python_goes_on(pinned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def pin(tensor: Tensor) -> Tensor:
        asked.append("pin")
        return tensor

    def copy(tensor: Tensor, device: torch.device, non_blocking: bool = False) -> Tensor:
        asked.append(f"copy to {device}, waiting: {not non_blocking}")
        return tensor

    monkeypatch.setattr(Tensor, "is_pinned", lambda _: pinned)
    monkeypatch.setattr(Tensor, "pin_memory", pin)
    monkeypatch.setattr(Tensor, "to", copy)

    send(torch.arange(3), CUDA)

    assert asked == [*([] if pinned else ["pin"]), "copy to cuda, waiting: False"]


Pixels = UInt8[np.ndarray, "h w 3"]
Resize = Callable[[Tensor, int, int], Tensor]
SIZES = [(20, 40), (40, 20), (128, 64), (255, 129), (500, 90), (333, 512), (900, 2000), (2000, 900)]
TARGETS = [(256, 128), (128, 64), (384, 128)]


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def black_and_white(height: int, width: int) -> Pixels:
    return (noise(height, width) // 128) * np.uint8(255)


def gradient(height: int, width: int) -> Pixels:
    down, across = np.linspace(0, 255, height), np.linspace(255, 0, width)
    channels = np.broadcast_arrays(down[:, None], across, (down[:, None] + across) / 2)
    return np.stack(channels, axis=-1).astype(np.uint8)


def by_pillow(image: Pixels, height: int, width: int) -> Pixels:
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def assert_close(got: Tensor, expected: Pixels) -> None:
    assert got.dtype == torch.uint8
    np.testing.assert_allclose(got.numpy().astype(int), expected.astype(int), atol=1, rtol=0)


@pytest.mark.parametrize("resized_by", [resize, resize_in_float])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("drawn", [noise, black_and_white, gradient])
def test_resizes_like_pillow(drawn: Callable[[int, int], Pixels], size: tuple[int, int], resized_by: Resize) -> None:
    image = drawn(*size)
    for height, width in TARGETS:
        (resized,) = resized_by(torch.from_numpy(image)[None], height, width)
        assert_close(resized, by_pillow(image, height, width))


def test_in_float_rounds_the_exact_value_to_the_nearest() -> None:
    image = noise(90, 40)
    channels = [Image.fromarray(image[..., channel].astype(np.float32)) for channel in range(3)]
    exact = np.stack(
        [np.asarray(channel.resize((64, 128), Image.Resampling.BILINEAR)) for channel in channels], axis=-1
    )
    (resized,) = resize_in_float(torch.from_numpy(image)[None], 128, 64)
    np.testing.assert_allclose(resized.numpy(), exact, atol=0.501, rtol=0)


def test_resizes_real_crops_like_pillow(market1501: Path) -> None:
    files = sorted((market1501 / "bounding_box_train").glob("*.jpg"))[::200]
    crops = np.stack([np.asarray(Image.open(file)) for file in files])
    assert len(crops) > 50
    for resized_by in (resize, resize_in_float):
        batch = resized_by(torch.from_numpy(crops), 256, 128)
        for crop, resized in zip(crops, batch, strict=True):
            assert_close(resized, by_pillow(crop, 256, 128))


def test_images_of_the_right_size_are_not_copied() -> None:
    images = torch.from_numpy(noise(256, 128))[None]
    assert resize(images, 256, 128) is images


def test_resized_batches_are_contiguous_rows_of_pixels() -> None:
    assert resize(torch.from_numpy(noise(20, 40))[None], 256, 128).is_contiguous()


def test_mixed_sizes_keep_their_order() -> None:
    arrays = [noise(*size) for size in ((40, 20), (256, 128), (40, 20), (60, 90), (256, 128))]
    arrays[2] = 255 - arrays[2]
    arrays[4] = 255 - arrays[4]
    for images in (arrays, [torch.from_numpy(array) for array in arrays]):
        batch = resize_mixed(images, 256, 128)
        assert batch.shape == (5, 256, 128, 3)
        for resized, array in zip(batch, arrays, strict=True):
            assert_close(resized, by_pillow(array, 256, 128))


def test_mixed_sizes_take_arrays_that_may_not_be_written() -> None:
    image = noise(40, 20)
    image.flags.writeable = False
    assert_close(resize_mixed([image], 256, 128)[0], by_pillow(image, 256, 128))


def test_no_images_give_an_empty_batch() -> None:
    assert resize_mixed([], 256, 128).shape == (0, 256, 128, 3)


@pytest.mark.parametrize("layout", ["contiguous", "a view of every other row and column"])
def test_normalises_each_channel(layout: str) -> None:
    preprocess = Preprocess(mean=(0.1, 0.5, 0.9), std=(0.2, 0.3, 0.4))
    images = torch.from_numpy(np.stack([noise(34, 22), gradient(34, 22)]))
    if layout != "contiguous":
        images = images[:, ::2, ::2]
    before = images.clone()
    normalised = normalise(images, preprocess)
    expected = (images.numpy() / 255 - np.array(preprocess.mean)) / np.array(preprocess.std)
    np.testing.assert_allclose(normalised.numpy(), expected.transpose(0, 3, 1, 2), atol=1e-6, rtol=1e-6)
    assert normalised.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images, before)
