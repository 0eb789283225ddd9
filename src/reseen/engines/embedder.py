"""`Embedder`: a loaded bundle, which turns images into features."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from reseen.bundle.bundle import Bundle
from reseen.bundle.description import Model
from reseen.engines.detections import crops
from reseen.engines.embedded import MOST_OFF_UNIT, Embedded, gather, reported, require_features
from reseen.engines.engine import Engine
from reseen.engines.match import Gallery, Match, compared, found
from reseen.errors import EngineError, UsageError
from reseen.images.preprocess import Preprocess
from reseen.images.resize import prepare
from reseen.images.source import Colour, ImageLike, ImageSource, image_sources
from reseen.map_ahead import OnProgress, map_ahead
from reseen.scores.nearest import largest
from reseen.shapes import Float32, UInt8

if TYPE_CHECKING:
    from reseen.calibration.calibration import Calibration

Images: TypeAlias = ImageLike | ImageSource | Iterable[ImageLike | ImageSource]
"""One image or many; see `ImageLike`."""
Features: TypeAlias = Images | Embedded
"""Images, what they were embedded to, or an array (n, d) or (d,) of features."""

BATCH_SIZE = 32
MOST_DECODERS = 4
"""Threads that decode while the engine computes. Each may hold a photograph of `images.decode.MAX_PIXELS`, 0.5 GB."""

PARTS_A_CALL = 2
"""Parts of a batch for each of several parallel calls: the fewer images in one, the sooner decoding and computing
overlap."""


class Embedder:
    """Turns images into unit-norm features with a model of a bundle. Safe to be used by several threads at once.

    Made by `reseen.load`.

    Examples:
        >>> import numpy as np, reseen
        >>> crops = np.random.default_rng(0).integers(0, 256, (2, 128, 64, 3), dtype=np.uint8)
        >>> with reseen.load() as embedder:
        ...     features = embedder.embed(crops)
        >>> features.shape[0], features.dtype.name
        (2, 'float32')

    Args:
        bundle: the model's.
        model: which of its models.
        engine: runs the model.
        batch_size: images that go through it at a time.
        threads: that decode images, at most; None: as many as the processor has cores.
    """

    def __init__(
        self, bundle: Bundle, model: Model, engine: Engine, *, batch_size: int = BATCH_SIZE, threads: int | None = None
    ) -> None:
        self.bundle = bundle
        self.model = model
        self.batch_size = batch_size
        self._engine = engine
        self._closed = False
        self._decoders = min(threads or os.cpu_count() or 1, MOST_DECODERS)

    def __repr__(self) -> str:
        size, calibrated = self.preprocess, "not calibrated" if self.bundle.calibration is None else "calibrated"
        return (
            f"<Embedder {self.bundle.description.name}: {size.height}×{size.width} RGB → {self.feature_size} numbers, "
            f"{self.model.format} {self.model.precision}, {calibrated}{', closed' if self._closed else ''}>"
        )

    @property
    def preprocess(self) -> Preprocess:
        """How an image becomes the model's input."""
        return self.bundle.description.preprocess

    @property
    def feature_size(self) -> int:
        """d, the numbers in a feature."""
        return self.bundle.description.feature_size

    @property
    def feature_space(self) -> str:
        """Which features can be compared with these."""
        return self.model.feature_space

    @cached_property
    def calibration(self) -> Calibration | None:
        """What scores mean; None where the bundle has no calibration of this model's features."""
        path = self.bundle.calibration
        if path is None or self.feature_space != self.bundle.description.feature_space:
            return None
        from reseen.calibration.calibration import read_calibration  # noqa: PLC0415 - scipy, which embedding does not need

        return read_calibration(path)

    def embed(self, images: Images, *, colour: Colour = "rgb") -> Float32[np.ndarray, "n d"]:
        """Unit-norm features, one row an image, in their order. No images give no rows.

        Args:
            images: one or many: paths of files or folders, bytes or open files, pictures of Pillow's, uint8 arrays or
                tensors; see `reseen.images.source.ImageLike`.
            colour: order of the channels of arrays and tensors: `rgb`, or `bgr` as OpenCV gives them.

        Raises:
            ImageError: an image cannot be read; it names the image.
            DatasetError: a folder holds no image.
            UsageError: something is no image, or is a URL.
            EngineError: the engine failed.
        """
        return self._whole(images, colour).features

    def embed_each(self, images: Images, progress: OnProgress | None = None, *, colour: Colour = "rgb") -> Embedded:
        """Like `embed`, but goes on where an image cannot be read, and says which.

        Args:
            images: as for `embed`.
            progress: told after every batch how many images are done, and how many there are.
            colour: as for `embed`.

        Raises:
            DatasetError: a folder holds no image.
            UsageError: something is no image, or is a URL.
            EngineError: the engine failed.
        """
        sources = image_sources(images, colour)
        return gather(reported(self.stream(sources), len(sources), progress), len(sources), self.feature_size)

    def stream(self, images: Images, *, colour: Colour = "rgb") -> Iterator[Embedded]:
        """Like `embed_each`, a batch or less at a time, so that memory does not grow with the number of images.

        Where the engine runs several calls at the same time, they share a batch: each decodes its images and then runs
        the model on them. So some decode while others compute, and none waits for the other within the model.

        Examples:
            >>> import numpy as np, reseen
            >>> frames = (np.full((64, 32, 3), grey, np.uint8) for grey in range(0, 250, 50))
            >>> with reseen.load() as embedder:
            ...     names = [name for batch in embedder.stream(frames) for name, feature in batch]
            >>> names
            ['image 0', 'image 1', 'image 2', 'image 3', 'image 4']

        Args:
            images: as for `embed`.
            colour: as for `embed`.

        Raises:
            DatasetError: a folder holds no image.
            UsageError: something is no image, or is a URL.
            EngineError: the engine failed.
        """
        sources = image_sources(images, colour)
        calls = self._engine.parallel_calls
        size = -(-self.batch_size // (PARTS_A_CALL * calls)) if calls > 1 else self.batch_size
        if len(sources) <= size:
            yield from [self._embed(sources)] if sources else []
            return
        turns = threading.Semaphore(calls)
        threads = calls if calls > 1 else self._decoders + 1
        yield from map_ahead(lambda part: self._embed(part, turns), sources, size=size, threads=threads)

    def embed_files(self, paths: Sequence[Path]) -> Generator[Float32[np.ndarray, "_ d"], None, None]:
        """Unit-norm features of image files in their order, a batch or less at a time; `stream`, as evaluations use it.

        Raises:
            ImageError: an image cannot be read; it names the path.
            EngineError: the engine failed.
        """
        for part in self.stream([ImageSource(str(path)) for path in paths]):
            for error in part.broken.values():
                raise error
            yield part.features

    def embed_detections(
        self,
        frame: ImageLike,
        detections: Any,
        *,
        colour: Colour = "rgb",
    ) -> Float32[np.ndarray, "n d"]:
        """Features of the boxes of a frame, one row a box; boxes are clipped to the frame.

        Examples:
            >>> import numpy as np, reseen
            >>> frame = np.zeros((480, 640, 3), np.uint8)
            >>> with reseen.load() as embedder:
            ...     features = embedder.embed_detections(frame, [[10, 20, 60, 150], [600, 300, 700, 500]], colour="bgr")
            >>> len(features)
            2

        Args:
            frame: one image.
            detections: `supervision.Detections`, or an array (n, 4) of left, top, right, bottom in pixels.
            colour: order of the channels of a frame that is an array.

        Raises:
            ImageError: the frame cannot be read, or boxes hold no pixel of it; it names them.
            UsageError: there are several frames, or the boxes are no boxes.
            EngineError: the engine failed.
        """
        sources = image_sources(frame, colour)
        if len(sources) != 1:
            raise UsageError("boxes are of one frame", expected="1", got=str(len(sources)), cure="call for each frame")
        return self.embed(crops(np.asarray(sources[0].decode()), detections))

    def compare(self, a: ImageLike, b: ImageLike, *, rate: float | None = None, colour: Colour = "rgb") -> Match:
        """How alike two images are, and whether that is one person.

        Args:
            a: an image.
            b: another.
            rate: share of the different-person pairs that may be called the same: 0.01, 0.001 or 0.0001; None: 0.001.
            colour: as for `embed`.

        Raises:
            ImageError: an image cannot be read.
            UsageError: one is a folder of several images, or the calibration does not know the rate.
            FeaturesError: the bundle's calibration cannot be read.
        """
        sources = image_sources([a, b], colour)
        if len(sources) != 2:
            raise UsageError(
                "compare takes two images, one each", expected="2", got=str(len(sources)), cure="give one image each"
            )
        both = self._whole(sources, colour)
        first, second = both.features
        which = {0: "the first image", 1: "the second image"}
        unlike = [f"{which[place]} is {how}" for place, how in self.differences(both).items()]
        return compared(self.calibration, float(first @ second), rate, " and ".join(unlike) or None)

    def differences(self, embedded: Embedded) -> dict[int, str]:
        """How images differ from all that the calibration was measured on, by their index, in words.

        No error rate holds for such images, and verdicts about them are `unsure`. Where nothing is known of what the
        images or the calibration's look like, none is told to differ.

        Args:
            embedded: images, as `embed_each` and `stream` give them.
        """
        usual = None if self.calibration is None else self.calibration.usual
        if usual is None or embedded.looks is None:
            return {}
        found = usual.differences(embedded.looks, embedded.features)
        return {index: how for index, how in enumerate(found) if how is not None}

    def similarity(self, a: Features, b: Features, *, colour: Colour = "rgb") -> Float32[np.ndarray, "n m"]:
        """Cosine similarities, -1 to 1, of all of `a` with all of `b`.

        Args:
            a: images as for `embed`, what they were embedded to, or features: floating-point (n, d), or (d,) for one.
            b: likewise.
            colour: as for `embed`.

        Raises:
            ImageError, DatasetError, EngineError: as `embed`.
            UsageError: something is no image, or features have another length than this model's.
            FeaturesError: features are those of another model.
        """
        scores: Float32[np.ndarray, "n m"] = self._known(a, colour).features @ self._known(b, colour).features.T
        return scores

    def search(
        self,
        query: Features,
        gallery: Features,
        k: int = 10,
        *,
        people: int | None = None,
        rate: float | None = None,
        colour: Colour = "rgb",
    ) -> tuple[Match, ...]:
        """The entries of a gallery that are most like a query, best first; equal scores in the gallery's order.

        Args:
            query: one image, or its feature.
            gallery: images as for `embed`, what they were embedded to, or features (n, d), which go by their index.
            k: entries to give, at most.
            people: in the gallery, at most, which verdicts depend on; None: every entry counts as a person.
            rate: share of strangers' searches that may name somebody (FPIR); None: 0.01.
            colour: as for `embed`.

        Raises:
            ImageError, DatasetError, EngineError: as `embed`.
            UsageError: several queries, no entry asked for, or something is neither an image nor this model's feature.
        """
        asked, known = self._known(query, colour), self._known(gallery, colour)
        if len(asked) != 1 or k < 1:
            raise UsageError(
                "a search has one query and at least one entry",
                expected="1 query, k ≥ 1",
                got=f"{len(asked)} queries, k = {k}",
                cure="search for each query; `similarity` compares many with many",
            )
        if not len(known):
            return ()
        scores = asked.features @ known.features.T
        first = largest(scores, min(k, len(known)))[0]
        within = Gallery(len(known), people, rate)
        of_query = next((f"the query is {how}" for how in self.differences(asked).values()), None)
        unlike = {index: f"it is {how}" for index, how in self.differences(known).items()}
        return tuple(
            found(
                self.calibration,
                float(scores[0, index]),
                known.names[index],
                within,
                of_query or unlike.get(int(index)),
            )
            for index in first
        )

    def close(self) -> None:
        """Let go of the model. It cannot be used any more."""
        self._closed = True
        self._engine.close()

    def __enter__(self) -> Embedder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _known(self, given: Features, colour: Colour) -> Embedded:
        """Features that were given, or those of images."""
        if isinstance(given, Embedded):
            given.require_space(self.feature_space)
            require_features(given.features, self.feature_size)
            return given
        if isinstance(given, np.ndarray) and np.issubdtype(given.dtype, np.floating):
            features = np.atleast_2d(given).astype(np.float32)
            require_features(features, self.feature_size)
            return Embedded(tuple(map(str, range(len(features)))), features, {})
        sources = image_sources(given, colour)
        return self._whole(sources, colour)

    def _whole(self, images: Images, colour: Colour) -> Embedded:
        """All of the images, or the error of the first that cannot be read."""
        embedded = self.embed_each(images, colour=colour)
        for error in embedded.broken.values():
            raise error
        return embedded

    def _embed(self, sources: Sequence[ImageSource], turns: threading.Semaphore | None = None) -> Embedded:
        """Some of the images, by one call of the engine; others are under way where there are `turns` to wait for."""
        batch = prepare(sources, self.preprocess)
        with turns or nullcontext():
            features = self._features(batch.pixels, shared=turns is not None)
        return Embedded(batch.names, features, batch.broken, batch.looks, self.feature_space)

    def _features(self, pixels: UInt8[np.ndarray, "n h w 3"], *, shared: bool) -> Float32[np.ndarray, "n d"]:
        expected = (len(pixels), self.feature_size)
        if not len(pixels):
            return np.empty(expected, dtype=np.float32)
        if self._closed:
            raise UsageError(
                "the embedder has been closed",
                expected="an open embedder",
                got="images",
                cure="load the bundle again: reseen.load",
            )
        features = self._engine.run(pixels, shared=shared)
        if features.shape != expected or features.dtype != np.float32:
            raise self._other_features(f"{expected} of float32", f"{features.shape} of {features.dtype}")
        lengths = np.linalg.norm(features, axis=1)
        if not (abs(lengths - 1) < MOST_OFF_UNIT).all():  # so that NaN is refused too
            raise self._other_features("features of unit length", f"lengths from {lengths.min()} to {lengths.max()}")
        return features

    def _other_features(self, expected: str, got: str) -> EngineError:
        return EngineError(
            f"{self.bundle.path(self.model)} does not give the features that the bundle describes",
            expected=expected,
            got=got,
            cure="export it again",
        )
