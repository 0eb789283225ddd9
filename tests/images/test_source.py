from __future__ import annotations

import inspect
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reseen.errors import DatasetError, ImageError, UsageError
from reseen.images.decode import MAX_BYTES, MAX_PIXELS
from reseen.images.source import Colour, image_sources


class Tensor:
    """What of a tensor of torch is called; `tests/engines/test_embedder.py` embeds real ones."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def numpy(self) -> np.ndarray:
        return self.pixels


def encoded(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_every_kind_of_image_gives_the_same_pixels(pictures: list[np.ndarray], tmp_path: Path) -> None:
    pixels = pictures[2]
    path = tmp_path / "a.png"
    path.write_bytes(encoded(pixels))

    found = image_sources([path, str(path), path.read_bytes(), Image.fromarray(pixels), pixels])

    assert [each.name for each in found] == [str(path), str(path), "image 2", "image 3", "image 4"]
    for each in found:
        np.testing.assert_array_equal(each.decode(), pixels)


def test_a_picture_may_be_shared_by_threads(pictures: list[np.ndarray]) -> None:
    content = encoded(pictures[2])
    for _ in range(50):
        shared = image_sources([Image.open(BytesIO(content))])[0]
        with ThreadPoolExecutor(8) as pool:
            for found in pool.map(lambda _, shared=shared: np.asarray(shared.decode()), range(8)):
                np.testing.assert_array_equal(found, pictures[2])


def test_one_image_needs_no_list(pictures: list[np.ndarray]) -> None:
    assert [each.name for each in image_sources(pictures[0])] == ["image 0"]


def test_no_images_are_no_inputs() -> None:
    assert image_sources([]) == []


def test_a_folder_stands_for_the_images_in_it_and_below_by_name(tmp_path: Path) -> None:
    for name in ("b.jpg", "a/2.PNG", "a/1.jpg", "c/deep/x.webp", "a.jpg", "notes.txt", ".hidden.jpg", ".git/x.jpg"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "c" / "circle").symlink_to(tmp_path)

    names = [Path(each.name).relative_to(tmp_path).as_posix() for each in image_sources([tmp_path])]

    assert names == ["a/1.jpg", "a/2.PNG", "a.jpg", "b.jpg", "c/deep/x.webp"]


def test_a_folder_without_images_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no images in"):
        image_sources(tmp_path)


def test_a_file_that_does_not_exist_is_told_when_it_is_read(tmp_path: Path) -> None:
    (missing,) = image_sources(tmp_path / "missing.jpg")

    with pytest.raises(ImageError, match=r"missing\.jpg cannot be read"):
        missing.decode()


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((8, 4, 3), dtype=np.float32),
        np.zeros((8, 4, 3), dtype=np.uint16),
        np.zeros((8, 4, 2), dtype=np.uint8),
        np.zeros((8,), dtype=np.uint8),
        np.zeros((1, 2, 8, 4, 3), dtype=np.uint8),
        np.zeros((0, 4, 3), dtype=np.uint8),
        np.broadcast_to(np.uint8(0), (MAX_PIXELS, 2, 3)),
    ],
)
def test_an_array_of_another_type_or_shape_is_no_image(pixels: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"image 0 (is not an image|has too many pixels)"):
        image_sources(pixels)[0].decode()


@pytest.mark.parametrize("colour", ["rgb", "bgr"])
def test_the_order_of_channels_is_that_of_the_caller(pictures: list[np.ndarray], colour: Colour) -> None:
    pixels = pictures[2]
    given_as = pixels if colour == "rgb" else pixels[:, :, ::-1]
    see_through = np.dstack([given_as, np.full(pixels.shape[:2], 255, np.uint8)])

    for image in (given_as, see_through, [given_as], np.stack([given_as, given_as])):
        for source in image_sources(image, colour):
            np.testing.assert_array_equal(np.asarray(source.decode()), pixels)
    for known in (encoded(pixels), Image.fromarray(pixels)):  # these know their own order
        np.testing.assert_array_equal(np.asarray(image_sources(known, colour)[0].decode()), pixels)


def test_an_unknown_order_of_channels_is_refused(pictures: list[np.ndarray]) -> None:
    with pytest.raises(UsageError, match="no order of channels 'grb'"):
        inspect.unwrap(image_sources)(pictures[0], "grb")


def test_grey_and_transparent_arrays_are_what_files_of_them_are(pictures: list[np.ndarray]) -> None:
    grey = pictures[2][:, :, 0]
    see_through = np.dstack([pictures[2], grey])

    for pixels in (grey, see_through):
        (array,), (file,) = image_sources(pixels), image_sources(encoded(pixels))
        np.testing.assert_array_equal(np.asarray(array.decode()), np.asarray(file.decode()))
    np.testing.assert_array_equal(image_sources(grey[:, :, None])[0].decode(), np.dstack([grey] * 3))


def test_a_batch_of_arrays_is_as_many_images(pictures: list[np.ndarray]) -> None:
    batch = np.stack([pictures[0], pictures[4]])

    assert [each.name for each in image_sources(batch)] == ["image 0", "image 1"]
    assert [each.name for each in image_sources([pictures[1], batch])] == ["image 0", "image 1[0]", "image 1[1]"]
    for source, pixels in zip(image_sources(batch), batch, strict=True):
        np.testing.assert_array_equal(source.decode(), pixels)


def test_tensors_have_their_channels_first_or_last(pictures: list[np.ndarray]) -> None:
    first = pictures[2].transpose(2, 0, 1)

    for pixels in (first, pictures[2], first[None], pictures[2][None]):
        (source,) = image_sources(Tensor(pixels))
        np.testing.assert_array_equal(source.decode(), pictures[2])
    (swapped,) = image_sources(Tensor(first[::-1]), "bgr")
    np.testing.assert_array_equal(swapped.decode(), pictures[2])
    assert [each.name for each in image_sources([Tensor(first[None]), Tensor(first)])] == ["image 0[0]", "image 1"]
    with pytest.raises(ImageError, match="image 0 is not an image"):
        image_sources(Tensor(first / 255))[0].decode()


def test_files_that_are_open_are_read(pictures: list[np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(pictures[2]))

    with path.open("rb") as file, path.open(encoding="latin-1") as text:
        sources = image_sources([file, BytesIO(path.read_bytes()), bytearray(path.read_bytes())])
        with pytest.raises(UsageError, match="image 0 is a file of text"):
            inspect.unwrap(image_sources)(text)
    for source in sources:
        np.testing.assert_array_equal(np.asarray(source.decode()), pictures[2])
    with pytest.raises(ImageError, match="image 0 cannot be read"):
        image_sources(file)


def test_an_open_file_is_read_up_to_the_limit() -> None:
    class Endless(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert size == MAX_BYTES + 1
            return bytes(size)

    with pytest.raises(ImageError, match="image 0 is too large to read"):
        image_sources(Endless())[0].decode()


@pytest.mark.parametrize(
    "url", ["https://example.com/a.jpg", "S3://bucket/a.jpg", "rtsp://camera/1", Path("http://a/b")]
)
def test_a_url_is_refused_as_one(url: str | Path) -> None:
    with pytest.raises(UsageError, match="image 0 is a URL, and nothing is fetched"):
        image_sources(url)


def test_images_may_come_from_a_generator(pictures: list[np.ndarray]) -> None:
    assert [each.name for each in image_sources(pixels for pixels in pictures[:2])] == ["image 0", "image 1"]


def test_what_is_no_image_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="image 1 has no name"):
        image_sources(["a.jpg", ""])
    with pytest.raises(UsageError, match="image 1 cannot be embedded"):
        inspect.unwrap(image_sources)([b"", 7])  # without the type checker of the tests, as users call it


def test_a_tensor_that_could_be_read_both_ways_is_refused() -> None:
    for shape in ((3, 8, 3), (2, 1, 8, 4)):
        with pytest.raises(ImageError, match="may have its channels first or last"):
            image_sources(Tensor(np.zeros(shape, np.uint8)))


def test_a_file_that_was_just_written_is_read_from_its_start(pictures: list[np.ndarray]) -> None:
    memory = BytesIO()
    memory.write(encoded(pictures[2]))

    for _ in range(2):
        np.testing.assert_array_equal(image_sources(memory)[0].decode(), pictures[2])
